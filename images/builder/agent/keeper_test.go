package agent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestAChangeTellsTheEngineTheDifferenceAndNothingElse(t *testing.T) {
	engine := newFake()
	keeper := New(engine, file(t))
	status, err := keeper.Change(change("", "e.1", []User{user("u1", "a"), user("u2", "b"), user("u3", "c")}))
	first := must(t, status, err)
	if first.Users != 3 || first.Revision != "e.1" || engine.names() != "u1 u2 u3" {
		t.Errorf("%+v, engine %s", first, engine.names())
	}
	engine.users["u1"] = user("u1", "what the engine was not told anew")
	status, err = keeper.Change(change("e.1", "e.2", []User{user("u1", "a"), user("u2", "new")}, "u3", "u4"))
	second := must(t, status, err)
	if engine.names() != "u1 u2" || engine.users["u2"].Secrets["trojan"] != "new" {
		t.Errorf("engine %v", engine.users)
	}
	if engine.users["u1"].Secrets["trojan"] == "a" {
		t.Error("a user who stayed the same was told anew")
	}
	if second.Digest == first.Digest || second.Instance != first.Instance {
		t.Errorf("%+v after %+v", second, first)
	}
}

func TestAChangeThatBuildsOnAnotherRevisionIsAConflictAndChangesNothing(t *testing.T) {
	engine := newFake()
	keeper := New(engine, file(t))
	status, err := keeper.Change(change("", "e.1", []User{user("u1", "a")}))
	before := must(t, status, err)
	after, err := keeper.Change(change("e.0", "e.2", []User{user("u2", "b")}))
	if !errors.Is(err, ErrConflict) || after != before || engine.names() != "u1" {
		t.Errorf("%+v, %v, engine %s", after, err, engine.names())
	}
}

func TestAllUsersReplaceWhoeverWasKnown(t *testing.T) {
	engine := newFake()
	keeper := New(engine, file(t))
	status, err := keeper.Replace(All{"e.1", []User{user("u1", "a"), user("u2", "b")}})
	must(t, status, err)
	status, err = keeper.Replace(All{"f.9", []User{user("u2", "b"), user("u3", "c")}})
	if must(t, status, err); status.Revision != "f.9" || engine.names() != "u2 u3" {
		t.Errorf("%+v, engine %s", status, engine.names())
	}
	if status, err = keeper.Replace(All{Revision: "f.10"}); err == nil || engine.names() != "u2 u3" {
		t.Errorf("a body without users locked everybody out: %+v, %v", status, err)
	}
	status, err = keeper.Replace(All{"f.10", []User{}})
	if must(t, status, err); engine.names() != "" {
		t.Errorf("engine %s", engine.names())
	}
}

func TestOneBadUserRefusesTheWholeChange(t *testing.T) {
	engine := newFake()
	keeper := New(engine, file(t))
	for about, bad := range map[string]User{
		"no name":      user("", "a"),
		"a path":       user("../u1", "a"),
		"a new line":   user("u1\n", "a"),
		"no secrets":   {Name: "u1"},
		"empty secret": user("u1", ""),
	} {
		status, err := keeper.Change(change("", "e.1", []User{user("u2", "b"), bad}))
		if !errors.Is(err, errRefused) || status.Revision != "" || engine.names() != "" {
			t.Errorf("%s: %+v, %v, engine %q", about, status, err, engine.names())
		}
	}
	if status, err := keeper.Change(change("", "", nil)); !errors.Is(err, errRefused) {
		t.Errorf("an empty revision: %+v, %v", status, err)
	}
}

