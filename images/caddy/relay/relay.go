// Package relay is caddy-l4's handler `relay`: it joins a connection to a daemon behind it.
//
// caddy-l4's own `proxy` (modules/l4proxy/proxy.go at v0.1.2) hides the sockets from Go's io.Copy, so that each byte
// is copied through user space, by 8 KB at a time on the way up. Here the kernel moves them from socket to socket
// by splice(2) where Caddy does not end the TLS.
//
//	relay <host>:<port> [proxy_protocol | hang_up]
package relay

import (
	"io"
	"net"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/mholt/caddy-l4/layer4"
	"github.com/pires/go-proxyproto"
)

// The daemons are on the same machine; one that takes longer is not there.
const dialTimeout = 5 * time.Second

func init() { caddy.RegisterModule(&Relay{}) }

// Relay is the handler.
type Relay struct {
	// Upstream is the daemon's HOST:PORT.
	Upstream string `json:"upstream"`
	// ProxyProtocol tells the daemon the client's address first, by the PROXY protocol's version 2.
	ProxyProtocol bool `json:"proxy_protocol,omitempty"`
	// HangUp ends the connection when the daemon has said all, as Go's web server does; to wait until the client
	// ends it too would tell a prober that there is a proxy.
	HangUp bool `json:"hang_up,omitempty"`
}

// CaddyModule names the handler.
func (*Relay) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "layer4.handlers.relay", New: func() caddy.Module { return new(Relay) }}
}

// UnmarshalCaddyfile reads the one line.
func (relay *Relay) UnmarshalCaddyfile(line *caddyfile.Dispenser) error {
	line.Next() // the handler's name
	if !line.AllArgs(&relay.Upstream) {
		var word string
		if !line.Args(&word) || line.NextArg() {
			return line.ArgErr()
		}
		relay.ProxyProtocol, relay.HangUp = word == "proxy_protocol", word == "hang_up"
		if !relay.ProxyProtocol && !relay.HangUp {
			return line.ArgErr()
		}
	}
	if _, _, err := net.SplitHostPort(relay.Upstream); err != nil {
		return line.WrapErr(err)
	}
	return nil
}

// Handle joins the two until both have ended. That a connection breaks is everyday, and no error of ours.
func (relay *Relay) Handle(down *layer4.Connection, _ layer4.Handler) error {
	up, err := net.DialTimeout("tcp", relay.Upstream, dialTimeout)
	if err != nil {
		return err
	}
	defer up.Close()
	if relay.ProxyProtocol {
		header := proxyproto.HeaderProxyFromAddrs(2, down.RemoteAddr(), down.LocalAddr())
		header.Command = proxyproto.PROXY
		if _, err := header.WriteTo(up); err != nil {
			return err
		}
	}
	// What the matchers have read; after that the socket below can be used itself.
	if _, err := io.CopyN(up, down, int64(len(down.MatchingBytes()))); err != nil {
		return err
	}
	if relay.HangUp {
		join(ending{down.Conn}, up)
	} else {
		join(down.Conn, up)
	}
	return nil
}

// ending is a connection whose end of writing is its end; over TLS it says so first.
type ending struct{ net.Conn }

func (connection ending) CloseWrite() error { return connection.Close() }

func join(down, up net.Conn) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		pass(up, down)
	}()
	pass(down, up)
	<-done
}

// pass copies one way and passes on its end: an orderly one leaves the other way open, a break ends both.
func pass(into, from net.Conn) {
	_, err := io.Copy(into, from)
	half, can := into.(interface{ CloseWrite() error })
	if err != nil || !can || half.CloseWrite() != nil {
		_ = into.Close()
		_ = from.Close()
	}
}

var (
	_ layer4.NextHandler    = (*Relay)(nil)
	_ caddyfile.Unmarshaler = (*Relay)(nil)
)
