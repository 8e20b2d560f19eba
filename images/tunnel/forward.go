package main

import (
	"context"
	"io"
	"net"
	"sync"
)

// mostAtOnce bounds the connections of one port: the panel has a few to each agent.
const mostAtOnce = 64

// forward takes connections until the listener is closed. One that cannot go on is closed at once, so that whoever
// asks learns it at once.
func forward(ctx context.Context, listener net.Listener, link *Link, to string) error {
	slots := make(chan struct{}, mostAtOnce)
	for {
		near, err := listener.Accept()
		if err != nil {
			return err
		}
		select {
		case slots <- struct{}{}:
			go func() {
				defer func() { <-slots }()
				pass(ctx, near, link, to)
			}()
		default:
			_ = near.Close()
		}
	}
}

func pass(ctx context.Context, near net.Conn, link *Link, to string) {
	defer near.Close()
	far, err := link.open(ctx, to)
	if err != nil {
		return
	}
	defer far.Close()
	var both sync.WaitGroup
	both.Go(func() { oneWay(far, near) })
	both.Go(func() { oneWay(near, far) })
	both.Wait()
}

// oneWay copies until the end, and passes that on: the other direction may have more to say.
func oneWay(target, source net.Conn) {
	_, err := io.Copy(target, source)
	half, can := target.(interface{ CloseWrite() error })
	if err != nil || !can || half.CloseWrite() != nil {
		_ = target.Close()
		_ = source.Close()
	}
}
