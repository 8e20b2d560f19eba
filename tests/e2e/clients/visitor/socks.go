package main

import (
	"fmt"
	"io"
	"net"
	"net/netip"
)

// RFC 1928 section 4: CONNECT, a name, and an IPv6 address.
const socksConnect, socksName, socksIPv6 = 1, 3, 4

// requestConnect asks a SOCKS5 server for a connection (RFC 1928 section 4).
func requestConnect(connection net.Conn, to target) error {
	request := append([]byte{5, 1, 0, 5, socksConnect, 0}, socksAddress(to)...)
	if _, err := connection.Write(request); err != nil {
		return err
	}
	reply := make([]byte, 2+4)
	if _, err := io.ReadFull(connection, reply); err != nil {
		return err
	}
	if reply[3] != 0 {
		return fmt.Errorf("the SOCKS server refused with %d", reply[3])
	}
	bound := map[byte]int{socksIPv4: 4 + 2, socksIPv6: 16 + 2}[reply[5]]
	_, err := io.ReadFull(connection, make([]byte, bound))
	return err
}

// socksAddress is the address field of RFC 1928 sections 5 and 7, with the port.
func socksAddress(to target) []byte {
	port := []byte{byte(to.Port >> 8), byte(to.Port)}
	address, err := netip.ParseAddr(to.Host)
	if err != nil || to.AsName {
		return append(append([]byte{socksName, byte(len(to.Host))}, to.Host...), port...)
	}
	kind := byte(socksIPv4)
	if address.Is6() {
		kind = socksIPv6
	}
	return append(append([]byte{kind}, address.AsSlice()...), port...)
}
