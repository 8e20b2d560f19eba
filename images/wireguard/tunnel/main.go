// Command tunnel brings wg0 up and serves WireGuard, also over WebSocket, until one of its daemons dies.
//
// The kernel's own WireGuard is used where it is there, else wireguard-go. chisel carries the same packets over
// WebSocket. Who the peers are, and who may use chisel, is what the agent keeps (docs/decisions/0015-live-users.md).
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl"
	"stealth-vpn/images/agent"
)

const (
	link = "wg0"
	// wireguard-go's interface for its configuration, in a folder that only a tmpfs makes writable.
	socket      = "/run/wireguard/" + link + ".sock"
	startGrace  = 5 * time.Second
	poll        = 20 * time.Millisecond
	defaultSize = 1420 // WireGuard's overhead over IPv6 is 80 bytes of 1500 (wg-quick(8))
)

type options struct {
	address, address6, websocket, backend, endpoint, folder, memory string
	mtu                                                             int
}

func main() {
	var chosen options
	flag.StringVar(&chosen.address, "address", "10.66.66.1/24", "address of wg0 with its prefix")
	flag.StringVar(&chosen.address6, "address6", "", "IPv6 address of wg0 with its prefix, if the kernel has IPv6")
	flag.StringVar(&chosen.websocket, "websocket", "0.0.0.0:8006", "address of WireGuard over WebSocket")
	flag.StringVar(&chosen.backend, "backend", "", "site shown to whoever does not speak chisel, as http://HOST:PORT")
	flag.StringVar(&chosen.endpoint, "endpoint", "", "HOST:PORT of WireGuard itself, the one that chisel may reach")
	flag.StringVar(&chosen.folder, "config", "/etc/stealth", "folder of wg0.conf, rules.nft and agent.json")
	flag.StringVar(&chosen.memory, "memory", "off", "what wireguard-go may use before it saves, as GOMEMLIMIT takes it")
	flag.IntVar(&chosen.mtu, "mtu", defaultSize, "MTU of wg0, in bytes")
	flag.Parse()
	code, err := run(chosen)
	if err != nil {
		log.Print(err)
	}
	os.Exit(code)
}

func run(chosen options) (int, error) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	done := make(chan error, 2)
	var daemons []*exec.Cmd
	defer func() { stop(daemons) }()
	if err := exec.Command("ip", "link", "add", link, "type", "wireguard").Run(); err != nil {
		log.Print("this kernel has no WireGuard; using wireguard-go")
		// Ten thousand users' queues and stacks fill most of the container, and garbage would double them.
		userspace, err := daemon(done, []string{"GOMEMLIMIT=" + chosen.memory}, "wireguard-go", "--foreground", link)
		if err != nil {
			return 1, err
		}
		daemons = append(daemons, userspace)
		if err := await(socket); err != nil {
			return 1, err
		}
	}
	if err := configure(chosen); err != nil {
		return 1, err
	}
	if err := serve(done, chosen); err != nil {
		return 1, err
	}
	select {
	case <-signals:
		return 0, nil
	case err := <-done:
		return 1, fmt.Errorf("a daemon ended: %w", err)
	}
}

// configure runs the steps in an order that lets no packet through before the firewall stands.
func configure(chosen options) error {
	steps := [][]string{
		{"nft", "-f", chosen.folder + "/rules.nft"},
		{"wg", "setconf", link, chosen.folder + "/wg0.conf"},
		{"ip", "address", "replace", chosen.address, "dev", link},
	}
	if chosen.address6 != "" && hasIPv6() {
		steps = append(steps, []string{"ip", "address", "replace", chosen.address6, "dev", link})
	}
	steps = append(steps, []string{"ip", "link", "set", link, "mtu", strconv.Itoa(chosen.mtu), "up"})
	for _, step := range steps {
		if output, err := exec.Command(step[0], step[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s failed: %w: %s", step[0], err, output)
		}
	}
	return nil
}

// hasIPv6: a host whose kernel was started without it still serves IPv4.
func hasIPv6() bool {
	_, err := os.Stat("/proc/net/if_inet6")
	return err == nil
}

// serve makes the users of the last run known before it lets anybody in over WebSocket.
func serve(done chan<- error, chosen options) error {
	control, err := wgctrl.New()
	if err != nil {
		return err
	}
	carrier, err := newCarrier(chosen.backend, chosen.endpoint)
	if err != nil {
		return err
	}
	if err := agent.Start(newEngine(link, control, carrier), chosen.folder+"/agent.json"); err != nil {
		return err
	}
	return carrier.start(chosen.websocket, done)
}

func daemon(done chan<- error, environment []string, name string, arguments ...string) (*exec.Cmd, error) {
	command := exec.Command(name, arguments...)
	command.Env = append(os.Environ(), environment...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if err := command.Start(); err != nil {
		return nil, err
	}
	go func() { done <- fmt.Errorf("%s: %w", name, exit(command.Wait())) }()
	return command, nil
}

func exit(err error) error {
	if err == nil {
		return fmt.Errorf("exit status 0")
	}
	return err
}

func stop(daemons []*exec.Cmd) {
	for _, running := range daemons {
		_ = running.Process.Signal(syscall.SIGTERM) // fails only if it is gone
	}
}

func await(path string) error {
	for end := time.Now().Add(startGrace); time.Now().Before(end); time.Sleep(poll) {
		if _, err := os.Stat(path); err == nil {
			return nil
		}
	}
	return fmt.Errorf("wireguard-go made no %s within %v; is /dev/net/tun given to this container?", path, startGrace)
}
