package live

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sagernet/sing/common/auth"

	"stealth-vpn/images/agent"
)

var errGone = errors.New("the user was removed")

// door is what an inbound does for its roster.
type door interface {
	// identify returns what a login is found by, which no two users may share, or refuses a secret of another form than
	// the protocol's.
	identify(secret string) (identity string, err error)
	// admit makes these members known and no others. Logins go on meanwhile.
	admit(members []*member)
}

// roster is who may use one inbound.
type roster struct {
	door door

	mutex   sync.Mutex
	members map[string]*member
	// holders are the members by identity; the libraries themselves let a second user take the first one's over.
	holders map[string]*member
	// used are the counters by name, which outlive their members.
	used map[string]*usage
}

// usage counts bytes inside the tunnel.
type usage struct{ up, down atomic.Int64 }

func newRoster(door door) *roster {
	return &roster{
		door: door, members: map[string]*member{}, holders: map[string]*member{}, used: map[string]*usage{},
	}
}

// change gives users of these names these secrets, where an empty one closes the inbound to them, and removes others.
// Who keeps their secret keeps their connections.
func (known *roster) change(secrets map[string]string, remove []string) (faults map[string]error) {
	known.mutex.Lock()
	defer known.mutex.Unlock()
	// Former secrets go before new ones come, for one user may get what was another's.
	gone := known.drop(secrets, remove)
	added, faults := known.add(secrets)
	if added+len(gone) > 0 {
		known.door.admit(slices.Collect(maps.Values(known.members)))
	}
	for _, member := range gone {
		member.cut()
	}
	return faults
}

func (known *roster) drop(secrets map[string]string, remove []string) (gone []*member) {
	for _, name := range remove {
		if before := known.members[name]; before != nil {
			gone = append(gone, before)
		}
	}
	for name, secret := range secrets {
		if before := known.members[name]; before != nil && before.secret != secret {
			gone = append(gone, before)
		}
	}
	for _, before := range gone {
		delete(known.members, before.name)
		delete(known.holders, before.identity)
	}
	return gone
}

func (known *roster) add(secrets map[string]string) (added int, faults map[string]error) {
	faults = map[string]error{}
	for name, secret := range secrets {
		if secret == "" || known.members[name] != nil {
			continue
		}
		identity, err := known.door.identify(secret)
		if err != nil {
			faults[name] = err
			continue
		}
		if holder := known.holders[identity]; holder != nil {
			faults[name] = fmt.Errorf("the secret is already that of %s", holder.name)
			continue
		}
		made := &member{name: name, secret: secret, identity: identity, usage: known.usage(name)}
		known.members[name], known.holders[identity] = made, made
		added++
	}
	return added, faults
}

func (known *roster) usage(name string) *usage {
	if known.used[name] == nil {
		known.used[name] = new(usage)
	}
	return known.used[name]
}

// find returns the member whom a session's login found, or nil. A QUIC session outlives its user's removal, and serves
// again when the user comes back with the same secret: its client would not think of another login.
func (known *roster) find(ctx context.Context) *member {
	login, _ := auth.UserFromContext[*member](ctx)
	if login == nil {
		return nil
	}
	known.mutex.Lock()
	defer known.mutex.Unlock()
	if now := known.members[login.name]; now != nil && now.secret == login.secret {
		return now
	}
	return nil
}

func (known *roster) names(found map[string]bool) {
	known.mutex.Lock()
	defer known.mutex.Unlock()
	for name := range known.members {
		found[name] = true
	}
}

func (known *roster) traffic() map[string]agent.Traffic {
	known.mutex.Lock()
	defer known.mutex.Unlock()
	found := map[string]agent.Traffic{}
	for name, usage := range known.used {
		shown := agent.Traffic{Up: usage.up.Load(), Down: usage.down.Load()}
		if member := known.members[name]; member != nil {
			shown.Open = member.count()
		}
		if shown != (agent.Traffic{}) {
			found[name] = shown
		}
	}
	return found
}
