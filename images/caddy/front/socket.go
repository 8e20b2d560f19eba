package main

import (
	"encoding/binary"
	"errors"
	"hash/maphash"
	"net/netip"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel gives at most net.core.rmem_max and wmem_max; this holds some 60 batches of 64 KB.
const socketBuffer = 4 << 20

// address is a socket address as the kernel writes it: compared and sent back, hardly ever understood.
type address [unix.SizeofSockaddrInet6]byte

// length of the address that recvmsg wrote; an IPv4 one is followed by zeros.
func (raw *address) length() uint32 {
	if raw.family() == unix.AF_INET {
		return unix.SizeofSockaddrInet4
	}
	return unix.SizeofSockaddrInet6
}

func (raw *address) family() uint16 { return *(*uint16)(unsafe.Pointer(raw)) }

// source is whom the address belongs to: an IPv4 address, or the /64 that one IPv6 subscriber has to himself.
func (raw *address) source() [16]byte {
	var source [16]byte
	if raw.family() == unix.AF_INET {
		copy(source[:], raw[4:8])
		return source
	}
	copy(source[:], raw[8:24])
	if !netip.AddrFrom16(source).Is4In6() {
		clear(source[8:])
	}
	return source
}

// listen opens the public socket; ":443" is IPv6 and IPv4 where the kernel has both, else IPv4.
func listen(text string) (int, error) {
	if strings.HasPrefix(text, ":") {
		socket, err := listen("[::]" + text)
		if !errors.Is(err, unix.EAFNOSUPPORT) && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return socket, err
		}
		text = "0.0.0.0" + text
	}
	at, err := netip.ParseAddrPort(text)
	if err != nil {
		return -1, err
	}
	socket, err := newSocket(at.Addr())
	if err != nil {
		return -1, err
	}
	if at.Addr().Is4() {
		err = unix.SetsockoptInt(socket, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
	} else {
		err = errors.Join(
			unix.SetsockoptInt(socket, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0),
			unix.SetsockoptInt(socket, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1))
	}
	if err == nil {
		err = os.NewSyscallError("bind "+text, unix.Bind(socket, toSockaddr(at)))
	}
	if err != nil {
		_ = unix.Close(socket)
		return -1, err
	}
	return socket, nil
}

// dial opens a flow's own socket to its backend, whose port tells the backend's answers apart.
func dial(backend netip.AddrPort, client *address) (int, error) {
	socket, err := newSocket(backend.Addr())
	if err != nil {
		return -1, err
	}
	if backend.Addr().Is4() && backend.Addr().IsLoopback() {
		err = os.NewSyscallError("bind", unix.Bind(socket, toSockaddr(netip.AddrPortFrom(standIn(client), 0))))
	}
	if err == nil {
		err = os.NewSyscallError("connect "+backend.String(), unix.Connect(socket, toSockaddr(backend)))
	}
	if err != nil {
		_ = unix.Close(socket)
		return -1, err
	}
	return socket, nil
}

const (
	// 127.1.0.0 to 127.255.255.254: without the first /16, in which a machine has services of its own, and the
	// broadcast address.
	firstStandIn = 127<<24 | 1<<16
	standIns     = 1<<24 - 1<<16 - 1
)

// Without a secret in it, whoever has many addresses could choose one that shares somebody's stand-in.
var standInSeed = maphash.MakeSeed()

// standIn is the loopback address that a backend on this machine sees in the client's stead, so that it can count by
// client. The kernel takes all of 127.0.0.0/8 as our own, without a right and without any setup.
func standIn(client *address) netip.Addr {
	number := firstStandIn + maphash.Comparable(standInSeed, client.source())%standIns
	var octets [4]byte
	binary.BigEndian.PutUint32(octets[:], uint32(number))
	return netip.AddrFrom4(octets)
}

func newSocket(at netip.Addr) (int, error) {
	family := unix.AF_INET6
	if at.Is4() {
		family = unix.AF_INET
	}
	socket, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	// Each may be refused by an old kernel or a tight limit, and all still works, only slower.
	_ = unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_RCVBUF, socketBuffer)
	_ = unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_SNDBUF, socketBuffer)
	_ = unix.SetsockoptInt(socket, unix.SOL_UDP, unix.UDP_GRO, 1)
	setCutting(socket, false)
	return socket, nil
}

// setCutting tells what becomes of datagrams that are too large for their path. QUIC probes for its MTU (RFC 9000
// section 14.3), so that its own must be lost: DF on every packet, and no notice of ICMP. WireGuard does not probe and
// sends without DF (drivers/net/wireguard/socket.c): without cutting, a client on a narrow line would get nothing large.
// IPv4 routers then cut; for IPv6 the kernel does, from the first Packet Too Big on.
func setCutting(socket int, cut bool) {
	mode := unix.IP_PMTUDISC_PROBE
	if cut {
		mode = unix.IP_PMTUDISC_DONT
	}
	_ = unix.SetsockoptInt(socket, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, mode)
	// The numbers of both families are the same; on an IPv4 socket this one is refused.
	_ = unix.SetsockoptInt(socket, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, mode)
}

// canSegment tells whether the kernel cuts one large send into datagrams (UDP_SEGMENT, Linux 4.18).
func canSegment(socket int) bool {
	_, err := unix.GetsockoptInt(socket, unix.SOL_UDP, unix.UDP_SEGMENT)
	return err == nil
}

func toSockaddr(at netip.AddrPort) unix.Sockaddr {
	if at.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(at.Port()), Addr: at.Addr().As16()}
}
