package main

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
	"stealth-vpn/images/agent"
)

func TestAPeersPacketsPassAndAreCountedUntilTheUserIsRemoved(t *testing.T) {
	server, one := newServer(t, "wgt-life"), newPerson(t, 7)
	if server.arrives(one.connect(t, server), silence) {
		t.Fatal("a packet of somebody unknown arrived")
	}
	server.apply(t, []agent.User{one.user()})
	send := one.connect(t, server) // the other waits 5 s before it tries again
	if !server.arrives(send, patience) {
		t.Fatal("no packet of the user arrived")
	}
	before := counted(t, server, one)
	if before.Up < 32 || time.Since(time.Unix(before.Seen, 0)) > time.Minute {
		t.Fatalf("counted %+v", before)
	}
	server.apply(t, nil, one.name)
	if server.arrives(send, silence) {
		t.Fatal("a packet of the removed user arrived")
	}
	if after := counted(t, server, one); after.Up < before.Up || after.Down == 0 || after.Seen == 0 {
		t.Fatalf("of %+v the engine remembers %+v", before, after)
	}
}

func counted(t *testing.T, server *server, one person) agent.Traffic {
	t.Helper()
	users, err := server.Traffic()
	if err != nil {
		t.Fatal(err)
	}
	return users[one.name][direct]
}

func TestAUserWhoComesBackGoesOnCounting(t *testing.T) {
	server, one := newServer(t, "wgt-back"), newPerson(t, 7)
	var last agent.Traffic
	for range 3 {
		server.apply(t, []agent.User{one.user()})
		// A client that is still running would notice after 15 s only that its session is gone.
		if !server.arrives(one.connect(t, server), patience) {
			t.Fatal("no packet arrived")
		}
		now := counted(t, server, one)
		if now.Up <= last.Up {
			t.Fatalf("counted %+v after %+v", now, last)
		}
		last = now
		server.apply(t, nil, one.name)
	}
}

func TestAnotherPresharedKeyEndsTheSessionOfTheOldOne(t *testing.T) {
	server, one := newServer(t, "wgt-key"), newPerson(t, 7)
	send := one.connect(t, server)
	server.apply(t, []agent.User{one.user()})
	if !server.arrives(send, patience) {
		t.Fatal("no packet arrived")
	}
	changed := one
	changed.preshared = newKey(t)
	server.apply(t, []agent.User{changed.user()})
	if server.arrives(send, silence) {
		t.Fatal("the session of the old key goes on")
	}
}

func TestAnAddressPassesFromOneUserToAnother(t *testing.T) {
	server, one, other := newServer(t, "wgt-address"), newPerson(t, 7), newPerson(t, 8)
	server.apply(t, []agent.User{one.user()})
	other.address = one.address
	server.apply(t, []agent.User{other.user()}, one.name)
	if !server.arrives(other.connect(t, server), patience) {
		t.Fatal("no packet of the new owner arrived")
	}
}

func TestAHundredAddsAndRemovesDisturbNobody(t *testing.T) {
	server, steady := newServer(t, "wgt-steady"), newPerson(t, 7)
	send := steady.connect(t, server)
	server.apply(t, []agent.User{steady.user()})
	for number := range 100 {
		other := newPerson(t, 100+number)
		server.apply(t, []agent.User{other.user()})
		if !server.arrives(send, patience) {
			t.Fatalf("the packet after add %d was lost", number)
		}
		server.apply(t, nil, other.name)
		if !server.arrives(send, patience) {
			t.Fatalf("the packet after remove %d was lost", number)
		}
	}
}

func TestWhatTheInterfaceForgotOrInventedIsTold(t *testing.T) {
	server, one, other := newServer(t, "wgt-known"), newPerson(t, 7), newPerson(t, 8)
	server.apply(t, []agent.User{one.user(), other.user()})
	stranger := newKey(t).PublicKey()
	if err := server.control.ConfigureDevice(server.device, wgtypes.Config{Peers: []wgtypes.PeerConfig{
		{PublicKey: one.private.PublicKey(), Remove: true}, {PublicKey: stranger}}}); err != nil {
		t.Fatal(err)
	}
	known, err := server.Known()
	slices.Sort(known)
	wanted := []string{other.name, stranger.String()}
	slices.Sort(wanted)
	if err != nil || !slices.Equal(known, wanted) {
		t.Fatalf("known are %v, %v", known, err)
	}
	// As the keeper then repairs.
	server.apply(t, []agent.User{one.user()}, stranger.String())
	known, err = server.Known()
	slices.Sort(known)
	if err != nil || !slices.Equal(known, []string{one.name, other.name}) {
		t.Fatalf("after the repair known are %v, %v", known, err)
	}
}

func TestOnlyThoseWithTheWayOverWebSocketAreAdmittedToIt(t *testing.T) {
	server, one, other := newServer(t, "wgt-admitted"), newPerson(t, 7), newPerson(t, 8)
	both := one.user()
	both.Secrets[websocket] = fmt.Sprintf("%s %s 10.66.1.7,fd00::7 password-of-u7", newKey(t).PublicKey(), newKey(t))
	server.apply(t, []agent.User{both, other.user()})
	if !maps.Equal(server.door.passwords, map[string]string{one.name: "password-of-u7"}) {
		t.Fatalf("admitted are %v", server.door.passwords)
	}
	server.apply(t, []agent.User{one.user()})
	if len(server.door.passwords) != 0 {
		t.Fatalf("admitted are %v", server.door.passwords)
	}
	found, err := server.control.Device(server.device)
	if err != nil || len(found.Peers) != 2 {
		t.Fatalf("%d peers, %v", len(found.Peers), err)
	}
}

func TestTenThousandUsers(t *testing.T) {
	if os.Getenv("LARGE") == "" {
		t.Skip("LARGE=1 measures ten thousand users of two peers each")
	}
	server := newServer(t, "wgt-many")
	var many []agent.User
	for number := range 10_000 {
		many = append(many, twoPeers(t, number))
	}
	began := time.Now()
	server.apply(t, many)
	t.Logf("10,000 users of two peers each: %v", time.Since(began))
	began = time.Now()
	server.apply(t, []agent.User{twoPeers(t, 10_000)}, "u5")
	t.Logf("one comes and one goes: %v", time.Since(began))
	began = time.Now()
	if users, err := server.Traffic(); err != nil || len(users) != 10_001 {
		t.Fatalf("%d users, %v", len(users), err)
	}
	t.Logf("traffic of all: %v", time.Since(began))
	var used runtime.MemStats
	runtime.ReadMemStats(&used)
	t.Logf("memory with wireguard-go in the same process: %d MB", used.Sys>>20)
}

func twoPeers(t *testing.T, number int) agent.User {
	t.Helper()
	address := func(peer int) netip.Addr {
		host := 2*number + peer + 2
		return netip.AddrFrom4([4]byte{10, byte(host >> 16), byte(host >> 8), byte(host)})
	}
	return agent.User{Name: fmt.Sprintf("u%d", number), Secrets: map[string]string{
		direct:    fmt.Sprintf("%s %s %s", newKey(t).PublicKey(), newKey(t), address(0)),
		websocket: fmt.Sprintf("%s %s %s password", newKey(t).PublicKey(), newKey(t), address(1)),
	}}
}
