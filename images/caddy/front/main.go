// Command front shares one UDP port among WireGuard, TUIC, Hysteria2 and Caddy's HTTP/3, and runs Caddy, which has
// the TCP port.
//
// A flow's first datagrams decide where it goes: WireGuard by its message types, TUIC and Hysteria2 by the server
// name in QUIC's Initials, whose keys anybody can derive, and a visitor's QUIC to Caddy. A flow keeps its backend.
// Kernel offload stays alive on both sides, so that 64 KB pass by two system calls. Nothing needs root or a
// capability, nothing of TLS is terminated here, and neither a reload nor a crash of Caddy touches a tunnel's session.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"stealth-vpn/images/caddy/handover"
)

const usage = "usage: front [options] -- command [argument ...]"

func main() {
	log.SetFlags(0)
	log.SetPrefix("front: ")
	code, err := run(os.Args[1:])
	if err != nil {
		log.Print(err)
	}
	os.Exit(code)
}

func run(arguments []string) (int, error) {
	chosen, status, command, err := parse(arguments)
	if errors.Is(err, flag.ErrHelp) {
		return 0, nil
	}
	if err != nil {
		return 2, err
	}
	awaitTurn()
	failure := make(chan error, 1)
	stats := &counters{}
	if chosen.hasBackend() {
		loop, err := newLoop(chosen, stats)
		if err != nil {
			return 1, fmt.Errorf("UDP on %s: %w", chosen.listen, err)
		}
		go func() { failure <- loop.run() }()
	}
	if status != "" {
		listener, err := net.Listen("tcp", status)
		if err != nil {
			return 1, err
		}
		go serveStatus(listener, stats, chosen.measured)
	}
	if chosen.certificates.To != "" {
		go handover.Run(chosen.certificates)
	}
	return supervise(command, failure)
}

// parse reads the command line; without any backend there is no UDP, and front only runs its child.
func parse(arguments []string) (chosen options, status string, command []string, err error) {
	flags := flag.NewFlagSet("front", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&chosen.listen, "listen", ":443", "UDP address that clients reach")
	flags.StringVar(&chosen.names[toTUIC], "tuic-name", "", "server name by which a client asks for TUIC")
	flags.StringVar(&chosen.names[toQUIC], "quic-name", "",
		"server name by which a client asks for the quic backend, where -site has the others")
	flags.IntVar(&chosen.most, "max-flows", 8192, "flows at most; each takes a socket")
	flags.DurationVar(&chosen.idle, "idle", 3*time.Minute, "time without a packet after which a flow is forgotten")
	flags.StringVar(&status, "status", "", "loopback address of /status")
	flags.StringVar(&chosen.measured, "measured", "", "URL of what Xray says of REALITY's measurement, for /measured")
	flags.StringVar(&chosen.certificates.From, "certificates-from", "", "folder of an issuer in Caddy's storage")
	flags.StringVar(&chosen.certificates.To, "certificates-to", "", "folder that its certificates are handed over in")
	flags.Func("certificates-of", "names whose certificates are handed over, separated by commas", func(text string) error {
		chosen.certificates.Names = strings.Split(text, ",")
		return nil
	})
	for backend, use := range [backendCount]string{
		toWireguard: "WireGuard", toTUIC: "TUIC", toQUIC: "Hysteria2, and flows that began elsewhere",
		toSite: "QUIC that names neither, unknown versions included",
	} {
		flags.TextVar(&chosen.backends[backend], backendNames[backend], netip.AddrPort{}, "IP:PORT for "+use)
	}
	if err = flags.Parse(arguments); err != nil {
		return chosen, status, nil, err
	}
	return chosen, status, flags.Args(), chosen.check(flags.NArg(), status)
}

func (chosen options) check(words int, status string) error {
	switch {
	case words == 0:
		return errors.New("no command to run; " + usage)
	case chosen.most < 1 || chosen.idle <= 0:
		return errors.New("-max-flows and -idle must be above zero")
	case chosen.backends[toTUIC].IsValid() != (chosen.names[toTUIC] != ""):
		return errors.New("-tuic and -tuic-name belong together")
	case !chosen.certificates.IsWhole():
		return errors.New("-certificates-from, -certificates-to and -certificates-of belong together")
	case chosen.measured != "" && status == "":
		return errors.New("-measured needs -status, where it is told")
	case status != "" && !chosen.hasBackend():
		return errors.New("-status has nothing to tell without a backend")
	case chosen.backends[toTUIC].IsValid() && !chosen.backends[chosen.backendOf("")].IsValid():
		return errors.New("-tuic needs -site or -quic, which takes what names no server or another")
	case (chosen.names[toQUIC] != "") != (chosen.backends[toQUIC].IsValid() && chosen.backends[toSite].IsValid()):
		return errors.New("-quic-name belongs to -quic beside -site, which takes all other names")
	}
	return nil
}

func (chosen options) hasBackend() bool {
	for _, backend := range chosen.backends {
		if backend.IsValid() {
			return true
		}
	}
	return false
}
