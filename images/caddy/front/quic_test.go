package main

import (
	"context"
	"crypto/aes"
	"crypto/tls"
	"encoding/binary"
	"testing"
)

const (
	versionOne, versionTwo = 0x00000001, 0x6b3343cf
	tuicName, quicName     = "t.example.com", "q.example.com"
	otherName              = "www.example.com"
)

// makeHello makes the hello that a real client sends; a post-quantum one does not fit into one datagram.
func makeHello(t testing.TB, name string, postQuantum bool) []byte {
	t.Helper()
	curves := []tls.CurveID{tls.X25519}
	if postQuantum {
		curves = []tls.CurveID{tls.X25519MLKEM768, tls.X25519}
	}
	connection := tls.QUICClient(&tls.QUICConfig{TLSConfig: &tls.Config{
		ServerName: name, NextProtos: []string{"h3"}, MinVersion: tls.VersionTLS13, CurvePreferences: curves,
	}})
	defer connection.Close()
	connection.SetTransportParameters(make([]byte, 60))
	if err := connection.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	var hello []byte
	for event := connection.NextEvent(); event.Kind != tls.QUICNoEvent; event = connection.NextEvent() {
		if event.Kind == tls.QUICWriteData && event.Level == tls.QUICEncryptionLevelInitial {
			hello = append(hello, event.Data...)
		}
	}
	if postQuantum != (len(hello) > smallestInitial) {
		t.Fatalf("a hello of %d bytes", len(hello))
	}
	return hello
}

func crypto(hello []byte, from, to int) []byte {
	frame := appendVarint([]byte{frameCrypto}, from)
	return append(appendVarint(frame, to-from), hello[from:to]...)
}

func appendVarint(out []byte, value int) []byte {
	return binary.BigEndian.AppendUint16(out, uint16(value)|0x4000)
}

// sealer makes the Initials of one client.
type sealer struct {
	number     uint32
	connection []byte
	token      []byte
	sent       byte
}

func newSealer(number uint32) *sealer {
	return &sealer{number: number, connection: unhex("8394c8f03e515708")} // no chance in it, for the fuzzer's sake
}

// packet seals frames into an Initial, padded to the size.
func (client *sealer) packet(frames []byte, size int) []byte {
	known := versions[client.number]
	header := binary.BigEndian.AppendUint32([]byte{longHeader | fixedBit | known.initialType<<4}, client.number)
	header = append(append(header, byte(len(client.connection))), client.connection...)
	header = append(header, 0)
	header = append(appendVarint(header, len(client.token)), client.token...)
	rest := max(size-len(header)-2, 1+len(frames)+16)
	header = append(appendVarint(header, rest), client.sent)
	plain := make([]byte, rest-1-16)
	copy(plain, frames)
	keys, err := newInitialKeys(known, client.connection)
	if err != nil {
		panic(err)
	}
	nonce := append([]byte(nil), keys.nonce...)
	nonce[len(nonce)-1] ^= client.sent
	client.sent++
	sealed := keys.aead.Seal(header, nonce, plain, header)
	mask := make([]byte, aes.BlockSize)
	keys.header.Encrypt(mask, sealed[len(header)+3:])
	sealed[0] ^= mask[0] & 0x0f
	sealed[len(header)-1] ^= mask[1]
	return sealed
}

// datagrams splits the hello into as many full Initials as it needs.
func (client *sealer) datagrams(hello []byte) [][]byte {
	var made [][]byte
	for from := 0; from < len(hello); from += 1100 {
		made = append(made, client.packet(crypto(hello, from, min(from+1100, len(hello))), smallestInitial))
	}
	return made
}

// early makes a packet of 0-RTT, whose content nobody here can read.
func (client *sealer) early(size int) []byte {
	known := versions[client.number]
	header := binary.BigEndian.AppendUint32([]byte{longHeader | fixedBit | known.earlyType<<4}, client.number)
	header = append(append(header, byte(len(client.connection))), client.connection...)
	header = appendVarint(append(header, 0), size-len(header)-3)
	return append(header, make([]byte, size-len(header))...)
}

func judgeAll(datagrams ...[]byte) (verdict, string) {
	flow, result := &pending{}, wait
	for _, datagram := range datagrams {
		if result != wait {
			break
		}
		result = flow.add(datagram)
	}
	return result, flow.serverName
}

// isNamed tells whether the datagrams ask for TUIC's name.
func isNamed(datagrams ...[]byte) bool {
	result, name := judgeAll(datagrams...)
	return result == complete && name == tuicName
}
