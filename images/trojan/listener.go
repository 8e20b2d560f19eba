package main

import (
	"context"
	"net"

	"github.com/p4gefau1t/trojan-go/tunnel"
	"github.com/p4gefau1t/trojan-go/tunnel/mux"
	"github.com/p4gefau1t/trojan-go/tunnel/trojan"
)

// listener hands on what comes from the tunnel below, by what its clients want.
type listener struct {
	ctx     context.Context
	cancel  context.CancelFunc
	below   tunnel.Server
	streams chan tunnel.Conn
	muxes   chan tunnel.Conn
	packets chan tunnel.PacketConn
}

func newListener(ctx context.Context, below tunnel.Server) *listener {
	ctx, cancel := context.WithCancel(ctx)
	return &listener{
		ctx: ctx, cancel: cancel, below: below,
		streams: make(chan tunnel.Conn), muxes: make(chan tunnel.Conn), packets: make(chan tunnel.PacketConn),
	}
}

// accept takes each connection in a goroutine, for a client may keep silent.
func (l *listener) accept(self tunnel.Tunnel, take func(tunnel.Conn)) {
	for l.ctx.Err() == nil {
		// An error is a connection that was nothing for this tunnel; the one below has seen to it.
		if connection, err := l.below.AcceptConn(self); err == nil {
			go take(connection)
		}
	}
}

func (l *listener) hand(client net.Conn, wanted *tunnel.Metadata) {
	asked := &stream{client, wanted}
	switch wanted.Command {
	case trojan.Connect:
		l.streams <- asked
	case trojan.Associate:
		l.packets <- &session{trojan.PacketConn{Conn: asked}}
	case trojan.Mux:
		l.muxes <- asked
	default:
		_ = client.Close()
	}
}

// AcceptConn implements tunnel.Server.
func (l *listener) AcceptConn(next tunnel.Tunnel) (tunnel.Conn, error) {
	wanted := l.streams
	if _, isMux := next.(*mux.Tunnel); isMux {
		wanted = l.muxes
	}
	select {
	case made := <-wanted:
		return made, nil
	case <-l.ctx.Done():
		return nil, l.ctx.Err()
	}
}

// AcceptPacket implements tunnel.Server.
func (l *listener) AcceptPacket(tunnel.Tunnel) (tunnel.PacketConn, error) {
	select {
	case made := <-l.packets:
		return made, nil
	case <-l.ctx.Done():
		return nil, l.ctx.Err()
	}
}

// Close implements tunnel.Server.
func (l *listener) Close() error {
	l.cancel()
	return l.below.Close()
}
