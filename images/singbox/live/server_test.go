package live

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"
	box "github.com/sagernet/sing-box"
	"github.com/sagernet/sing-box/adapter/endpoint"
	"github.com/sagernet/sing-box/adapter/inbound"
	"github.com/sagernet/sing-box/adapter/outbound"
	"github.com/sagernet/sing-box/adapter/service"
	"github.com/sagernet/sing-box/dns"
	"github.com/sagernet/sing-box/dns/transport/local"
	"github.com/sagernet/sing-box/option"
	"github.com/sagernet/sing-box/protocol/direct"
	"github.com/sagernet/sing-box/protocol/hysteria2"
	"github.com/sagernet/sing-box/protocol/shadowsocks"
	"github.com/sagernet/sing-box/protocol/shadowtls"
	"github.com/sagernet/sing-box/protocol/tuic"
	singjson "github.com/sagernet/sing/common/json"
	"github.com/sagernet/sing/common/metadata"

	"stealth-vpn/images/agent"
)

type object = map[string]any

const sharedPassword = "everybody's"

// ways are the protocols, and Shadowsocks also with a client that multiplexes.
var ways = map[string]string{
	"shadowtls": "shadowtls", "shadowtls multiplexed": "shadowtls", "hysteria2": "hysteria2", "tuic": "tuic",
}

// server is a sing-box with the inbounds of this package.
type server struct {
	people      *People
	ports       map[string]int
	key         string
	certificate string
	site        *httptest.Server
	// log is the file that everything is written down in.
	log string
}

func newServer(t *testing.T) *server {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		fmt.Fprint(answer, "the site for ", request.Host)
	}))
	t.Cleanup(site.Close)
	cover := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(cover.Close)
	certificate, privateKey := selfSigned(t)
	made := &server{people: NewPeople(), ports: map[string]int{}, key: newKey(), certificate: certificate, site: site}
	made.ports["shadowtls"] = freePort(t, "tcp")
	made.ports["hysteria2"], made.ports["tuic"] = freePort(t, "udp"), freePort(t, "udp")
	tls := object{"enabled": true, "alpn": []string{"h3"}, "certificate": []string{certificate}, "key": []string{privateKey}}
	outbounds := outbound.NewRegistry()
	direct.RegisterOutbound(outbounds)
	made.log = filepath.Join(t.TempDir(), "log")
	start(t, made.people.Inbounds(), outbounds, object{
		"log": object{"level": "trace", "output": made.log},
		"inbounds": []object{
			{"type": "shadowtls", "listen": "127.0.0.1", "listen_port": made.ports["shadowtls"], "version": 3,
				"strict_mode": true, "detour": "shadowsocks", "users": []object{{"password": sharedPassword}},
				"handshake": object{"server": "127.0.0.1", "server_port": cover.Listener.Addr().(*net.TCPAddr).Port}},
			{"type": "shadowsocks", "tag": "shadowsocks", "password": made.key},
			{"type": "hysteria2", "listen": "127.0.0.1", "listen_port": made.ports["hysteria2"], "tls": tls,
				"masquerade": site.URL},
			{"type": "tuic", "listen": "127.0.0.1", "listen_port": made.ports["tuic"], "tls": tls, "congestion_control": "bbr"},
		},
		"outbounds": []object{{"type": "direct"}},
	})
	return made
}

// client is a real sing-box client, one for each way.
func (server *server) client(t *testing.T, way, secret string) *client {
	t.Helper()
	tls := object{"enabled": true, "server_name": "q.test", "alpn": []string{"h3"}, "certificate": []string{server.certificate}}
	protocol := ways[way]
	out := object{"type": protocol, "server": "127.0.0.1", "server_port": server.ports[protocol], "tls": tls}
	outs := []object{out}
	switch protocol {
	case "hysteria2":
		out["password"] = secret
	case "tuic":
		out["uuid"], out["password"] = secret[:36], secret[37:]
	case "shadowtls":
		out["tag"], out["version"], out["password"] = "shadowtls", 3, sharedPassword
		out["tls"] = object{"enabled": true, "server_name": "www.test", "insecure": true}
		out["server_port"] = line(t, server.ports[protocol])
		outer := object{"type": "shadowsocks", "method": shadowsocksMethod, "password": server.key + ":" + secret,
			"detour": "shadowtls"}
		if way == protocol {
			outer["udp_over_tcp"] = true
		} else {
			outer["multiplex"] = object{"enabled": true, "max_connections": 1}
		}
		outs = []object{outer, out}
	}
	outbounds := outbound.NewRegistry()
	shadowsocks.RegisterOutbound(outbounds)
	shadowtls.RegisterOutbound(outbounds)
	hysteria2.RegisterOutbound(outbounds)
	tuic.RegisterOutbound(outbounds)
	started := start(t, inbound.NewRegistry(), outbounds, object{"outbounds": outs})
	dialer := started.Outbound().Default()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, kind, to string) (net.Conn, error) {
		return dialer.DialContext(ctx, kind, metadata.ParseSocksaddr(to))
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{http: &http.Client{Transport: transport}, dialer: dialer}
}

func start(t *testing.T, inbounds *inbound.Registry, outbounds *outbound.Registry, config object) *box.Box {
	t.Helper()
	if config["log"] == nil {
		config["log"] = object{"level": "fatal"}
	}
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	transports := dns.NewTransportRegistry()
	local.RegisterTransport(transports)
	ctx := box.Context(t.Context(), inbounds, outbounds, endpoint.NewRegistry(), transports, service.NewRegistry())
	options, err := singjson.UnmarshalExtendedContext[option.Options](ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	made, err := box.New(box.Options{Context: ctx, Options: options})
	if err != nil {
		t.Fatal(err)
	}
	if err := made.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = made.Close() })
	return made
}

// apply changes users and wants no fault.
func (server *server) apply(t *testing.T, set []agent.User, remove ...string) {
	t.Helper()
	if faults := server.people.Apply(set, remove); len(faults) != 0 {
		t.Fatal(faults)
	}
}

// newUser has fresh secrets for all protocols.
func newUser(name string) agent.User {
	return agent.User{Name: name, Secrets: map[string]string{
		"shadowtls": newKey(), "hysteria2": rand.Text(), "tuic": uuid.Must(uuid.NewV4()).String() + ":" + rand.Text(),
	}}
}

func newKey() string {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	return base64.StdEncoding.EncodeToString(key)
}

func freePort(t *testing.T, kind string) int {
	t.Helper()
	if kind == "tcp" {
		socket, err := net.Listen(kind, "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = socket.Close() }()
		return socket.Addr().(*net.TCPAddr).Port
	}
	socket, err := net.ListenPacket(kind, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	return socket.LocalAddr().(*net.UDPAddr).Port
}

func selfSigned(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"q.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	signed, err := x509.CreateCertificate(rand.Reader, about, about, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: packed}))
}
