package entrance

import (
	"net"
	"sync/atomic"
	"time"

	"stealth-vpn/images/caddy/relay"
)

// net/http sets two deadlines for reading before a request's header is there: one for the handshake, which has no
// effect when there was one already, and one for the header (net/http server.go, conn.serve).
const deadlinesBeforeHeader = 2

// Conn is a client's connection; its first read decides whose it is.
type Conn struct {
	net.Conn
	entrance *Entrance
	first    *recorder
	isTaken  atomic.Bool

	spent     time.Duration
	shortened int
}

// Read returns ErrTaken when a daemon has got the connection, and else what the client says.
func (c *Conn) Read(into []byte) (int, error) {
	if c.first == nil {
		c.look()
	}
	if c.isTaken.Load() {
		return 0, ErrTaken
	}
	if size, err, recorded := c.first.replay(into); recorded {
		return size, err
	}
	return c.Conn.Read(into)
}

func (c *Conn) look() {
	c.first = &recorder{Conn: c.Conn}
	if daemon := c.entrance.daemonOf(c.Conn, readHello(c.first)); daemon != nil {
		c.isTaken.Store(true)
		c.first.read = nil
		_ = c.Conn.SetDeadline(time.Time{})
		go relay.Join(c.Conn, daemon)
	}
}

// Close leaves a daemon's connection open: the TLS server that was to have it closes it for the error alone.
func (c *Conn) Close() error {
	if c.isTaken.Load() {
		return nil
	}
	return c.Conn.Close()
}

// Spend tells how much of the time for a request's header is over when net/http gets the connection.
func (c *Conn) Spend(spent time.Duration) { c.spent, c.shortened = spent, deadlinesBeforeHeader }

// SetReadDeadline takes off what has been spent.
func (c *Conn) SetReadDeadline(at time.Time) error {
	if c.shortened > 0 && !at.IsZero() {
		c.shortened--
		at = at.Add(-c.spent)
	}
	return c.Conn.SetReadDeadline(at)
}
