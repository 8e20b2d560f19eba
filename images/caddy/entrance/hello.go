package entrance

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // ShadowTLS's choice
	"crypto/tls"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"strings"
)

// Where things are in a hello that fills one record (RFC 8446 sections 4.1.2 and 5.1): the record's head, the
// message's head, the version and the random come before the session id's length.
const (
	recordHeadBytes   = 5
	messageHeadBytes  = 4
	sessionIDLengthAt = recordHeadBytes + messageHeadBytes + 2 + 32
	sessionIDBytes    = 32
	sessionIDEnd      = sessionIDLengthAt + 1 + sessionIDBytes
	// signatureBytes is how much of an HMAC a ShadowTLS client puts at the end of its session id
	// (github.com/ihciah/shadow-tls docs/protocol-en.md, version 3).
	signatureBytes = 4
)

var errRead = errors.New("the hello has been read")

// hello is what a client says first, if it is a TLS client's hello.
type hello struct {
	serverName string
	isTLS      bool
	// read is all that was read until then, which can be more than the hello.
	read []byte
}

// readHello has Go's TLS read the hello from a connection that takes no harm from its answers.
func readHello(from *recorder) hello {
	var found hello
	_ = tls.Server(from, &tls.Config{GetConfigForClient: func(info *tls.ClientHelloInfo) (*tls.Config, error) {
		found.serverName, found.isTLS = info.ServerName, true
		return nil, errRead
	}}).Handshake()
	found.read = from.read
	return found
}

// names tells whether a hello names the route. A name with a dot at its end never comes here: Go's TLS refuses it.
func (route *Route) names(first hello) bool {
	return route != nil && first.isTLS && strings.EqualFold(first.serverName, route.Name)
}

// isSigned tells whether a ShadowTLS client of one of those passwords made the hello: sing-box would relay all others to Caddy,
// as far as it can read them (github.com/sagernet/sing-shadowtls v3_server.go), so they are Caddy's right away.
func (first hello) isSigned(passwords []string) bool {
	if len(first.read) < sessionIDEnd || first.read[sessionIDLengthAt] != sessionIDBytes {
		return false
	}
	end := recordHeadBytes + int(binary.BigEndian.Uint16(first.read[3:recordHeadBytes]))
	if end < sessionIDEnd || end > len(first.read) {
		return false
	}
	signature := first.read[sessionIDEnd-signatureBytes : sessionIDEnd]
	return slices.ContainsFunc(passwords, func(password string) bool {
		sum := hmac.New(sha1.New, []byte(password))
		sum.Write(first.read[recordHeadBytes : sessionIDEnd-signatureBytes])
		sum.Write(make([]byte, signatureBytes))
		sum.Write(first.read[sessionIDEnd:end])
		return hmac.Equal(signature, sum.Sum(nil)[:signatureBytes])
	})
}

func (first hello) sessionID() [sessionIDBytes]byte {
	return [sessionIDBytes]byte(first.read[sessionIDEnd-sessionIDBytes : sessionIDEnd])
}

// recorder keeps what is read from a connection, and how, and lets nothing be written.
type recorder struct {
	net.Conn
	read  []byte
	sizes []int
	err   error
}

func (r *recorder) Read(into []byte) (int, error) {
	size, err := r.Conn.Read(into)
	r.read = append(r.read, into[:size]...)
	r.sizes, r.err = append(r.sizes, size), err
	return size, err
}

func (*recorder) Write(data []byte) (int, error) { return len(data), nil }
func (*recorder) Close() error                   { return nil }

// replay gives what was recorded in the same pieces, for bytes left in the kernel decide between FIN and RST at the
// end; false when there is no more.
func (r *recorder) replay(into []byte) (int, error, bool) {
	if len(r.sizes) == 0 {
		return 0, nil, false
	}
	size := copy(into, r.read[:r.sizes[0]])
	r.read, r.sizes[0] = r.read[size:], r.sizes[0]-size
	if r.sizes[0] > 0 {
		return size, nil, true
	}
	if r.sizes = r.sizes[1:]; len(r.sizes) == 0 {
		return size, r.err, true
	}
	return size, nil, true
}
