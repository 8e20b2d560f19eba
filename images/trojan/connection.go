package main

import (
	"errors"
	"io"
	"net"

	"github.com/p4gefau1t/trojan-go/tunnel"
	"github.com/p4gefau1t/trojan-go/tunnel/trojan"
)

// connection is an account's, as it came from the client: a stream, a session of packets, or mux, which carries many of
// both. What it carries ends with it.
type connection struct {
	net.Conn
	account  *account
	accounts *accounts
}

func (c *connection) Read(bytes []byte) (int, error) {
	length, err := c.Conn.Read(bytes)
	c.account.up.Add(int64(length))
	return length, err
}

func (c *connection) Write(bytes []byte) (int, error) {
	length, err := c.Conn.Write(bytes)
	c.account.down.Add(int64(length))
	return length, err
}

func (c *connection) Close() error {
	c.accounts.leave(c)
	return c.Conn.Close()
}

// cut ends it; whoever reads it then closes it. The last words of TLS may wait for a client that does not read.
func (c *connection) cut() { go func() { _ = c.Conn.Close() }() }

// stream is a connection, or a part of one that is mux, whose client has said what it wants.
type stream struct {
	net.Conn
	wanted *tunnel.Metadata
}

func (s *stream) Metadata() *tunnel.Metadata { return s.wanted }

// session is a stream that carries packets.
type session struct{ trojan.PacketConn }

func (s *session) ReadWithMetadata(payload []byte) (length int, to *tunnel.Metadata, err error) {
	defer refuse(&err)
	return s.PacketConn.ReadWithMetadata(payload)
}

func readRequest(from io.Reader) (wanted *tunnel.Metadata, err error) {
	defer refuse(&err)
	wanted = &tunnel.Metadata{}
	return wanted, wanted.ReadFrom(from)
}

// refuse makes an error of a panic. Trojan-Go adds 2 to a name's length in a byte (tunnel/metadata.go), so that one of
// 254 or 255 bytes, which no name has (RFC 1035 section 2.3.4), would end the process.
func refuse(err *error) {
	if recover() != nil {
		*err = errors.New("the name is too long")
	}
}
