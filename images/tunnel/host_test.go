package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

var quick = Patience{
	Connect: time.Second, Ask: 100 * time.Millisecond, First: 20 * time.Millisecond, Longest: 100 * time.Millisecond}

// server is an SSH server that lets one key in and opens direct-tcpip only, as sshd does for this account.
type server struct {
	t       *testing.T
	address string
	key     ssh.Signer
	allowed map[string]bool
	deaf    chan struct{}

	mutex       sync.Mutex
	listener    net.Listener
	connections []net.Conn
}

func newServer(t *testing.T, client ssh.PublicKey, allowed ...string) *server {
	t.Helper()
	found := &server{t: t, key: newSigner(t), allowed: map[string]bool{}, deaf: make(chan struct{})}
	for _, place := range allowed {
		found.allowed[place] = true
	}
	found.start(client, "127.0.0.1:0")
	t.Cleanup(found.stop)
	return found
}

func newSigner(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	signer, err := ssh.NewSignerFromKey(private)
	must(t, err)
	return signer
}

func (server *server) start(client ssh.PublicKey, address string) {
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(client.Marshal()) {
			return nil, fmt.Errorf("not this key")
		}
		return &ssh.Permissions{}, nil
	}}
	config.AddHostKey(server.key)
	listener, err := net.Listen("tcp", address)
	must(server.t, err)
	server.mutex.Lock()
	server.listener, server.address = listener, listener.Addr().String()
	server.mutex.Unlock()
	go func() {
		for {
			raw, err := listener.Accept()
			if err != nil {
				return
			}
			server.mutex.Lock()
			server.connections = append(server.connections, raw)
			server.mutex.Unlock()
			go server.serve(raw, config)
		}
	}()
}

func (server *server) stop() {
	server.mutex.Lock()
	defer server.mutex.Unlock()
	_ = server.listener.Close()
	for _, connection := range server.connections {
		_ = connection.Close()
	}
	server.connections = nil
}

func (server *server) serve(raw net.Conn, config *ssh.ServerConfig) {
	connection, channels, requests, err := ssh.NewServerConn(raw, config)
	if err != nil {
		return
	}
	defer connection.Close()
	go func() {
		for request := range requests {
			select {
			case <-server.deaf:
			default:
				_ = request.Reply(false, nil)
			}
		}
	}()
	for channel := range channels {
		go server.open(channel)
	}
}

func (server *server) open(offered ssh.NewChannel) {
	// RFC 4254 section 7.2.
	var wanted struct {
		Host     string
		Port     uint32
		FromHost string
		FromPort uint32
	}
	if offered.ChannelType() != "direct-tcpip" || ssh.Unmarshal(offered.ExtraData(), &wanted) != nil {
		_ = offered.Reject(ssh.Prohibited, "forwarding only")
		return
	}
	place := net.JoinHostPort(wanted.Host, fmt.Sprint(wanted.Port))
	if !server.allowed[place] {
		_ = offered.Reject(ssh.Prohibited, "not this place")
		return
	}
	far, err := net.Dial("tcp", place)
	if err != nil {
		_ = offered.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	channel, requests, err := offered.Accept()
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	go func() {
		_, _ = io.Copy(far, channel)
		_ = far.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(channel, far)
	_ = channel.CloseWrite()
	_ = channel.Close()
}

// agent says its name and what it was told, once it was told all.
func agent(t *testing.T, name string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				said, _ := io.ReadAll(connection)
				_, _ = fmt.Fprintf(connection, "%s heard %s", name, said)
			}()
		}
	}()
	return listener.Addr().String()
}

func free(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

func newKey(t *testing.T) (string, ssh.PublicKey) {
	t.Helper()
	seed := make([]byte, ed25519.SeedSize)
	_, err := rand.Read(seed)
	must(t, err)
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(seed))
	must(t, err)
	return base64.StdEncoding.EncodeToString(seed), signer.PublicKey()
}

func hostOf(server *server, name, listen, to string) Host {
	return Host{Name: name, Address: server.address, Ports: []Port{{Listen: listen, To: to}},
		HostKey: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(server.key.PublicKey())))}
}

func written(t *testing.T, config Config) string {
	t.Helper()
	text, err := json.Marshal(config)
	must(t, err)
	path := filepath.Join(t.TempDir(), "tunnel.json")
	must(t, os.WriteFile(path, text, 0o400))
	return path
}

// ask tells an agent something by a place of the tunnel's, and returns what it says.
func ask(address, text string) (string, error) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return "", err
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(connection, text); err != nil {
		return "", err
	}
	if err := connection.(*net.TCPConn).CloseWrite(); err != nil {
		return "", err
	}
	said, err := io.ReadAll(connection)
	return string(said), err
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("after 5 s it is not so: %s", what)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
