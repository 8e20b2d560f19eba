package main

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
)

// vector reads a client's Initial out of an RFC's appendix.
func vector(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	packet, err := hex.DecodeString(strings.ReplaceAll(string(text), "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

func TestTheInitialsOfTheStandardsAreOpened(t *testing.T) {
	for name, number := range map[string]uint32{"rfc9001-a2.hex": versionOne, "rfc9369-a2.hex": versionTwo} {
		datagram := vector(t, name)
		before := bytes.Clone(datagram)
		protected, rest, err := splitPacket(datagram)
		if err != nil || len(rest) != 0 || protected.version != versions[number] {
			t.Fatalf("%s: rest of %d bytes, %v", name, len(rest), err)
		}
		keys, err := newInitialKeys(protected.version, protected.connectionID)
		if err != nil {
			t.Fatal(err)
		}
		frames, err := keys.open(protected)
		if err != nil || !bytes.HasPrefix(frames, unhex("060040f1010000ed0303ebf8fa56f129")) || len(frames) != 1162 {
			t.Errorf("%s: %d bytes of frames, %v", name, len(frames), err)
		}
		var hello helloBuffer
		if err := hello.add(frames); err != nil {
			t.Fatal(err)
		}
		if found, complete, err := hello.serverName(); found != "example.com" || !complete || err != nil {
			t.Errorf("%s: server name %q, complete %v, %v", name, found, complete, err)
		}
		if !bytes.Equal(datagram, before) {
			t.Errorf("%s: the datagram that is still to be forwarded was changed", name)
		}
	}
}

func TestTheFirstBytesTellTheKind(t *testing.T) {
	long := func(first byte, number string, size int) []byte {
		return append(append([]byte{first}, unhex(number)...), make([]byte, size-5)...)
	}
	for _, entry := range []struct {
		name     string
		datagram []byte
		want     kind
	}{
		{"nothing", nil, noise},
		{"WireGuard's initiation", append([]byte{1, 0, 0, 0}, make([]byte, 144)...), wireguard},
		{"WireGuard's keepalive", append([]byte{4, 0, 0, 0}, make([]byte, 28)...), wireguard},
		{"too short for WireGuard", append([]byte{4, 0, 0, 0}, make([]byte, 27)...), noise},
		{"a fifth message type", append([]byte{5, 0, 0, 0}, make([]byte, 144)...), noise},
		{"WireGuard with its reserved bytes in use", append([]byte{1, 0, 0, 1}, make([]byte, 144)...), noise},
		{"a short header", append([]byte{0x40}, make([]byte, 20)...), moved},
		{"too short for a short header", append([]byte{0x40}, make([]byte, 19)...), noise},
		{"version 1 Initial", long(0xc0, "00000001", 1200), initial},
		{"version 1 Initial in a small datagram", long(0xc0, "00000001", 1199), noise},
		{"version 1 0-RTT", long(0xd0, "00000001", 300), early},
		{"version 1 Handshake", long(0xe0, "00000001", 300), moved},
		{"version 1 without the fixed bit", long(0x80, "00000001", 1200), noise},
		{"version 2 Initial", long(0xd0, "6b3343cf", 1200), initial},
		{"version 2 0-RTT", long(0xe0, "6b3343cf", 300), early},
		{"version 2 Retry", long(0xc0, "6b3343cf", 300), moved},
		{"an unknown version", long(0x80, "1a2a3a4a", 1200), unknownVersion},
		{"an unknown version in a small datagram", long(0x80, "1a2a3a4a", 1199), noise},
		{"a version negotiation", long(0x80, "00000000", 1200), noise},
		{"DNS", append([]byte{0x12, 0x34, 1, 0, 0, 1}, make([]byte, 40)...), noise},
	} {
		if found := classify(entry.datagram); found != entry.want {
			t.Errorf("%s is kind %d, want %d", entry.name, found, entry.want)
		}
	}
}

func TestARealHelloIsJudgedByItsName(t *testing.T) {
	for _, name := range []string{tuicName, quicName, otherName, ""} {
		for _, number := range []uint32{versionOne, versionTwo} {
			for _, postQuantum := range []bool{false, true} {
				host := name
				if host == "" { // an address is never sent as a name (RFC 6066 section 3)
					host = "192.0.2.1"
				}
				datagrams := newSealer(number).datagrams(makeHello(t, host, postQuantum))
				if postQuantum != (len(datagrams) == 2) {
					t.Fatalf("%d datagrams", len(datagrams))
				}
				if found, asked := judgeAll(datagrams...); found != complete || asked != name {
					t.Errorf("%q, version %x, post-quantum %v: %d, %q", name, number, postQuantum, found, asked)
				}
				slices.Reverse(datagrams)
				if found, asked := judgeAll(datagrams...); found != complete || asked != name {
					t.Errorf("%q reordered, version %x: %d, %q", name, number, found, asked)
				}
			}
		}
	}
}

func TestAHelloMayBeSplitAtAnyByte(t *testing.T) {
	hello := makeHello(t, tuicName, true)
	for at := 1; at < len(hello); at++ {
		client := newSealer(versionOne)
		first := client.packet(crypto(hello, 0, at), smallestInitial)
		second := client.packet(crypto(hello, at, len(hello)), smallestInitial)
		if isNamed(first) || isNamed(second) {
			t.Fatalf("split at %d: decided by one half", at)
		}
		if !isNamed(first, second) || !isNamed(second, first) {
			t.Fatalf("split at %d: not decided by both halves", at)
		}
	}
}

func TestFramesMayBeTinyShuffledRepeatedAndAmongOthers(t *testing.T) {
	hello := makeHello(t, tuicName, false)
	frames := [][]byte{
		{framePing}, {framePadding, framePadding},
		{frameAck, 9, 0, 1, 2, 0x3f, 0x3f},          // largest, delay, one range, first; gap, length
		{frameAckECN, 9, 0, 0, 2, 0x3f, 0x3f, 0x3f}, // and three counts
		crypto(hello, 5, len(hello)-5),              // overlaps all that follow
	}
	for from := 0; from < len(hello); from += 7 {
		frames = append(frames, crypto(hello, from, min(from+7, len(hello))))
	}
	rand.Shuffle(len(frames), func(i, j int) { frames[i], frames[j] = frames[j], frames[i] })
	if !isNamed(newSealer(versionOne).packet(bytes.Join(frames, nil), smallestInitial)) {
		t.Error("not decided")
	}
}

func TestPacketsMayBeCoalescedAndCarryATokenOrFollow0RTT(t *testing.T) {
	hello := makeHello(t, tuicName, false)
	client := newSealer(versionOne)
	client.token = []byte("a token of a Retry, as RFC 9000 section 8.1.2 has it")
	half := len(hello) / 2
	coalesced := slices.Concat(
		client.packet(crypto(hello, 0, half), 0), client.early(90), client.packet(crypto(hello, half, len(hello)), 1000))
	for name, datagrams := range map[string][][]byte{
		"coalesced":      {coalesced},
		"0-RTT in front": {slices.Concat(client.early(90), client.packet(crypto(hello, 0, len(hello)), 1200))},
		"0-RTT first":    {client.early(1200), client.packet(crypto(hello, 0, len(hello)), smallestInitial)},
		"zeros behind":   {append(client.packet(crypto(hello, 0, len(hello)), 900), make([]byte, 400)...)},
		"0-RTT between halves": {
			client.packet(crypto(hello, 0, half), 1200), client.early(900),
			client.packet(crypto(hello, half, len(hello)), 1200)},
	} {
		if !isNamed(datagrams...) {
			t.Errorf("%s: not decided", name)
		}
	}
}

func TestWhatHoldsNoHelloIsUnreadable(t *testing.T) {
	hello := makeHello(t, tuicName, false)
	client := newSealer(versionOne)
	garbled := client.packet(crypto(hello, 0, len(hello)), smallestInitial)
	garbled[700] ^= 1
	cut := client.packet(crypto(hello, 0, len(hello)), 2000)[:smallestInitial]
	tiny := client.packet(make([]byte, 3), 0)
	tiny[1+4+1+8+1+2+1] -= 4 // the lower byte of its length
	tiny = slices.Clip(slices.Concat(client.packet(crypto(hello, 0, 100), smallestInitial), tiny[:len(tiny)-4]))
	notHello := bytes.Clone(hello)
	notHello[0] = 2
	for name, datagram := range map[string][]byte{
		"garbled": garbled, "cut": cut, "too short for a sample": tiny,
		"another message": client.packet(crypto(notHello, 0, len(hello)), smallestInitial),
		"a STREAM frame":  client.packet([]byte{0x08, 0, 1, 2, 3}, smallestInitial),
		"a huge offset":   client.packet(append([]byte{frameCrypto}, unhex("ffffffffffffffff0101")...), smallestInitial),
		"a long hello":    client.packet(appendVarint(appendVarint([]byte{frameCrypto}, largestHello-100), 101), 1200),
		"an endless ACK":  client.packet(append([]byte{frameAck}, unhex("0000ffffffffffffffff00")...), smallestInitial),
	} {
		if found, _ := judgeAll(datagram); found != unreadable {
			t.Errorf("%s: judged %d", name, found)
		}
	}
}

func TestAFlowIsHeldWithinBounds(t *testing.T) {
	hello := makeHello(t, tuicName, true)
	client := newSealer(versionOne)
	flow, result := &pending{}, wait
	for result == wait && len(flow.held) < 20 {
		result = flow.add(client.packet(crypto(hello, 0, 100), smallestInitial))
	}
	if result != complete || flow.serverName != "" || len(flow.held) != heldDatagrams {
		t.Errorf("judged %d, %q after %d datagrams", result, flow.serverName, len(flow.held))
	}
	large := &pending{}
	if found := large.add(client.packet(crypto(hello, 0, 100), 16_383)); found != wait {
		t.Errorf("judged %d", found)
	}
	if found := large.add(client.packet(crypto(hello, 0, 100), smallestInitial)); found != complete {
		t.Errorf("judged %d after %d bytes", found, large.size)
	}
}

func FuzzInitial(f *testing.F) {
	for _, name := range []string{"rfc9001-a2.hex", "rfc9369-a2.hex"} {
		f.Add(vector(f, name))
	}
	for _, datagram := range newSealer(versionOne).datagrams(makeHello(f, tuicName, true)) {
		f.Add(datagram)
	}
	f.Add(crypto(makeHello(f, tuicName, false), 0, 200))
	f.Fuzz(func(t *testing.T, data []byte) {
		classify(data)
		judgeAll(data, data)
		// The same bytes behind the encryption, which a fuzzer cannot get past, and as a bare hello.
		if len(data) < 4000 {
			judgeAll(newSealer(versionOne).packet(data, smallestInitial))
			judgeAll(newSealer(versionTwo).packet(crypto(data, 0, len(data)), smallestInitial))
		}
		var hello helloBuffer
		if hello.add(data) == nil {
			_, _, _ = hello.serverName()
		}
		if _, err := readName(cryptobyte.String(data)); err == nil && len(data) < 2+32+1+2+1+2 {
			t.Errorf("a hello of %d bytes was accepted", len(data))
		}
	})
}
