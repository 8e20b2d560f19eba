// Command trojan-go is Trojan-Go whose way out to the internet is guarded.
package main

import (
	"flag"

	_ "github.com/p4gefau1t/trojan-go/component"
	"github.com/p4gefau1t/trojan-go/log"
	"github.com/p4gefau1t/trojan-go/option"
	"github.com/p4gefau1t/trojan-go/tunnel"
	"github.com/p4gefau1t/trojan-go/tunnel/freedom"
)

func main() {
	// The server looks its way out up by this name (proxy/server/server.go), and the last registration counts.
	tunnel.RegisterTunnel(freedom.Name, guarded{})
	flag.Parse()
	// Each option says whether the command line asks for it.
	for {
		handler, err := option.PopOptionHandler()
		if err != nil {
			log.Fatal("invalid options")
		}
		if handler.Handle() == nil {
			return
		}
	}
}
