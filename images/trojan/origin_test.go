package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/p4gefau1t/trojan-go/tunnel"
)

// origin answers eight bytes, a number, with as many zeros as it says, and goes on so.
func origin(t *testing.T) net.Addr {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go answer(connection)
		}
	}()
	return listener.Addr()
}

func answer(connection net.Conn) {
	defer func() { _ = connection.Close() }()
	for {
		var wanted int64
		if binary.Read(connection, binary.BigEndian, &wanted) != nil {
			return
		}
		if _, err := connection.Write(make([]byte, wanted)); err != nil {
			return
		}
	}
}

// take asks for bytes and reads them, and says what went wrong.
func take(connection net.Conn, length int64) error {
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if err := binary.Write(connection, binary.BigEndian, length); err != nil {
		return err
	}
	got := make([]byte, length)
	if _, err := io.ReadFull(connection, got); err != nil {
		return err
	}
	if bytes.Count(got, []byte{0}) != len(got) {
		return errors.New("it was not the origin who answered")
	}
	return nil
}

// echo answers each packet with itself.
func echo(t *testing.T) net.Addr {
	t.Helper()
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	go func() {
		packet := make([]byte, 2000)
		for {
			length, from, err := socket.ReadFromUDPAddrPort(packet)
			if err != nil {
				return
			}
			_, _ = socket.WriteToUDPAddrPort(packet[:length], from)
		}
	}()
	return socket.LocalAddr()
}

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
