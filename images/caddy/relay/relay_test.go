package relay

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
)

const patience = 10 * time.Second

// pair returns both ends of a TCP connection.
func pair(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	listener := listen(t)
	near = dial(t, listener.Addr())
	return near, accept(t, listener)
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

func dial(t *testing.T, at net.Addr) *net.TCPConn {
	t.Helper()
	made, err := net.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	return bounded(t, made)
}

func accept(t *testing.T, listener net.Listener) *net.TCPConn {
	t.Helper()
	made, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return bounded(t, made)
}

func bounded(t *testing.T, made net.Conn) *net.TCPConn {
	t.Helper()
	t.Cleanup(func() { _ = made.Close() })
	if err := made.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return made.(*net.TCPConn)
}

// joined returns a client, the daemon's end of its connection, and a channel that closes when the two are parted.
func joined(t *testing.T, first string, served func(net.Conn) net.Conn) (client, daemon *net.TCPConn, done chan struct{}) {
	t.Helper()
	listener := listen(t)
	client, accepted := pair(t)
	dialed, err := Dial(listener.Addr().String(), []byte(first))
	if err != nil {
		t.Fatal(err)
	}
	done = make(chan struct{})
	go func() {
		defer close(done)
		Join(served(accepted), dialed)
	}()
	return client, accept(t, listener), done
}

func asIs(connection net.Conn) net.Conn { return connection }

func awaitEnd(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("the two stay joined")
	}
}

func TestBytesPassBothWaysAndEachEndByItself(t *testing.T) {
	client, daemon, done := joined(t, "read before ", asIs)
	go func() {
		_, _ = client.Write([]byte("and more"))
		_ = client.CloseWrite()
	}()
	if asked, err := io.ReadAll(daemon); err != nil || string(asked) != "read before and more" {
		t.Fatalf("%q, %v", asked, err)
	}
	answer := bytes.Repeat([]byte("a long answer"), 1<<18)
	go func() {
		_, _ = daemon.Write(answer)
		_ = daemon.CloseWrite()
	}()
	if found, err := io.ReadAll(client); err != nil || !bytes.Equal(found, answer) {
		t.Fatalf("%d bytes of %d, %v", len(found), len(answer), err)
	}
	awaitEnd(t, done)
}

func TestTheDaemonIsToldTheClientSAddress(t *testing.T) {
	client, served := pair(t)
	announced, err := Announced(served, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	_, daemon, _ := joined(t, string(announced), asIs)
	told := proxyproto.NewConn(daemon)
	first := make([]byte, 1)
	if _, err := io.ReadFull(told, first); err != nil || first[0] != 'x' {
		t.Fatalf("%q, %v", first, err)
	}
	if told.RemoteAddr().String() != client.LocalAddr().String() || told.ProxyHeader().Version != 2 {
		t.Errorf("%v of %v", told.ProxyHeader(), client.LocalAddr())
	}
}

func TestABreakOnOneSideEndsBoth(t *testing.T) {
	for name, broken := range map[string]int{"client": 0, "daemon": 1} {
		client, daemon, done := joined(t, "", asIs)
		ends := []*net.TCPConn{client, daemon}
		_ = ends[broken].SetLinger(0) // so that closing resets
		_ = ends[broken].Close()
		if _, err := ends[1-broken].Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: bytes came", name)
		}
		awaitEnd(t, done)
	}
}

func TestADaemonThatIsNotThereIsAnError(t *testing.T) {
	free := listen(t)
	_ = free.Close()
	if _, err := Dial(free.Addr().String(), nil); err == nil {
		t.Error("no error")
	}
}

func TestAClientThatStaysIsHungUpOnAfterItHasTheLastBytes(t *testing.T) {
	client, daemon, done := joined(t, "", func(served net.Conn) net.Conn { return Ending{served} })
	_, _ = daemon.Write([]byte("last"))
	_ = daemon.CloseWrite()
	if got, err := io.ReadAll(client); err != nil || string(got) != "last" {
		t.Errorf("%q, %v", got, err)
	}
	awaitEnd(t, done)
}
