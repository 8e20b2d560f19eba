package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/docker/cli/cli/connhelper"
	"github.com/docker/docker/client"
)

const (
	// sshd drops unauthenticated connections beyond 10 (sshd_config(5), MaxStartups), and each of ours is one.
	mostSSHConnections = 6
	pingTimeout        = 45 * time.Second // longer than connhelper's own ConnectTimeout of 30 s
)

// engine is the Docker Engine that a provider talks to. It is dialled at the first real call, so that a preview
// needs none.
type engine struct {
	host       string
	sshOptions []string
	unchecked  bool // nobody looks whether its images are still there
	progress   *progress

	once   sync.Once
	client *client.Client
	fault  error
}

// dial is how a connection to the engine is made.
type dial func(ctx context.Context, network, address string) (net.Conn, error)

// reach returns the client, or one sentence on why the engine does not answer.
func (e *engine) reach(ctx context.Context) (*client.Client, error) {
	e.once.Do(func() {
		e.client, e.fault = e.connect(ctx)
		if e.fault != nil {
			e.fault = unreachable(e.host, e.fault)
		}
	})
	return e.client, e.fault
}

func (e *engine) connect(ctx context.Context) (*client.Client, error) {
	dialer, err := e.dialer()
	if err != nil {
		return nil, err
	}
	if !e.remote() {
		// The client below would keep the system's reason to itself.
		if err := answers(ctx, dialer); err != nil {
			return nil, err
		}
	}
	transport := &http.Transport{DialContext: dialer, IdleConnTimeout: time.Minute}
	if e.remote() {
		transport.MaxConnsPerHost = mostSSHConnections
	}
	made, err := client.NewClientWithOpts(
		client.WithHTTPClient(&http.Client{Transport: transport}),
		client.WithHost("http://docker.example.com"), // a name that HTTP wants; the dialer decides
		client.WithDialContext(dialer), client.WithAPIVersionNegotiation())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	ping, err := made.Ping(ctx)
	if err != nil {
		return nil, err
	}
	made.NegotiateAPIVersionPing(ping)
	return made, nil
}

func (e *engine) remote() bool { return strings.HasPrefix(e.host, "ssh://") }

func (e *engine) dialer() (dial, error) {
	if path, local := strings.CutPrefix(e.host, "unix://"); local {
		return func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}, nil
	}
	helper, err := connhelper.GetConnectionHelperWithSSHOpts(e.host, e.sshOptions)
	if err != nil {
		return nil, err
	}
	if helper == nil {
		return nil, errors.New("the address must begin with unix:// or ssh://")
	}
	return helper.Dialer, nil
}

func answers(ctx context.Context, dialer dial) error {
	connection, err := dialer(ctx, "", "")
	if err != nil {
		return err
	}
	return connection.Close()
}

// unreachable tells the last line that ssh wrote, or the system's reason: what lies around them is the client's own.
func unreachable(host string, err error) error {
	text, fix := err.Error(), "Start it"
	var system syscall.Errno
	if _, written, found := strings.Cut(text, "stderr="); found {
		text = written
	} else if errors.As(err, &system) {
		text = system.Error()
	}
	if errors.Is(err, fs.ErrPermission) {
		fix = "Join the group docker"
	}
	return fmt.Errorf("Docker Engine at %s does not answer: %s. %s, or change it with "+
		"`pulumi config set dockerHost <address>`", host, lastLine(text), fix)
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(text, "\r", "")), "\n")
	return strings.TrimRight(strings.TrimSpace(lines[len(lines)-1]), ".")
}
