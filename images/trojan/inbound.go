package main

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/p4gefau1t/trojan-go/common"
	"github.com/p4gefau1t/trojan-go/config"
	"github.com/p4gefau1t/trojan-go/redirector"
	"github.com/p4gefau1t/trojan-go/tunnel"
	"github.com/p4gefau1t/trojan-go/tunnel/simplesocks"
	"github.com/p4gefau1t/trojan-go/tunnel/trojan"
)

const (
	hashBytes = 56
	// muxName begins mux as its command does, by a connection to this name (tunnel/trojan/server.go).
	muxName = "MUX_CONN"
)

var errNoClient = errors.New("this is a server")

// inbound stands in for Trojan-Go's own tunnel/trojan. That one knows users by configuration or database only, leaves
// what a removed user has open, and writes hashes, which let in whoever has them, into its log.
type inbound struct{ users *accounts }

func (inbound) Name() string { return trojan.Name }

func (inbound) NewClient(context.Context, tunnel.Client) (tunnel.Client, error) {
	return nil, errNoClient
}

func (i inbound) NewServer(ctx context.Context, below tunnel.Server) (tunnel.Server, error) {
	chosen := config.FromContext(ctx, trojan.Name).(*trojan.Config)
	made := newListener(ctx, below)
	door := &door{
		listener: made, users: i.users, redirector: redirector.NewRedirector(made.ctx),
		cover: tunnel.NewAddressFromHostPort("tcp", chosen.RemoteHost, chosen.RemotePort),
	}
	go made.accept(i, door.take)
	return made, nil
}

// door lets users in, and leads everybody else to the cover site.
type door struct {
	*listener
	users      *accounts
	redirector *redirector.Redirector
	cover      *tunnel.Address
}

func (d *door) take(client tunnel.Conn) {
	rewinding := common.NewRewindConn(client)
	rewinding.SetBufferSize(2 * hashBytes)
	opened, wanted, err := d.read(rewinding)
	rewinding.StopBuffering()
	if err != nil {
		rewinding.Rewind()
		d.redirector.Redirect(&redirector.Redirection{InboundConn: rewinding, RedirectTo: d.cover})
		return
	}
	d.hand(opened, wanted)
}

// read takes the hash, CRLF, the request and CRLF (https://trojan-gfw.github.io/trojan/protocol).
func (d *door) read(client net.Conn) (*connection, *tunnel.Metadata, error) {
	hash := make([]byte, hashBytes)
	// One reading is all: who sends less is a visitor, whom the cover site answers without waiting for more.
	if length, err := client.Read(hash); err != nil || length != hashBytes {
		return nil, nil, errors.New("there is no hash")
	}
	opened := d.users.enter(string(hash), client)
	if opened == nil {
		return nil, nil, errors.New("the hash is nobody's")
	}
	wanted, err := readHeader(client)
	if err != nil {
		d.users.leave(opened)
		return nil, nil, err
	}
	return opened, wanted, nil
}

func readHeader(client net.Conn) (*tunnel.Metadata, error) {
	lineEnd := make([]byte, len("\r\n"))
	if _, err := io.ReadFull(client, lineEnd); err != nil {
		return nil, err
	}
	wanted, err := readRequest(client)
	if err != nil {
		return nil, err
	}
	if wanted.Command == trojan.Connect && wanted.DomainName == muxName {
		wanted.Command = trojan.Mux
	}
	_, err = io.ReadFull(client, lineEnd)
	return wanted, err
}

// inner stands in for Trojan-Go's own tunnel/simplesocks, which is spoken inside of mux. That one reads a stream's
// request before it takes the next stream, so that one client's silence stops all.
type inner struct{}

func (inner) Name() string { return simplesocks.Name }

func (inner) NewClient(context.Context, tunnel.Client) (tunnel.Client, error) {
	return nil, errNoClient
}

func (i inner) NewServer(ctx context.Context, below tunnel.Server) (tunnel.Server, error) {
	made := newListener(ctx, below)
	go made.accept(i, func(client tunnel.Conn) {
		wanted, err := readRequest(client)
		if err != nil || wanted.Command == trojan.Mux {
			_ = client.Close()
			return
		}
		made.hand(client, wanted)
	})
	return made, nil
}
