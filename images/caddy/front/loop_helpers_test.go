package main

import (
	"bytes"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const patience = 2 * time.Second

// arrival is a datagram that a backend got.
type arrival struct {
	payload []byte
	from    netip.AddrPort
}

// backend records what it gets, and answers each datagram by its own name and the datagram.
type backend struct {
	name     string
	socket   *net.UDPConn
	arrivals chan arrival
}

func newBackend(t testing.TB, name, address string) *backend {
	t.Helper()
	socket, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
	if err != nil {
		t.Fatal(err)
	}
	made := &backend{name: name, socket: socket, arrivals: make(chan arrival, 4096)}
	t.Cleanup(func() { _ = socket.Close() })
	go made.serve()
	return made
}

func (running *backend) serve() {
	buffer := make([]byte, largestUDP)
	for {
		size, from, err := running.socket.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		running.arrivals <- arrival{bytes.Clone(buffer[:size]), from}
		_, _ = running.socket.WriteToUDPAddrPort(append([]byte(running.name), buffer[:size]...), from)
	}
}

func (running *backend) address() netip.AddrPort {
	return running.socket.LocalAddr().(*net.UDPAddr).AddrPort()
}

func (running *backend) next(t testing.TB) arrival {
	t.Helper()
	select {
	case got := <-running.arrivals:
		return got
	case <-time.After(patience):
		t.Fatalf("%s got nothing", running.name)
		return arrival{}
	}
}

func (running *backend) expect(t testing.TB, payload []byte) netip.AddrPort {
	t.Helper()
	got := running.next(t)
	if !bytes.Equal(got.payload, payload) {
		t.Fatalf("%s got %d bytes that begin with %x, not the %d sent", running.name, len(got.payload),
			got.payload[:min(len(got.payload), 8)], len(payload))
	}
	return got.from
}

func (running *backend) expectNothing(t testing.TB, within time.Duration) {
	t.Helper()
	select {
	case got := <-running.arrivals:
		t.Fatalf("%s got %d bytes", running.name, len(got.payload))
	case <-time.After(within):
	}
}

// server is a loop with its four backends.
type server struct {
	*loop
	wireguard, tuic, quic, site *backend
	port                        uint16
}

func serve(t testing.TB, change func(*options)) *server {
	t.Helper()
	made := prepare(t, change)
	made.start(t)
	return made
}

func (running *server) start(t testing.TB) {
	ended := make(chan error, 1)
	go func() { ended <- running.run() }()
	t.Cleanup(func() {
		running.stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// prepare makes a loop that does not run yet.
func prepare(t testing.TB, change func(*options)) *server {
	t.Helper()
	made := &server{
		wireguard: newBackend(t, "W", "127.0.0.1:0"), tuic: newBackend(t, "T", "127.0.0.1:0"),
		quic: newBackend(t, "Q", "[::1]:0"), site: newBackend(t, "S", "127.0.0.1:0"),
	}
	chosen := options{
		listen: ":0", names: [backendCount]string{toTUIC: tuicName, toQUIC: quicName}, most: 1000, idle: time.Minute,
		backends: [backendCount]netip.AddrPort{
			toWireguard: made.wireguard.address(), toTUIC: made.tuic.address(), toQUIC: made.quic.address(),
			toSite: made.site.address()},
	}
	if change != nil {
		change(&chosen)
	}
	running, err := newLoop(chosen, &counters{})
	if err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(running.listener)
	if err != nil {
		t.Fatal(err)
	}
	switch at := name.(type) {
	case *unix.SockaddrInet6:
		made.port = uint16(at.Port)
	case *unix.SockaddrInet4:
		made.port = uint16(at.Port)
	}
	made.loop = running
	return made
}

// client is a connected socket: it takes answers from the address that it sends to and from no other.
func (running *server) client(t testing.TB, host string) *net.UDPConn {
	t.Helper()
	return running.clientFrom(t, nil, host)
}

func (running *server) clientFrom(t testing.TB, from *net.UDPAddr, host string) *net.UDPConn {
	t.Helper()
	at := netip.AddrPortFrom(netip.MustParseAddr(host), running.port)
	socket, err := net.DialUDP("udp", from, net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	return socket
}

func send(t testing.TB, client *net.UDPConn, datagrams ...[]byte) {
	t.Helper()
	for _, datagram := range datagrams {
		if _, err := client.Write(datagram); err != nil {
			t.Fatal(err)
		}
	}
}

func expectAnswer(t testing.TB, client *net.UDPConn, parts ...[]byte) {
	t.Helper()
	buffer := make([]byte, largestUDP)
	_ = client.SetReadDeadline(time.Now().Add(patience))
	size, err := client.Read(buffer)
	if want := slices.Concat(parts...); err != nil || !bytes.Equal(buffer[:size], want) {
		t.Fatalf("answer of %d bytes (%v), want %d", size, err, len(want))
	}
}

// exchange sends a datagram and waits for the answer of the backend.
func exchange(t testing.TB, client *net.UDPConn, to *backend, datagram []byte) netip.AddrPort {
	t.Helper()
	send(t, client, datagram)
	from := to.expect(t, datagram)
	expectAnswer(t, client, []byte(to.name), datagram)
	return from
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

func message(first byte, size int) []byte {
	return append([]byte{first, 0, 0, 0}, make([]byte, size-4)...)
}

func wireguardMessage() []byte { return message(1, 148) }

func shortHeader() []byte { return message(fixedBit, 60) }

func unknownVersionDatagram() []byte {
	return append([]byte{0xc0, 0x1a, 0x2a, 0x3a, 0x4a}, make([]byte, smallestInitial)...)
}
