package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// The target is a neighbour; while it is absent nobody answers, and Xray must not wait long for that.
const handshakeTimeout = 500 * time.Millisecond

// child is one run of Xray; done gives its exit code once.
type child struct {
	process *os.Process
	done    chan int
}

func start(config, authority string) (*child, error) {
	command := exec.Command("/usr/local/bin/xray", "-config", config)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if _, err := os.Stat(authority); err == nil {
		// REALITY verifies its target with the system's roots; there is no setting of its own.
		command.Env = append(os.Environ(), "SSL_CERT_FILE="+authority)
	}
	return run(command)
}

func run(command *exec.Cmd) (*child, error) {
	if err := command.Start(); err != nil {
		return nil, err
	}
	made := &child{process: command.Process, done: make(chan int, 1)}
	go func() {
		// Its error repeats the exit code, which is -1 if a signal ended the child.
		_ = command.Wait()
		made.done <- command.ProcessState.ExitCode()
	}()
	return made, nil
}

// stop ends the child and returns 0 if it went on being asked, as an orderly stop should look.
func (running *child) stop() int {
	_ = running.process.Signal(syscall.SIGTERM) // fails only if it is gone
	select {
	case <-running.done:
		return 0
	case <-time.After(stopGrace):
		_ = running.process.Kill()
		<-running.done
		return 1
	}
}

// newTarget returns a function that tells whether the target completes a verified TLS 1.3 handshake.
func newTarget(address, name, authority string) (func() bool, error) {
	config := &tls.Config{ServerName: name, MinVersion: tls.VersionTLS13}
	text, err := os.ReadFile(authority)
	switch {
	case err == nil:
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, errors.New("no certificate found")
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	dialer := &net.Dialer{Timeout: handshakeTimeout}
	return func() bool {
		connection, err := tls.DialWithDialer(dialer, "tcp", address, config)
		if err != nil {
			return false
		}
		_ = connection.Close()
		return true
	}, nil
}
