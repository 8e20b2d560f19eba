package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
	"stealth-vpn/images/agent"
)

// refusing is an interface that takes no peer with this key.
type refusing struct {
	kernel
	key wgtypes.Key
}

func (r refusing) ConfigureDevice(name string, config wgtypes.Config) error {
	for _, peer := range config.Peers {
		if peer.PublicKey == r.key && !peer.Remove {
			return errors.New("refused")
		}
	}
	return r.kernel.ConfigureDevice(name, config)
}

func TestAPeerThatTheInterfaceRefusesHoldsUpNobody(t *testing.T) {
	server, gone, refused, good := newServer(t, "wgt-refused"), newPerson(t, 7), newPerson(t, 8), newPerson(t, 9)
	server.apply(t, []agent.User{gone.user()})
	server.engine.kernel = refusing{server.engine.kernel, refused.private.PublicKey()}
	faults := server.Apply([]agent.User{refused.user(), good.user()}, []string{gone.name})
	if len(faults) != 1 || faults[refused.name] == nil {
		t.Fatalf("faults %v", faults)
	}
	if !server.arrives(good.connect(t, server), patience) {
		t.Fatal("no packet of the other arrived")
	}
	if names, err := server.Known(); err != nil || !slices.Equal(names, []string{good.name}) {
		t.Fatalf("the engine knows %v, %v", names, err)
	}
}

func TestAMalformedSecretClosesItsUserAndNobodyElse(t *testing.T) {
	key := newKey(t).String()
	for name, secret := range map[string]string{
		"no key": "hunter2 " + key + " 10.66.0.9", "no preshared key": key + " hunter2 10.66.0.9",
		"a network": key + " " + key + " 10.66.0.0/16", "no address": key + " " + key + " ",
		"a part too few": key + " " + key, "a part too many": key + " " + key + " 10.66.0.9 hunter2",
	} {
		t.Run(name, func(t *testing.T) {
			server, one, other := newServer(t, "wgt-malformed"), newPerson(t, 7), newPerson(t, 8)
			server.apply(t, []agent.User{one.user()})
			bad := agent.User{Name: one.name, Secrets: map[string]string{direct: secret}}
			faults := server.Apply([]agent.User{bad, other.user()}, nil)
			if len(faults) != 1 || faults[one.name] == nil {
				t.Fatalf("faults are %v", faults)
			}
			if text := faults[one.name].Error(); strings.Contains(text, "hunter2") || strings.Contains(text, key) {
				t.Fatalf("the fault shows the secret: %s", text)
			}
			if known, err := server.Known(); err != nil || !slices.Equal(known, []string{other.name}) {
				t.Fatalf("known are %v, %v", known, err)
			}
		})
	}
}

func TestAProtocolOfAnotherEngineIsAFault(t *testing.T) {
	server, one := newServer(t, "wgt-protocol"), newPerson(t, 7).user()
	one.Secrets["trojan"] = "hunter2"
	if faults := server.Apply([]agent.User{one}, nil); faults[one.Name] == nil {
		t.Fatal("no fault")
	}
}

// broken is an interface that is gone.
type broken struct{}

var errGone = errors.New("no such device")

func (broken) ConfigureDevice(string, wgtypes.Config) error { return errGone }
func (broken) Device(string) (*wgtypes.Device, error)       { return nil, errGone }

func TestAnInterfaceThatIsGoneIsAFaultOfEachUserAndLosesNone(t *testing.T) {
	server, one, other := newServer(t, "wgt-gone"), newPerson(t, 7), newPerson(t, 8)
	server.apply(t, []agent.User{one.user()})
	server.kernel = broken{}
	faults := server.Apply([]agent.User{other.user()}, []string{one.name})
	if len(faults) != 2 || !errors.Is(faults[one.name], errGone) || !errors.Is(faults[other.name], errGone) {
		t.Fatalf("faults are %v", faults)
	}
	if _, err := server.Known(); !errors.Is(err, errGone) {
		t.Fatalf("known: %v", err)
	}
	server.kernel = server.control
	server.apply(t, []agent.User{other.user()}, one.name)
	if known, err := server.Known(); err != nil || !slices.Equal(known, []string{other.name}) {
		t.Fatalf("known are %v, %v", known, err)
	}
}
