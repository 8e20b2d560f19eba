package main

import (
	"context"
	"errors"
	"log"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// Patience holds the times of a link; tests have shorter ones.
type Patience struct {
	// Connect is how long a host may take to let us in, and to open a connection.
	Connect time.Duration
	// Ask is the time between two questions whether the host is still there, and what an answer may take: a host that
	// went away without a word is noticed in twice that, before the panel holds it for lost.
	Ask time.Duration
	// First and Longest are the waits after the first fault and after many: a host that comes back is served soon, and
	// one that refuses us is not asked more often than sshd's own penalties forgive (sshd_config(5), PerSourcePenalties).
	First, Longest time.Duration
}

var patience = Patience{Connect: 10 * time.Second, Ask: 10 * time.Second, First: time.Second, Longest: 15 * time.Second}

var errAway = errors.New("the host is not connected")

// Link keeps one SSH connection to one host.
type Link struct {
	host     Host
	config   *ssh.ClientConfig
	patience Patience

	mutex  sync.Mutex
	client *ssh.Client
	since  time.Time
	fault  string
}

// State is what is told of a link.
type State struct {
	Connected bool      `json:"connected"`
	Since     time.Time `json:"since"`
	Fault     string    `json:"fault"`
}

// State tells whether the host is connected, since when, and why not.
func (link *Link) State() State {
	link.mutex.Lock()
	defer link.mutex.Unlock()
	return State{Connected: link.client != nil, Since: link.since, Fault: link.fault}
}

// Run connects again and again until the context ends.
func (link *Link) Run(ctx context.Context) {
	wait := link.patience.First
	for ctx.Err() == nil {
		began := time.Now()
		link.set(nil, link.keep(ctx))
		if time.Since(began) > link.patience.Connect+2*link.patience.Ask {
			// It was connected for a while: this is another fault than the one before.
			wait = link.patience.First
		}
		select {
		case <-ctx.Done():
		// Not all hosts at the same moment after a fault of our own network.
		case <-time.After(wait/2 + rand.N(wait/2)):
		}
		wait = min(2*wait, link.patience.Longest)
	}
}

// keep connects, and returns what ended the connection.
func (link *Link) keep(ctx context.Context) error {
	client, err := link.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	link.set(client, nil)
	ended := make(chan error, 1)
	go func() { ended <- client.Wait() }()
	ticker := time.NewTicker(link.patience.Ask)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-ended:
			if err == nil {
				err = errors.New("the host has ended the connection")
			}
			return err
		case <-ticker.C:
			if err := link.ask(client); err != nil {
				return err
			}
		}
	}
}

func (link *Link) connect(ctx context.Context) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, link.patience.Connect)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", link.host.Address)
	if err != nil {
		return nil, err
	}
	// ssh.ClientConfig.Timeout is for TCP only: one that says nothing would hold us for good.
	if err := raw.SetDeadline(time.Now().Add(link.patience.Connect)); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	connection, channels, requests, err := ssh.NewClientConn(raw, link.host.Address, link.config)
	if err != nil {
		return nil, errors.Join(err, ignoreClosed(raw.Close()))
	}
	return ssh.NewClient(connection, channels, requests), raw.SetDeadline(time.Time{})
}

// ask wants any answer at all; OpenSSH refuses this request, as it does its own client's.
func (link *Link) ask(client *ssh.Client) error {
	answered := make(chan error, 1)
	go func() {
		_, _, err := client.SendRequest("keepalive@openssh.com", true, nil)
		answered <- err
	}()
	select {
	case err := <-answered:
		return err
	case <-time.After(link.patience.Ask):
		return errors.New("the host answers no more")
	}
}

// set keeps the state, and says what has changed.
func (link *Link) set(client *ssh.Client, fault error) {
	link.mutex.Lock()
	defer link.mutex.Unlock()
	text := ""
	if fault != nil {
		text = fault.Error()
	}
	changed := (client != nil) != (link.client != nil) || text != link.fault
	if (client != nil) != (link.client != nil) || link.since.IsZero() {
		link.since = time.Now().UTC()
	}
	link.client, link.fault = client, text
	switch {
	case !changed || errors.Is(fault, context.Canceled):
	case client != nil:
		log.Printf("%s: connected to %s", link.host.Name, link.host.Address)
	default:
		log.Printf("%s: not connected to %s: %s", link.host.Name, link.host.Address, text)
	}
}

// open opens a connection to a place on the host.
func (link *Link) open(ctx context.Context, to string) (net.Conn, error) {
	link.mutex.Lock()
	client := link.client
	link.mutex.Unlock()
	if client == nil {
		return nil, errAway
	}
	ctx, cancel := context.WithTimeout(ctx, link.patience.Connect)
	defer cancel()
	return client.DialContext(ctx, "tcp", to)
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
