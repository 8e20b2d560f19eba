// Command trojan-go is Trojan-Go whose users change while it runs, and whose way out to the internet is guarded.
//
//	trojan-go [-test] -config FILE
package main

import (
	"flag"
	"os"

	"github.com/p4gefau1t/trojan-go/log"
	_ "github.com/p4gefau1t/trojan-go/log/golog"
	"github.com/p4gefau1t/trojan-go/proxy"
	_ "github.com/p4gefau1t/trojan-go/proxy/server"
	"github.com/p4gefau1t/trojan-go/tunnel"
	"github.com/p4gefau1t/trojan-go/tunnel/freedom"
	"github.com/p4gefau1t/trojan-go/tunnel/simplesocks"
	"github.com/p4gefau1t/trojan-go/tunnel/trojan"

	"stealth-vpn/images/agent"
	"stealth-vpn/images/egress"
)

func main() {
	// A set of our own: Trojan-Go's packages have defined -config in the common one.
	flags := flag.NewFlagSet(os.Args[0], flag.ExitOnError)
	config := flags.String("config", "/etc/stealth/config.json", "Trojan-Go's configuration")
	test := flags.Bool("test", false, "only say whether the configuration is good")
	_ = flags.Parse(os.Args[1:]) // ends the process itself
	if err := run(*config, *test); err != nil {
		log.Fatal("Trojan-Go failed to start:", err)
	}
}

func run(file string, test bool) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	guard, err := egress.Load(egress.File)
	if err != nil {
		return err
	}
	users := newAccounts()
	if !test {
		// Before the server listens, so that nobody whom it should know is refused.
		if err := agent.Start(users, agent.File); err != nil {
			return err
		}
	}
	server, err := load(text, users, guard)
	if err != nil || test {
		return err
	}
	return server.Run()
}

// load makes a server that listens, from the text of its configuration.
func load(text []byte, users *accounts, guard *egress.Guard) (*proxy.Proxy, error) {
	// The server looks its tunnels up by these names (proxy/server/server.go), and the last registration counts.
	tunnel.RegisterTunnel(trojan.Name, inbound{users})
	tunnel.RegisterTunnel(simplesocks.Name, inner{})
	tunnel.RegisterTunnel(freedom.Name, guarded{guard})
	return proxy.NewProxyFromConfigData(text, true)
}
