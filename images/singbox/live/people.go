// Package live lets sing-box's users change while it runs.
//
// sing-box's own inbounds know the users of their file and no others. Those of this package are made of the same
// libraries, take their users from People, and count and cut each user's connections. What the file may say of them is
// what this project needs, and no more.
package live

import (
	"fmt"

	"github.com/sagernet/sing-box/adapter/inbound"
	"github.com/sagernet/sing-box/protocol/shadowtls"

	"stealth-vpn/images/agent"
)

// People are the users of all inbounds (agent.Engine).
type People struct {
	// rosters by protocol, as the panel calls it; they stay the same once the inbounds are made.
	rosters map[string]*roster
}

// NewPeople returns nobody.
func NewPeople() *People { return &People{rosters: map[string]*roster{}} }

// Inbounds returns the only types of inbounds that a file may name.
func (people *People) Inbounds() *inbound.Registry {
	registry := inbound.NewRegistry()
	shadowtls.RegisterInbound(registry) // its one password is everybody's; who it is, Shadowsocks tells
	people.registerShadowsocks(registry)
	people.registerHysteria2(registry)
	people.registerTUIC(registry)
	return registry
}

// join makes the roster of an inbound.
func (people *People) join(protocol string, door door) *roster {
	made := newRoster(door)
	people.rosters[protocol] = made
	return made
}

// Apply makes users known by their secrets or unknown. A secret that has not its protocol's form closes that protocol
// to its user, and is a fault of that user's alone.
func (people *People) Apply(set []agent.User, remove []string) map[string]error {
	faults := map[string]error{}
	for protocol, roster := range people.rosters {
		wanted := make(map[string]string, len(set))
		for _, user := range set {
			wanted[user.Name] = user.Secrets[protocol]
		}
		for name, fault := range roster.change(wanted, remove) {
			faults[name] = fmt.Errorf("%s: %w", protocol, fault)
		}
	}
	for _, user := range set {
		for protocol := range user.Secrets {
			if people.rosters[protocol] == nil {
				faults[user.Name] = fmt.Errorf("%.80q is no protocol of this engine", protocol)
			}
		}
	}
	return faults
}

// Known returns who may use at least one inbound.
func (people *People) Known() ([]string, error) {
	found := map[string]bool{}
	for _, roster := range people.rosters {
		roster.names(found)
	}
	names := make([]string, 0, len(found))
	for name := range found {
		names = append(names, name)
	}
	return names, nil
}

// Traffic returns what passed inside the tunnels, of those who used them since sing-box started.
func (people *People) Traffic() (map[string]map[string]agent.Traffic, error) {
	found := map[string]map[string]agent.Traffic{}
	for protocol, roster := range people.rosters {
		for name, traffic := range roster.traffic() {
			if found[name] == nil {
				found[name] = map[string]agent.Traffic{}
			}
			found[name][protocol] = traffic
		}
	}
	return found, nil
}
