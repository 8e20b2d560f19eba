package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"
)

// tunnel is a socket on this machine behind which the engine answers. Docker's command line knows ssh://, but not the
// program's own ssh options; by way of this socket it needs none.
type tunnel struct {
	net.Listener
	address string
}

// tunnel opens the socket in a folder that only this user can enter.
func (e *engine) tunnel(folder string) (*tunnel, error) {
	dialer, err := e.dialer()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(folder, "docker.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("cannot open a socket: %w", err)
	}
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return // closed: the build has ended
			}
			go carry(near, dialer)
		}
	}()
	return &tunnel{listener, "unix://" + path}, nil
}

// carry copies both ways, and passes on where one side has said all it had to say.
func carry(near net.Conn, dialer dial) {
	defer near.Close()
	far, err := dialer(context.Background(), "", "")
	if err != nil {
		return
	}
	defer far.Close()
	var both sync.WaitGroup
	both.Go(func() { half(far, near) })
	both.Go(func() { half(near, far) })
	both.Wait()
}

func half(to, from net.Conn) {
	_, _ = io.Copy(to, from) // the end of either side ends the build, which tells it
	if closer, can := to.(interface{ CloseWrite() error }); can {
		_ = closer.CloseWrite()
	}
}
