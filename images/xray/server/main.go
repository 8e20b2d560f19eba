// Command xray is Xray whose way out to the internet is guarded.
//
//	xray [-test] -config FILE
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/xtls/xray-core/common/cmdarg"
	"github.com/xtls/xray-core/core"
	_ "github.com/xtls/xray-core/main/distro/all"
	"github.com/xtls/xray-core/transport/internet"

	"stealth-vpn/images/agent"
	"stealth-vpn/images/egress"
)

func main() {
	config := flag.String("config", "/etc/stealth/config.json", "Xray's configuration")
	test := flag.Bool("test", false, "only say whether the configuration is good")
	flag.Parse()
	if err := run(*config, *test); err != nil {
		fmt.Println("Xray failed to start:", err)
		os.Exit(1)
	}
}

func run(file string, test bool) error {
	guard, err := egress.Load(egress.File)
	if err != nil {
		return err
	}
	internet.UseAlternativeSystemDialer(dialer{guard})
	server, engine, err := load(cmdarg.Arg{file})
	if err != nil || test {
		return err
	}
	// Before the server listens, so that nobody whom it should know is refused.
	if err := agent.Start(engine, agent.File); err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	<-signals
	return server.Close()
}

// load makes a server that does not run yet, from the files or the text of its configuration.
func load(source any) (*core.Instance, *accounts, error) {
	config, err := core.LoadConfig("json", source)
	if err != nil {
		return nil, nil, err
	}
	server, err := core.New(config)
	if err != nil {
		return nil, nil, err
	}
	engine, err := newAccounts(server)
	if err != nil {
		return nil, nil, err
	}
	return server, engine, track(server, engine)
}
