package live

import (
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"testing"
	"time"

	"stealth-vpn/images/agent"
)

func TestAHundredChangesBreakNothingAndARemovalCutsOneUserAlone(t *testing.T) {
	server, origin := newServer(t), newOrigin(t)
	users := map[string]agent.User{"u1": newUser("u1"), "u2": newUser("u2")}
	clients := map[string]map[string]*client{}
	for name, user := range users {
		clients[name] = map[string]*client{}
		for way, protocol := range ways {
			clients[name][way] = server.client(t, way, user.Secrets[protocol])
			if clients[name][way].get(origin) == nil {
				t.Errorf("%s lets in whom nobody named", way)
			}
		}
	}
	server.apply(t, slices.Collect(maps.Values(users)))
	running := map[string]map[string]chan error{"u1": {}, "u2": {}}
	for name := range users {
		for way, client := range clients[name] {
			ended, err := client.download(origin)
			if err != nil {
				t.Fatalf("%s of %s: %v", way, name, err)
			}
			running[name][way] = ended
		}
	}
	for number := range 100 {
		name := fmt.Sprint("n", number)
		server.apply(t, []agent.User{newUser(name)})
		server.apply(t, nil, name)
	}
	for name := range users {
		for way, ended := range running[name] {
			select {
			case err := <-ended:
				t.Errorf("%s of %s broke: %v", way, name, err)
			default:
			}
		}
	}
	begun := time.Now()
	server.apply(t, nil, "u2")
	for way, ended := range running["u2"] {
		if await(t, way, ended) == nil {
			t.Errorf("%s was not cut", way)
		}
	}
	t.Logf("all downloads of the removed user were cut after %v", time.Since(begun))
	for way, client := range clients["u2"] {
		if client.get(origin) == nil {
			t.Errorf("%s still lets the removed user in", way)
		}
	}
	close(origin.finish)
	for way, ended := range running["u1"] {
		if err := await(t, way, ended); err != nil {
			t.Errorf("%s broke: %v", way, err)
		}
	}
}

func TestARemovalCutsUploadsAlthoughNothingComesBack(t *testing.T) {
	server, origin, user := newServer(t), newOrigin(t), newUser("u1")
	for way, protocol := range ways {
		server.apply(t, []agent.User{user})
		stop := server.client(t, way, user.Secrets[protocol]).upload(origin)
		server.apply(t, nil, "u1")
		if await(t, way, origin.cut) == nil {
			t.Errorf("%s was not cut", way)
		}
		stop()
	}
}

func TestARemovalSilencesPacketsAndAReturnNeedsNoNewLogin(t *testing.T) {
	server, origin, user := newServer(t), newOrigin(t), newUser("u1")
	for way, protocol := range ways {
		server.apply(t, []agent.User{user})
		client := server.client(t, way, user.Secrets[protocol])
		session := client.session(t, origin)
		if !echoes(session, origin, patience) {
			t.Errorf("%s: no packet came back", way)
		}
		if used := traffic(t, server, "u1", protocol); used.Open != 1 {
			t.Errorf("%s: %+v", way, used)
		}
		server.apply(t, nil, "u1")
		if echoes(session, origin, silence) {
			t.Errorf("%s: packets of a removed user come back", way)
		}
		server.apply(t, []agent.User{user})
		eventually(t, way, func() bool {
			// A multiplexing client learns a moment later that its connection was cut.
			return echoes(client.session(t, origin), origin, silence)
		})
		if err := client.get(origin); err != nil {
			t.Errorf("%s: the returned user: %v", way, err)
		}
		server.apply(t, nil, "u1")
	}
}

func TestAnotherSecretCutsItsOwnProtocolAndNoOther(t *testing.T) {
	server, origin, user := newServer(t), newOrigin(t), newUser("u1")
	server.apply(t, []agent.User{user})
	running := map[string]chan error{}
	for way, protocol := range ways {
		var err error
		if running[way], err = server.client(t, way, user.Secrets[protocol]).download(origin); err != nil {
			t.Fatal(way, err)
		}
	}
	changed := newUser("u1")
	next := agent.User{Name: "u1", Secrets: maps.Clone(user.Secrets)}
	next.Secrets["tuic"] = changed.Secrets["tuic"]
	delete(next.Secrets, "hysteria2")
	server.apply(t, []agent.User{next})
	for _, way := range []string{"hysteria2", "tuic"} {
		if await(t, way, running[way]) == nil {
			t.Errorf("%s was not cut", way)
		}
		if server.client(t, way, user.Secrets[way]).get(origin) == nil {
			t.Errorf("%s takes the former secret", way)
		}
	}
	if err := server.client(t, "tuic", next.Secrets["tuic"]).get(origin); err != nil {
		t.Errorf("the new secret: %v", err)
	}
	close(origin.finish)
	for _, way := range []string{"shadowtls", "shadowtls multiplexed"} {
		if err := await(t, way, running[way]); err != nil {
			t.Errorf("%s broke: %v", way, err)
		}
	}
}

func TestWhatAMemberOpensWhileBeingRemovedEndsAtOnce(t *testing.T) {
	removed := &member{usage: new(usage)}
	removed.cut()
	near, far := net.Pipe()
	removed.track(near)
	_ = far.SetReadDeadline(time.Now().Add(patience)) // a pipe that is closed already takes none
	if _, err := far.Read(make([]byte, 1)); err != io.EOF {
		t.Error(err)
	}
}
