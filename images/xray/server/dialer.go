package main

import (
	"context"
	"net"
	"net/netip"

	xray "github.com/xtls/xray-core/common/net"
	"github.com/xtls/xray-core/transport/internet"

	"stealth-vpn/images/egress"
)

// dialer makes the sockets of Xray's outbounds. REALITY reaches its target by a dialer of its own, unguarded.
type dialer struct{ guard *egress.Guard }

func (d dialer) Dial(
	ctx context.Context, _ xray.Address, to xray.Destination, _ *internet.SocketConfig,
) (net.Conn, error) {
	if to.Network != xray.Network_UDP {
		socket, err := d.guard.Dial(ctx, "tcp", to.NetAddr())
		if opened, ok := ctx.Value(connectionKey{}).(*connection); ok && err == nil {
			opened.socket.Store(socket.(*net.TCPConn))
		}
		return socket, err
	}
	host := to.Address.String()
	if to.Address.Family().IsIP() {
		host = to.Address.IP().String() // Xray's own text of an IPv6 address has brackets
	}
	address, err := d.guard.Resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	socket, err := d.guard.ListenPacket()
	if err != nil {
		return nil, err
	}
	// Xray writes packets with destinations of their own (XUDP) to what is inside this type (proxy/freedom).
	target := net.UDPAddrFromAddrPort(netip.AddrPortFrom(address, to.Port.Value()))
	return &internet.PacketConnWrapper{PacketConn: socket, Dest: target}, nil
}

func (dialer) DestIpAddress() net.IP { return nil }
