// Package entrance is Caddy's listener wrapper `entrance`, to stand before `tls`: it reads each client's first TLS
// message with Go's own crypto/tls, exactly as Caddy is about to, and relays those that are meant for a daemon.
//
//	entrance {
//		reality <name> <host>:<port>
//		shadowtls <name> <host>:<port> <password> [<former password>]
//	}
//
// What it does not relay is Caddy's, down to the sizes of reads: nobody can tell that it was looked at.
package entrance

import (
	"errors"
	"net"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"stealth-vpn/images/caddy/relay"
)

func init() { caddy.RegisterModule(&Entrance{}) }

// ErrTaken is what a TLS server reads from a connection that a daemon has got.
var ErrTaken = errors.New("the connection belongs to a daemon")

// Route is a daemon's server name and address.
type Route struct {
	// Name is compared without regard to case.
	Name string `json:"name"`
	// Upstream is the daemon's HOST:PORT.
	Upstream string `json:"upstream"`
	// Passwords are ShadowTLS's, each shared by many clients: two while a rotation lasts. REALITY has none here.
	Passwords []string `json:"passwords,omitempty"`
}

// Entrance is the listener wrapper.
type Entrance struct {
	// Reality gets every hello for its name, with the client's address by the PROXY protocol.
	Reality *Route `json:"reality,omitempty"`
	// ShadowTLS gets those hellos for its name that its clients have signed.
	ShadowTLS *Route `json:"shadowtls,omitempty"`

	logger *zap.Logger
}

// CaddyModule names the wrapper.
func (*Entrance) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.listeners.entrance", New: func() caddy.Module { return new(Entrance) }}
}

// Provision takes Caddy's logger.
func (entrance *Entrance) Provision(context caddy.Context) error {
	entrance.logger = context.Logger()
	return nil
}

// UnmarshalCaddyfile reads the block.
func (entrance *Entrance) UnmarshalCaddyfile(block *caddyfile.Dispenser) error {
	block.Next() // the wrapper's name
	if block.NextArg() {
		return block.ArgErr()
	}
	for block.NextBlock(0) {
		route := new(Route)
		switch block.Val() {
		case "reality":
			entrance.Reality = route
			if !block.Args(&route.Name, &route.Upstream) {
				return block.ArgErr()
			}
		case "shadowtls":
			entrance.ShadowTLS = route
			if !block.Args(&route.Name, &route.Upstream) {
				return block.ArgErr()
			}
			if route.Passwords = block.RemainingArgs(); len(route.Passwords) == 0 {
				return block.ArgErr()
			}
		default:
			return block.Errf("unknown protocol: %s", block.Val())
		}
		if _, _, err := net.SplitHostPort(route.Upstream); err != nil {
			return block.WrapErr(err)
		}
	}
	return nil
}

// WrapListener looks at each connection when it is first read, in the goroutine that reads it.
func (entrance *Entrance) WrapListener(inner net.Listener) net.Listener {
	return &listener{Listener: inner, entrance: entrance}
}

type listener struct {
	net.Listener
	entrance *Entrance
}

func (l *listener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &Conn{Conn: accepted, entrance: l.entrance}, nil
}

// daemonOf connects to the daemon that a hello is for; nil when it is Caddy's. A daemon that is not there gets none:
// Caddy answers every name.
func (entrance *Entrance) daemonOf(client net.Conn, first hello) net.Conn {
	upstream, said, err := "", first.read, error(nil)
	switch {
	case entrance.Reality.names(first):
		upstream = entrance.Reality.Upstream
		said, err = relay.Announced(client, first.read)
	case entrance.ShadowTLS.names(first) && first.isSigned(entrance.ShadowTLS.Passwords) && seen.add(first.sessionID()):
		upstream = entrance.ShadowTLS.Upstream
	default:
		return nil
	}
	if err == nil {
		var daemon net.Conn
		if daemon, err = relay.Dial(upstream, said); err == nil {
			return daemon
		}
	}
	entrance.logger.Error("a daemon does not answer", zap.String("upstream", upstream), zap.Error(err))
	return nil
}

var (
	_ caddy.ListenerWrapper = (*Entrance)(nil)
	_ caddy.Provisioner     = (*Entrance)(nil)
	_ caddyfile.Unmarshaler = (*Entrance)(nil)
)
