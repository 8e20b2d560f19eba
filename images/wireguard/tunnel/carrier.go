package main

import (
	"context"
	"crypto/rand"
	"net"
	"regexp"

	chserver "github.com/jpillora/chisel/server"
	"github.com/jpillora/chisel/share/settings"
)

// carrier is chisel's server, which carries WireGuard's packets over WebSocket.
type carrier struct {
	server *chserver.Server
	// reach is what every user may open: WireGuard and nothing else.
	reach []*regexp.Regexp
}

// newCarrier serves no one yet. To whoever does not speak chisel it shows backend, the site as http://HOST:PORT.
func newCarrier(backend, wireguard string) (*carrier, error) {
	server, err := chserver.NewServer(&chserver.Config{Proxy: backend})
	if err != nil {
		return nil, err
	}
	// chisel adds "/udp" itself (share/settings/remote.go).
	reach, err := regexp.Compile("^" + regexp.QuoteMeta(wireguard) + "(/udp)?$")
	if err != nil {
		return nil, err
	}
	made := &carrier{server: server, reach: []*regexp.Regexp{reach}}
	made.admit(nil)
	return made, nil
}

// admit makes these users, by name with their passwords, the only ones.
func (carrier *carrier) admit(passwords map[string]string) {
	// A chisel without any user lets everybody in (server/server.go, authUser), so there is always one, whom nobody is
	// and who may open nothing.
	users := []*settings.User{{Name: "nobody", Pass: rand.Text()}}
	for name, password := range passwords {
		users = append(users, &settings.User{Name: name, Pass: password, Addrs: carrier.reach})
	}
	carrier.server.ResetUsers(users)
}

// start listens on HOST:PORT; what ends it comes by done.
func (carrier *carrier) start(address string, done chan<- error) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if err := carrier.server.StartContext(context.Background(), host, port); err != nil {
		return err
	}
	go func() { done <- carrier.server.Wait() }()
	return nil
}
