package main

import (
	"maps"
	"sync"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
	"stealth-vpn/images/agent"
)

// kernel is what configures an interface, the kernel's or wireguard-go's: wgctrl.Client.
type kernel interface {
	ConfigureDevice(name string, config wgtypes.Config) error
	Device(name string) (*wgtypes.Device, error)
}

// door lets in these users over WebSocket, by name with their passwords, and no others.
type door interface {
	admit(passwords map[string]string)
}

// engine keeps the peers of an interface and the users of chisel; it is the agent's Engine.
type engine struct {
	device string
	kernel kernel
	door   door

	mutex sync.Mutex
	// users is what each one has open, by protocol.
	users map[string]map[string]access
	// past is what peers that are gone had counted, by user and protocol: the interface forgets it with them.
	past map[string]map[string]agent.Traffic
}

func newEngine(device string, kernel kernel, door door) *engine {
	return &engine{
		device: device, kernel: kernel, door: door,
		users: map[string]map[string]access{}, past: map[string]map[string]agent.Traffic{},
	}
}

// Apply closes what a user no longer has before it opens anything: an address may pass from one user to another.
func (engine *engine) Apply(set []agent.User, remove []string) map[string]error {
	engine.mutex.Lock()
	defer engine.mutex.Unlock()
	faults := map[string]error{}
	next := make(map[string]map[string]access, len(set)+len(remove))
	for _, name := range remove {
		next[name] = nil
	}
	for _, user := range set {
		opened, err := all(user.Secrets)
		if err != nil {
			faults[user.Name] = err
		}
		next[user.Name] = opened
	}
	maps.Copy(faults, engine.replace(next))
	return faults
}

// replace makes what the users of next have open that of next. A peer that the interface refuses holds up nobody else.
func (engine *engine) replace(next map[string]map[string]access) map[string]error {
	faults := map[string]error{}
	if err := engine.close(next); err != nil {
		for name := range next {
			faults[name] = err
		}
		return faults
	}
	engine.keep(next)
	if err := engine.open(next); err != nil {
		for name, opened := range next {
			if err := engine.open(map[string]map[string]access{name: opened}); err != nil {
				faults[name] = err
			}
		}
	}
	for name, opened := range next {
		if faults[name] == nil {
			engine.hold(name, opened)
		}
	}
	engine.admit()
	return faults
}

// keep forgets what close has closed.
func (engine *engine) keep(next map[string]map[string]access) {
	for name, opened := range next {
		kept := map[string]access{}
		for protocol, one := range engine.users[name] {
			if opened[protocol].secret == one.secret {
				kept[protocol] = one
			}
		}
		engine.hold(name, kept)
	}
}

func (engine *engine) hold(name string, opened map[string]access) {
	if engine.users[name] = opened; len(opened) == 0 {
		delete(engine.users, name)
	}
}

// admit lets in over WebSocket whoever has that open, and nobody else.
func (engine *engine) admit() {
	passwords := map[string]string{}
	for name, opened := range engine.users {
		if one, found := opened[websocket]; found {
			passwords[name] = one.password
		}
	}
	engine.door.admit(passwords)
}

// close removes peers whose secret is another in next. A peer that only changes would keep its session for minutes.
func (engine *engine) close(next map[string]map[string]access) error {
	var gone []wgtypes.PeerConfig
	for name, opened := range next {
		before, known := engine.users[name]
		if !known {
			// Known tells of a peer that belongs to nobody by its key.
			if key, err := wgtypes.ParseKey(name); err == nil {
				gone = append(gone, wgtypes.PeerConfig{PublicKey: key, Remove: true})
			}
			continue
		}
		for protocol, one := range before {
			if opened[protocol].secret != one.secret {
				gone = append(gone, wgtypes.PeerConfig{PublicKey: one.key, Remove: true})
			}
		}
	}
	if len(gone) == 0 {
		return nil
	}
	counted, err := engine.peers()
	if err != nil {
		return err
	}
	if err := engine.kernel.ConfigureDevice(engine.device, wgtypes.Config{Peers: gone}); err != nil {
		return err
	}
	engine.remember(gone, counted)
	return nil
}

// open adds the peers of next that are not there with the same secret.
func (engine *engine) open(next map[string]map[string]access) error {
	var added []wgtypes.PeerConfig
	for name, opened := range next {
		for protocol, one := range opened {
			if engine.users[name][protocol].secret != one.secret {
				added = append(added, wgtypes.PeerConfig{
					PublicKey: one.key, PresharedKey: &one.preshared, ReplaceAllowedIPs: true, AllowedIPs: one.addresses,
				})
			}
		}
	}
	if len(added) == 0 {
		return nil
	}
	return engine.kernel.ConfigureDevice(engine.device, wgtypes.Config{Peers: added})
}

// Known returns the users whose peers are all there, and the keys of peers that belong to nobody.
func (engine *engine) Known() ([]string, error) {
	engine.mutex.Lock()
	defer engine.mutex.Unlock()
	peers, err := engine.peers()
	if err != nil {
		return nil, err
	}
	var names []string
	owned := make(map[wgtypes.Key]bool, len(peers))
	for name, opened := range engine.users {
		complete := true
		for _, one := range opened {
			_, found := peers[one.key]
			complete = complete && found
			owned[one.key] = true
		}
		if complete {
			names = append(names, name)
		} else {
			delete(engine.users, name) // so that all of theirs is told to the interface anew
		}
	}
	for key := range peers {
		if !owned[key] {
			names = append(names, key.String())
		}
	}
	return names, nil
}

func (engine *engine) peers() (map[wgtypes.Key]wgtypes.Peer, error) {
	found, err := engine.kernel.Device(engine.device)
	if err != nil {
		return nil, err
	}
	peers := make(map[wgtypes.Key]wgtypes.Peer, len(found.Peers))
	for _, peer := range found.Peers {
		peers[peer.PublicKey] = peer
	}
	return peers, nil
}

// Traffic returns what peers count now, and what those that are gone had counted.
func (engine *engine) Traffic() (map[string]map[string]agent.Traffic, error) {
	engine.mutex.Lock()
	defer engine.mutex.Unlock()
	peers, err := engine.peers()
	if err != nil {
		return nil, err
	}
	sums := make(map[string]map[string]agent.Traffic, len(engine.users))
	for name, protocols := range engine.past {
		sums[name] = maps.Clone(protocols)
	}
	for name, opened := range engine.users {
		for protocol, one := range opened {
			add(sums, name, protocol, peers[one.key])
		}
	}
	return sums, nil
}

// remember keeps the counters of peers that are gone.
func (engine *engine) remember(gone []wgtypes.PeerConfig, counted map[wgtypes.Key]wgtypes.Peer) {
	going := make(map[wgtypes.Key]bool, len(gone))
	for _, peer := range gone {
		going[peer.PublicKey] = true
	}
	for name, opened := range engine.users {
		for protocol, one := range opened {
			if going[one.key] {
				add(engine.past, name, protocol, counted[one.key])
			}
		}
	}
}

// add counts a peer's bytes; what the interface received is what the user sent.
func add(sums map[string]map[string]agent.Traffic, name, protocol string, peer wgtypes.Peer) {
	if sums[name] == nil {
		sums[name] = map[string]agent.Traffic{}
	}
	sum := sums[name][protocol]
	sum.Up += peer.ReceiveBytes
	sum.Down += peer.TransmitBytes
	if !peer.LastHandshakeTime.IsZero() {
		sum.Seen = max(sum.Seen, peer.LastHandshakeTime.Unix())
	}
	sums[name][protocol] = sum
}
