package main

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	xray "github.com/xtls/xray-core/common/net"
	"github.com/xtls/xray-core/core"
	"github.com/xtls/xray-core/transport/internet"

	"stealth-vpn/images/agent"
	"stealth-vpn/images/agent/enginetest"
	"stealth-vpn/images/egress"
)

const (
	reality   = "vlessReality"
	websocket = "vlessWebsocket"
	patience  = enginetest.Patience
)

type (
	object = map[string]any
	list   = []any
)

// target is what REALITY borrows its handshake from. All servers share it, because measuring one takes five seconds.
var target *httptest.Server

// TestMain guards the sockets of all servers and clients here, as main does; everything is on this machine.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // net/http tells of each handshake that REALITY tries the target with
	folder, err := os.MkdirTemp("", "xray-test-")
	if err != nil {
		panic(err)
	}
	file := filepath.Join(folder, "egress.json")
	rules := `{"allow": ["127.0.0.0/8"], "refuse": ["10.0.0.0/8"], "resolvers": ["127.0.0.1"]}`
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		panic(err)
	}
	guard, err := egress.Load(file)
	if err != nil {
		panic(err)
	}
	internet.UseAlternativeSystemDialer(dialer{guard})
	target = httptest.NewTLSServer(http.NotFoundHandler())
	code := m.Run()
	target.Close()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// server is a whole Xray with both inbounds.
type server struct {
	*accounts
	ports  map[string]int
	public string
}

func newServer(t *testing.T) *server {
	t.Helper()
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	made := &server{
		ports: map[string]int{reality: freePort(t), websocket: freePort(t)}, public: encode(key.PublicKey().Bytes()),
	}
	inbound := func(tag string, stream object) object {
		return object{
			"tag": tag, "listen": "127.0.0.1", "port": made.ports[tag], "protocol": "vless",
			"settings": object{"clients": list{}, "decryption": "none"}, "streamSettings": stream,
		}
	}
	config := object{
		"log": object{"loglevel": "none"},
		"inbounds": list{
			inbound(reality, object{"network": "raw", "security": "reality", "realitySettings": object{
				"target": target.Listener.Addr().String(), "serverNames": list{"example.com"},
				"privateKey": encode(key.Bytes()), "shortIds": list{"0123456789abcdef"},
			}}),
			inbound(websocket, object{"network": "ws", "wsSettings": object{"path": "/secret"}}),
		},
		"outbounds": list{object{"tag": "direct", "protocol": "freedom"}},
	}
	instance, accounts, err := load(text(t, config))
	if err != nil {
		t.Fatal(err)
	}
	if err := instance.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = instance.Close() })
	made.accounts = accounts
	return made
}

func text(t *testing.T, value any) io.Reader {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReader(string(encoded))
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}

// client is Xray's own client of the server; more are fields of its outbound and inbounds of its own.
func (s *server) client(t *testing.T, protocol, id string, more object, inbounds ...any) *core.Instance {
	t.Helper()
	user := object{"id": id, "encryption": "none", "flow": flows[protocol]}
	stream := object{"network": "ws", "wsSettings": object{"path": "/secret"}}
	if protocol == reality {
		stream = object{"network": "raw", "security": "reality", "realitySettings": object{
			"serverName": "example.com", "fingerprint": "chrome", "password": s.public, "shortId": "0123456789abcdef",
		}}
	}
	outbound := object{"protocol": "vless", "streamSettings": stream, "settings": object{
		"vnext": list{object{"address": "127.0.0.1", "port": s.ports[protocol], "users": list{user}}},
	}}
	for name, value := range more {
		outbound[name] = value
	}
	config, err := core.LoadConfig("json", text(t, object{
		"log": object{"loglevel": "none"}, "outbounds": list{outbound}, "inbounds": list(inbounds),
	}))
	if err != nil {
		t.Fatal(err)
	}
	made, err := core.New(config)
	if err == nil {
		err = made.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = made.Close() })
	return made
}

func dial(t *testing.T, client *core.Instance, to net.Addr) net.Conn {
	t.Helper()
	connection, err := core.Dial(context.Background(), client, xray.DestinationFromAddr(to))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return connection
}

func user(name string, secrets map[string]string) agent.User {
	return agent.User{Name: name, Secrets: secrets}
}
