package main

import (
	"context"

	"github.com/p4gefau1t/trojan-go/common"
	"github.com/p4gefau1t/trojan-go/tunnel"
	"github.com/p4gefau1t/trojan-go/tunnel/freedom"

	"stealth-vpn/images/egress"
)

// guarded stands in for Trojan-Go's own tunnel/freedom, which resolves a name anew after its router has judged it.
type guarded struct{ guard *egress.Guard }

func (guarded) Name() string { return freedom.Name }

func (g guarded) NewClient(ctx context.Context, _ tunnel.Client) (tunnel.Client, error) {
	ctx, cancel := context.WithCancel(ctx)
	return &client{ctx: ctx, cancel: cancel, guard: g.guard}, nil
}

func (guarded) NewServer(context.Context, tunnel.Server) (tunnel.Server, error) {
	return nil, common.NewError("clients are not accepted on the way out")
}

type client struct {
	ctx    context.Context
	cancel context.CancelFunc
	guard  *egress.Guard
}

func (c *client) DialConn(address *tunnel.Address, _ tunnel.Tunnel) (tunnel.Conn, error) {
	connection, err := c.guard.Dial(c.ctx, "tcp", address.String())
	if err != nil {
		return nil, err
	}
	return &freedom.Conn{Conn: connection}, nil
}

func (c *client) DialPacket(tunnel.Tunnel) (tunnel.PacketConn, error) {
	socket, err := c.guard.ListenPacket()
	if err != nil {
		return nil, err
	}
	return packets{socket}, nil
}

func (c *client) Close() error {
	c.cancel()
	return nil
}

type packets struct{ *egress.PacketConn }

func (p packets) WriteWithMetadata(payload []byte, to *tunnel.Metadata) (int, error) {
	host := to.DomainName
	if to.AddressType != tunnel.DomainName {
		host = to.IP.String()
	}
	return p.WriteToHost(payload, host, uint16(to.Port))
}

func (p packets) ReadWithMetadata(payload []byte) (int, *tunnel.Metadata, error) {
	length, from, err := p.ReadFrom(payload)
	if err != nil {
		return 0, nil, err
	}
	address, err := tunnel.NewAddressFromAddr("udp", from.String())
	return length, &tunnel.Metadata{Address: address}, err
}
