package live

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sagernet/quic-go/http3"
	"github.com/sagernet/sing-box/adapter"
	"github.com/sagernet/sing/common/metadata"
)

const (
	chunk     = 1000
	chunkWait = 5 * time.Millisecond
	// patience is for what must come; a refusal shows itself by an error, except for packets.
	patience = 30 * time.Second
	silence  = 700 * time.Millisecond
)

// client is what a user's device does.
type client struct {
	http   *http.Client
	dialer adapter.Outbound
}

// visitor speaks plain HTTP/3 to Hysteria2's port.
func (server *server) visitor(t *testing.T) *http3.Transport {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(server.certificate))
	made := &http3.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "q.test"}}
	t.Cleanup(func() { _ = made.Close() })
	return made
}

// origin is a server of the internet: it sends until it is told to finish, and reads without end.
type origin struct {
	*httptest.Server
	finish chan struct{}
	// cut tells of each upload that ended too early.
	cut chan error
	udp net.PacketConn
}

func newOrigin(t *testing.T) *origin {
	t.Helper()
	made := &origin{finish: make(chan struct{}), cut: make(chan error, 100)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /short", func(answer http.ResponseWriter, _ *http.Request) { _, _ = answer.Write(make([]byte, chunk)) })
	mux.HandleFunc("GET /long", made.send)
	mux.HandleFunc("POST /long", func(_ http.ResponseWriter, request *http.Request) {
		_, err := io.Copy(io.Discard, request.Body)
		made.cut <- err
	})
	made.Server = httptest.NewServer(mux)
	t.Cleanup(made.CloseClientConnections)
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	made.udp = socket
	t.Cleanup(func() { _ = socket.Close() })
	go made.echo()
	return made
}

func (origin *origin) send(answer http.ResponseWriter, _ *http.Request) {
	for {
		if _, err := answer.Write(make([]byte, chunk)); err != nil {
			return
		}
		answer.(http.Flusher).Flush()
		select {
		case <-origin.finish:
			_, _ = answer.Write([]byte("end"))
			return
		case <-time.After(chunkWait):
		}
	}
}

func (origin *origin) echo() {
	packet := make([]byte, 2000)
	for {
		length, from, err := origin.udp.ReadFrom(packet)
		if err != nil {
			return
		}
		_, _ = origin.udp.WriteTo(packet[:length], from)
	}
}

// get fetches a short page.
func (client *client) get(origin *origin) error {
	answer, err := client.http.Get(origin.URL + "/short")
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	page, err := io.ReadAll(answer.Body)
	if err == nil && len(page) != chunk {
		err = fmt.Errorf("%d bytes", len(page))
	}
	return err
}

// download begins to fetch, and returns how that ends: with nil when all bytes came.
func (client *client) download(origin *origin) (ended chan error, err error) {
	answer, err := client.http.Get(origin.URL + "/long")
	if err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(answer.Body, make([]byte, chunk)); err != nil {
		return nil, err
	}
	ended = make(chan error, 1)
	go func() {
		defer func() { _ = answer.Body.Close() }()
		rest, err := io.ReadAll(answer.Body)
		if err == nil && (len(rest) < 3 || string(rest[len(rest)-3:]) != "end") {
			err = errors.New("the end is missing")
		}
		ended <- err
	}()
	return ended, nil
}

// upload sends without end; it returns when the server reads, and stop ends it from this side.
func (client *client) upload(origin *origin) (stop func()) {
	reader, writer := io.Pipe()
	go func() {
		answer, err := client.http.Post(origin.URL+"/long", "", reader)
		if err == nil {
			_ = answer.Body.Close()
		}
	}()
	begun := make(chan struct{})
	go func() {
		for number := 0; ; number++ {
			if _, err := writer.Write(make([]byte, chunk)); err != nil {
				return
			}
			if number == 20 {
				close(begun)
			}
			time.Sleep(chunkWait)
		}
	}()
	<-begun
	return func() { _ = writer.Close() }
}

// session is a UDP socket beyond the tunnel.
func (client *client) session(t *testing.T, origin *origin) net.PacketConn {
	t.Helper()
	session, err := client.dialer.ListenPacket(t.Context(), metadata.SocksaddrFromNet(origin.udp.LocalAddr()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

// echoes tells whether what is sent from now on comes back within the time.
func echoes(session net.PacketConn, origin *origin, within time.Duration) bool {
	word, answered := rand.Text(), make(chan struct{})
	go func() {
		packet := make([]byte, 2000)
		for {
			length, _, err := session.ReadFrom(packet)
			if err != nil {
				return
			}
			if string(packet[:length]) == word {
				close(answered)
				return
			}
		}
	}()
	end := time.After(within)
	for {
		_, _ = session.WriteTo([]byte(word), metadata.SocksaddrFromNet(origin.udp.LocalAddr()))
		select {
		case <-answered:
			return true
		case <-end:
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func await(t *testing.T, about string, ended chan error) error {
	t.Helper()
	select {
	case err := <-ended:
		return err
	case <-time.After(patience):
		t.Fatalf("%s: nothing happened in %v", about, patience)
		return nil
	}
}

func eventually(t *testing.T, about string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not in %v", about, patience)
		}
	}
}
