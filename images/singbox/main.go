// Command sing-box is sing-box with an outbound of the type "egress", a guarded way out to the internet.
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
	"github.com/sagernet/sing-box/include"
	"github.com/sagernet/sing-box/option"
	"github.com/sagernet/sing/common/json"
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
	server, err := load(*file)
	if err != nil || arguments[0] == "check" {
		return err
	}
	return serve(server)
}

func load(file string) (*box.Box, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	outbounds := include.OutboundRegistry()
	register(outbounds)
	ctx := box.Context(context.Background(), include.InboundRegistry(), outbounds, include.EndpointRegistry(),
		include.DNSTransportRegistry(), include.ServiceRegistry())
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
