package main

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// origin answers eight bytes, a number, with as many bytes as it says, and goes on so.
func origin(t *testing.T) net.Addr {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, listener)
}

// secureOrigin is the same behind TLS 1.3, which Vision lets pass unpadded.
func secureOrigin(t *testing.T) net.Addr {
	t.Helper()
	borrowed := httptest.NewTLSServer(http.NotFoundHandler())
	certificates := borrowed.TLS.Certificates
	borrowed.Close()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certificates, MinVersion: tls.VersionTLS13})
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, listener)
}

func serve(t *testing.T, listener net.Listener) net.Addr {
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

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// ask wants bytes of an origin.
func ask(t *testing.T, connection net.Conn, bytes int64) {
	t.Helper()
	if err := binary.Write(connection, binary.BigEndian, bytes); err != nil {
		t.Fatal(err)
	}
}

// take asks for bytes and reads them, and says what went wrong.
func take(connection net.Conn, bytes int64) error {
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if err := binary.Write(connection, binary.BigEndian, bytes); err != nil {
		return err
	}
	_, err := io.CopyN(io.Discard, connection, bytes)
	return err
}
