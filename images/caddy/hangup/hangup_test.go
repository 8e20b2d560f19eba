package hangup

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/mholt/caddy-l4/layer4"
)

const patience = 5 * time.Second

// pair returns the two ends of a TCP connection, for a pipe knows no half.
func pair(t *testing.T) (client, server net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if client, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(); _ = server.Close() })
	return client, server
}

func TestAClientThatStaysIsHungUpOnAfterItHasTheLastBytes(t *testing.T) {
	client, server := pair(t)
	ended := make(chan error, 1)
	proxy := layer4.HandlerFunc(func(connection *layer4.Connection) error {
		_, _ = connection.Write([]byte("last"))
		go func() {
			_, err := io.Copy(io.Discard, connection) // as a proxy reads what the client may still send
			ended <- err
		}()
		return connection.Conn.(interface{ CloseWrite() error }).CloseWrite()
	})
	go func() { _ = (&Handler{}).Handle(layer4.WrapConnection(server, nil, nil), proxy) }()
	_ = client.SetDeadline(time.Now().Add(patience))
	if got, err := io.ReadAll(client); string(got) != "last" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("never hung up")
	}
}

func TestItTakesNoArguments(t *testing.T) {
	for text, good := range map[string]bool{"hang_up": true, "hang_up now": false, "hang_up {\n now\n}": false} {
		if err := (&Handler{}).UnmarshalCaddyfile(caddyfile.NewTestDispenser(text)); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}
