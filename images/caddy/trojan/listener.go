package trojan

import (
	"net"
	"sync"

	"github.com/caddyserver/caddy/v2"
)

// lobbies are by address and outlive reloads: a client who is still speaking then is served by the new configuration.
var lobbies = caddy.NewUsagePool()

// lobby is where connections wait for a server.
type lobby struct {
	ready  chan net.Conn
	closed chan struct{}
}

// Destruct lets go of those that nobody will serve any more.
func (l *lobby) Destruct() error {
	close(l.closed)
	return nil
}

type listener struct {
	net.Listener
	receives func(net.Conn) bool
	lobby    *lobby
	key      string
	errors   chan error
	closed   chan struct{}
	close    sync.Once
}

// listen returns a listener whose connections `receives` has seen and left to the server, each without delay by others.
func listen(inner net.Listener, receives func(net.Conn) bool) net.Listener {
	key := inner.Addr().String()
	shared, _ := lobbies.LoadOrStore(key, &lobby{ready: make(chan net.Conn), closed: make(chan struct{})})
	made := &listener{Listener: inner, receives: receives, lobby: shared.(*lobby), key: key,
		errors: make(chan error), closed: make(chan struct{})}
	go made.loop()
	return made
}

func (l *listener) loop() {
	for {
		client, err := l.Listener.Accept()
		if err == nil {
			go l.receive(client)
			continue
		}
		select {
		case l.errors <- err: // the server decides whether to go on
		case <-l.closed:
			return
		}
	}
}

func (l *listener) receive(client net.Conn) {
	if !l.receives(client) {
		return
	}
	select {
	case l.lobby.ready <- client:
	case <-l.lobby.closed:
		_ = client.Close()
	}
}

// Accept returns the next connection for the server.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case client := <-l.lobby.ready:
		return client, nil
	case err := <-l.errors:
		return nil, err
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends accepting here; what is being received goes on, and so do relays.
func (l *listener) Close() error {
	err := l.Listener.Close()
	l.close.Do(func() {
		close(l.closed)
		_, _ = lobbies.Delete(l.key)
	})
	return err
}
