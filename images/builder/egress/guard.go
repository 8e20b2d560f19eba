// Package egress keeps clients from reaching, through the server, what is not the public internet.
//
// The daemons' own rules look at a session's first destination, and at a name before it is resolved for good. This
// guard stands behind all of that: it looks at the address that a socket is about to connect or send to, each time.
package egress

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

const (
	// File is where a container finds its rules.
	File        = "/etc/stealth/egress.json"
	dialTimeout = 16 * time.Second
)

// Guard decides where clients may go. Its zero value lets everything pass: use Load.
type Guard struct {
	allow, refuse []netip.Prefix
	resolver      *net.Resolver
}

// Load reads {"allow": [CIDR], "refuse": [CIDR], "resolvers": [IP]}; what is allowed wins over what is refused.
//
// It makes those resolvers the ones of the whole process, so that a daemon's own look-ups know no names of containers.
func Load(path string) (*Guard, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var rules struct {
		Allow, Refuse []netip.Prefix
		Resolvers     []netip.Addr
	}
	if err := json.Unmarshal(text, &rules); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(rules.Refuse) == 0 || len(rules.Resolvers) == 0 {
		return nil, fmt.Errorf("%s refuses nothing or names no resolver; it must do both", path)
	}
	net.DefaultResolver = newResolver(rules.Resolvers)
	return &Guard{allow: rules.Allow, refuse: rules.Refuse, resolver: net.DefaultResolver}, nil
}

// Check returns an error if clients may not go to an address.
func (g *Guard) Check(address netip.Addr) error {
	// ::ffff:10.0.0.1 is 10.0.0.1 to the kernel, and a prefix never contains an address with a zone.
	address = address.Unmap().WithZone("")
	if !address.IsValid() || !contains(g.allow, address) && contains(g.refuse, address) {
		return fmt.Errorf("clients may not reach %s", address)
	}
	return nil
}

func contains(prefixes []netip.Prefix, address netip.Addr) bool {
	for _, prefix := range prefixes {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// Dial connects to HOST:PORT. A name's addresses are tried in turn, and each is checked right before its connect.
func (g *Guard) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout, Resolver: g.resolver, Control: g.control}
	return dialer.DialContext(ctx, network, address)
}

// control has the form of net.Dialer's; an address without a host, which means this machine, does not parse.
func (g *Guard) control(_, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	return g.Check(target.Addr())
}

// Resolve returns the first address of a host that clients may reach. Go's order of a name's addresses (RFC 6724) ends
// with those that this machine has no route to, such as IPv6 ones where it has IPv4 only.
func (g *Guard) Resolve(ctx context.Context, host string) (netip.Addr, error) {
	if address, err := netip.ParseAddr(host); err == nil {
		return address, g.Check(address)
	}
	addresses, err := g.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, address := range addresses {
		if err = g.Check(address); err == nil {
			return address, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("%s: %w", host, err)
}
