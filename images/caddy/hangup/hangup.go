// Package hangup is a handler of caddy-l4 that ends a connection as Go's web server does. caddy-l4's own proxy says that
// it is done and then waits for the client to hang up, which tells a prober that there is a proxy.
package hangup

import (
	"net"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/mholt/caddy-l4/layer4"
)

func init() { caddy.RegisterModule(&Handler{}) }

// Handler stands between the one that ends TLS and the proxy.
type Handler struct{}

// CaddyModule names the handler hang_up.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "layer4.handlers.hang_up", New: func() caddy.Module { return &Handler{} }}
}

// UnmarshalCaddyfile takes no argument.
func (*Handler) UnmarshalCaddyfile(words *caddyfile.Dispenser) error {
	words.Next()
	if words.NextArg() || words.NextBlock(words.Nesting()) {
		return words.ArgErr()
	}
	return nil
}

// Handle passes the connection on.
func (*Handler) Handle(client *layer4.Connection, next layer4.Handler) error {
	return next.Handle(client.Wrap(&ending{client}))
}

// ending is a connection whose end of writing is its end.
type ending struct{ *layer4.Connection }

// CloseWrite ends the connection in both directions; over TLS it says so first.
func (connection *ending) CloseWrite() error { return connection.Close() }

var _ net.Conn = (*ending)(nil)
