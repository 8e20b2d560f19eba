package main

import (
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xtls/xray-core/common/uuid"

	"stealth-vpn/images/agent"
)

// someone returns a user with new secrets for both protocols.
func someone(name string) agent.User {
	id := func() string { made := uuid.New(); return made.String() }
	return agent.User{Name: name, Secrets: map[string]string{reality: id(), websocket: id()}}
}

func protocols() []string { return slices.Sorted(maps.Keys(flows)) }

// refused tells whether a new connection by this secret carries nothing.
func refused(t *testing.T, s *server, protocol, id string, at net.Addr) bool {
	t.Helper()
	return take(dial(t, s.client(t, protocol, id, nil), at), 10) != nil
}

// cutAfter returns how long a connection that waits for bytes goes on.
func cutAfter(t *testing.T, connection net.Conn) time.Duration {
	t.Helper()
	began := time.Now()
	if err := connection.SetDeadline(began.Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := connection.Read(make([]byte, 1)); err == nil || time.Since(began) >= patience {
		t.Fatalf("the connection goes on (%v)", err)
	}
	return time.Since(began)
}

func TestAUserIsRefusedBeforeAndAfterAndCutWhenRemoved(t *testing.T) {
	for _, protocol := range protocols() {
		t.Run(protocol, func(t *testing.T) {
			s, at, alice := newServer(t), origin(t), someone("u1")
			if !refused(t, s, protocol, alice.Secrets[protocol], at) {
				t.Fatal("a stranger was let in")
			}
			s.apply(t, []agent.User{alice})
			open := dial(t, s.client(t, protocol, alice.Secrets[protocol], nil), at)
			if err := take(open, 100_000); err != nil {
				t.Fatal(err)
			}
			s.apply(t, nil, "u1")
			t.Logf("cut after %v", cutAfter(t, open))
			if !refused(t, s, protocol, alice.Secrets[protocol], at) {
				t.Error("let in after the removal")
			}
		})
	}
}

func TestAnotherSecretCutsWhatTheFormerOneOpenedAndNothingElse(t *testing.T) {
	s, at, alice := newServer(t), origin(t), someone("u1")
	s.apply(t, []agent.User{alice})
	open := map[string]net.Conn{}
	for _, protocol := range protocols() {
		open[protocol] = dial(t, s.client(t, protocol, alice.Secrets[protocol], nil), at)
		if err := take(open[protocol], 1000); err != nil {
			t.Fatal(err)
		}
	}
	changed := someone("u1")
	changed.Secrets[websocket] = alice.Secrets[websocket]
	s.apply(t, []agent.User{changed})
	cutAfter(t, open[reality])
	if err := take(open[websocket], 1000); err != nil {
		t.Errorf("the other protocol's connection broke: %v", err)
	}
	if !refused(t, s, reality, alice.Secrets[reality], at) {
		t.Error("the former secret still works")
	}
	if refused(t, s, reality, changed.Secrets[reality], at) {
		t.Error("the new secret does not work")
	}
	delete(changed.Secrets, websocket)
	s.apply(t, []agent.User{changed})
	cutAfter(t, open[websocket])
}

func TestAHundredChangesBreakNoDownload(t *testing.T) {
	s, at, alice := newServer(t), origin(t), someone("u1")
	s.apply(t, []agent.User{alice})
	var stop atomic.Bool
	ended := make(chan error, len(flows))
	for _, protocol := range protocols() {
		open := dial(t, s.client(t, protocol, alice.Secrets[protocol], nil), at)
		go func() {
			for !stop.Load() {
				if err := take(open, 100_000); err != nil {
					ended <- err
					return
				}
			}
			ended <- take(open, 1)
		}()
	}
	for number := range 100 {
		name := fmt.Sprintf("u%d", number+2)
		s.apply(t, []agent.User{someone(name)})
		time.Sleep(time.Millisecond)
		s.apply(t, nil, name)
	}
	stop.Store(true)
	for range flows {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	for _, protocol := range protocols() {
		t.Logf("%s: %d bytes meanwhile", protocol, s.traffic(t, "u1", protocol).Down)
	}
}

func TestTwoUsersMaySwapTheirSecrets(t *testing.T) {
	s, at, alice, bob := newServer(t), origin(t), someone("u1"), someone("u2")
	s.apply(t, []agent.User{alice, bob})
	s.apply(t, []agent.User{user("u1", bob.Secrets), user("u2", alice.Secrets)})
	s.apply(t, nil, "u1")
	if refused(t, s, websocket, alice.Secrets[websocket], at) || !refused(t, s, websocket, bob.Secrets[websocket], at) {
		t.Error("the removal took the wrong user's secret")
	}
}

func TestOneUsersFaultHoldsUpNobodyAndShowsNoSecret(t *testing.T) {
	s, at, alice, bob := newServer(t), origin(t), someone("u1"), someone("u2")
	faults := s.Apply([]agent.User{
		alice, user("u3", map[string]string{websocket: "no-uuid-but-32-characters-or-more"}),
		user("u4", map[string]string{"smoke-signals": "x"}), bob,
	}, nil)
	if len(faults) != 2 || faults["u3"] == nil || faults["u4"] == nil {
		t.Errorf("faults %v", faults)
	}
	if got, want := faults["u3"].Error(), "the secret for vlessWebsocket is no UUID"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if refused(t, s, websocket, bob.Secrets[websocket], at) {
		t.Error("another user's fault kept u2 out")
	}
}

func TestAUUIDHasOneHolder(t *testing.T) {
	s, at, alice := newServer(t), origin(t), someone("u1")
	thief := user("u2", map[string]string{websocket: alice.Secrets[websocket]})
	s.apply(t, []agent.User{alice})
	if faults := s.Apply([]agent.User{thief}, nil); faults["u2"] == nil {
		t.Error("the same UUID was taken twice")
	}
	s.apply(t, nil, "u2")
	if refused(t, s, websocket, alice.Secrets[websocket], at) {
		t.Error("the removal of the second one took the first one's UUID away")
	}
}

func TestKnownAreThoseWhoHaveAllTheirAccounts(t *testing.T) {
	s, at, alice, bob := newServer(t), origin(t), someone("u1"), someone("u2")
	s.apply(t, []agent.User{alice, bob})
	if err := s.inbounds[websocket].RemoveUser(t.Context(), "u2."+websocket); err != nil {
		t.Fatal(err)
	}
	if names, err := s.Known(); err != nil || !slices.Equal(names, []string{"u1"}) {
		t.Errorf("known are %v (%v)", names, err)
	}
	s.apply(t, []agent.User{bob})
	if names, err := s.Known(); err != nil || !slices.Equal(slices.Sorted(slices.Values(names)), []string{"u1", "u2"}) {
		t.Errorf("after the repair known are %v (%v)", names, err)
	}
	if refused(t, s, websocket, bob.Secrets[websocket], at) {
		t.Error("the repaired account does not work")
	}
}

func TestAServerThatStartsAnewKnowsItsUsers(t *testing.T) {
	file, at, alice := filepath.Join(t.TempDir(), "users.json"), origin(t), someone("u1")
	keeper := agent.New(newServer(t).accounts, file)
	if _, err := keeper.Replace(agent.All{Revision: "1", Users: []agent.User{alice}}); err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	agent.New(s.accounts, file)
	for _, protocol := range protocols() {
		if refused(t, s, protocol, alice.Secrets[protocol], at) {
			t.Errorf("%s: not known any more", protocol)
		}
	}
}

func TestTenThousandUsersTakeLittleTime(t *testing.T) {
	s, file := newServer(t), filepath.Join(t.TempDir(), "users.json")
	keeper := agent.New(s.accounts, file)
	all := make([]agent.User, 10_000)
	for number := range all {
		all[number] = someone(fmt.Sprintf("u%d", number))
	}
	began := time.Now()
	if status, err := keeper.Replace(agent.All{Revision: "1", Users: all}); err != nil || !status.Applied {
		t.Fatal(status, err)
	}
	t.Logf("10,000 users in %v", time.Since(began))
	began = time.Now()
	change := agent.Change{Base: "1", Revision: "2", Set: []agent.User{someone("u3")}, Remove: []string{"u4"}}
	if status, err := keeper.Change(change); err != nil || !status.Applied {
		t.Fatal(status, err)
	}
	t.Logf("one change among them in %v", time.Since(began))
	if names, _ := s.Known(); len(names) != 9_999 {
		t.Errorf("%d users are known", len(names))
	}
}
