package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

const (
	direct    = "wireguard"
	websocket = "wireguardWebsocket"
)

// parts is how many words the secret of each protocol has.
var parts = map[string]int{direct: 3, websocket: 4}

// access is what one secret opens: a peer of wg0, and over WebSocket the way to it.
type access struct {
	// secret is the text that the rest was read from.
	secret    string
	key       wgtypes.Key
	preshared wgtypes.Key
	addresses []net.IPNet
	// password is empty for the direct way.
	password string
}

// parse reads "PUBLIC PRESHARED ADDRESS[,ADDRESS6]", and a password behind it for the way over WebSocket
// (docs/decisions/0015-live-users.md). Its errors show nothing of the secret.
func parse(protocol, secret string) (access, error) {
	fields := strings.Split(secret, " ")
	wanted, known := parts[protocol]
	if !known {
		return access{}, fmt.Errorf("%.40q is no protocol of this engine", protocol)
	}
	if len(fields) != wanted {
		return access{}, fmt.Errorf("the secret of %s has %d parts instead of %d", protocol, len(fields), wanted)
	}
	key, err := wgtypes.ParseKey(fields[0])
	if err != nil {
		return access{}, fmt.Errorf("the public key of %s is none", protocol)
	}
	preshared, err := wgtypes.ParseKey(fields[1])
	if err != nil {
		return access{}, fmt.Errorf("the preshared key of %s is none", protocol)
	}
	addresses, err := hosts(fields[2])
	if err != nil {
		return access{}, fmt.Errorf("%s: %w", protocol, err)
	}
	made := access{secret: secret, key: key, preshared: preshared, addresses: addresses}
	if protocol == websocket {
		if made.password = fields[3]; made.password == "" {
			return access{}, fmt.Errorf("the password of %s is empty", protocol)
		}
	}
	return made, nil
}

// hosts reads single addresses: a peer with a network could take the packets of others.
func hosts(list string) ([]net.IPNet, error) {
	var found []net.IPNet
	for _, text := range strings.Split(list, ",") {
		address, err := netip.ParseAddr(text)
		if err != nil {
			return nil, errors.New("an address of the peer is none")
		}
		found = append(found, net.IPNet{IP: address.AsSlice(), Mask: net.CIDRMask(address.BitLen(), address.BitLen())})
	}
	return found, nil
}

// all reads every secret of a user; one that is malformed closes all of them.
func all(secrets map[string]string) (map[string]access, error) {
	opened := make(map[string]access, len(secrets))
	for protocol, secret := range secrets {
		one, err := parse(protocol, secret)
		if err != nil {
			return nil, err
		}
		opened[protocol] = one
	}
	return opened, nil
}
