// Package agent keeps an engine's users as the panel wants them.
//
// The panel says who may use an engine, by name and secrets; the agent, inside the engine's container, writes that
// down and tells the engine by the engine's own interface, which no other container reaches. So an engine that
// restarts knows its users although the panel is away, and the panel speaks one language to all engines.
package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// User is one person as an engine sees them.
type User struct {
	// Name is the panel's opaque and unchanging word for the person, such as u17.
	Name string `json:"name"`
	// Secrets by protocol, such as "hysteria2"; a protocol that is absent is closed to the user. What a secret looks
	// like is a matter between the panel and the engine (docs/decisions/0015-live-users.md).
	Secrets map[string]string `json:"secrets"`
}

// Traffic is what a user sent and got by one protocol since the engine's start, in bytes.
type Traffic struct {
	Up   int64 `json:"up"`
	Down int64 `json:"down"`
	// Open is the number of connections that are open.
	Open int `json:"open"`
	// Seen is when the user was last heard from, in seconds of Unix time, where the engine knows no connections.
	Seen int64 `json:"seen,omitempty"`
}

// Engine is a daemon whose users change while it runs.
type Engine interface {
	// Apply makes the users of set known by their secrets and no others, and those of remove unknown; connections
	// of both that the former secrets opened are cut. It returns the faults by user name; all others are done.
	// It is called for one change after the other, but while Traffic may be running.
	Apply(set []User, remove []string) map[string]error
	// Known returns the names of the users that the engine itself tells.
	Known() ([]string, error)
	// Traffic returns counters by user name and protocol, those of users removed since the start too.
	Traffic() (map[string]map[string]Traffic, error)
}

var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

func (user User) check() error {
	if !validName.MatchString(user.Name) {
		// The name comes from outside and may hold anything, so it is quoted.
		return fmt.Errorf("%w: %.80q is no user name", errRefused, user.Name)
	}
	if len(user.Secrets) == 0 {
		return fmt.Errorf("%w: user %s has no secret", errRefused, user.Name)
	}
	for protocol, secret := range user.Secrets {
		if secret == "" {
			return fmt.Errorf("%w: user %s has an empty secret for %.80q", errRefused, user.Name, protocol)
		}
	}
	return nil
}

func (user User) equal(other User) bool {
	return user.Name == other.Name && maps.Equal(user.Secrets, other.Secrets)
}

// state is all users of one revision, a word of the panel's that only the panel understands.
type state struct {
	Revision string          `json:"revision"`
	Users    map[string]User `json:"users"`
}

// digest is SHA-256 in hexadecimal over a line of each user's protocol, NAME TAB PROTOCOL TAB SECRET LF, sorted.
func (known state) digest() string {
	hash := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(known.Users)) {
		secrets := known.Users[name].Secrets
		for _, protocol := range slices.Sorted(maps.Keys(secrets)) {
			fmt.Fprintf(hash, "%s\t%s\t%s\n", name, protocol, secrets[protocol])
		}
	}
	return hex.EncodeToString(hash.Sum(nil))
}
