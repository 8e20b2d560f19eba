package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	// A refusal that is silence ends with this; what can be reached here answers in milliseconds.
	patience = 5 * time.Second
	// The same for one packet, which is sent this often.
	packetPatience, packetTries = time.Second, 3
)

// visitor knows how to leave this container: through a SOCKS server, or by its own routes and a resolver beyond them.
type visitor struct {
	socks    string
	resolver *net.Resolver
}

// target is what reach reads, one JSON object a line.
type target struct {
	Network string // tcp or udp
	Host    string
	Port    uint16
	AsName  bool // give even an address to the SOCKS server as a name
}

// word is what a packet to a target says; no other target's ends like it.
func (t target) word(index int) string { return fmt.Sprintf("#%d %s", index, t.Host) }

// reach tries every target, and prints a JSON array: what each answered, or null.
//
// All TCP targets are tried at once. All UDP targets are one after another's destinations of one association, as a
// client with something to hide would do it: the first is one that may be reached.
func reach(arguments []string) error {
	flags := flag.NewFlagSet("reach", flag.ContinueOnError)
	socks := flags.String("socks", "", "SOCKS5 server to go through")
	resolver := flags.String("resolver", "", "IP:PORT that is asked for names where there is no SOCKS server")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	from := visitor{socks: *socks, resolver: &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, *resolver)
		}}}
	var targets []target
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var one target
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return err
		}
		targets = append(targets, one)
	}
	answers, err := from.all(targets)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}

func (v visitor) all(targets []target) ([]*string, error) {
	answers := make([]*string, len(targets))
	var group sync.WaitGroup
	for index, one := range targets {
		if one.Network == "tcp" {
			group.Go(func() { answers[index] = v.connect(one) })
		}
	}
	err := v.sendAll(targets, answers)
	group.Wait()
	return answers, err
}

// connect returns what a target says to a line of HTTP, which makes every server say something.
func (v visitor) connect(to target) *string {
	connection, err := v.dial(to)
	if err != nil {
		return nil
	}
	defer connection.Close()
	if _, err := fmt.Fprintf(connection, "GET / HTTP/1.0\r\nHost: %s\r\n\r\n", to.Host); err != nil {
		return nil
	}
	answer := make([]byte, 512)
	length, err := connection.Read(answer)
	if err != nil {
		return nil
	}
	text := string(answer[:length])
	return &text
}

func (v visitor) dial(to target) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if v.socks == "" {
		address := net.JoinHostPort(to.Host, fmt.Sprint(to.Port))
		connection, err := (&net.Dialer{Resolver: v.resolver}).DialContext(ctx, "tcp", address)
		if err == nil {
			err = connection.SetDeadline(time.Now().Add(patience))
		}
		return connection, err
	}
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", v.socks)
	if err != nil {
		return nil, err
	}
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	return connection, requestConnect(connection, to)
}

// sendAll sends a packet that holds the target's own words to each UDP target, and takes it for reached by its echo.
func (v visitor) sendAll(targets []target, answers []*string) error {
	socket, header, err := v.packets()
	if err != nil {
		return err
	}
	defer socket.Close()
	for range packetTries {
		for index, to := range targets {
			if to.Network != "udp" || answers[index] != nil {
				continue
			}
			// An error is one more way to be refused: no route, no such name.
			_ = v.send(socket, header(to), to, to.word(index))
		}
		if err := listen(socket, targets, answers); err != nil {
			return err
		}
	}
	return nil
}

func (v visitor) send(socket net.PacketConn, header []byte, to target, word string) error {
	packet := append(header, word...)
	if v.socks != "" {
		_, err := socket.(*net.UDPConn).Write(packet)
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), packetPatience)
	defer cancel()
	addresses, err := v.resolver.LookupNetIP(ctx, "ip", to.Host)
	if err != nil {
		return err
	}
	_, err = socket.(*net.UDPConn).WriteToUDPAddrPort(packet, netip.AddrPortFrom(addresses[0].Unmap(), to.Port))
	return err
}

// packets returns a socket, and what goes before each packet for a target.
func (v visitor) packets() (net.PacketConn, func(target) []byte, error) {
	if v.socks == "" {
		socket, err := net.ListenPacket("udp", "")
		return socket, func(target) []byte { return nil }, err
	}
	_, relay, err := associate(v.socks) // its connection lives as long as this process
	if err != nil {
		return nil, nil, err
	}
	socket, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(relay))
	return socket, func(to target) []byte { return append([]byte{0, 0, 0}, socksAddress(to)...) }, err
}

// listen takes echoes in until none has come for a while; a SOCKS header before the word is passed over.
func listen(socket net.PacketConn, targets []target, answers []*string) error {
	for packet := make([]byte, 1500); ; {
		if err := socket.SetReadDeadline(time.Now().Add(packetPatience)); err != nil {
			return err
		}
		length, _, err := socket.ReadFrom(packet)
		if err != nil {
			return nil // silence
		}
		for index, to := range targets {
			word := to.word(index)
			if to.Network == "udp" && strings.HasSuffix(string(packet[:length]), word) {
				answers[index] = &word
			}
		}
	}
}
