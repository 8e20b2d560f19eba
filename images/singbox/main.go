// Command sing-box is sing-box with inbounds whose users change while it runs, and an outbound of the type "egress", a
// guarded way out to the internet. It knows ShadowTLS, Shadowsocks 2022, Hysteria2 and TUIC, and no other protocol.
//
//	sing-box run|check -c FILE [-D FOLDER]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	box "github.com/sagernet/sing-box"
	"github.com/sagernet/sing-box/adapter/endpoint"
	"github.com/sagernet/sing-box/adapter/outbound"
	"github.com/sagernet/sing-box/adapter/service"
	"github.com/sagernet/sing-box/dns"
	"github.com/sagernet/sing-box/dns/transport/local"
	"github.com/sagernet/sing-box/option"
	"github.com/sagernet/sing/common/json"

	"stealth-vpn/images/agent"
	"stealth-vpn/images/singbox/live"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Println("sing-box:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) == 0 || arguments[0] != "run" && arguments[0] != "check" {
		return fmt.Errorf("takes run or check, and then -c FILE")
	}
	flags := flag.NewFlagSet(arguments[0], flag.ContinueOnError)
	file := flags.String("c", "/etc/stealth/config.json", "configuration")
	folder := flags.String("D", ".", "working directory")
	if err := flags.Parse(arguments[1:]); err != nil {
		return err
	}
	if err := os.Chdir(*folder); err != nil {
		return err
	}
	people := live.NewPeople()
	server, err := load(*file, people)
	if err != nil || arguments[0] == "check" {
		return err
	}
	// Before the first client can come, so that none of the last run's users is refused.
	if err := agent.Start(people, agent.File); err != nil {
		return err
	}
	return serve(server)
}

func load(file string, people *live.People) (*box.Box, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	outbounds, transports := outbound.NewRegistry(), dns.NewTransportRegistry()
	register(outbounds)
	local.RegisterTransport(transports) // sing-box makes one, although only the guard asks for names
	ctx := box.Context(context.Background(), people.Inbounds(), outbounds, endpoint.NewRegistry(), transports,
		service.NewRegistry())
	options, err := json.UnmarshalExtendedContext[option.Options](ctx, text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return box.New(box.Options{Context: ctx, Options: options})
}

func serve(server *box.Box) error {
	if err := server.Start(); err != nil {
		return err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	<-signals
	return server.Close()
}
