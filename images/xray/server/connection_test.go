package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/xtls/xray-core/common/session"

	"stealth-vpn/images/agent"
	"stealth-vpn/images/agent/enginetest"
)

func (s *server) traffic(t *testing.T, name, protocol string) agent.Traffic {
	t.Helper()
	counted, err := s.Traffic()
	if err != nil {
		t.Fatal(err)
	}
	return counted[name][protocol]
}

// settled returns the counters once the server has noticed that all connections are closed.
func (s *server) settled(t *testing.T, name, protocol string) agent.Traffic {
	t.Helper()
	return s.eventually(t, name, protocol, func(counted agent.Traffic) bool { return counted.Open == 0 })
}

func (s *server) eventually(t *testing.T, name, protocol string, good func(agent.Traffic) bool) agent.Traffic {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if counted := s.traffic(t, name, protocol); good(counted) {
			return counted
		}
	}
	t.Fatalf("it stays at %+v", s.traffic(t, name, protocol))
	return agent.Traffic{}
}

func TestTrafficIsCountedToTheByte(t *testing.T) {
	s, at, alice, bob := newServer(t), enginetest.Origin(t), someone("u1"), someone("u2")
	enginetest.Apply(t, s, []agent.User{alice, bob})
	for index, protocol := range protocols() {
		bytes := int64(1_000_000 * (index + 1))
		open := dial(t, s.client(t, protocol, alice.Secrets[protocol], nil), at)
		if err := enginetest.Take(open, bytes); err != nil {
			t.Fatal(err)
		}
		s.eventually(t, "u1", protocol, func(counted agent.Traffic) bool {
			return counted == agent.Traffic{Up: 8, Down: bytes, Open: 1}
		})
		_ = open.Close()
		if got := s.settled(t, "u1", protocol); got != (agent.Traffic{Up: 8, Down: bytes}) {
			t.Errorf("%s: %+v", protocol, got)
		}
	}
	before := s.traffic(t, "u1", reality)
	enginetest.Apply(t, s, nil, "u1")
	if s.traffic(t, "u1", reality) != before {
		t.Error("a removed user's counters are gone")
	}
	enginetest.Apply(t, s, []agent.User{alice})
	if err := enginetest.Take(dial(t, s.client(t, reality, alice.Secrets[reality], nil), at), 5); err != nil {
		t.Fatal(err)
	}
	if got := s.settledUp(t, before.Up+8); got.Down != before.Down+5 {
		t.Errorf("counters of a user who came back go on as %+v, before %+v", got, before)
	}
	if counted, _ := s.Traffic(); counted["u2"] != nil {
		t.Errorf("one who was never there has %v", counted["u2"])
	}
}

func (s *server) settledUp(t *testing.T, up int64) agent.Traffic {
	t.Helper()
	return s.eventually(t, "u1", reality, func(counted agent.Traffic) bool { return counted.Up == up })
}

