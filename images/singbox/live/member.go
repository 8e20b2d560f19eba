package live

import (
	"io"
	"net"
	"sync"
	"sync/atomic"

	"github.com/sagernet/sing/common/bufio"
	"github.com/sagernet/sing/common/network"
)

// member is a user of one inbound by one secret; another secret makes another member.
type member struct {
	name, secret string
	// identity is the part of the secret that a login is found by, in the library's own form.
	identity string
	usage    *usage

	mutex sync.Mutex
	gone  bool
	open  map[io.Closer]struct{}
}

// cut ends what the member has open, and what still comes.
func (member *member) cut() {
	member.mutex.Lock()
	defer member.mutex.Unlock()
	member.gone = true
	for connection := range member.open {
		_ = connection.Close() // its own end may have closed it
	}
}

// enter notes an open connection until it leaves; one of a member who went in between ends at once.
func (member *member) enter(connection io.Closer) (leave func()) {
	member.mutex.Lock()
	defer member.mutex.Unlock()
	if member.gone {
		_ = connection.Close() // as in cut
		return func() {}
	}
	if member.open == nil {
		member.open = map[io.Closer]struct{}{}
	}
	member.open[connection] = struct{}{}
	return func() {
		member.mutex.Lock()
		defer member.mutex.Unlock()
		delete(member.open, connection)
	}
}

func (member *member) count() int {
	member.mutex.Lock()
	defer member.mutex.Unlock()
	return len(member.open)
}

// track counts a connection's bytes, and the connection itself until it is closed.
func (member *member) track(connection net.Conn) *trackedConn {
	up, down := []*atomic.Int64{&member.usage.up}, []*atomic.Int64{&member.usage.down}
	return &trackedConn{bufio.NewInt64CounterConn(connection, up, down), member.enter(connection)}
}

// trackPackets is track for a UDP session.
func (member *member) trackPackets(session network.PacketConn) *trackedPacketConn {
	up, down := []*atomic.Int64{&member.usage.up}, []*atomic.Int64{&member.usage.down}
	return &trackedPacketConn{bufio.NewInt64CounterPacketConn(session, up, nil, down, nil), member.enter(session)}
}

type trackedConn struct {
	*bufio.CounterConn
	leave func()
}

func (connection *trackedConn) Close() error {
	connection.leave()
	return connection.CounterConn.Close()
}

// Upstream lets the router find the handshake of a connection (sing's common.Cast).
func (connection *trackedConn) Upstream() any { return connection.CounterConn }

type trackedPacketConn struct {
	*bufio.CounterPacketConn
	leave func()
}

func (session *trackedPacketConn) Close() error {
	session.leave()
	return session.CounterPacketConn.Close()
}

// Upstream is that of trackedConn.
func (session *trackedPacketConn) Upstream() any { return session.CounterPacketConn }
