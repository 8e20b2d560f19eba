package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Config is what the program is told; components/configs/tunnel.py writes it.
type Config struct {
	// User is the account on each host, which may forward and nothing else.
	User string `json:"user"`
	// PrivateKey is the seed of an Ed25519 key (RFC 8032 section 5.1.5), as base64.
	PrivateKey string `json:"privateKey"`
	// Status is HOST:PORT, on the loopback interface, at which the links' states are told.
	Status string `json:"status"`
	Hosts  []Host `json:"hosts"`
}

// Host is one host of the fleet.
type Host struct {
	Name string `json:"name"`
	// Address is HOST:PORT of its SSH server.
	Address string `json:"address"`
	// HostKey is a line of its ssh_host_..._key.pub; no other server is taken for it.
	HostKey string `json:"hostKey"`
	Ports   []Port `json:"ports"`
}

// Port is one place to listen at, and where on the host its connections go.
type Port struct {
	Listen string `json:"listen"`
	To     string `json:"to"`
}

func readConfig(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	config := &Config{}
	if err := json.Unmarshal(text, config); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if config.User == "" || config.Status == "" || len(config.Hosts) == 0 {
		return nil, fmt.Errorf("%s: user, status and hosts must be given", path)
	}
	return config, nil
}

func (config *Config) signer() (ssh.Signer, error) {
	seed, err := base64.StdEncoding.DecodeString(config.PrivateKey)
	if err != nil || len(seed) != ed25519.SeedSize {
		// Not the error itself, which would show a part of the key.
		return nil, errors.New("privateKey is no seed of an Ed25519 key")
	}
	return ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(seed))
}

// clientConfig says as whom to come, and whom to take for the host.
func (host *Host) clientConfig(user string, signer ssh.Signer) (*ssh.ClientConfig, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(host.HostKey))
	if err != nil {
		return nil, fmt.Errorf("%s: hostKey: %w", host.Name, err)
	}
	return &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback: ssh.FixedHostKey(key), HostKeyAlgorithms: algorithms(key.Type()),
		ClientVersion: "SSH-2.0-OpenSSH_10.0",
	}, nil
}

// algorithms names those by which a key of this type is shown, so that a server with several shows the pinned one.
func algorithms(kind string) []string {
	if kind == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return strings.Fields(kind)
}
