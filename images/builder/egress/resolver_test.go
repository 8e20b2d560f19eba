package egress

import (
	"context"
	"net/netip"
	"testing"
	"time"
)

func TestTheNextServerIsTakenWhenOneGivesNoAnswer(t *testing.T) {
	// Nobody has to be at either address.
	servers := []netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.3")}
	resolver := newResolver(servers)
	asked := func() string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		connection, err := resolver.Dial(ctx, "udp", "127.0.0.11:53")
		if err != nil {
			return err.Error()
		}
		defer connection.Close()
		server := connection.RemoteAddr().String()
		_ = connection.SetReadDeadline(time.Now()) // fails only on a closed connection
		_, _ = connection.Read(make([]byte, 1))    // the silence
		return server
	}
	if first := asked(); first != "127.0.0.2:53" {
		t.Fatalf("asked %s first", first)
	}
	if second := asked(); second != "127.0.0.3:53" {
		t.Errorf("asked %s after the first was silent", second)
	}
	if third := asked(); third != "127.0.0.2:53" {
		t.Errorf("asked %s after the last, want the first again", third)
	}
}
