package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// started runs the tunnel until the test ends.
func started(t *testing.T, config Config) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	path := written(t, config)
	go func() { ended <- run(ctx, path, quick) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("it ended by itself: %v", err)
		}
	})
	await(t, "it tells its state", func() bool { return states(config.Status) != nil })
}

func states(address string) map[string]State {
	answer, err := http.Get("http://" + address + "/status")
	if err != nil {
		return nil
	}
	defer answer.Body.Close()
	var found struct{ Hosts map[string]State }
	if json.NewDecoder(answer.Body).Decode(&found) != nil {
		return nil
	}
	return found.Hosts
}

func answers(t *testing.T, place, want string) {
	t.Helper()
	await(t, want, func() bool {
		said, err := ask(place, "hello")
		return err == nil && said == want
	})
}

func TestEachPlaceLeadsToItsAgentOnItsHost(t *testing.T) {
	private, public := newKey(t)
	var hosts []Host
	for _, name := range []string{"two", "three"} {
		place := agent(t, name)
		hosts = append(hosts, hostOf(newServer(t, public, place), name, free(t), place))
	}
	config := Config{User: "stealth-tunnel", PrivateKey: private, Status: free(t), Hosts: hosts}
	started(t, config)
	for _, host := range hosts {
		answers(t, host.Ports[0].Listen, host.Name+" heard hello")
	}
	for name, state := range states(config.Status) {
		if !state.Connected || state.Fault != "" || state.Since.IsZero() {
			t.Errorf("%s: %+v", name, state)
		}
	}
}

func TestAHostThatIsAwayHoldsUpNoOtherAndIsServedOnceItIsBack(t *testing.T) {
	private, public := newKey(t)
	placeTwo, placeThree := agent(t, "two"), agent(t, "three")
	two, three := newServer(t, public, placeTwo), newServer(t, public, placeThree)
	first, second := hostOf(two, "two", free(t), placeTwo), hostOf(three, "three", free(t), placeThree)
	config := Config{User: "u", PrivateKey: private, Status: free(t), Hosts: []Host{first, second}}
	started(t, config)
	answers(t, first.Ports[0].Listen, "two heard hello")
	two.stop()
	await(t, "two is told to be away", func() bool {
		state := states(config.Status)["two"]
		return !state.Connected && state.Fault != ""
	})
	began := time.Now()
	if said, err := ask(first.Ports[0].Listen, "hello"); err == nil && said != "" {
		t.Errorf("a host that is away said %q", said)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("whoever asked waited for %s", took)
	}
	answers(t, second.Ports[0].Listen, "three heard hello")
	two.start(public, two.address)
	answers(t, first.Ports[0].Listen, "two heard hello")
}

func TestAHostThatGoesAwayWithoutAWordIsNoticed(t *testing.T) {
	private, public := newKey(t)
	place := agent(t, "two")
	two := newServer(t, public, place)
	config := Config{User: "u", PrivateKey: private, Status: free(t), Hosts: []Host{hostOf(two, "two", free(t), place)}}
	started(t, config)
	answers(t, config.Hosts[0].Ports[0].Listen, "two heard hello")
	close(two.deaf)
	await(t, "it says that no answer came", func() bool {
		return strings.Contains(states(config.Status)["two"].Fault, "answers no more")
	})
}

func TestAnotherServerIsNotTakenForTheHost(t *testing.T) {
	private, public := newKey(t)
	place := agent(t, "two")
	two := newServer(t, public, place)
	host := hostOf(two, "two", free(t), place)
	host.HostKey = hostOf(newServer(t, public), "", "", "").HostKey
	config := Config{User: "u", PrivateKey: private, Status: free(t), Hosts: []Host{host}}
	started(t, config)
	await(t, "the key is refused", func() bool {
		return strings.Contains(states(config.Status)["two"].Fault, "host key mismatch")
	})
	if said, err := ask(host.Ports[0].Listen, "hello"); err == nil && said != "" {
		t.Errorf("the wrong server said %q", said)
	}
}

func TestAHostThatSaysNothingIsGivenUp(t *testing.T) {
	private, _ := newKey(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer silent.Close()
	_, public := newKey(t)
	host := hostOf(newServer(t, public), "two", free(t), "127.0.0.1:1")
	host.Address = silent.Addr().String()
	config := Config{User: "u", PrivateKey: private, Status: free(t), Hosts: []Host{host}}
	started(t, config)
	await(t, "it is given up", func() bool {
		return strings.Contains(states(config.Status)["two"].Fault, "timeout")
	})
}

func TestWhatTheHostDoesNotAllowIsClosedAtOnce(t *testing.T) {
	private, public := newKey(t)
	place, other := agent(t, "two"), agent(t, "other")
	host := hostOf(newServer(t, public, place), "two", free(t), place)
	host.Ports = append(host.Ports, Port{Listen: free(t), To: other})
	started(t, Config{User: "u", PrivateKey: private, Status: free(t), Hosts: []Host{host}})
	answers(t, host.Ports[0].Listen, "two heard hello")
	if said, err := ask(host.Ports[1].Listen, "hello"); err == nil && said != "" {
		t.Errorf("a place that is not allowed said %q", said)
	}
	answers(t, host.Ports[0].Listen, "two heard hello")
}

func TestALongAnswerComesWhole(t *testing.T) {
	private, public := newKey(t)
	place := agent(t, "two")
	host := hostOf(newServer(t, public, place), "two", free(t), place)
	started(t, Config{User: "u", PrivateKey: private, Status: free(t), Hosts: []Host{host}})
	answers(t, host.Ports[0].Listen, "two heard hello")
	text := strings.Repeat("a user and a key, ", 1<<17)
	said, err := ask(host.Ports[0].Listen, text)
	must(t, err)
	if said != "two heard "+text {
		t.Errorf("of %d bytes %d came back", len(text), len(said))
	}
}

func TestABadFileIsRefusedWithoutItsKey(t *testing.T) {
	_, public := newKey(t)
	host := hostOf(newServer(t, public), "two", free(t), "127.0.0.1:1")
	for want, config := range map[string]Config{
		"must be given": {User: "u", PrivateKey: "c2VjcmV0"},
		"is no seed":    {User: "u", PrivateKey: "c2VjcmV0", Status: free(t), Hosts: []Host{host}},
		"two: hostKey":  {User: "u", PrivateKey: strings.Repeat("A", 43) + "=", Status: free(t), Hosts: []Host{{Name: "two"}}},
	} {
		err := run(context.Background(), written(t, config), quick)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%s: %v", want, err)
		}
	}
	path := filepath.Join(t.TempDir(), "tunnel.json")
	must(t, os.WriteFile(path, []byte("{"), 0o400))
	if err := run(context.Background(), path, quick); err == nil {
		t.Error("no JSON was taken for a file")
	}
}
