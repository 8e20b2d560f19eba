// Package relay joins a client's connection to a daemon behind Caddy.
package relay

import (
	"net"
	"time"

	"github.com/pires/go-proxyproto"
)

// The daemons are on the same machine; one that takes longer is not there.
const dialTimeout = 5 * time.Second

// Dial connects to a daemon and tells it what has been read of the client already, in one write.
func Dial(upstream string, first []byte) (net.Conn, error) {
	daemon, err := net.DialTimeout("tcp", upstream, dialTimeout)
	if err != nil {
		return nil, err
	}
	if _, err := daemon.Write(first); err != nil {
		_ = daemon.Close()
		return nil, err
	}
	return daemon, nil
}

// Announced puts the PROXY protocol's version 2, with the addresses of `client`, before `first`
// (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt).
func Announced(client net.Conn, first []byte) ([]byte, error) {
	header := proxyproto.HeaderProxyFromAddrs(2, client.RemoteAddr(), client.LocalAddr())
	header.Command = proxyproto.PROXY
	announced, err := header.Format()
	return append(announced, first...), err
}

// Ending is a connection whose end of writing is its end, as of Go's web server; to wait until the client ends it too
// would tell a prober that there is a relay.
type Ending struct{ net.Conn }

// CloseWrite closes; over TLS it says so first.
func (connection Ending) CloseWrite() error { return connection.Close() }

// Join passes bytes both ways until both have ended, and closes both. That a connection breaks is everyday.
func Join(client, daemon net.Conn) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		pass(daemon, client)
	}()
	pass(client, daemon)
	<-done
	_ = client.Close()
	_ = daemon.Close()
}

// pass copies one way and passes on its end: an orderly one leaves the other way open, a break ends both.
func pass(into, from net.Conn) {
	err := carry(into, from, pieces)
	half, can := into.(interface{ CloseWrite() error })
	if err != nil || !can || half.CloseWrite() != nil {
		_ = into.Close()
		_ = from.Close()
	}
}
