package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/p4gefau1t/trojan-go/tunnel"

	"stealth-vpn/images/agent"
	"stealth-vpn/images/agent/enginetest"
)

func TestTrafficIsCountedToTheByte(t *testing.T) {
	s, at, alice, bob := newServer(t), enginetest.Origin(t), someone("u1"), someone("u2")
	enginetest.Apply(t, s, []agent.User{alice, bob})
	open := dial(t, s.client(t, alice), at)
	if err := enginetest.Take(open, 1_000_000); err != nil {
		t.Fatal(err)
	}
	s.eventually(t, "u1", agent.Traffic{Up: 8, Down: 1_000_000, Open: 1})
	_ = open.Close()
	s.eventually(t, "u1", agent.Traffic{Up: 8, Down: 1_000_000})
	enginetest.Apply(t, s, nil, "u1")
	s.eventually(t, "u1", agent.Traffic{Up: 8, Down: 1_000_000})
	enginetest.Apply(t, s, []agent.User{alice})
	if err := enginetest.Take(dial(t, s.client(t, alice), at), 5); err != nil {
		t.Fatal(err)
	}
	s.eventually(t, "u1", agent.Traffic{Up: 16, Down: 1_000_005, Open: 1})
	if counted, _ := s.Traffic(); counted["u2"] != nil {
		t.Errorf("one who was never there has %v", counted["u2"])
	}
}

func TestPacketsAreCountedWithTheirHeadersAndCut(t *testing.T) {
	s, at, alice := newServer(t), enginetest.Echo(t), someone("u1")
	enginetest.Apply(t, s, []agent.User{alice})
	session := dialPackets(t, s.client(t, alice))
	for _, packet := range [][]byte{bytes.Repeat([]byte("x"), 1200), []byte("y")} {
		if err := echoed(t, session, at, packet); err != nil {
			t.Fatal(err)
		}
	}
	// One byte for the kind of address, 4 for IPv4's, 2 for the port, 2 for the length and CRLF.
	const both = 1201 + 2*(1+4+2+2+2)
	s.eventually(t, "u1", agent.Traffic{Up: both, Down: both, Open: 1})
	enginetest.Apply(t, s, nil, "u1")
	t.Logf("cut after %v", enginetest.CutAfter(t, session.(net.Conn)))
	if echoed(t, session, at, []byte("z")) == nil {
		t.Error("a removed user's packets still pass")
	}
	s.eventually(t, "u1", agent.Traffic{Up: both, Down: both})
}

func TestAMuxConnectionIsCutWithAllItsStreams(t *testing.T) {
	s, at, alice := newServer(t), enginetest.Origin(t), someone("u1")
	enginetest.Apply(t, s, []agent.User{alice})
	client := s.muxClient(t, alice)
	var streams []net.Conn
	for range 3 {
		streams = append(streams, dial(t, client, at))
		if err := enginetest.Take(streams[len(streams)-1], 1_000_000); err != nil {
			t.Fatal(err)
		}
	}
	session := dialPackets(t, client)
	if err := echoed(t, session, enginetest.Echo(t), []byte("x")); err != nil {
		t.Fatal(err)
	}
	// Frames of smux have headers of 8 bytes, and few of them are small.
	if got := s.traffic(t, "u1"); got.Open != 1 || got.Down < 3_000_000 || got.Down > 3_010_000 {
		t.Errorf("%+v", got)
	}
	enginetest.Apply(t, s, nil, "u1")
	for _, stream := range streams {
		enginetest.CutAfter(t, stream)
	}
	if echoed(t, session, enginetest.Echo(t), []byte("y")) == nil {
		t.Error("a removed user's packets still pass")
	}
	if another, err := client.DialConn(address(t, at), nil); err == nil && enginetest.Take(another, 10) == nil {
		t.Error("a removed user opened another stream")
	}
}

func TestASilentStreamOfMuxStopsNobody(t *testing.T) {
	s, at, alice := newServer(t), enginetest.Origin(t), someone("u1")
	enginetest.Apply(t, s, []agent.User{alice})
	client := s.muxClient(t, alice)
	dial(t, client, at) // says nothing
	if err := enginetest.Take(dial(t, client, at), 10); err != nil {
		t.Error(err)
	}
}

// A name of 254 or 255 bytes would end Trojan-Go's process, and with it this test's.
func TestANameThatIsTooLongHarmsNobody(t *testing.T) {
	s, at, alice := newServer(t), enginetest.Origin(t), someone("u1")
	enginetest.Apply(t, s, []agent.User{alice})
	for _, length := range []int{253, 254, 255} {
		to := &tunnel.Address{DomainName: strings.Repeat("a", length), AddressType: tunnel.DomainName, Port: 80}
		for name, client := range map[string]tunnel.Client{"plain": s.client(t, alice), "mux": s.muxClient(t, alice)} {
			t.Run(fmt.Sprintf("%s %d", name, length), func(t *testing.T) {
				if enginetest.Take(dialAddress(t, client, to), 10) == nil {
					t.Error("such a name was found")
				}
				session := dialPackets(t, client)
				if _, err := session.WriteWithMetadata([]byte("x"), &tunnel.Metadata{Address: to}); err != nil {
					t.Fatal(err)
				}
				if refused(t, s, alice, at) {
					t.Error("nobody is let in any more")
				}
			})
		}
	}
}

func TestVisitorsGetTheCoverSite(t *testing.T) {
	s, alice := newServer(t), someone("u1")
	enginetest.Apply(t, s, []agent.User{alice})
	for name, sent := range map[string]string{
		"a request":                  "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
		"less than a hash":           "garbage\r\n\r\n",
		"nobody's hash":              hashOf(someone("u2")) + "\r\n\x01\x01\x7f\x00\x00\x01\x00\x50\r\n",
		"nobody's hash and no more":  hashOf(someone("u2")) + "\r\n",
		"a hash of another case":     strings.ToUpper(hashOf(alice)) + "\r\n",
		"a hash without its request": hashOf(alice) + "\r\n\x01\x09",
	} {
		t.Run(name, func(t *testing.T) {
			connection, err := net.Dial("tcp", s.address.String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = connection.Close() }()
			_ = connection.SetDeadline(time.Now().Add(patience))
			fmt.Fprint(connection, sent)
			answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
			if err != nil {
				t.Fatal(err)
			}
			wanted := http.StatusBadRequest
			if strings.HasPrefix(sent, "GET") {
				wanted = http.StatusOK
			}
			if answer.StatusCode != wanted {
				t.Errorf("the answer is %s", answer.Status)
			}
			s.eventually(t, "u1", agent.Traffic{})
		})
	}
}
