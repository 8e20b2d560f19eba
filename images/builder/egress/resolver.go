package egress

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
)

const dnsPort = 53

// newResolver returns a resolver that stays with a server until that one gives no answer, and then takes the next.
//
// Go asks the one server of the container's resolv.conf twice, so that one silent server costs a delay and no error.
func newResolver(servers []netip.Addr) *net.Resolver {
	var failures atomic.Uint32
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		before := failures.Load()
		server := netip.AddrPortFrom(servers[int(before)%len(servers)], dnsPort)
		failed := func() { failures.CompareAndSwap(before, before+1) }
		connection, err := new(net.Dialer).DialContext(ctx, network, server.String())
		if err != nil {
			failed()
			return nil, err
		}
		if socket, ok := connection.(*net.UDPConn); ok {
			return watched{socket, failed}, nil
		}
		return connection, nil
	}
	// Go's own, for the system's might ask others.
	return &net.Resolver{PreferGo: true, Dial: dial}
}

// watched tells when a server gave no answer.
type watched struct {
	*net.UDPConn
	failed func()
}

func (w watched) Read(answer []byte) (int, error) {
	length, err := w.UDPConn.Read(answer)
	if err != nil {
		w.failed()
	}
	return length, err
}
