package egress

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func receiver(t *testing.T) (*net.UDPConn, netip.AddrPort) {
	t.Helper()
	socket, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	return socket, socket.LocalAddr().(*net.UDPAddr).AddrPort()
}

func received(t *testing.T, socket *net.UDPConn) string {
	t.Helper()
	if err := socket.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	packet := make([]byte, 100)
	length, err := socket.Read(packet)
	if err != nil {
		return ""
	}
	return string(packet[:length])
}

func TestEachPacketOfASocketIsCheckedAndARefusedOneEndsNothing(t *testing.T) {
	refused, address := receiver(t)
	guard := mustLoad(t, rules)
	socket, err := guard.ListenPacket()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for _, host := range []string{"127.0.0.1", "::ffff:127.0.0.1", "localhost"} {
		if length, err := socket.WriteToHost([]byte("no"), host, address.Port()); length != 2 || err != nil {
			t.Errorf("%s: %d, %v; want the packet to be lost in silence", host, length, err)
		}
	}
	if _, err := socket.WriteTo([]byte("no"), net.UDPAddrFromAddrPort(address)); err != nil {
		t.Error(err)
	}
	// No name, no route, and no host at all.
	for _, host := range []string{"no name", "2001:db8::1", ""} {
		if _, err := socket.WriteToHost([]byte("no"), host, address.Port()); err != nil {
			t.Errorf("%q ends the session: %v", host, err)
		}
	}
	if got := received(t, refused); got != "" {
		t.Errorf("%q went through", got)
	}
	open := mustLoad(t, strings.Replace(rules, "127.0.0.0/8", "172.16.0.0/12", 1))
	other, err := open.ListenPacket()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.WriteToHost([]byte("yes"), "127.0.0.1", address.Port()); err != nil {
		t.Error(err)
	}
	if got := received(t, refused); got != "yes" {
		t.Errorf("%q, want what is not refused", got)
	}
}

func TestAClosedSocketSaysSo(t *testing.T) {
	_, address := receiver(t)
	socket, err := mustLoad(t, strings.Replace(rules, "127.0.0.0/8", "172.16.0.0/12", 1)).ListenPacket()
	if err != nil {
		t.Fatal(err)
	}
	_ = socket.Close()
	if _, err := socket.WriteTo([]byte("x"), net.UDPAddrFromAddrPort(address)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, want an end for the daemon's loop", err)
	}
}

// lookups is a resolver that gives every name 127.0.0.1 and fe80::1, which nothing reaches without a zone, and counts
// what it is asked.
func lookups(t *testing.T) (*net.Resolver, *atomic.Int32) {
	t.Helper()
	socket, address := receiver(t)
	count := new(atomic.Int32)
	go func() {
		for query := make([]byte, 512); ; {
			_, client, err := socket.ReadFromUDPAddrPort(query)
			if err != nil {
				return
			}
			count.Add(1)
			// RFC 1035 section 4.1: the question ends with an empty label, a type and a class.
			end := 12 + bytes.IndexByte(query[12:], 0) + 5
			kind, address := query[end-3], netip.MustParseAddr("127.0.0.1")
			if kind == 28 { // type AAAA (RFC 3596)
				address = netip.MustParseAddr("fe80::1")
			}
			answer := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0}, query[12:end]...)
			answer = append(answer, 0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 0, 0, byte(address.BitLen()/8))
			_, _ = socket.WriteToUDPAddrPort(append(answer, address.AsSlice()...), client) // its loss is seen as silence
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", address.String())
	}}, count
}

func TestOfANameOfBothFamiliesTheAddressThatCanBeReachedIsTaken(t *testing.T) {
	guard := mustLoad(t, `{"refuse": ["10.0.0.0/8"], "resolvers": ["192.0.2.1"]}`)
	guard.resolver, _ = lookups(t)
	for range 5 {
		address, err := guard.Resolve(t.Context(), "some.example.")
		if err != nil || address.Unmap().String() != "127.0.0.1" {
			t.Errorf("%v, %v", address, err)
		}
	}
}

func TestANameIsLookedUpOnceForASession(t *testing.T) {
	target, address := receiver(t)
	guard := mustLoad(t, strings.Replace(rules, "127.0.0.0/8", "172.16.0.0/12", 1))
	resolver, count := lookups(t)
	guard.resolver = resolver
	socket, err := guard.ListenPacket()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for range 5 {
		if _, err := socket.WriteToHost([]byte("yes"), "some.example.", address.Port()); err != nil {
			t.Fatal(err)
		}
		if got := received(t, target); got != "yes" {
			t.Fatalf("%q", got)
		}
	}
	if asked := count.Load(); asked != 2 { // for A and for AAAA
		t.Errorf("asked %d times", asked)
	}
}
