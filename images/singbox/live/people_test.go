package live

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"stealth-vpn/images/agent"
)

func TestAMalformedSecretIsItsUsersOwnFault(t *testing.T) {
	server, origin, good, bad := newServer(t), newOrigin(t), newUser("u1"), newUser("u2")
	for protocol, secrets := range map[string][]string{
		"shadowtls": {"no base64", "c2hvcnQ=", newKey() + "AAAA"},
		"tuic":      {"hush", "hush:hush", bad.Secrets["tuic"][:36], bad.Secrets["tuic"][:36] + ":"},
	} {
		for _, secret := range secrets {
			server.apply(t, nil, "u1")
			broken := agent.User{Name: "u2", Secrets: maps.Clone(bad.Secrets)}
			broken.Secrets[protocol] = secret
			faults := server.people.Apply([]agent.User{good, broken}, nil)
			fault := faults["u2"]
			if len(faults) != 1 || fault == nil || !strings.HasPrefix(fault.Error(), protocol+": ") ||
				strings.Contains(fault.Error(), secret) {
				t.Errorf("%s %q: %v", protocol, secret, faults)
			}
			if server.people.rosters[protocol].members["u1"] == nil {
				t.Errorf("%s %q held up the other user", protocol, secret)
			}
		}
		for way, protocol := range ways {
			if err := server.client(t, way, good.Secrets[protocol]).get(origin); err != nil {
				t.Errorf("%s of the other user: %v", way, err)
			}
		}
		if err := server.client(t, "hysteria2", bad.Secrets["hysteria2"]).get(origin); err != nil {
			t.Errorf("the user's other protocol: %v", err)
		}
	}
	unknown := agent.User{Name: "u3", Secrets: map[string]string{"trojan": "secret"}}
	if faults := server.people.Apply([]agent.User{unknown}, nil); faults["u3"] == nil {
		t.Error("an engine without Trojan took a user of it")
	}
}

func TestNoSecretIsWrittenDown(t *testing.T) {
	server, origin, user := newServer(t), newOrigin(t), newUser("u1")
	for _, set := range [][]agent.User{nil, {user}} {
		server.apply(t, set)
		for way, protocol := range ways {
			if err := server.client(t, way, user.Secrets[protocol]).get(origin); (err == nil) != (set != nil) {
				t.Errorf("%s: %v", way, err)
			}
		}
	}
	text, err := os.ReadFile(server.log)
	if err != nil || !strings.Contains(string(text), origin.Listener.Addr().String()) {
		t.Fatalf("the log says nothing of a connection (%v): %s", err, text)
	}
	for protocol, secret := range user.Secrets {
		for part := range strings.SplitSeq(secret, ":") {
			if strings.Contains(string(text), part) {
				t.Errorf("%s's secret stands in the log", protocol)
			}
		}
	}
}

func TestTrafficIsCountedByUserAndProtocolAndOutlivesItsUser(t *testing.T) {
	server, origin, user := newServer(t), newOrigin(t), newUser("u1")
	server.apply(t, []agent.User{user, newUser("u2")})
	counted := map[string]int64{}
	for way, protocol := range ways {
		if err := server.client(t, way, user.Secrets[protocol]).get(origin); err != nil {
			t.Fatal(way, err)
		}
		var used agent.Traffic
		eventually(t, way, func() bool { // a byte is counted after it was written
			used = traffic(t, server, "u1", protocol)
			return used.Up >= 50 && used.Down-counted[protocol] >= chunk
		})
		if got := used.Down - counted[protocol]; got > 2*chunk || used.Up > chunk {
			t.Errorf("%s: %d bytes down for a page of %d, %d up for requests", way, got, chunk, used.Up)
		}
		counted[protocol] = used.Down
	}
	if names, err := server.people.Known(); err != nil || !slices.Equal(slices.Sorted(slices.Values(names)), []string{"u1", "u2"}) {
		t.Errorf("%v, %v", names, err)
	}
	server.apply(t, nil, "u1")
	all, err := server.people.Traffic()
	if err != nil || len(all) != 1 || len(all["u1"]) != 3 {
		t.Fatalf("%v, %v", all, err)
	}
	for protocol, used := range all["u1"] {
		if used.Down < counted[protocol] || used.Open != 0 {
			t.Errorf("%s: %+v after the removal", protocol, used)
		}
	}
	if names, err := server.people.Known(); err != nil || !slices.Equal(names, []string{"u2"}) {
		t.Errorf("%v, %v", names, err)
	}
	server.apply(t, []agent.User{user})
	if again, err := server.people.Traffic(); err != nil || !reflect.DeepEqual(again, all) {
		t.Errorf("counters of a user who came back go on as %v, before %v (%v)", again, all, err)
	}
}

