package main

import (
	"crypto/rand"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"stealth-vpn/images/agent"
)

// someone returns a user with a new password.
func someone(name string) agent.User { return holding(name, rand.Text()) }

func holding(name, password string) agent.User {
	return agent.User{Name: name, Secrets: map[string]string{protocol: password}}
}

// refused tells whether a new connection of this user's carries nothing.
func refused(t *testing.T, s *server, user agent.User, at net.Addr) bool {
	t.Helper()
	return take(dial(t, s.client(t, user), at), 10) != nil
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
	s, at, alice := newServer(t), origin(t), someone("u1")
	if !refused(t, s, alice, at) {
		t.Fatal("a stranger was let in")
	}
	s.apply(t, []agent.User{alice})
	open := dial(t, s.client(t, alice), at)
	if err := take(open, 100_000); err != nil {
		t.Fatal(err)
	}
	s.apply(t, nil, "u1")
	t.Logf("cut after %v", cutAfter(t, open))
	if !refused(t, s, alice, at) {
		t.Error("let in after the removal")
	}
}

func TestAnotherPasswordCutsWhatTheFormerOneOpened(t *testing.T) {
	s, at, alice, bob := newServer(t), origin(t), someone("u1"), someone("u2")
	s.apply(t, []agent.User{alice, bob})
	opened, others := dial(t, s.client(t, alice), at), dial(t, s.client(t, bob), at)
	for _, open := range []net.Conn{opened, others} {
		if err := take(open, 1000); err != nil {
			t.Fatal(err)
		}
	}
	changed := someone("u1")
	s.apply(t, []agent.User{changed, bob})
	cutAfter(t, opened)
	if err := take(others, 1000); err != nil {
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
	s, at, alice := newServer(t), origin(t), someone("u1")
	s.apply(t, []agent.User{alice})
	open := dial(t, s.client(t, alice), at)
	var stop atomic.Bool
	ended := make(chan error)
	go func() {
		for !stop.Load() {
			if err := take(open, 100_000); err != nil {
				ended <- err
				return
			}
		}
		ended <- take(open, 1)
	}()
	for number := range 100 {
		name := fmt.Sprintf("u%d", number+2)
		s.apply(t, []agent.User{someone(name)})
		time.Sleep(time.Millisecond)
		s.apply(t, nil, name)
	}
	stop.Store(true)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	t.Logf("%d bytes meanwhile", s.traffic(t, "u1").Down)
}

func TestTwoUsersMaySwapTheirPasswords(t *testing.T) {
	s, at, alice, bob := newServer(t), origin(t), someone("u1"), someone("u2")
	s.apply(t, []agent.User{alice, bob})
	s.apply(t, []agent.User{{Name: "u1", Secrets: bob.Secrets}, {Name: "u2", Secrets: alice.Secrets}})
	s.apply(t, nil, "u1")
	if refused(t, s, alice, at) || !refused(t, s, bob, at) {
		t.Error("the removal took the wrong user's password")
	}
}

func TestOneUsersFaultHoldsUpNobody(t *testing.T) {
	s, at, alice, bob := newServer(t), origin(t), someone("u1"), someone("u2")
	thief := holding("u3", alice.Secrets[protocol])
	other := agent.User{Name: "u4", Secrets: map[string]string{"smoke-signals": "x"}}
	faults := s.Apply([]agent.User{alice, thief, other, bob}, nil)
	if len(faults) != 2 || faults["u3"] == nil || faults["u4"] == nil {
		t.Errorf("faults %v", faults)
	}
	if names, err := s.Known(); err != nil || !slices.Equal(names, []string{"u1", "u2"}) {
		t.Errorf("known are %v (%v)", names, err)
	}
	s.apply(t, nil, "u3")
	if refused(t, s, alice, at) || refused(t, s, bob, at) {
		t.Error("another user's fault kept somebody out")
	}
}

func TestAServerThatStartsAnewKnowsItsUsers(t *testing.T) {
	file, at, alice := filepath.Join(t.TempDir(), "users.json"), origin(t), someone("u1")
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
	users := newAccounts()
	keeper := agent.New(users, filepath.Join(t.TempDir(), "users.json"))
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
	if names, _ := users.Known(); len(names) != 9_999 {
		t.Errorf("%d users are known", len(names))
	}
}
