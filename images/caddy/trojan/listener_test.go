package trojan

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// shared is a socket whose users close only their own use of it, as Caddy's do.
type shared struct {
	socket net.Listener
	closed chan struct{}
}

func (s shared) Accept() (net.Conn, error) {
	accepted := make(chan net.Conn)
	go func() {
		if client, err := s.socket.Accept(); err == nil {
			accepted <- client
		}
	}()
	select {
	case client := <-accepted:
		return client, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s shared) Close() error {
	close(s.closed)
	return nil
}

func (s shared) Addr() net.Addr { return s.socket.Addr() }

func use(socket net.Listener) shared { return shared{socket, make(chan struct{})} }

func TestAClientInTheMiddleOfItsHelloIsServedByTheNextConfiguration(t *testing.T) {
	inner, upstream := socket(t), newDaemon(t).address
	config, before := site(t)
	_, after := site(t)
	after.Handler = http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(answer, "the next site")
	})
	accepting := use(inner)
	go func() { _ = before.Serve(around(accepting, config, upstream)) }()
	raw, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(patience))
	slow := &halting{Conn: raw, halted: make(chan struct{}), goOn: make(chan struct{})}
	client := tls.Client(slow, &tls.Config{ServerName: "www.test", InsecureSkipVerify: true})
	go func() { _, _ = io.WriteString(client, "GET / HTTP/1.0\r\n\r\n") }()
	<-slow.halted
	time.Sleep(50 * time.Millisecond) // until the first part has been read
	go func() { _ = after.Serve(around(use(inner), config, upstream)) }()
	time.Sleep(50 * time.Millisecond)
	if err := before.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	close(slow.goOn)
	if answer, err := io.ReadAll(client); err != nil || !strings.HasSuffix(string(answer), "the next site") {
		t.Errorf("%q, %v", answer, err)
	}
}

// halting writes its first bytes in two parts, and waits between them.
type halting struct {
	net.Conn
	halted, goOn chan struct{}
	begun        bool
}

func (h *halting) Write(data []byte) (int, error) {
	if h.begun {
		return h.Conn.Write(data)
	}
	h.begun = true
	if _, err := h.Conn.Write(data[:100]); err != nil {
		return 0, err
	}
	close(h.halted)
	<-h.goOn
	size, err := h.Conn.Write(data[100:])
	return 100 + size, err
}

func TestWhenNobodyListensAnyMoreAClientIsClosed(t *testing.T) {
	inner := socket(t)
	config, _ := site(t)
	listener := around(inner, config, "127.0.0.1:1")
	client, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_ = client.SetDeadline(time.Now().Add(patience))
	time.Sleep(50 * time.Millisecond) // until it is accepted
	_ = listener.Close()
	_, _ = io.WriteString(client, "no TLS")
	if _, err := client.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	if _, err := listener.Accept(); err == nil {
		t.Error("a closed listener accepts")
	}
}

func TestAnErrorOfTheSocketIsTheServerSToJudge(t *testing.T) {
	listener := listen(failing{}, func(net.Conn) bool { return true })
	defer listener.Close()
	if _, err := listener.Accept(); !errors.Is(err, errFailing) {
		t.Error(err)
	}
}

var errFailing = errors.New("too many open files")

type failing struct{ net.Listener }

func (failing) Accept() (net.Conn, error) { return nil, errFailing }
func (failing) Addr() net.Addr            { return &net.TCPAddr{} }
func (failing) Close() error              { return nil }

// How long a client may be silent, before, in and after what could be a Trojan header, is Go's own business.
func TestASlowClientIsClosedAfterTheSameTimeAsWithoutTheWrapper(t *testing.T) {
	for name, said := range map[string][]string{
		"nothing": nil, "digits": {"0a"}, "digits late": {"", "", "0a"}, "letters late": {"", "", "GET"},
		"digits, then letters": {"0a", "", "GET"}, "no hello": {}} {
		synctest.Test(t, func(t *testing.T) {
			config, _ := site(t)
			wrapped := closedAfter(t, said, func(inner net.Listener) net.Listener { return around(inner, config, "") })
			unwrapped := closedAfter(t, said, func(inner net.Listener) net.Listener { return tls.NewListener(inner, config) })
			if wrapped != unwrapped {
				t.Errorf("%s: %v, and not %v", name, wrapped, unwrapped)
			}
		})
	}
}

// closedAfter says a piece each ten seconds, and returns the time until the server ends the connection.
func closedAfter(t *testing.T, said []string, wrap func(net.Listener) net.Listener) time.Duration {
	t.Helper()
	pipe := &piped{clients: make(chan net.Conn), closed: make(chan struct{})}
	_, server := site(t)
	go func() { _ = server.Serve(wrap(pipe)) }()
	defer server.Close()
	ours, theirs := net.Pipe()
	pipe.clients <- theirs
	if said != nil && len(said) == 0 {
		return untilClosed(ours, ours)
	}
	client := tls.Client(ours, &tls.Config{ServerName: "app.test", NextProtos: []string{"http/1.1"}, InsecureSkipVerify: true})
	go func() {
		for _, piece := range said {
			time.Sleep(10 * time.Second)
			_, _ = io.WriteString(client, piece)
		}
	}()
	return untilClosed(client, ours)
}

func untilClosed(client, below net.Conn) time.Duration {
	defer below.Close()
	began := time.Now()
	_, _ = io.ReadAll(client)
	return time.Since(began)
}

type piped struct {
	clients chan net.Conn
	closed  chan struct{}
}

func (p *piped) Accept() (net.Conn, error) {
	select {
	case client := <-p.clients:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *piped) Close() error {
	close(p.closed)
	return nil
}

func (*piped) Addr() net.Addr { return &net.TCPAddr{} }
