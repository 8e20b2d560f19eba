package enginetest

import (
	"fmt"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"stealth-vpn/images/agent"
)

// Someone makes a user with new secrets.
type Someone func(name string) agent.User

// Apply fails the test for any user's fault.
func Apply(t *testing.T, engine agent.Engine, set []agent.User, remove ...string) {
	t.Helper()
	if faults := engine.Apply(set, remove); len(faults) > 0 {
		t.Fatal(faults)
	}
}

// CutAfter returns how long a connection that waits for bytes goes on.
func CutAfter(t *testing.T, connection net.Conn) time.Duration {
	t.Helper()
	began := time.Now()
	if err := connection.SetDeadline(began.Add(Patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := connection.Read(make([]byte, 1)); err == nil || time.Since(began) >= Patience {
		t.Fatalf("the connection goes on (%v)", err)
	}
	return time.Since(began)
}

// HundredChanges lets users come and go while connections take bytes, and fails the test when one of those breaks.
func HundredChanges(t *testing.T, engine agent.Engine, someone Someone, downloads ...net.Conn) {
	t.Helper()
	var stop atomic.Bool
	ended := make(chan error, len(downloads))
	for _, open := range downloads {
		go func() { ended <- takeUntil(&stop, open) }()
	}
	for number := range 100 {
		name := fmt.Sprintf("u%d", number+2)
		Apply(t, engine, []agent.User{someone(name)})
		time.Sleep(time.Millisecond)
		Apply(t, engine, nil, name)
	}
	stop.Store(true)
	for range downloads {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func takeUntil(stop *atomic.Bool, open net.Conn) error {
	for !stop.Load() {
		if err := Take(open, 100_000); err != nil {
			return err
		}
	}
	return Take(open, 1)
}

// TenThousandUsers has an agent tell an engine 10,000 users, and then one change among them.
func TenThousandUsers(t *testing.T, engine agent.Engine, someone Someone) {
	t.Helper()
	keeper := agent.New(engine, filepath.Join(t.TempDir(), "users.json"))
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
	if names, _ := engine.Known(); len(names) != 9_999 {
		t.Errorf("%d users are known", len(names))
	}
}
