package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

const (
	// While a name is looked up, the session's other packets wait.
	resolveTimeout = 5 * time.Second
	mostNames      = 256
)

// PacketConn is a UDP socket that checks the destination of each packet. What may not or cannot go is lost, as packets
// are: for an error the daemons would end the session, with all its other destinations.
type PacketConn struct {
	// Only the interface: a *net.UDPConn has more ways to write, which would pass by the check.
	net.PacketConn
	guard *Guard
	// Go's resolver keeps no answers, and a session sends thousands of packets to one name.
	known map[string]netip.Addr
}

// ListenPacket opens a socket of both families on a port of the system's choice.
func (g *Guard) ListenPacket() (*PacketConn, error) {
	socket, err := net.ListenPacket("udp", "")
	if err != nil {
		return nil, err
	}
	return &PacketConn{PacketConn: socket, guard: g, known: map[string]netip.Addr{}}, nil
}

// WriteTo sends one packet to a *net.UDPAddr.
func (c *PacketConn) WriteTo(payload []byte, address net.Addr) (int, error) {
	target, ok := address.(*net.UDPAddr)
	if !ok || c.guard.Check(target.AddrPort().Addr()) != nil {
		return len(payload), nil
	}
	if _, err := c.PacketConn.WriteTo(payload, target); errors.Is(err, net.ErrClosed) {
		return 0, err
	}
	return len(payload), nil
}

// WriteToHost sends one packet to a name or an address as text; only one goroutine may use it.
func (c *PacketConn) WriteToHost(payload []byte, host string, port uint16) (int, error) {
	address, err := c.resolve(host)
	if err != nil {
		return len(payload), nil
	}
	return c.WriteTo(payload, net.UDPAddrFromAddrPort(netip.AddrPortFrom(address, port)))
}

func (c *PacketConn) resolve(host string) (netip.Addr, error) {
	if address, ok := c.known[host]; ok {
		return address, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveTimeout)
	defer cancel()
	address, err := c.guard.Resolve(ctx, host)
	if err != nil {
		return address, err
	}
	if len(c.known) >= mostNames {
		clear(c.known)
	}
	c.known[host] = address
	return address, nil
}
