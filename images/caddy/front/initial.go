package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"

	"golang.org/x/crypto/cryptobyte"
)

// version is what differs in the Initials of two QUIC versions.
type version struct {
	salt                   []byte
	prefix                 string // of the labels that keys are derived by
	initialType, earlyType byte   // bits 4 and 5 of the first byte
}

var versions = map[uint32]*version{
	// RFC 9000 section 17.2; RFC 9001 section 5.2.
	0x00000001: {salt: unhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"), prefix: "quic ", initialType: 0, earlyType: 1},
	// RFC 9369 sections 3.2, 3.3.1 and 3.3.2.
	0x6b3343cf: {salt: unhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"), prefix: "quicv2 ", initialType: 1, earlyType: 2},
}

const (
	largestConnectionID = 20 // RFC 9000 section 17.2
	sampleOffset        = 4  // RFC 9001 section 5.4.2: the sample begins as if the packet number had four bytes
)

var errUnreadable = errors.New("no Initial that the public keys open")

// initialKeys protect the client's Initials; anybody can derive them from the connection ID (RFC 9001 section 5.2).
type initialKeys struct {
	version      *version
	connectionID []byte
	aead         cipher.AEAD
	header       cipher.Block
	nonce        []byte
}

func newInitialKeys(known *version, connectionID []byte) (*initialKeys, error) {
	common, err := hkdf.Extract(sha256.New, connectionID, known.salt)
	if err != nil {
		return nil, err
	}
	secret := expandLabel(common, "client in", sha256.Size)
	block, err := aes.NewCipher(expandLabel(secret, known.prefix+"key", 16))
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	header, err := aes.NewCipher(expandLabel(secret, known.prefix+"hp", 16))
	return &initialKeys{
		version: known, connectionID: bytes.Clone(connectionID), aead: aead, header: header,
		nonce: expandLabel(secret, known.prefix+"iv", 12),
	}, err
}

// expandLabel is HKDF-Expand-Label without a context (RFC 8446 section 7.1).
func expandLabel(secret []byte, label string, length int) []byte {
	info := []byte{byte(length >> 8), byte(length), byte(len("tls13 ") + len(label))}
	info = append(append(append(info, "tls13 "...), label...), 0)
	key, err := hkdf.Expand(sha256.New, secret, string(info), length)
	if err != nil {
		panic(err) // lengths are constants far below the limit
	}
	return key
}

// packet is a protected packet with a long header.
type packet struct {
	version      *version
	kind         byte
	connectionID []byte
	whole        []byte // header and protected payload, without the packets coalesced behind
	numberOffset int
}

// splitPacket takes the first packet off a datagram (RFC 9000 sections 12.2 and 17.2).
func splitPacket(datagram []byte) (packet, []byte, error) {
	reader := cryptobyte.String(datagram)
	var first uint8
	var number uint32
	var destination, source cryptobyte.String
	if !reader.ReadUint8(&first) || first&longHeader == 0 || !reader.ReadUint32(&number) ||
		!reader.ReadUint8LengthPrefixed(&destination) || len(destination) > largestConnectionID ||
		!reader.ReadUint8LengthPrefixed(&source) {
		return packet{}, nil, errUnreadable
	}
	known := versions[number]
	if known == nil {
		return packet{}, nil, errUnreadable
	}
	made := packet{version: known, kind: packetType(first), connectionID: destination}
	if made.kind == known.initialType {
		var token []byte
		if length, good := readVarint(&reader); !good || !readBytes(&reader, &token, length) {
			return packet{}, nil, errUnreadable
		}
	}
	length, good := readVarint(&reader)
	made.numberOffset = len(datagram) - len(reader)
	var body []byte
	if !good || !readBytes(&reader, &body, length) {
		return packet{}, nil, errUnreadable
	}
	made.whole = datagram[:made.numberOffset+len(body)]
	return made, reader, nil
}

// open returns the frames of an Initial and leaves the packet as it is, for it is still to be forwarded.
func (keys *initialKeys) open(protected packet) ([]byte, error) {
	sample := protected.numberOffset + sampleOffset
	if len(protected.whole) < sample+aes.BlockSize {
		return nil, errUnreadable
	}
	mask := make([]byte, aes.BlockSize)
	keys.header.Encrypt(mask, protected.whole[sample:sample+aes.BlockSize])
	plain := bytes.Clone(protected.whole)
	plain[0] ^= mask[0] & 0x0f // RFC 9001 section 5.4.1: four bits of a long header are protected
	end := protected.numberOffset + int(plain[0]&3) + 1
	nonce := bytes.Clone(keys.nonce)
	for index := protected.numberOffset; index < end; index++ {
		plain[index] ^= mask[1+index-protected.numberOffset]
		// A client's first packets have small numbers, so that the truncated one is the whole one.
		nonce[len(nonce)-end+index] ^= plain[index]
	}
	frames, err := keys.aead.Open(plain[end:end], nonce, plain[end:], plain[:end])
	if err != nil {
		return nil, errUnreadable
	}
	return frames, nil
}

// readVarint reads a variable-length integer (RFC 9000 section 16).
func readVarint(reader *cryptobyte.String) (uint64, bool) {
	if len(*reader) == 0 {
		return 0, false
	}
	var wide [8]byte
	size := 1 << ((*reader)[0] >> 6)
	if !reader.CopyBytes(wide[8-size:]) {
		return 0, false
	}
	wide[8-size] &= 0x3f
	return binary.BigEndian.Uint64(wide[:]), true
}

func readBytes(reader *cryptobyte.String, out *[]byte, length uint64) bool {
	return length <= uint64(len(*reader)) && reader.ReadBytes(out, int(length))
}

func unhex(text string) []byte {
	decoded, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return decoded
}
