package main

import (
	"context"
	"net"

	"github.com/sagernet/sing-box/adapter"
	"github.com/sagernet/sing-box/adapter/outbound"
	"github.com/sagernet/sing-box/log"
	"github.com/sagernet/sing/common/buf"
	metadata "github.com/sagernet/sing/common/metadata"
	"github.com/sagernet/sing/common/network"

	"stealth-vpn/images/egress"
)

const kind = "egress"

// rules are all that the configuration may say of this outbound.
type rules struct {
	File string `json:"rules"`
}

type guarded struct {
	outbound.Adapter
	guard *egress.Guard
}

func register(registry *outbound.Registry) {
	outbound.Register[rules](registry, kind, func(
		_ context.Context, _ adapter.Router, _ log.ContextLogger, tag string, options rules,
	) (adapter.Outbound, error) {
		guard, err := egress.Load(options.File)
		if err != nil {
			return nil, err
		}
		networks := []string{network.NetworkTCP, network.NetworkUDP}
		return &guarded{outbound.NewAdapter(kind, tag, networks, nil), guard}, nil
	})
}

func (g *guarded) DialContext(ctx context.Context, name string, to metadata.Socksaddr) (net.Conn, error) {
	return g.guard.Dial(ctx, network.NetworkName(name), to.String())
}

func (g *guarded) ListenPacket(context.Context, metadata.Socksaddr) (net.PacketConn, error) {
	socket, err := g.guard.ListenPacket()
	if err != nil {
		return nil, err
	}
	return packets{socket}, nil
}

// packets has sing's own form of a packet connection beside Go's, for only that one carries names.
type packets struct{ *egress.PacketConn }

func (p packets) ReadPacket(into *buf.Buffer) (metadata.Socksaddr, error) {
	_, from, err := into.ReadPacketFrom(p)
	if err != nil {
		return metadata.Socksaddr{}, err
	}
	return metadata.SocksaddrFromNet(from).Unwrap(), nil
}

func (p packets) WritePacket(packet *buf.Buffer, to metadata.Socksaddr) error {
	defer packet.Release()
	host := to.Fqdn
	if to.IsIP() {
		host = to.Addr.String()
	}
	_, err := p.WriteToHost(packet.Bytes(), host, to.Port)
	return err
}
