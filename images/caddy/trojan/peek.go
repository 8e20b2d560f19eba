package trojan

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"reflect"
)

// headerBytes is the length of what each Trojan connection begins with: the SHA-224 of the password in hexadecimal
// digits, and CRLF (https://trojan-gfw.github.io/trojan/protocol).
const (
	hashDigits  = 56
	headerBytes = hashDigits + 2
)

// isPrefix tells whether a Trojan header can begin so.
func isPrefix(said []byte) bool {
	for index, character := range said[:min(len(said), headerBytes)] {
		isDigit := '0' <= character && character <= '9' || 'a' <= character && character <= 'f'
		if index < hashDigits && !isDigit || index >= hashDigits && character != "\r\n"[index-hashDigits] {
			return false
		}
	}
	return true
}

// isHeader tells whether all of a Trojan header is there.
func isHeader(said []byte) bool { return len(said) >= headerBytes && isPrefix(said) }

// peek reads until it is decided whether that is a Trojan header, or nothing more comes; `unread` is its undoing.
func peek(secured *tls.Conn) []byte {
	var said []byte
	for len(said) < headerBytes && isPrefix(said) {
		// One byte is read the usual way, and the rest of its record from the buffer behind: a read that empties the
		// buffer looks further, for an alert, which is left to who reads next.
		one := make([]byte, 1)
		size, err := secured.Read(one)
		said = append(said, one[:size]...)
		if err != nil {
			break
		}
		rest, _ := io.ReadAll(inputOf(secured))
		said = append(said, rest...)
	}
	return said
}

// unread puts back what was read last.
func unread(secured *tls.Conn, said []byte) {
	if len(said) > 0 {
		inputOf(secured).Reset(said)
	}
}

// inputOf returns crypto/tls's buffer of clear text that nobody has read yet. It is private; but Go's server, and
// Caddy's wrapper around listeners, treat connections that are no *tls.Conn otherwise, in ways that a prober sees.
// Xray-core looks at the same field for XTLS (proxy/vless/inbound/inbound.go).
func inputOf(secured *tls.Conn) *bytes.Reader {
	field := reflect.ValueOf(secured).Elem().FieldByName("input")
	return (*bytes.Reader)(field.Addr().UnsafePointer())
}

// checkInput tells whether this Go has the field.
func checkInput() error {
	field, found := reflect.TypeFor[tls.Conn]().FieldByName("input")
	if !found || field.Type != reflect.TypeFor[bytes.Reader]() {
		return errors.New("crypto/tls keeps clear text elsewhere than in Go 1.26: build with that, or change trojan/peek.go")
	}
	return nil
}