// Vision lets TLS 1.3 pass as it is, and then the kernel moves it from socket to socket.
func TestASplicedDownloadIsCountedWhileItRunsAndCut(t *testing.T) {
	s, at, alice := newServer(t), secureOrigin(t), someone("u1")
	enginetest.Apply(t, s, []agent.User{alice})
	open := tls.Client(dial(t, s.client(t, reality, alice.Secrets[reality], nil), at),
		&tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the origin's certificate is of no authority
	const bytes = 30_000_000
	// Vision looks for the first whole records, and Xray sees the bytes until then.
	for _, size := range []int64{100, 100, 100, bytes, bytes} {
		before := s.traffic(t, "u1", reality).Down
		if err := enginetest.Take(open, size); err != nil {
			t.Fatal(err)
		}
		s.eventually(t, "u1", reality, func(counted agent.Traffic) bool { return counted.Down-before >= size })
	}
	s.mutex.Lock()
	var itself int64
	for opened := range s.byKey[key{"u1", reality}].open {
		itself += opened.down.Value()
	}
	s.mutex.Unlock()
	if itself >= 2*bytes {
		t.Errorf("Xray itself has counted %d bytes: nothing was spliced, so this test shows nothing", itself)
	}
	before := s.traffic(t, "u1", reality).Down
	// What came since nobody looked counts as well, though the cut does not wait for the splice.
	if err := enginetest.Take(open, bytes); err != nil {
		t.Fatal(err)
	}
	enginetest.Apply(t, s, nil, "u1")
	t.Logf("cut after %v", enginetest.CutAfter(t, open))
	s.eventually(t, "u1", reality, func(counted agent.Traffic) bool {
		return counted.Open == 0 && counted.Down >= before+bytes
	})
}

func TestAMuxConnectionIsCutWithAllItsStreams(t *testing.T) {
	s, at, alice := newServer(t), enginetest.Origin(t), someone("u1")
	enginetest.Apply(t, s, []agent.User{alice})
	client := s.client(t, websocket, alice.Secrets[websocket], object{"mux": object{"enabled": true, "concurrency": 8}})
	var streams []net.Conn
	for range 3 {
		streams = append(streams, dial(t, client, at))
		if err := enginetest.Take(streams[len(streams)-1], 1000); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.traffic(t, "u1", websocket); got != (agent.Traffic{Up: 24, Down: 3000, Open: 3}) {
		t.Errorf("%+v", got)
	}
	enginetest.Apply(t, s, nil, "u1")
	for _, stream := range streams {
		enginetest.CutAfter(t, stream)
	}
	if enginetest.Take(dial(t, client, at), 10) == nil {
		t.Error("a removed user opened another stream")
	}
}

// What a client's connection opens after its user has gone, such as another stream of a mux connection, has no way out.
func TestOnlyOpenAccountsAreLetOut(t *testing.T) {
	s, alice := newServer(t), someone("u1")
	enginetest.Apply(t, s, []agent.User{alice})
	known := s.byKey[key{"u1", websocket}].known
	if s.enter(&session.Inbound{User: known}, func() {}) == nil {
		t.Error("a user was not let out")
	}
	changed := someone("u1")
	enginetest.Apply(t, s, []agent.User{changed})
	for _, from := range []*session.Inbound{nil, {}, {User: known}} {
		if s.enter(from, func() {}) != nil {
			t.Errorf("%+v was let out", from)
		}
	}
}

// echoed tells whether one packet comes back before the wait ends.
func echoed(t *testing.T, socket net.Conn, text string, wait time.Duration) bool {
	t.Helper()
	if err := socket.SetDeadline(time.Now().Add(wait)); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprint(socket, text); err != nil {
		return false
	}
	packet := make([]byte, 2000)
	length, err := socket.Read(packet)
	return err == nil && string(packet[:length]) == text
}

// A client whose packets come from a SOCKS program names its session (XUDP's global id), which then outlives the
// connection that it came by.
func TestPacketsAreCountedAndASessionThatOutlivesItsConnectionIsCut(t *testing.T) {
	for _, protocol := range protocols() {
		t.Run(protocol, func(t *testing.T) {
			s, at, alice, port := newServer(t), enginetest.Echo(t), someone("u1"), freePort(t)
			enginetest.Apply(t, s, []agent.User{alice})
			s.client(t, protocol, alice.Secrets[protocol], nil, object{
				"listen": "127.0.0.1", "port": port, "protocol": "dokodemo-door",
				"settings": object{"address": "127.0.0.1", "port": at.Port, "network": "udp"},
			})
			socket, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = socket.Close() }()
			if !echoed(t, socket, strings.Repeat("x", 1200), patience) || !echoed(t, socket, "y", patience) {
				t.Fatal("packets do not pass")
			}
			if got := s.traffic(t, "u1", protocol); got != (agent.Traffic{Up: 1201, Down: 1201, Open: 1}) {
				t.Errorf("%+v", got)
			}
			enginetest.Apply(t, s, nil, "u1")
			s.settled(t, "u1", protocol)
			if echoed(t, socket, "z", time.Second) {
				t.Error("a removed user's packets still pass")
			}
		})
	}
}
