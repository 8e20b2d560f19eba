package main

import (
	"maps"
	"net"
	"path/filepath"
	"slices"
	"testing"

	"github.com/xtls/xray-core/common/uuid"

	"stealth-vpn/images/agent"
	"stealth-vpn/images/agent/enginetest"
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
	return enginetest.Take(dial(t, s.client(t, protocol, id, nil), at), 10) != nil
}

func TestAUserIsRefusedBeforeAndAfterAndCutWhenRemoved(t *testing.T) {
	for _, protocol := range protocols() {
		t.Run(protocol, func(t *testing.T) {
			s, at, alice := newServer(t), enginetest.Origin(t), someone("u1")
			if !refused(t, s, protocol, alice.Secrets[protocol], at) {
				t.Fatal("a stranger was let in")
			}
			enginetest.Apply(t, s, []agent.User{alice})
			open := dial(t, s.client(t, protocol, alice.Secrets[protocol], nil), at)
			if err := enginetest.Take(open, 100_000); err != nil {
				t.Fatal(err)
			}
			enginetest.Apply(t, s, nil, "u1")
			t.Logf("cut after %v", enginetest.CutAfter(t, open))
			if !refused(t, s, protocol, alice.Secrets[protocol], at) {
				t.Error("let in after the removal")
			}
		})
	}
}

func TestAnotherSecretCutsWhatTheFormerOneOpenedAndNothingElse(t *testing.T) {
	s, at, alice := newServer(t), enginetest.Origin(t), someone("u1")
	enginetest.Apply(t, s, []agent.User{alice})
	open := map[string]net.Conn{}
	for _, protocol := range protocols() {
		open[protocol] = dial(t, s.client(t, protocol, alice.Secrets[protocol], nil), at)
		if err := enginetest.Take(open[protocol], 1000); err != nil {
			t.Fatal(err)
		}
	}
	changed := someone("u1")
	changed.Secrets[websocket] = alice.Secrets[websocket]
	enginetest.Apply(t, s, []agent.User{changed})
	enginetest.CutAfter(t, open[reality])
	if err := enginetest.Take(open[websocket], 1000); err != nil {
		t.Errorf("the other protocol's connection broke: %v", err)
	}
	if !refused(t, s, reality, alice.Secrets[reality], at) {
		t.Error("the former secret still works")
	}
	if refused(t, s, reality, changed.Secrets[reality], at) {
		t.Error("the new secret does not work")
	}
	delete(changed.Secrets, websocket)
	enginetest.Apply(t, s, []agent.User{changed})
	enginetest.CutAfter(t, open[websocket])
}

func TestAHundredChangesBreakNoDownload(t *testing.T) {
	s, at, alice := newServer(t), enginetest.Origin(t), someone("u1")
	enginetest.Apply(t, s, []agent.User{alice})
	var downloads []net.Conn
	for _, protocol := range protocols() {
		downloads = append(downloads, dial(t, s.client(t, protocol, alice.Secrets[protocol], nil), at))
	}
	enginetest.HundredChanges(t, s, someone, downloads...)
	for _, protocol := range protocols() {
		t.Logf("%s: %d bytes meanwhile", protocol, s.traffic(t, "u1", protocol).Down)
	}
}

func TestTwoUsersMaySwapTheirSecrets(t *testing.T) {
	s, at, alice, bob := newServer(t), enginetest.Origin(t), someone("u1"), someone("u2")
	enginetest.Apply(t, s, []agent.User{alice, bob})
	enginetest.Apply(t, s, []agent.User{user("u1", bob.Secrets), user("u2", alice.Secrets)})
	enginetest.Apply(t, s, nil, "u1")
	if refused(t, s, websocket, alice.Secrets[websocket], at) || !refused(t, s, websocket, bob.Secrets[websocket], at) {
		t.Error("the removal took the wrong user's secret")
	}
}

func TestOneUsersFaultHoldsUpNobodyAndShowsNoSecret(t *testing.T) {
	s, at, alice, bob := newServer(t), enginetest.Origin(t), someone("u1"), someone("u2")
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
	s, at, alice := newServer(t), enginetest.Origin(t), someone("u1")
	thief := user("u2", map[string]string{websocket: alice.Secrets[websocket]})
	enginetest.Apply(t, s, []agent.User{alice})
	if faults := s.Apply([]agent.User{thief}, nil); faults["u2"] == nil {
		t.Error("the same UUID was taken twice")
	}
	enginetest.Apply(t, s, nil, "u2")
	if refused(t, s, websocket, alice.Secrets[websocket], at) {
		t.Error("the removal of the second one took the first one's UUID away")
	}
}

func TestKnownAreThoseWhoHaveAllTheirAccounts(t *testing.T) {
	s, at, alice, bob := newServer(t), enginetest.Origin(t), someone("u1"), someone("u2")
	enginetest.Apply(t, s, []agent.User{alice, bob})
	if err := s.inbounds[websocket].RemoveUser(t.Context(), "u2."+websocket); err != nil {
		t.Fatal(err)
	}
	if names, err := s.Known(); err != nil || !slices.Equal(names, []string{"u1"}) {
		t.Errorf("known are %v (%v)", names, err)
	}
	enginetest.Apply(t, s, []agent.User{bob})
	if names, err := s.Known(); err != nil || !slices.Equal(slices.Sorted(slices.Values(names)), []string{"u1", "u2"}) {
		t.Errorf("after the repair known are %v (%v)", names, err)
	}
	if refused(t, s, websocket, bob.Secrets[websocket], at) {
		t.Error("the repaired account does not work")
	}
}

func TestAServerThatStartsAnewKnowsItsUsers(t *testing.T) {
	file, at, alice := filepath.Join(t.TempDir(), "users.json"), enginetest.Origin(t), someone("u1")
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
	enginetest.TenThousandUsers(t, newServer(t), someone)
}
