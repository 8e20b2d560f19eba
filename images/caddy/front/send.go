package main

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// UDP_MAX_SEGMENTS of kernels before 6.9, and what fits into one IPv4 datagram.
	mostSegments  = 64
	largestBuffer = 65_507
	// The whole network card or bridge is behind; a datagram that waits longer than this is better lost.
	sendWait = 5 // milliseconds
)

// target is where datagrams go: a connected socket, or a client behind the public one.
type target struct {
	socket int
	name   *address // nil for a connected socket
	local  []byte   // control message with our own address towards the client
	cut    bool     // what is too large for the path may be cut up; on a connected socket nothing is
}

// sender gathers datagrams of one target and size and gives them to the kernel by one call. It keeps pointers
// into the buffers it is given until flush.
type sender struct {
	segmentation bool
	cutting      bool // what the public socket was last told, see setCutting
	stats        *counters

	to       target
	vectors  [mostSegments]unix.Iovec
	single   [1]unix.Iovec
	count    int // vectors in use
	segments int
	bytes    int
	size     int  // of each datagram but perhaps the last
	short    bool // the last is shorter, and nothing may follow
	header   unix.Msghdr
	control  [controlBytes]byte
}

// add takes a message of datagrams of the given size, sending what is there if the two cannot go together.
func (out *sender) add(to target, payload []byte, size int) {
	segments := (len(payload) + size - 1) / size
	if out.count > 0 && !out.fits(to, payload, size, segments) {
		out.flush()
	}
	if out.count == 0 {
		out.to, out.size = to, size
	}
	out.vectors[out.count].Base = &payload[0]
	out.vectors[out.count].SetLen(len(payload))
	out.count++
	out.segments += segments
	out.bytes += len(payload)
	out.short = len(payload)%out.size != 0
}

func (out *sender) fits(to target, payload []byte, size, segments int) bool {
	single := segments == 1 && len(payload) <= out.size // without GRO a last, shorter one tells no other size
	return out.segmentation && !out.short && (size == out.size || single) &&
		out.to.socket == to.socket && out.to.name == to.name &&
		out.segments+segments <= mostSegments && out.bytes+len(payload) <= largestBuffer
}

// flush sends what was gathered; what the network cannot take is lost, as on any other hop.
func (out *sender) flush() {
	if out.count == 0 {
		return
	}
	out.stats.forwarded(out.to.name != nil, out.bytes)
	if out.to.name != nil && out.to.cut != out.cutting {
		setCutting(out.to.socket, out.to.cut)
		out.cutting = out.to.cut
	}
	failure := unix.EIO
	if out.segmentation || out.segments == 1 {
		failure = out.send(out.vectors[:out.count], out.segments > 1)
	}
	switch {
	case failure == 0:
	case out.segments > 1 && (failure == unix.EINVAL || failure == unix.EMSGSIZE || failure == unix.EIO):
		out.sendEach()
	default:
		out.stats.unsendable.Add(uint64(out.segments))
	}
	out.count, out.segments, out.bytes, out.short = 0, 0, 0, false
}

// sendEach is for a kernel or device without segmentation, and for datagrams that are larger than the path allows.
func (out *sender) sendEach() {
	for _, vector := range out.vectors[:out.count] {
		for datagram := range segments(unsafe.Slice(vector.Base, vector.Len), out.size) {
			out.single[0].Base = &datagram[0]
			out.single[0].SetLen(len(datagram))
			if out.send(out.single[:], false) != 0 {
				out.stats.unsendable.Add(1)
			}
		}
	}
}

// send tries twice: the first call may only report an ICMP error of an earlier datagram, or a full queue.
func (out *sender) send(vectors []unix.Iovec, segmented bool) unix.Errno {
	out.prepare(vectors, segmented)
	failure := out.call()
	if failure == unix.EAGAIN {
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(out.to.socket), Events: unix.POLLOUT}}, sendWait)
	}
	if failure == unix.EAGAIN || failure == unix.ECONNREFUSED || failure == unix.EINTR {
		failure = out.call()
	}
	return failure
}

func (out *sender) call() unix.Errno {
	_, _, failure := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(out.to.socket),
		uintptr(unsafe.Pointer(&out.header)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	return failure
}

func (out *sender) prepare(vectors []unix.Iovec, segmented bool) {
	out.header.Name, out.header.Namelen = nil, 0
	if out.to.name != nil {
		out.header.Name, out.header.Namelen = &out.to.name[0], out.to.name.length()
	}
	out.header.Iov = &vectors[0]
	out.header.SetIovlen(len(vectors))
	used := copy(out.control[:], out.to.local)
	if segmented {
		used += putSegmentSize(out.control[used:], out.size)
	}
	out.header.Control = nil
	if used > 0 {
		out.header.Control = &out.control[0]
	}
	out.header.SetControllen(used)
}

// putSegmentSize writes the control message UDP_SEGMENT and returns its length (udp(7)).
func putSegmentSize(room []byte, size int) int {
	header := (*unix.Cmsghdr)(unsafe.Pointer(&room[0]))
	header.Level, header.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	header.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(room[unix.CmsgLen(0):], uint16(size))
	return unix.CmsgSpace(2)
}
