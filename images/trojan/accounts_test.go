package main

import (
	"crypto/rand"
	"net"
	"path/filepath"
	"slices"
	"testing"

	"stealth-vpn/images/agent"
	"stealth-vpn/images/agent/enginetest"
)

// someone returns a user with a new password.
func someone(name string) agent.User { return holding(name, rand.Text()) }

func holding(name, password string) agent.User {
	return agent.User{Name: name, Secrets: map[string]string{protocol: password}}
}

// refused tells whether a new connection of this user's carries nothing.
func refused(t *testing.T, s *server, user agent.User, at net.Addr) bool {
	t.Helper()
	return enginetest.Take(dial(t, s.client(t, user), at), 10) != nil
}

func TestAUserIsRefusedBeforeAndAfterAndCutWhenRemoved(t *testing.T) {
	s, at, alice := newServer(t), enginetest.Origin(t), someone("u1")
	if !refused(t, s, alice, at) {
		t.Fatal("a stranger was let in")
	}
	enginetest.Apply(t, s, []agent.User{alice})
	open := dial(t, s.client(t, alice), at)
	if err := enginetest.Take(open, 100_000); err != nil {
		t.Fatal(err)
	}
	enginetest.Apply(t, s, nil, "u1")
	t.Logf("cut after %v", enginetest.CutAfter(t, open))
	if !refused(t, s, alice, at) {
		t.Error("let in after the removal")
	}
}

func TestAnotherPasswordCutsWhatTheFormerOneOpened(t *testing.T) {
	s, at, alice, bob := newServer(t), enginetest.Origin(t), someone("u1"), someone("u2")
	enginetest.Apply(t, s, []agent.User{alice, bob})
	opened, others := dial(t, s.client(t, alice), at), dial(t, s.client(t, bob), at)
	for _, open := range []net.Conn{opened, others} {
		if err := enginetest.Take(open, 1000); err != nil {
			t.Fatal(err)
		}
	}
	changed := someone("u1")
	enginetest.Apply(t, s, []agent.User{changed, bob})
	enginetest.CutAfter(t, opened)
	if err := enginetest.Take(others, 1000); err != nil {
		t.Errorf("another user's connection broke: %v", err)
	}
	if !refused(t, s, alice, at) {
		t.Error("the former password still works")
	}
	if refused(t, s, changed, at) {
		t.Error("the new password does not work")
	}
}

func TestAHundredChangesBreakNoDownload(t *testing.T) {
	s, at, alice := newServer(t), enginetest.Origin(t), someone("u1")
	enginetest.Apply(t, s, []agent.User{alice})
	enginetest.HundredChanges(t, s, someone, dial(t, s.client(t, alice), at))
	t.Logf("%d bytes meanwhile", s.traffic(t, "u1").Down)
}

func TestTwoUsersMaySwapTheirPasswords(t *testing.T) {
	s, at, alice, bob := newServer(t), enginetest.Origin(t), someone("u1"), someone("u2")
	enginetest.Apply(t, s, []agent.User{alice, bob})
	enginetest.Apply(t, s, []agent.User{{Name: "u1", Secrets: bob.Secrets}, {Name: "u2", Secrets: alice.Secrets}})
	enginetest.Apply(t, s, nil, "u1")
	if refused(t, s, alice, at) || !refused(t, s, bob, at) {
		t.Error("the removal took the wrong user's password")
	}
}

func TestOneUsersFaultHoldsUpNobody(t *testing.T) {
	s, at, alice, bob := newServer(t), enginetest.Origin(t), someone("u1"), someone("u2")
	thief := holding("u3", alice.Secrets[protocol])
	other := agent.User{Name: "u4", Secrets: map[string]string{"smoke-signals": "x"}}
	faults := s.Apply([]agent.User{alice, thief, other, bob}, nil)
	if len(faults) != 2 || faults["u3"] == nil || faults["u4"] == nil {
		t.Errorf("faults %v", faults)
	}
	if names, err := s.Known(); err != nil || !slices.Equal(names, []string{"u1", "u2"}) {
		t.Errorf("known are %v (%v)", names, err)
	}
	enginetest.Apply(t, s, nil, "u3")
	if refused(t, s, alice, at) || refused(t, s, bob, at) {
		t.Error("another user's fault kept somebody out")
	}
}

func TestAServerThatStartsAnewKnowsItsUsers(t *testing.T) {
	file, at, alice := filepath.Join(t.TempDir(), "users.json"), enginetest.Origin(t), someone("u1")
	keeper := agent.New(newAccounts(), file)
	if _, err := keeper.Replace(agent.All{Revision: "1", Users: []agent.User{alice}}); err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	agent.New(s.accounts, file)
	if refused(t, s, alice, at) {
		t.Error("not known any more")
	}
}

func TestTenThousandUsersTakeLittleTime(t *testing.T) {
	enginetest.TenThousandUsers(t, newAccounts(), someone)
}
