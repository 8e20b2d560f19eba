package main

import (
	"encoding/binary"
	"iter"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// Without GRO a message is one datagram, and then many per call matter; with it the buffers stay unused.
	batchMessages = 32
	largestUDP    = 65_535
	// Room for UDP_GRO and IPV6_PKTINFO, each below 48 bytes with its header.
	controlBytes = 96
)

// multiHeader is struct mmsghdr of recvmmsg(2).
type multiHeader struct {
	header unix.Msghdr
	length uint32
}

// batch receives many messages by one system call, each of up to 64 KB of datagrams that GRO put together.
type batch struct {
	headers  [batchMessages]multiHeader
	vectors  [batchMessages]unix.Iovec
	clients  [batchMessages]address
	controls [batchMessages][controlBytes]byte
	buffers  [batchMessages][]byte
	used     int // headers that the kernel has written to since they were reset
}

func newBatch() *batch {
	made := &batch{}
	for index := range made.headers {
		made.buffers[index] = make([]byte, largestUDP)
		made.vectors[index].Base = &made.buffers[index][0]
		made.vectors[index].SetLen(largestUDP)
		header := &made.headers[index].header
		header.Name = &made.clients[index][0]
		header.Iov = &made.vectors[index]
		header.SetIovlen(1)
		header.Control = &made.controls[index][0]
	}
	made.used = batchMessages
	return made
}

// receive returns the number of messages that were there, without waiting for one.
func (received *batch) receive(socket int) (int, error) {
	// The kernel cuts the room that it was given to what it wrote.
	for index := range received.used {
		received.headers[index].header.Namelen = unix.SizeofSockaddrInet6
		received.headers[index].header.SetControllen(controlBytes)
	}
	received.used = 0
	// Raw, here and in send: neither call waits, and the scheduler would take the thread's turn away meanwhile.
	count, _, failure := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(socket),
		uintptr(unsafe.Pointer(&received.headers[0])), batchMessages, unix.MSG_DONTWAIT, 0, 0)
	if failure != 0 {
		return 0, failure
	}
	received.used = int(count)
	return int(count), nil
}

func (received *batch) payload(index int) []byte {
	return received.buffers[index][:received.headers[index].length]
}

// controlOf returns the size of the datagrams in a message, and the control message that says which of our
// addresses they were sent to; it may be sent back as it is (ip(7), ipv6(7)).
func (received *batch) controlOf(index int) (segment int, local []byte) {
	segment = int(received.headers[index].length)
	rest := received.controls[index][:received.headers[index].header.Controllen]
	for len(rest) >= unix.SizeofCmsghdr {
		header := (*unix.Cmsghdr)(unsafe.Pointer(&rest[0]))
		length := int(header.Len)
		if length < unix.SizeofCmsghdr || length > len(rest) {
			break
		}
		if header.Level == unix.SOL_UDP && header.Type == unix.UDP_GRO {
			segment = max(1, int(int32(binary.NativeEndian.Uint32(rest[unix.CmsgLen(0):]))))
		} else if isLocalAddress(header) {
			local = rest[:length]
		}
		rest = rest[min(len(rest), unix.CmsgSpace(length-unix.CmsgLen(0))):]
	}
	return segment, local
}

func isLocalAddress(header *unix.Cmsghdr) bool {
	return header.Level == unix.IPPROTO_IP && header.Type == unix.IP_PKTINFO ||
		header.Level == unix.IPPROTO_IPV6 && header.Type == unix.IPV6_PKTINFO
}

// segments cuts a message into its datagrams; only the last may be shorter.
func segments(payload []byte, segment int) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(payload) > 0 {
			size := min(segment, len(payload))
			if !yield(payload[:size]) {
				return
			}
			payload = payload[size:]
		}
	}
}
