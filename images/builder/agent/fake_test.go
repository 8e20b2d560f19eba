package agent

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// fake is an engine that remembers what it was told and fails where it is wanted to.
type fake struct {
	users  map[string]User
	faults map[string]error
	// half takes in those too whom it faults, as an engine does that lets a user in by some of their protocols.
	half    bool
	unheard error
	calls   int
}

func newFake() *fake { return &fake{users: map[string]User{}, faults: map[string]error{}} }

func (engine *fake) Apply(set []User, remove []string) map[string]error {
	engine.calls++
	faults := map[string]error{}
	for _, name := range remove {
		if faults[name] = engine.faults[name]; faults[name] == nil {
			delete(engine.users, name)
		}
	}
	for _, user := range set {
		if faults[user.Name] = engine.faults[user.Name]; faults[user.Name] == nil || engine.half {
			engine.users[user.Name] = user
		}
	}
	maps.DeleteFunc(faults, func(_ string, fault error) bool { return fault == nil })
	return faults
}

func (engine *fake) Known() ([]string, error) {
	return slices.Collect(maps.Keys(engine.users)), engine.unheard
}

func (engine *fake) Traffic() (map[string]map[string]Traffic, error) {
	return map[string]map[string]Traffic{"u1": {"trojan": {Up: 1, Down: 2, Open: 3}}}, engine.unheard
}

func (engine *fake) names() string {
	return strings.Join(slices.Sorted(maps.Keys(engine.users)), " ")
}

func user(name, secret string) User { return User{name, map[string]string{"trojan": secret}} }

func change(base, revision string, set []User, remove ...string) Change {
	return Change{Base: base, Revision: revision, Set: set, Remove: remove}
}

func must(t *testing.T, status Status, err error) Status {
	t.Helper()
	if err != nil || !status.Applied {
		t.Fatalf("%+v, %v", status, err)
	}
	return status
}