func TestAConnectionThatEndsIsOpenNoLonger(t *testing.T) {
	server, origin, user := newServer(t), newOrigin(t), newUser("u1")
	server.apply(t, []agent.User{user})
	for way, protocol := range ways {
		ended, err := server.client(t, way, user.Secrets[protocol]).download(origin)
		if err != nil {
			t.Fatal(way, err)
		}
		if open := traffic(t, server, "u1", protocol).Open; open != 1 {
			t.Errorf("%s: %d are open", way, open)
		}
		origin.finish <- struct{}{}
		if err := await(t, way, ended); err != nil {
			t.Errorf("%s: %v", way, err)
		}
		if strings.HasSuffix(way, "multiplexed") {
			server.apply(t, nil, "u1") // the client keeps the connection beneath for the next stream
			server.apply(t, []agent.User{user})
		}
		eventually(t, way, func() bool { return traffic(t, server, "u1", protocol).Open == 0 })
	}
}

func TestASecretHasOneHolder(t *testing.T) {
	server, origin, first := newServer(t), newOrigin(t), newUser("u1")
	server.apply(t, []agent.User{first})
	for protocol, secret := range first.Secrets {
		second := agent.User{Name: "u2", Secrets: map[string]string{protocol: secret}}
		if protocol == "tuic" {
			second.Secrets[protocol] = secret[:37] + "another"
		}
		fault := server.people.Apply([]agent.User{second}, nil)["u2"]
		if fault == nil || fault.Error() != protocol+": the secret is already that of u1" {
			t.Errorf("%s: %v", protocol, fault)
		}
	}
	server.apply(t, nil, "u2")
	for way, protocol := range ways {
		if err := server.client(t, way, first.Secrets[protocol]).get(origin); err != nil {
			t.Errorf("%s: %v", way, err)
		}
	}
}

func TestTwoUsersMaySwapTheirSecrets(t *testing.T) {
	server, origin, first, second := newServer(t), newOrigin(t), newUser("u1"), newUser("u2")
	server.apply(t, []agent.User{first, second})
	first.Secrets, second.Secrets = second.Secrets, first.Secrets
	server.apply(t, []agent.User{first, second})
	server.apply(t, nil, "u1")
	for way, protocol := range ways {
		if err := server.client(t, way, second.Secrets[protocol]).get(origin); err != nil {
			t.Errorf("%s: %v", way, err)
		}
		if server.client(t, way, first.Secrets[protocol]).get(origin) == nil {
			t.Errorf("%s: the removal took the wrong user's secret", way)
		}
	}
}

func TestAServerThatStartsAnewKnowsItsUsers(t *testing.T) {
	file, origin, user := filepath.Join(t.TempDir(), "users.json"), newOrigin(t), newUser("u1")
	keeper := agent.New(newServer(t).people, file)
	if status, err := keeper.Replace(agent.All{Revision: "e.1", Users: []agent.User{user}}); err != nil || !status.Applied {
		t.Fatal(status, err)
	}
	server := newServer(t)
	agent.New(server.people, file)
	for way, protocol := range ways {
		if err := server.client(t, way, user.Secrets[protocol]).get(origin); err != nil {
			t.Errorf("%s: %v", way, err)
		}
	}
}

func traffic(t *testing.T, server *server, name, protocol string) agent.Traffic {
	t.Helper()
	all, err := server.people.Traffic()
	if err != nil {
		t.Fatal(err)
	}
	return all[name][protocol]
}

func TestAStrangerSeesTheSite(t *testing.T) {
	server := newServer(t)
	server.apply(t, []agent.User{newUser("u1")})
	visitor := server.visitor(t)
	for _, path := range []string{"/", "/auth"} {
		request, err := http.NewRequest(http.MethodPost, fmt.Sprint("https://127.0.0.1:", server.ports["hysteria2"], path), nil)
		if err != nil {
			t.Fatal(err)
		}
		// What Hysteria2 logs in with (v2.hysteria.network/docs/developers/Protocol).
		request.Host = "hysteria"
		request.Header.Set("Hysteria-Auth", "wrong")
		answer, err := visitor.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != 200 || string(page) != "the site for hysteria" {
			t.Errorf("%s: %d %q, %v", path, answer.StatusCode, page, err)
		}
	}
	server.site.Close()
	request, _ := http.NewRequest(http.MethodGet, fmt.Sprint("https://127.0.0.1:", server.ports["hysteria2"], "/"), nil)
	if answer, err := visitor.RoundTrip(request); err != nil || answer.StatusCode != 502 {
		t.Errorf("without its site: %v, %v", answer, err)
	}
}
