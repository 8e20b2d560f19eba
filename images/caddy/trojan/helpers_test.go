package trojan

import (
	"bufio"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"stealth-vpn/images/caddy/entrance"
)

const patience = 10 * time.Second

var header = strings.Repeat("0a", hashDigits/2) + "\r\n"

// site returns a listener's configuration as Caddy's, and a server that answers "site" over HTTP/1.1 and 2.
func site(t *testing.T) (*tls.Config, *http.Server) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"*.test"},
		NotAfter: time.Now().Add(time.Hour)}
	made, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: headerTimeout, Handler: http.HandlerFunc(
		func(answer http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(answer, "site") })}
	server.ErrorLog = zap.NewStdLog(zap.NewNop())
	certificate := tls.Certificate{Certificate: [][]byte{made}, PrivateKey: private}
	return &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "http/1.1"}}, server
}

// daemon stands for Trojan-Go: what comes to it is in `heard`, and it says "daemon" at a full stop.
type daemon struct {
	address string
	heard   chan string
}

func newDaemon(t *testing.T) daemon {
	t.Helper()
	listener := socket(t)
	made := daemon{address: listener.Addr().String(), heard: make(chan string, 1)}
	go func() {
		for {
			accepted, err := listener.Accept()
			if err != nil {
				return
			}
			said, _ := bufio.NewReader(accepted).ReadString('.')
			made.heard <- said
			_, _ = io.WriteString(accepted, "daemon")
			_ = accepted.Close()
		}
	}()
	return made
}

func socket(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

// around puts the wrappers around a listener as Caddy does.
func around(inner net.Listener, config *tls.Config, upstream string) net.Listener {
	trojan := &Trojan{Name: "app.test", Upstream: upstream, logger: zap.NewNop()}
	return trojan.WrapListener(tls.NewListener(new(entrance.Entrance).WrapListener(inner), config))
}

// serve runs a site with the daemon behind it, and returns its address.
func serve(t *testing.T, upstream string) string {
	t.Helper()
	inner := socket(t)
	config, server := site(t)
	go func() { _ = server.Serve(around(inner, config, upstream)) }()
	t.Cleanup(func() { _ = server.Close() })
	return inner.Addr().String()
}

// plain runs the same site without wrappers.
func plain(t *testing.T) string {
	t.Helper()
	inner := socket(t)
	config, server := site(t)
	go func() { _ = server.Serve(tls.NewListener(inner, config)) }()
	t.Cleanup(func() { _ = server.Close() })
	return inner.Addr().String()
}

func dial(t *testing.T, address, name, protocol string) *tls.Conn {
	t.Helper()
	made, err := tls.Dial("tcp", address, &tls.Config{ServerName: name, NextProtos: []string{protocol},
		InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = made.Close() })
	_ = made.SetDeadline(time.Now().Add(patience))
	return made
}

// exchange says the pieces, each a record, ends its half, and returns all that is answered.
func exchange(t *testing.T, address, name string, pieces ...string) string {
	t.Helper()
	client := dial(t, address, name, "http/1.1")
	for _, piece := range pieces {
		_, _ = io.WriteString(client, piece)
	}
	_ = client.CloseWrite()
	answer, err := io.ReadAll(client)
	if err != nil {
		t.Errorf("%q: %v", pieces, err)
	}
	return string(answer)
}
