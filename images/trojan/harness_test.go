package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/p4gefau1t/trojan-go/config"
	"github.com/p4gefau1t/trojan-go/statistic/memory"
	"github.com/p4gefau1t/trojan-go/tunnel"
	"github.com/p4gefau1t/trojan-go/tunnel/freedom"
	"github.com/p4gefau1t/trojan-go/tunnel/mux"
	"github.com/p4gefau1t/trojan-go/tunnel/simplesocks"
	"github.com/p4gefau1t/trojan-go/tunnel/transport"
	"github.com/p4gefau1t/trojan-go/tunnel/trojan"

	"stealth-vpn/images/agent"
	"stealth-vpn/images/agent/enginetest"
	"stealth-vpn/images/egress"
)

const (
	patience = enginetest.Patience
	page     = "the cover site"
)

// server is a whole Trojan-Go behind whom no TLS is, as behind Caddy, with a cover site.
type server struct {
	*accounts
	address *net.TCPAddr
}

func newServer(t *testing.T) *server {
	t.Helper()
	cover := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(answer, page)
	}))
	t.Cleanup(cover.Close)
	made := &server{newAccounts(), freeAddress(t)}
	text, err := json.Marshal(map[string]any{
		"run_type": "server", "log_level": 5, "local_addr": "127.0.0.1", "local_port": made.address.Port,
		"remote_addr": "127.0.0.1", "remote_port": cover.Listener.Addr().(*net.TCPAddr).Port,
		"transport_plugin": map[string]any{"enabled": true, "type": "plaintext"},
	})
	if err != nil {
		t.Fatal(err)
	}
	running, err := load(text, made.accounts, guard(t))
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = running.Run() }()
	t.Cleanup(func() { _ = running.Close() })
	return made
}

// guard lets everything on this machine be reached.
func guard(t *testing.T) *egress.Guard {
	t.Helper()
	file := filepath.Join(t.TempDir(), "egress.json")
	rules := `{"allow": ["127.0.0.0/8"], "refuse": ["10.0.0.0/8"], "resolvers": ["127.0.0.1"]}`
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	made, err := egress.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func freeAddress(t *testing.T) *net.TCPAddr {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr)
}

// client is Trojan-Go's own client.
func (s *server) client(t *testing.T, user agent.User) tunnel.Client {
	t.Helper()
	made, _ := s.clientWithin(t, user)
	return made
}

// muxClient is Trojan-Go's own client that puts all into one connection.
func (s *server) muxClient(t *testing.T, user agent.User) tunnel.Client {
	t.Helper()
	below, ctx := s.clientWithin(t, user)
	carrier, err := mux.NewClient(ctx, below)
	if err != nil {
		t.Fatal(err)
	}
	made, err := simplesocks.NewClient(ctx, carrier)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (s *server) clientWithin(t *testing.T, user agent.User) (tunnel.Client, context.Context) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	multiplexing := &mux.Config{Mux: mux.MuxConfig{Enabled: true, Concurrency: 8, IdleTimeout: 60}}
	for name, chosen := range map[string]any{
		transport.Name: &transport.Config{RemoteHost: "127.0.0.1", RemotePort: s.address.Port},
		memory.Name:    &memory.Config{Passwords: []string{user.Secrets[protocol]}},
		freedom.Name:   &freedom.Config{}, trojan.Name: &trojan.Config{}, mux.Name: multiplexing,
	} {
		ctx = config.WithConfig(ctx, name, chosen)
	}
	below, err := transport.NewClient(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	made, err := trojan.NewClient(ctx, below)
	if err != nil {
		t.Fatal(err)
	}
	return made, ctx
}

func dial(t *testing.T, client tunnel.Client, to net.Addr) net.Conn {
	t.Helper()
	return dialAddress(t, client, address(t, to))
}

func dialAddress(t *testing.T, client tunnel.Client, to *tunnel.Address) net.Conn {
	t.Helper()
	connection, err := client.DialConn(to, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return connection
}

func address(t *testing.T, of net.Addr) *tunnel.Address {
	t.Helper()
	made, err := tunnel.NewAddressFromAddr(of.Network(), of.String())
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (s *server) traffic(t *testing.T, name string) agent.Traffic {
	t.Helper()
	counted, err := s.Traffic()
	if err != nil {
		t.Fatal(err)
	}
	return counted[name][protocol]
}

// eventually waits until the counters are these.
func (s *server) eventually(t *testing.T, name string, wanted agent.Traffic) {
	t.Helper()
	for end := time.Now().Add(patience); s.traffic(t, name) != wanted; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s stays at %+v, want %+v", name, s.traffic(t, name), wanted)
		}
	}
}
