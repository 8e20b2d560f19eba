package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/ipc"
	"golang.zx2c4.com/wireguard/tun/tuntest"
	"golang.zx2c4.com/wireguard/wgctrl"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
	"stealth-vpn/images/agent"
)

const (
	patience = 10 * time.Second
	// A packet that is not lost arrives much sooner, through one machine's memory.
	silence = 300 * time.Millisecond
)

var serverAddress = netip.MustParseAddr("10.66.0.1")

// guests remembers whom the engine admits.
type guests struct{ passwords map[string]string }

func (door *guests) admit(passwords map[string]string) { door.passwords = passwords }

// server is a wireguard-go without a network interface, configured as the container's is: by its socket.
type server struct {
	*engine
	door    *guests
	control *wgctrl.Client
	key     wgtypes.Key
	port    int
	// arrived gets an entry for each packet that came out of the interface.
	arrived chan struct{}
}

func newServer(t testing.TB, name string) *server {
	t.Helper()
	received := tuntest.NewChannelTUN()
	running := device.NewDevice(received.TUN(), conn.NewDefaultBind(), device.NewLogger(device.LogLevelSilent, ""))
	t.Cleanup(running.Close)
	file, err := ipc.UAPIOpen(name)
	if err != nil {
		t.Fatalf("only root may make a socket in /var/run/wireguard: %v", err)
	}
	listener, err := ipc.UAPIListen(name, file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			one, err := listener.Accept()
			if err != nil {
				return
			}
			go running.IpcHandle(one)
		}
	}()
	control, err := wgctrl.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = control.Close() })
	made := &server{control: control, key: newKey(t), door: &guests{}, arrived: make(chan struct{}, 1)}
	go made.receive(t.Context(), received)
	if err := control.ConfigureDevice(name, wgtypes.Config{PrivateKey: &made.key}); err != nil {
		t.Fatal(err)
	}
	if err := running.Up(); err != nil {
		t.Fatal(err)
	}
	found, err := control.Device(name)
	if err != nil {
		t.Fatal(err)
	}
	made.engine, made.port = newEngine(name, control, made.door), found.ListenPort
	return made
}

func newKey(t testing.TB) wgtypes.Key {
	t.Helper()
	key, err := wgtypes.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// person has a key and an address of the peers' network.
type person struct {
	name               string
	private, preshared wgtypes.Key
	address            netip.Addr
}

func newPerson(t testing.TB, number int) person {
	t.Helper()
	return person{name: fmt.Sprintf("u%d", number), private: newKey(t), preshared: newKey(t),
		address: netip.AddrFrom4([4]byte{10, 66, byte(number >> 8), byte(number)})}
}

// user is what the panel says of the person.
func (one person) user() agent.User {
	secret := fmt.Sprintf("%s %s %s", one.private.PublicKey(), one.preshared, one.address)
	return agent.User{Name: one.name, Secrets: map[string]string{direct: secret}}
}

// connect runs the person's own WireGuard; the result sends one packet to the server.
func (one person) connect(t testing.TB, server *server) func() {
	t.Helper()
	sent := tuntest.NewChannelTUN()
	running := device.NewDevice(sent.TUN(), conn.NewDefaultBind(), device.NewLogger(device.LogLevelSilent, ""))
	t.Cleanup(running.Close)
	public := server.key.PublicKey()
	if err := running.IpcSet(fmt.Sprintf(
		"private_key=%s\npublic_key=%s\npreshared_key=%s\nendpoint=127.0.0.1:%d\nallowed_ip=0.0.0.0/0\n",
		hex.EncodeToString(one.private[:]), hex.EncodeToString(public[:]), hex.EncodeToString(one.preshared[:]),
		server.port)); err != nil {
		t.Fatal(err)
	}
	if err := running.Up(); err != nil {
		t.Fatal(err)
	}
	return func() { sent.Outbound <- tuntest.Ping(serverAddress, one.address) }
}

// receive takes every packet: one that waits would hold up its peer, and the removal of that peer.
func (server *server) receive(ctx context.Context, tun *tuntest.ChannelTUN) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-tun.Inbound:
		}
		select {
		case server.arrived <- struct{}{}:
		default: // nobody asked for the last one yet
		}
	}
}

// arrives tells whether a packet that is sent comes out of the server's interface.
func (server *server) arrives(send func(), within time.Duration) bool {
	select {
	case <-server.arrived: // an earlier one
	default:
	}
	send()
	select {
	case <-server.arrived:
		return true
	case <-time.After(within):
		return false
	}
}

func (server *server) apply(t testing.TB, set []agent.User, remove ...string) {
	t.Helper()
	if faults := server.Apply(set, remove); len(faults) > 0 {
		t.Fatal(faults)
	}
}
