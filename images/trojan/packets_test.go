package main

import (
	"bytes"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/p4gefau1t/trojan-go/tunnel"
)

func dialPackets(t *testing.T, client tunnel.Client) tunnel.PacketConn {
	t.Helper()
	made, err := client.DialPacket(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = made.Close() })
	return made
}

// echoed sends a packet and says what went wrong with its echo.
func echoed(t *testing.T, session tunnel.PacketConn, to net.Addr, sent []byte) error {
	t.Helper()
	if err := session.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := session.WriteWithMetadata(sent, &tunnel.Metadata{Address: address(t, to)}); err != nil {
		return err
	}
	got := make([]byte, 2000)
	length, _, err := session.ReadWithMetadata(got)
	if err == nil && !bytes.Equal(got[:length], sent) {
		return errors.New("another packet came back")
	}
	return err
}
