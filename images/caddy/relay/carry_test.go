package relay

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// piped returns a client and the far end of what its bytes are carried to.
func piped(t *testing.T, pool *sync.Pool) (client, far *net.TCPConn, ended chan error) {
	t.Helper()
	client, from := pair(t)
	into, far := pair(t)
	ended = make(chan error, 1)
	go func() {
		ended <- carry(into, from, pool)
		_ = into.Close()
	}()
	return client, far, ended
}

func TestMoreThanAllBuffersArrivesAsItWasSaidWhenTheReaderIsSlow(t *testing.T) {
	client, far, ended := piped(t, pieces)
	said := make([]byte, 32<<20) // more than a sender's and a receiver's buffers take
	for index := range said {
		said[index] = byte(index / 3)
	}
	go func() {
		_, _ = client.Write(said)
		_ = client.CloseWrite()
	}()
	time.Sleep(50 * time.Millisecond) // until nothing more fits
	if heard, err := io.ReadAll(far); err != nil || !bytes.Equal(heard, said) {
		t.Errorf("%d bytes of %d, %v", len(heard), len(said), err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestABreakIsAnErrorAndNoEnd(t *testing.T) {
	for name, broken := range map[string]func(client, far *net.TCPConn) *net.TCPConn{
		"reading": func(client, _ *net.TCPConn) *net.TCPConn { return client },
		"writing": func(_, far *net.TCPConn) *net.TCPConn { return far },
	} {
		client, far, ended := piped(t, pieces)
		chosen := broken(client, far)
		_ = chosen.SetLinger(0) // so that closing resets
		_ = chosen.Close()
		for chosen == far { // a write tells the break
			if _, err := client.Write([]byte("x")); err != nil || len(ended) > 0 {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if err := <-ended; err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSilentConnectionsHoldNoPiece(t *testing.T) {
	const connections = 100
	var made atomic.Int32
	pool := &sync.Pool{New: func() any { made.Add(1); return new(piece) }}
	for range connections {
		client, far, _ := piped(t, pool)
		if _, err := client.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(far, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	// The pool forgets some, above all under the race detector.
	if made.Load() >= connections {
		t.Errorf("%d pieces for %d connections that are silent now", made.Load(), connections)
	}
}
