// Command engineless is the agent around an engine that only remembers, for tests of what speaks to agents.
// Its argument is the agent's configuration file.
package main

import (
	"errors"
	"log"
	"os"
	"sync"

	"stealth-vpn/images/agent"
)

// engine refuses users whose secret for any protocol is "refused". It counts 1 byte up and 2 down for each protocol, but
// of a thousand users at most, as not everybody is there at any time: those up to u999.
type engine struct {
	mutex sync.Mutex
	users map[string]agent.User
}

func (engine *engine) Apply(set []agent.User, remove []string) map[string]error {
	engine.mutex.Lock()
	defer engine.mutex.Unlock()
	faults := map[string]error{}
	for _, name := range remove {
		delete(engine.users, name)
	}
	for _, user := range set {
		for _, secret := range user.Secrets {
			if secret == "refused" {
				faults[user.Name] = errors.New("no room")
			}
		}
		if faults[user.Name] == nil {
			engine.users[user.Name] = user
		}
	}
	return faults
}

func (engine *engine) Known() ([]string, error) {
	engine.mutex.Lock()
	defer engine.mutex.Unlock()
	var names []string
	for name := range engine.users {
		names = append(names, name)
	}
	return names, nil
}

func (engine *engine) Traffic() (map[string]map[string]agent.Traffic, error) {
	engine.mutex.Lock()
	defer engine.mutex.Unlock()
	var counted map[string]map[string]agent.Traffic
	for name, user := range engine.users {
		if len(name) > len("u999") {
			continue
		}
		if counted == nil {
			counted = map[string]map[string]agent.Traffic{}
		}
		counted[name] = map[string]agent.Traffic{}
		for protocol := range user.Secrets {
			counted[name][protocol] = agent.Traffic{Up: 1, Down: 2}
		}
	}
	return counted, nil
}

func main() {
	if err := agent.Start(&engine{users: map[string]agent.User{}}, os.Args[1]); err != nil {
		log.Fatal(err)
	}
	select {}
}