func TestUsersThatCannotBeWrittenDownStayWhoTheyWere(t *testing.T) {
	engine := newFake()
	path := file(t)
	keeper := New(engine, path)
	status, err := keeper.Change(change("", "e.1", []User{user("u1", "a")}))
	before := must(t, status, err)
	// Not by mode: tests may run as root.
	if err := errors.Join(os.RemoveAll(filepath.Dir(path)), os.WriteFile(filepath.Dir(path), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	after, err := keeper.Change(change("e.1", "e.2", []User{user("u2", "b")}, "u1"))
	if err == nil || errors.Is(err, errRefused) || after != before || engine.names() != "u1" {
		t.Errorf("%+v, %v, engine %s", after, err, engine.names())
	}
}

func TestAnEngineThatStartsIsToldWhoWasKnown(t *testing.T) {
	path := file(t)
	before, err := New(newFake(), path).Change(change("", "e.1", []User{user("u1", "a"), user("u2", "b")}))
	must(t, before, err)
	engine := newFake()
	after := New(engine, path).Status()
	if engine.names() != "u1 u2" || after.Instance == before.Instance {
		t.Errorf("%+v, engine %s", after, engine.names())
	}
	after.Instance = before.Instance
	if after != before {
		t.Errorf("%+v, before %+v", after, before)
	}
}

func TestADamagedFileLeavesAnEngineThatThePanelCanMend(t *testing.T) {
	path := file(t)
	if err := os.WriteFile(path, []byte(`{"revision": "e.1", "us`), 0o600); err != nil {
		t.Fatal(err)
	}
	engine := newFake()
	keeper := New(engine, path)
	if _, err := keeper.Change(change("e.1", "e.2", nil)); !errors.Is(err, ErrConflict) {
		t.Error(err)
	}
	status, err := keeper.Replace(All{"e.2", []User{user("u1", "a")}})
	if must(t, status, err); engine.names() != "u1" {
		t.Errorf("engine %s", engine.names())
	}
}

// live runs a keeper whose seconds pass at once.
func live(t *testing.T, test func(engine *fake, keeper *Keeper)) {
	path := file(t)
	synctest.Test(t, func(t *testing.T) {
		engine := newFake()
		keeper := New(engine, path)
		ctx, stop := context.WithCancel(t.Context())
		go keeper.Run(ctx)
		test(engine, keeper)
		stop()
	})
}

func TestAFaultOfOneUserHoldsUpNobodyAndIsRepairedSoon(t *testing.T) {
	live(t, func(engine *fake, keeper *Keeper) {
		engine.faults["u2"], engine.faults["u3"] = errors.New("no room"), errors.New("no room")
		status, err := keeper.Replace(All{"e.1", []User{user("u1", "a"), user("u2", "b"), user("u3", "c")}})
		if err != nil || status.Applied || status.Fault != "u2: no room (and 1 more users)" || engine.names() != "u1" {
			t.Errorf("%+v, %v, engine %s", status, err, engine.names())
		}
		time.Sleep(3 * retryDelay)
		if keeper.Status().Applied || engine.calls < 3 || engine.calls > 5 {
			t.Errorf("%d calls", engine.calls)
		}
		clear(engine.faults)
		time.Sleep(2 * retryDelay)
		if status := keeper.Status(); !status.Applied || status.Fault != "" || engine.names() != "u1 u2 u3" {
			t.Errorf("%+v, engine %s", status, engine.names())
		}
	})
}

func TestAUserWhomTheEngineKeepsIsRemovedLater(t *testing.T) {
	live(t, func(engine *fake, keeper *Keeper) {
		status, err := keeper.Replace(All{"e.1", []User{user("u1", "a")}})
		must(t, status, err)
		engine.faults["u1"] = errors.New("busy")
		if status, _ := keeper.Replace(All{"e.2", []User{}}); status.Applied || engine.names() != "u1" {
			t.Errorf("%+v, engine %s", status, engine.names())
		}
		clear(engine.faults)
		time.Sleep(2 * retryDelay)
		if engine.names() != "" || !keeper.Status().Applied {
			t.Errorf("engine %s", engine.names())
		}
	})
}

func TestWhatAnEngineForgotOrInventedIsRepairedWithinAMinute(t *testing.T) {
	live(t, func(engine *fake, keeper *Keeper) {
		status, err := keeper.Replace(All{"e.1", []User{user("u1", "a"), user("u2", "b")}})
		must(t, status, err)
		delete(engine.users, "u1")
		engine.users["u9"] = user("u9", "z")
		time.Sleep(verifyPeriod + time.Second)
		if engine.names() != "u1 u2" {
			t.Errorf("engine %s", engine.names())
		}
	})
}

func TestAUserWhomTheEngineTookInPartIsRemovedAndToldAnew(t *testing.T) {
	engine := newFake()
	engine.half = true
	keeper := New(engine, file(t))
	status, err := keeper.Change(change("", "e.1", []User{user("u1", "a")}))
	must(t, status, err)
	engine.faults["u1"], engine.faults["u2"] = errors.New("refused"), errors.New("refused")
	if status, err = keeper.Change(change("e.1", "e.2", []User{user("u1", "b"), user("u2", "c")})); err != nil || status.Applied {
		t.Fatalf("%+v, %v", status, err)
	}
	clear(engine.faults)
	status, err = keeper.Change(change("e.2", "e.3", []User{user("u1", "a")}, "u2"))
	must(t, status, err)
	if engine.names() != "u1" || engine.users["u1"].Secrets["trojan"] != "a" {
		t.Errorf("%+v", engine.users)
	}
}

func TestAnEngineThatDoesNotTellIsAFaultThatEnds(t *testing.T) {
	live(t, func(engine *fake, keeper *Keeper) {
		engine.unheard = errors.New("no answer")
		time.Sleep(verifyPeriod + retryDelay/2)
		for range 3 {
			if status := keeper.Status(); status.Applied || status.Fault != "the engine: no answer" {
				t.Errorf("%+v", status)
			}
			time.Sleep(retryDelay)
		}
		engine.unheard = nil
		time.Sleep(2 * retryDelay)
		if status := keeper.Status(); !status.Applied {
			t.Errorf("%+v", status)
		}
	})
}
