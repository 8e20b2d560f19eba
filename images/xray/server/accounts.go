package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/xtls/xray-core/app/stats"
	"github.com/xtls/xray-core/common/protocol"
	"github.com/xtls/xray-core/core"
	"github.com/xtls/xray-core/features/inbound"
	"github.com/xtls/xray-core/proxy"
	"github.com/xtls/xray-core/proxy/vless"

	"stealth-vpn/images/agent"
)

// flows names the protocols: each is the tag of an inbound, and has the flow that its clients must use.
var flows = map[string]string{"vlessReality": vless.XRV, "vlessWebsocket": ""}

// key names an account: one user by one protocol.
type key struct{ user, protocol string }

// email is Xray's word for an account's name.
func (k key) email() string { return k.user + "." + k.protocol }

// holding is a UUID in an inbound, without the bytes that clients may choose (vless.ProcessUUID).
type holding struct {
	protocol string
	id       [16]byte
}

// account stays when its user goes, because its counters are asked for as long as the process lives.
type account struct {
	key
	// secret, id and known are what the inbound was told; known is nil while the account is closed.
	secret string
	id     holding
	known  *protocol.MemoryUser

	up stats.Counter
	// ended counts what came down by the connections that are closed.
	ended int64
	open  map[*connection]struct{}
}

// accounts is Xray as the agent sees it.
type accounts struct {
	inbounds map[string]proxy.UserManager // by protocol

	mutex sync.Mutex
	byKey map[key]*account
	// byUser finds the account that an inbound has let in; whoever is not in here may open nothing.
	byUser map[*protocol.MemoryUser]*account
	// byID finds the holder of a UUID; an inbound itself lets a second user take it over.
	byID map[holding]*account
}

func newAccounts(server *core.Instance) (*accounts, error) {
	made := &accounts{
		inbounds: map[string]proxy.UserManager{},
		byKey:    map[key]*account{}, byUser: map[*protocol.MemoryUser]*account{},
		byID: map[holding]*account{},
	}
	manager := server.GetFeature(inbound.ManagerType()).(inbound.Manager)
	for name := range flows {
		handler, err := manager.GetHandler(context.Background(), name)
		if err != nil {
			return nil, err
		}
		users, ok := handler.(proxy.GetInbound).GetInbound().(proxy.UserManager)
		if !ok {
			return nil, fmt.Errorf("the inbound %s has no users", name)
		}
		made.inbounds[name] = users
	}
	return made, nil
}

// Apply implements agent.Engine.
func (all *accounts) Apply(set []agent.User, remove []string) map[string]error {
	all.mutex.Lock()
	defer all.mutex.Unlock()
	// Former secrets go before new ones come, for one user may get what was another's.
	for _, name := range remove {
		all.closeOthers(agent.User{Name: name})
	}
	for _, user := range set {
		all.closeOthers(user)
	}
	faults := map[string]error{}
	for _, user := range set {
		for name, secret := range user.Secrets {
			if err := all.admit(key{user.Name, name}, secret); err != nil {
				faults[user.Name] = err
			}
		}
	}
	return faults
}

// closeOthers closes the user's accounts of other secrets than these.
func (all *accounts) closeOthers(user agent.User) {
	for name := range flows {
		found, exists := all.byKey[key{user.Name, name}]
		if exists && found.secret != user.Secrets[name] {
			all.close(found)
		}
	}
}

func (all *accounts) close(closing *account) {
	if closing.known == nil {
		return
	}
	// Fails only if the inbound does not know the user, which is what is wanted.
	_ = all.inbounds[closing.protocol].RemoveUser(context.Background(), closing.email())
	delete(all.byUser, closing.known)
	delete(all.byID, closing.id)
	closing.secret, closing.known = "", nil
	for open := range closing.open {
		open.cut()
	}
}

func (all *accounts) admit(name key, secret string) error {
	users, served := all.inbounds[name.protocol]
	if !served {
		return fmt.Errorf("Xray serves no protocol %.40q", name.protocol)
	}
	found, exists := all.byKey[name]
	if !exists {
		found = &account{key: name, open: map[*connection]struct{}{}}
		all.byKey[name] = found
	}
	if found.known != nil && users.GetUser(context.Background(), name.email()) == found.known {
		return nil
	}
	all.close(found)
	parsed, err := (&vless.Account{Id: secret, Flow: flows[name.protocol]}).AsAccount()
	if err != nil {
		return errors.New("the secret for " + name.protocol + " is no UUID") // Xray's own error would show it
	}
	id := holding{name.protocol, vless.ProcessUUID(parsed.(*vless.MemoryAccount).ID.UUID())}
	if holder, taken := all.byID[id]; taken && holder != found {
		return fmt.Errorf("the UUID for %s is already that of %s", name.protocol, holder.user)
	}
	known := &protocol.MemoryUser{Account: parsed, Email: name.email()}
	if err := users.AddUser(context.Background(), known); err != nil {
		return err
	}
	found.secret, found.id, found.known = secret, id, known
	all.byUser[known], all.byID[id] = found, found
	return nil
}

// Known implements agent.Engine: who has lost an account in an inbound is not among them, and will be told anew.
func (all *accounts) Known() ([]string, error) {
	all.mutex.Lock()
	defer all.mutex.Unlock()
	complete := map[string]bool{}
	for known, found := range all.byUser {
		there := all.inbounds[found.protocol].GetUser(context.Background(), known.Email) == known
		before, seen := complete[found.user]
		complete[found.user] = there && (before || !seen)
	}
	var names []string
	for name, whole := range complete {
		if whole {
			names = append(names, name)
		}
	}
	return names, nil
}

// Traffic implements agent.Engine; an account that was never used is left out.
func (all *accounts) Traffic() (map[string]map[string]agent.Traffic, error) {
	all.mutex.Lock()
	defer all.mutex.Unlock()
	counted := map[string]map[string]agent.Traffic{}
	for name, found := range all.byKey {
		traffic := agent.Traffic{Up: found.up.Value(), Down: found.ended, Open: len(found.open)}
		for open := range found.open {
			traffic.Down += open.received()
		}
		if traffic == (agent.Traffic{}) {
			continue
		}
		if counted[name.user] == nil {
			counted[name.user] = map[string]agent.Traffic{}
		}
		counted[name.user][name.protocol] = traffic
	}
	return counted, nil
}
