package agent

import (
	"errors"
	"fmt"
	"maps"
)

// Change is what becomes of the users known as revision Base.
type Change struct {
	Base     string   `json:"base"`
	Revision string   `json:"revision"`
	Set      []User   `json:"set"`
	Remove   []string `json:"remove"`
}

// All is every user of a revision; whoever is not among them is removed.
type All struct {
	Revision string `json:"revision"`
	Users    []User `json:"users"`
}

var (
	// ErrConflict tells that the change builds on another revision than the agent has; the panel then sends all users.
	ErrConflict = errors.New("the change builds on another revision")
	// errRefused tells that no agent would take this, and that nothing of it was done.
	errRefused = errors.New("refused")
)

// apply returns the next state, without touching this one.
func (known state) apply(change Change) (state, error) {
	if change.Base != known.Revision {
		return known, ErrConflict
	}
	users := maps.Clone(known.Users)
	for _, name := range change.Remove {
		delete(users, name)
	}
	return known.with(users, change.Set, change.Revision)
}

func (known state) replace(all All) (state, error) {
	if all.Users == nil {
		// A body that forgot them must not lock everybody out.
		return known, fmt.Errorf("%w: users are a list, if an empty one", errRefused)
	}
	return known.with(map[string]User{}, all.Users, all.Revision)
}

func (known state) with(users map[string]User, set []User, revision string) (state, error) {
	if revision == "" {
		return known, fmt.Errorf("%w: a revision is never empty", errRefused)
	}
	for _, user := range set {
		if err := user.check(); err != nil {
			return known, err
		}
		users[user.Name] = user
	}
	return state{Revision: revision, Users: users}, nil
}
