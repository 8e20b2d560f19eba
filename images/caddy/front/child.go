package main

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

const (
	// Docker kills ten seconds after SIGTERM; a child that we end ourselves gets less.
	stopGrace = 5 * time.Second
	// What a shell adds to the number of the signal that ended its child.
	signalled = 128
	// Caddy's exit codes after an orderly end and a failed start, neither of which is to be repeated
	// (https://caddyserver.com/docs/command-line#exit-codes). A crash is a signal, or Go's code 2 for a panic.
	ended, failedStart = 0, 1
	// A child that crashes more often than this is the engine's to start again, which waits longer each time.
	mostRestarts  = 5
	restartWindow = 10 * time.Second
)

// passedOn are the signals that Caddy knows, and those that a terminal or an engine sends.
var passedOn = []os.Signal{
	syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2}

// supervise runs the command, starts it again at once when it crashes, and returns its last exit code. A failure
// ends the command, and the code is then 1.
func supervise(arguments []string, failure <-chan error) (int, error) {
	signals := make(chan os.Signal, len(passedOn))
	signal.Notify(signals, passedOn...)
	defer signal.Stop(signals)
	var crashes []time.Time
	for {
		code, told, err := runOnce(arguments, signals, failure)
		if err != nil || told || code == ended || code == failedStart {
			return code, err
		}
		if crashes = append(recent(crashes), time.Now()); len(crashes) > mostRestarts {
			return code, fmt.Errorf("%s crashed %d times within %v", arguments[0], len(crashes), restartWindow)
		}
		log.Printf("%s crashed with code %d and is started again", arguments[0], code)
	}
}

func recent(crashes []time.Time) []time.Time {
	return slices.DeleteFunc(crashes, func(at time.Time) bool { return time.Since(at) > restartWindow })
}

// runOnce runs the command to its end; told says whether a signal had asked it to end.
func runOnce(arguments []string, signals <-chan os.Signal, failure <-chan error) (code int, told bool, err error) {
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := command.Start(); err != nil {
		return 1, told, err
	}
	done := make(chan int, 1)
	go func() {
		_ = command.Wait() // repeats the exit code
		done <- exitCode(command.ProcessState)
	}()
	for {
		select {
		case code := <-done:
			return code, told, nil
		case received := <-signals:
			told = told || asksToEnd(received)
			_ = command.Process.Signal(received) // fails only if it is gone
		case err := <-failure:
			end(command.Process, done)
			return 1, told, err
		}
	}
}

func asksToEnd(received os.Signal) bool {
	return received == syscall.SIGTERM || received == syscall.SIGINT || received == syscall.SIGQUIT
}

func end(process *os.Process, done <-chan int) {
	_ = process.Signal(syscall.SIGTERM)
	select {
	case <-done:
	case <-time.After(stopGrace):
		_ = process.Kill()
		<-done
	}
}

func exitCode(state *os.ProcessState) int {
	if status, known := state.Sys().(syscall.WaitStatus); known && status.Signaled() {
		return signalled + int(status.Signal())
	}
	return state.ExitCode()
}
