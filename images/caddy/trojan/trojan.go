// Package trojan is Caddy's listener wrapper `trojan`, to stand after `tls`: it relays to Trojan-Go what begins as a
// Trojan client's connection does, and leaves all else to Caddy's own server, as if nobody had looked.
//
//	trojan <name> <host>:<port>
package trojan

import (
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"stealth-vpn/images/caddy/entrance"
	"stealth-vpn/images/caddy/relay"
)

// Caddy's defaultReadHeaderTimeout (modules/caddyhttp/app.go), which net/http takes for the handshake too.
const headerTimeout = time.Minute

func init() { caddy.RegisterModule(&Trojan{}) }

// Trojan is the listener wrapper.
type Trojan struct {
	// Name is the server name that Trojan clients use.
	Name string `json:"name"`
	// Upstream is Trojan-Go's HOST:PORT.
	Upstream string `json:"upstream"`

	logger *zap.Logger
}

// CaddyModule names the wrapper.
func (*Trojan) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.listeners.trojan", New: func() caddy.Module { return new(Trojan) }}
}

// Provision refuses a Go whose TLS cannot be looked into.
func (trojan *Trojan) Provision(context caddy.Context) error {
	trojan.logger = context.Logger()
	return checkInput()
}

// UnmarshalCaddyfile reads the one line.
func (trojan *Trojan) UnmarshalCaddyfile(line *caddyfile.Dispenser) error {
	line.Next() // the wrapper's name
	if !line.AllArgs(&trojan.Name, &trojan.Upstream) {
		return line.ArgErr()
	}
	if _, _, err := net.SplitHostPort(trojan.Upstream); err != nil {
		return line.WrapErr(err)
	}
	return nil
}

// WrapListener shakes hands with each client in a goroutine of its own before Caddy's server gets it.
func (trojan *Trojan) WrapListener(inner net.Listener) net.Listener {
	return listen(inner, trojan.receives)
}

// receives shakes hands, and tells whether the connection is Caddy's. A failed handshake is: the server meets the
// same error, and answers it.
func (trojan *Trojan) receives(client net.Conn) bool {
	secured, ok := client.(*tls.Conn)
	if !ok {
		return true
	}
	_ = secured.SetDeadline(time.Now().Add(headerTimeout))
	if err := secured.Handshake(); err != nil {
		return !errors.Is(err, entrance.ErrTaken)
	}
	// Over HTTP/2 a server speaks first, and could not if a client had to be heard before.
	state := secured.ConnectionState()
	if !strings.EqualFold(state.ServerName, trojan.Name) || state.NegotiatedProtocol == "h2" {
		return true
	}
	return !trojan.takes(secured)
}

// takes relays a Trojan client; of others it takes nothing but time.
func (trojan *Trojan) takes(secured *tls.Conn) bool {
	began := time.Now()
	_ = secured.SetDeadline(time.Time{})
	_ = secured.SetReadDeadline(began.Add(headerTimeout))
	said := peek(secured)
	if isHeader(said) {
		daemon, err := relay.Dial(trojan.Upstream, said)
		if err == nil {
			_ = secured.SetDeadline(time.Time{})
			go relay.Join(&patient{Ending: relay.Ending{Conn: secured}, answered: make(chan struct{})}, daemon)
			return true
		}
		trojan.logger.Error("Trojan-Go does not answer", zap.Error(err))
	}
	unread(secured, said)
	if below, can := secured.NetConn().(interface{ Spend(time.Duration) }); can {
		below.Spend(time.Since(began))
	}
	return false
}

var (
	_ caddy.ListenerWrapper = (*Trojan)(nil)
	_ caddy.Provisioner     = (*Trojan)(nil)
	_ caddyfile.Unmarshaler = (*Trojan)(nil)
)
