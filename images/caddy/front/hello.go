package main

import (
	"errors"

	"golang.org/x/crypto/cryptobyte"
)

const (
	// What eight datagrams of 1500 bytes can carry; a hello is one or two packets long.
	largestHello = 12_000

	// Frames that a client may put into an Initial (RFC 9000 section 12.4, table 3).
	framePadding, framePing = 0x00, 0x01
	frameAck, frameAckECN   = 0x02, 0x03
	frameCrypto             = 0x06

	clientHello        = 1 // RFC 8446 section 4
	extensionName      = 0 // RFC 6066 section 3
	nameTypeHost       = 0
	handshakeHeaderLen = 4
)

var errNoHello = errors.New("no ClientHello")

// helloBuffer puts the pieces of a ClientHello together, which may come in any order and overlap.
type helloBuffer struct {
	bytes    []byte
	present  []bool
	complete int // bytes from the start without a gap
}

// add takes the CRYPTO frames of one Initial.
func (buffer *helloBuffer) add(frames []byte) error {
	reader := cryptobyte.String(frames)
	for len(reader) > 0 {
		kind, good := readVarint(&reader)
		switch {
		case !good:
			return errNoHello
		case kind == framePadding || kind == framePing:
		case kind == frameAck || kind == frameAckECN:
			if !skipAck(&reader, kind) {
				return errNoHello
			}
		case kind == frameCrypto:
			if !buffer.readCrypto(&reader) {
				return errNoHello
			}
		default:
			return errNoHello
		}
	}
	return nil
}

// readCrypto takes one CRYPTO frame (RFC 9000 section 19.6).
func (buffer *helloBuffer) readCrypto(reader *cryptobyte.String) bool {
	offset, good := readVarint(reader)
	length, also := readVarint(reader)
	var piece []byte
	if !good || !also || offset > largestHello || !readBytes(reader, &piece, length) {
		return false
	}
	end := int(offset) + len(piece)
	if end > largestHello {
		return false
	}
	if missing := end - len(buffer.bytes); missing > 0 {
		buffer.bytes = append(buffer.bytes, make([]byte, missing)...)
		buffer.present = append(buffer.present, make([]bool, missing)...)
	}
	copy(buffer.bytes[offset:], piece)
	for index := int(offset); index < end; index++ {
		buffer.present[index] = true
	}
	for buffer.complete < len(buffer.present) && buffer.present[buffer.complete] {
		buffer.complete++
	}
	return true
}

// skipAck reads past an acknowledgement (RFC 9000 section 19.3).
func skipAck(reader *cryptobyte.String, kind uint64) bool {
	var ranges uint64
	for field := range 4 { // largest, delay, number of further ranges, first range
		value, good := readVarint(reader)
		if !good {
			return false
		}
		if field == 2 {
			ranges = value
		}
	}
	rest := 2 * ranges
	if kind == frameAckECN {
		rest += 3
	}
	for ; rest > 0; rest-- {
		if _, good := readVarint(reader); !good {
			return false
		}
	}
	return true
}

// serverName returns the name asked for, "" if none is, and false while bytes are missing.
func (buffer *helloBuffer) serverName() (string, bool, error) {
	if buffer.complete < handshakeHeaderLen {
		return "", false, nil
	}
	reader := cryptobyte.String(buffer.bytes[:buffer.complete])
	var kind uint8
	var body cryptobyte.String
	reader.ReadUint8(&kind)
	length := int(reader[0])<<16 | int(reader[1])<<8 | int(reader[2])
	if kind != clientHello || length > largestHello-handshakeHeaderLen {
		return "", false, errNoHello
	}
	if !reader.ReadUint24LengthPrefixed(&body) {
		return "", false, nil
	}
	name, err := readName(body)
	return name, err == nil, err
}

// readName walks a ClientHello to its server_name (RFC 8446 section 4.1.2, RFC 6066 section 3).
func readName(hello cryptobyte.String) (string, error) {
	var session, suites, compressions, extensions cryptobyte.String
	if !hello.Skip(2+32) || !hello.ReadUint8LengthPrefixed(&session) || !hello.ReadUint16LengthPrefixed(&suites) ||
		!hello.ReadUint8LengthPrefixed(&compressions) || !hello.ReadUint16LengthPrefixed(&extensions) {
		return "", errNoHello
	}
	for len(extensions) > 0 {
		var kind uint16
		var content, names, name cryptobyte.String
		var nameType uint8
		if !extensions.ReadUint16(&kind) || !extensions.ReadUint16LengthPrefixed(&content) {
			return "", errNoHello
		}
		if kind != extensionName {
			continue
		}
		if !content.ReadUint16LengthPrefixed(&names) || !names.ReadUint8(&nameType) || nameType != nameTypeHost ||
			!names.ReadUint16LengthPrefixed(&name) {
			return "", errNoHello
		}
		return string(name), nil
	}
	return "", nil
}
