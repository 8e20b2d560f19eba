// Package enginetest is what the tests of engines share: whom clients reach, and what is done to users.
package enginetest

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// Patience is for what must come.
const Patience = 10 * time.Second

// Origin answers eight bytes, a number, with as many zeros as it says, and goes on so.
func Origin(t *testing.T) net.Addr {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return Serve(t, listener)
}

// Serve answers as Origin does whatever the listener takes in.
func Serve(t *testing.T, listener net.Listener) net.Addr {
	t.Helper()
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
		if _, err := io.CopyN(connection, zeros{}, wanted); err != nil {
			return
		}
	}
}

// zeros gives zeros, and takes nothing else.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func (zeros) Write(p []byte) (int, error) {
	for _, got := range p {
		if got != 0 {
			return 0, errors.New("it was not the origin who answered")
		}
	}
	return len(p), nil
}

// Take asks for bytes and reads them, and says what went wrong.
func Take(connection net.Conn, length int64) error {
	if err := connection.SetDeadline(time.Now().Add(Patience)); err != nil {
		return err
	}
	if err := binary.Write(connection, binary.BigEndian, length); err != nil {
		return err
	}
	_, err := io.CopyN(zeros{}, connection, length)
	return err
}

// Echo answers each packet with itself.
func Echo(t *testing.T) *net.UDPAddr {
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
	return socket.LocalAddr().(*net.UDPAddr)
}
