package main

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/p4gefau1t/trojan-go/common"

	"stealth-vpn/images/agent"
)

// protocol is the panel's word for what this server speaks.
const protocol = "trojan"

// account stays when its user goes, because its counters are asked for as long as the process lives.
type account struct {
	user string
	// hash is what the user's clients show, and empty while the account is closed.
	hash string
	// up and down are bytes that came from and went to clients behind the header of their connection.
	up, down atomic.Int64
	open     map[*connection]struct{}
}

// accounts is Trojan-Go as the agent sees it: who may come in, and what they have opened.
type accounts struct {
	mutex  sync.Mutex
	byUser map[string]*account
	// byHash has the open accounts only.
	byHash map[string]*account
}

func newAccounts() *accounts {
	return &accounts{byUser: map[string]*account{}, byHash: map[string]*account{}}
}

// hashOf is SHA-224 of the password in lower hexadecimal (https://trojan-gfw.github.io/trojan/protocol).
func hashOf(user agent.User) string { return common.SHA224String(user.Secrets[protocol]) }

// Apply implements agent.Engine.
func (all *accounts) Apply(set []agent.User, remove []string) map[string]error {
	all.mutex.Lock()
	defer all.mutex.Unlock()
	// Former passwords go before new ones come, for one user may get what was another's.
	for _, name := range remove {
		all.close(name)
	}
	for _, user := range set {
		if found, exists := all.byUser[user.Name]; exists && found.hash != hashOf(user) {
			all.close(user.Name)
		}
	}
	faults := map[string]error{}
	for _, user := range set {
		if err := all.admit(user); err != nil {
			faults[user.Name] = err
		}
	}
	return faults
}

func (all *accounts) close(user string) {
	closing, exists := all.byUser[user]
	if !exists {
		return
	}
	delete(all.byHash, closing.hash)
	closing.hash = ""
	for opened := range closing.open {
		opened.cut()
	}
}

func (all *accounts) admit(user agent.User) error {
	if _, served := user.Secrets[protocol]; !served || len(user.Secrets) > 1 {
		return errors.New("Trojan-Go serves the protocol trojan and no other")
	}
	hash := hashOf(user)
	if holder, taken := all.byHash[hash]; taken && holder.user != user.Name {
		return fmt.Errorf("the password for trojan is already that of %s", holder.user)
	}
	found, exists := all.byUser[user.Name]
	if !exists {
		found = &account{user: user.Name, open: map[*connection]struct{}{}}
		all.byUser[user.Name] = found
	}
	found.hash, all.byHash[hash] = hash, found
	return nil
}

// Known implements agent.Engine.
func (all *accounts) Known() ([]string, error) {
	all.mutex.Lock()
	defer all.mutex.Unlock()
	names := make([]string, 0, len(all.byHash))
	for _, found := range all.byHash {
		names = append(names, found.user)
	}
	slices.Sort(names)
	return names, nil
}

// Traffic implements agent.Engine; an account that was never used is left out.
func (all *accounts) Traffic() (map[string]map[string]agent.Traffic, error) {
	all.mutex.Lock()
	defer all.mutex.Unlock()
	counted := map[string]map[string]agent.Traffic{}
	for name, found := range all.byUser {
		traffic := agent.Traffic{Up: found.up.Load(), Down: found.down.Load(), Open: len(found.open)}
		if traffic != (agent.Traffic{}) {
			counted[name] = map[string]agent.Traffic{protocol: traffic}
		}
	}
	return counted, nil
}

// enter lets a client's connection in by the hash that it showed, and returns nil if nobody has that.
func (all *accounts) enter(hash string, client net.Conn) *connection {
	all.mutex.Lock()
	defer all.mutex.Unlock()
	found, admitted := all.byHash[hash]
	if !admitted {
		return nil
	}
	opened := &connection{Conn: client, account: found, accounts: all}
	found.open[opened] = struct{}{}
	return opened
}

func (all *accounts) leave(closed *connection) {
	all.mutex.Lock()
	defer all.mutex.Unlock()
	delete(closed.account.open, closed)
}
