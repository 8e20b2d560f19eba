package main

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"
)

const (
	queryID = 0x5354
	// RFC 1928 section 4: UDP ASSOCIATE, and an IPv4 address.
	socksAssociate, socksIPv4 = 3, 1
)

// lookUp asks a resolver for an A record over UDP, through SOCKS5 if told, and prints the address.
func lookUp(arguments []string) error {
	flags := flag.NewFlagSet("dns", flag.ContinueOnError)
	server := flags.String("server", "", "IP:PORT of the resolver")
	name := flags.String("name", "", "name to look up")
	socks := flags.String("socks", "", "SOCKS5 server to go through")
	padding := flags.Int("padding", 0, "bytes after the question, for datagrams that are cut up on their way")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	resolver, err := netip.ParseAddrPort(*server)
	if err != nil {
		return err
	}
	question := query(*name)
	answer, err := ask(resolver, *socks, append(question, make([]byte, *padding)...))
	if err != nil {
		return err
	}
	if len(answer) < len(question)+16 || binary.BigEndian.Uint16(answer) != queryID {
		return errors.New("the answer is to another question")
	}
	// RFC 1035 section 4.1.3: the one A record follows the question, and its last four bytes are the address.
	fmt.Println(netip.AddrFrom4([4]byte(answer[len(question)+12:])))
	return nil
}

// query is a DNS query for an A record (RFC 1035 section 4.1).
func query(name string) []byte {
	packet := []byte{queryID >> 8, queryID & 0xff, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	for _, label := range strings.Split(name, ".") {
		packet = append(append(packet, byte(len(label))), label...)
	}
	return append(packet, 0, 0, 1, 0, 1)
}

func ask(resolver netip.AddrPort, socks string, packet []byte) ([]byte, error) {
	destination, header := resolver, []byte{}
	if socks != "" {
		control, relay, err := associate(socks)
		if err != nil {
			return nil, err
		}
		defer control.Close()
		asked := target{Host: resolver.Addr().String(), Port: resolver.Port()}
		header = append([]byte{0, 0, 0}, socksAddress(asked)...)
		destination = relay
	}
	connection, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(destination))
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(timeout)); err != nil {
		return nil, err
	}
	if _, err := connection.Write(append(header, packet...)); err != nil {
		return nil, err
	}
	answer := make([]byte, 1<<16)
	length, err := connection.Read(answer)
	if err != nil {
		return nil, err
	}
	return answer[min(len(header), length):length], nil
}

// associate asks a SOCKS5 server to relay UDP (RFC 1928); the relay lives as long as the connection.
func associate(socks string) (net.Conn, netip.AddrPort, error) {
	control, err := net.DialTimeout("tcp", socks, timeout)
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	// One method, none; then UDP ASSOCIATE from an address that is not known yet.
	if _, err := control.Write([]byte{5, 1, 0, 5, socksAssociate, 0, socksIPv4, 0, 0, 0, 0, 0, 0}); err != nil {
		return nil, netip.AddrPort{}, err
	}
	reply := make([]byte, 2+10)
	if _, err := io.ReadFull(control, reply); err != nil {
		return nil, netip.AddrPort{}, err
	}
	if reply[1] != 0 || reply[3] != 0 || reply[5] != socksIPv4 {
		return nil, netip.AddrPort{}, fmt.Errorf("the SOCKS server refused with %d", reply[3])
	}
	relay := netip.AddrPortFrom(netip.AddrFrom4([4]byte(reply[6:10])), binary.BigEndian.Uint16(reply[10:12]))
	if relay.Addr().IsUnspecified() {
		host := control.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap()
		relay = netip.AddrPortFrom(host, relay.Port())
	}
	return control, relay, nil
}
