package main

import (
	"context"
	"errors"
	"net"
	"sync/atomic"

	"github.com/xtls/xray-core/app/dispatcher"
	"github.com/xtls/xray-core/app/stats"
	"github.com/xtls/xray-core/common"
	"github.com/xtls/xray-core/common/buf"
	"github.com/xtls/xray-core/common/session"
	"github.com/xtls/xray-core/core"
	"github.com/xtls/xray-core/features/outbound"
	"github.com/xtls/xray-core/transport"
	"golang.org/x/sys/unix"
)

// connection is what an account has opened: one stream or session of packets, of which a mux connection carries many.
type connection struct {
	account *account
	cancel  context.CancelFunc
	// client is the connection that it came by, nil if Xray knows none.
	client net.Conn
	down   down
	// socket is the way out of a stream, once there is one.
	socket atomic.Pointer[net.TCPConn]
	// shown is the most that received has returned; a counter never goes back.
	shown int64
	// settled is what the account has got of it since it was left.
	settled int64
}

// down counts what comes down a connection. Nobody waits for a splice that a cut ends, so that Xray adds the splice's
// bytes when the connection is left already: late tells of such.
type down struct {
	stats.Counter
	left atomic.Bool
	late func()
}

// Add implements Xray's stats.Counter.
func (d *down) Add(bytes int64) int64 {
	before := d.Counter.Add(bytes)
	if d.left.Load() {
		d.late()
	}
	return before
}

// cut ends it, and the client's connection with all that it carries.
func (c *connection) cut() {
	c.cancel()
	if c.client != nil {
		// The last words of a TLS or WebSocket connection wait for a client that does not read.
		go func() { _ = c.client.Close() }()
	}
}

// received returns the bytes that came down so far. Xray counts what the kernel moves between two sockets (splice(2),
// proxy.CopyRawConnIfExist) when it is over, so that a download of hours would count nothing: the socket itself tells.
func (c *connection) received() int64 {
	c.shown = max(c.shown, c.down.Value(), arrived(c.socket.Load()))
	return c.shown
}

// arrived returns how much a socket has received (tcpi_bytes_received of tcp(7)), and 0 for one that is closed or none.
func arrived(socket *net.TCPConn) int64 {
	if socket == nil {
		return 0
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0
	}
	var bytes int64
	_ = raw.Control(func(descriptor uintptr) {
		if info, err := unix.GetsockoptTCPInfo(int(descriptor), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			bytes = int64(info.Bytes_received)
		}
	})
	return bytes
}

// tracked is Xray's way out, which lets accounts out that are open, and knows what they have opened.
type tracked struct {
	outbound.Handler
	accounts *accounts
}

// track puts a tracked handler in the place of the server's only way out.
func track(server *core.Instance, all *accounts) error {
	manager := server.GetFeature(outbound.ManagerType()).(outbound.Manager)
	handler := manager.GetDefaultHandler()
	if handler == nil {
		return errors.New("the configuration names no outbound")
	}
	if err := manager.RemoveHandler(context.Background(), handler.Tag()); err != nil {
		return err
	}
	return manager.AddHandler(context.Background(), &tracked{handler, all})
}

type connectionKey struct{}

// Dispatch carries one connection to its end.
func (t *tracked) Dispatch(ctx context.Context, link *transport.Link) {
	if session.TimeoutOnlyFromContext(ctx) {
		// A session of packets may go on by another connection of its client's (XUDP). Xray makes it a context that
		// nobody can cancel (proxy/freedom), so it gets one here.
		ctx = session.ContextWithTimeoutOnly(context.WithoutCancel(ctx), false)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	opened := t.accounts.enter(session.InboundFromContext(ctx), cancel)
	if opened == nil {
		_ = common.Interrupt(link.Writer)
		_ = common.Interrupt(link.Reader)
		return
	}
	defer t.accounts.leave(opened)
	t.Handler.Dispatch(context.WithValue(ctx, connectionKey{}, opened), &transport.Link{
		Reader: &countingReader{link.Reader, &opened.account.up},
		// Of this type, because its counter is what Xray adds to after a splice.
		Writer: &dispatcher.SizeStatWriter{Counter: &opened.down, Writer: link.Writer},
	})
}

// enter returns nil when the user is none, or none any more.
func (all *accounts) enter(from *session.Inbound, cancel context.CancelFunc) *connection {
	if from == nil {
		return nil
	}
	all.mutex.Lock()
	defer all.mutex.Unlock()
	found, admitted := all.byUser[from.User]
	if !admitted {
		return nil
	}
	opened := &connection{account: found, cancel: cancel, client: from.Conn}
	opened.down.late = func() { all.settle(opened) }
	found.open[opened] = struct{}{}
	return opened
}

func (all *accounts) leave(closed *connection) {
	closed.down.left.Store(true)
	all.settle(closed)
}

// settle gives the account what its closed connection has counted and not given yet.
func (all *accounts) settle(closed *connection) {
	all.mutex.Lock()
	defer all.mutex.Unlock()
	delete(closed.account.open, closed)
	total := max(closed.shown, closed.down.Value())
	closed.account.ended += total - closed.settled
	closed.settled = total
}

type countingReader struct {
	buf.Reader
	counter *stats.Counter
}

func (r *countingReader) ReadMultiBuffer() (buf.MultiBuffer, error) {
	read, err := r.Reader.ReadMultiBuffer()
	r.counter.Add(int64(read.Len()))
	return read, err
}

// Interrupt implements common.Interruptible, by which Xray ends what reads.
func (r *countingReader) Interrupt() { _ = common.Interrupt(r.Reader) }
