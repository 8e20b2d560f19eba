// Command tunnel brings the panel to the agents of a fleet's further hosts: one SSH connection to each host, on which
// each place to listen at leads to one agent. No host opens a port for it but its own sshd's.
//
//	tunnel -config /etc/stealth/tunnel.json
//
// It connects to no other place than those that its file names, and the host allows it no other (docs/fleet.md). A
// host that is away is tried again, and holds up no other.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const statusPatience = 5 * time.Second

func main() {
	path := flag.String("config", "/etc/stealth/tunnel.json", "file that names the hosts")
	flag.Parse()
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, *path, patience); err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

// run serves until the context ends, or until a place to listen at is lost.
func run(ctx context.Context, path string, patience Patience) error {
	config, err := readConfig(path)
	if err != nil {
		return err
	}
	links, err := makeLinks(config, patience)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	end := func(err error) {
		select {
		case ended <- err:
		default:
		}
	}
	for _, link := range links {
		for _, port := range link.host.Ports {
			listener, err := listen(ctx, port.Listen)
			if err != nil {
				return err
			}
			defer listener.Close()
			go func() { end(forward(ctx, listener, link, port.To)) }()
		}
		go link.Run(ctx)
	}
	status, err := listen(ctx, config.Status)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: statusOf(links), ReadHeaderTimeout: statusPatience}
	defer server.Close()
	go func() { end(server.Serve(status)) }()
	select {
	case <-ctx.Done():
		return nil
	case err := <-ended:
		return err
	}
}

func makeLinks(config *Config, patience Patience) ([]*Link, error) {
	signer, err := config.signer()
	if err != nil {
		return nil, err
	}
	var links []*Link
	for _, host := range config.Hosts {
		client, err := host.clientConfig(config.User, signer)
		if err != nil {
			return nil, err
		}
		links = append(links, &Link{host: host, config: client, patience: patience, fault: errAway.Error()})
	}
	return links, nil
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, errors.Join(errors.New("cannot listen"), err)
	}
	return listener, nil
}

// statusOf answers every request with the state of each link, by the host's name.
func statusOf(links []*Link) http.Handler {
	return http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		states := map[string]State{}
		for _, link := range links {
			states[link.host.Name] = link.State()
		}
		answer.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(answer).Encode(map[string]any{"hosts": states})
	})
}
