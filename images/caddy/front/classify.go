package main

import "encoding/binary"

// kind is what the first bytes of a client's datagram say.
type kind int

const (
	noise          kind = iota // nothing that a backend would answer
	wireguard                  // a WireGuard message
	initial                    // a QUIC Initial whose keys are public: it may carry a server name
	early                      // QUIC 0-RTT, which the network may deliver ahead of its Initial
	unknownVersion             // QUIC whose keys nobody here knows; a server offers the versions that it speaks
	moved                      // any other QUIC: its flow began elsewhere
)

const (
	longHeader = 0x80 // RFC 8999 section 5.1
	fixedBit   = 0x40 // RFC 9000 section 17.2

	// RFC 9000 section 14.1: a server drops an Initial in a smaller datagram; section 6.1: and unknown versions too.
	smallestInitial = 1200
	// RFC 9000 section 10.3: no shorter datagram is a valid packet with a short header.
	smallestShort = 21
	// WireGuard's transport message without content: type, receiver, counter and tag.
	smallestWireguard = 32
)

func classify(datagram []byte) kind {
	switch {
	case isWireguard(datagram):
		return wireguard
	case len(datagram) < smallestShort:
		return noise
	case datagram[0]&longHeader != 0:
		return classifyLong(datagram)
	case datagram[0]&fixedBit != 0:
		return moved
	}
	return noise
}

// isWireguard knows all four messages: type 1 to 4 and three reserved zeros. QUIC has the fixed bit set there.
func isWireguard(datagram []byte) bool {
	return len(datagram) >= smallestWireguard && datagram[0] >= 1 && datagram[0] <= 4 &&
		datagram[1] == 0 && datagram[2] == 0 && datagram[3] == 0
}

func classifyLong(datagram []byte) kind {
	number := binary.BigEndian.Uint32(datagram[1:])
	known, found := versions[number]
	switch {
	case number == 0: // RFC 9000 section 17.2.1: only servers negotiate versions
		return noise
	case !found && len(datagram) < smallestInitial:
		return noise
	case !found:
		return unknownVersion
	case datagram[0]&fixedBit == 0:
		return noise
	}
	switch packetType(datagram[0]) {
	case known.initialType:
		if len(datagram) < smallestInitial {
			return noise
		}
		return initial
	case known.earlyType:
		return early
	}
	return moved
}

func packetType(first byte) byte { return first >> 4 & 3 }
