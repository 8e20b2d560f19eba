package live

import (
	"context"
	"net"

	"github.com/sagernet/sing-box/adapter"
	"github.com/sagernet/sing-box/adapter/inbound"
	"github.com/sagernet/sing-box/common/listener"
	"github.com/sagernet/sing-box/common/tls"
	"github.com/sagernet/sing-box/constant"
	"github.com/sagernet/sing-box/log"
	"github.com/sagernet/sing-box/option"
	"github.com/sagernet/sing/common"
	"github.com/sagernet/sing/common/metadata"
	"github.com/sagernet/sing/common/network"
)

// quicOptions are what the file says of Hysteria2 and TUIC alike.
type quicOptions struct {
	option.ListenOptions
	option.InboundTLSOptionsContainer
}

// quicInbound is what Hysteria2 and TUIC have in common: a UDP socket, TLS and members.
type quicInbound struct {
	inbound.Adapter
	router   adapter.ConnectionRouterEx
	listener *listener.Listener
	tls      tls.ServerConfig
	roster   *roster
	service  quicService
}

// quicService is a protocol's library.
type quicService interface {
	Start(net.PacketConn) error
	Close() error
}

func newQUIC(
	ctx context.Context, kind, tag string, router adapter.ConnectionRouterEx, logger log.ContextLogger,
	options quicOptions,
) (*quicInbound, error) {
	if options.TLS == nil || !options.TLS.Enabled {
		return nil, constant.ErrTLSRequired
	}
	config, err := tls.NewServer(ctx, logger, *options.TLS)
	if err != nil {
		return nil, err
	}
	options.UDPFragmentDefault = true // as sing-box's own inbounds
	socket := listener.New(listener.Options{Context: ctx, Logger: logger, Listen: options.ListenOptions})
	return &quicInbound{Adapter: inbound.NewAdapter(kind, tag), router: router, listener: socket, tls: config}, nil
}

// Start listens (adapter.Inbound).
func (in *quicInbound) Start(stage adapter.StartStage) error {
	if stage != adapter.StartStateStart {
		return nil
	}
	if err := in.tls.Start(); err != nil {
		return err
	}
	socket, err := in.listener.ListenUDP()
	if err != nil {
		return err
	}
	return in.service.Start(socket)
}

// Close ends all sessions (adapter.Inbound).
func (in *quicInbound) Close() error { return common.Close(in.listener, in.tls, in.service) }

// NewConnectionEx routes a stream of a member's.
func (in *quicInbound) NewConnectionEx(
	ctx context.Context, stream net.Conn, source, destination metadata.Socksaddr, onClose network.CloseHandlerFunc,
) {
	member := in.roster.find(ctx)
	if member == nil {
		_ = network.CloseOnHandshakeFailure(stream, onClose, errGone)
		return
	}
	about := in.about(member, source, destination)
	in.router.RouteConnectionEx(log.ContextWithNewID(ctx), member.track(stream), about, onClose)
}

// NewPacketConnectionEx routes a UDP session of a member's.
func (in *quicInbound) NewPacketConnectionEx(
	ctx context.Context, session network.PacketConn, source, destination metadata.Socksaddr,
	onClose network.CloseHandlerFunc,
) {
	member := in.roster.find(ctx)
	if member == nil {
		_ = network.CloseOnHandshakeFailure(session, onClose, errGone)
		return
	}
	about := in.about(member, source, destination)
	in.router.RoutePacketConnectionEx(log.ContextWithNewID(ctx), member.trackPackets(session), about, onClose)
}

func (in *quicInbound) about(member *member, source, destination metadata.Socksaddr) adapter.InboundContext {
	return adapter.InboundContext{
		Inbound: in.Tag(), InboundType: in.Type(), Source: source, Destination: destination, User: member.name,
	}
}
