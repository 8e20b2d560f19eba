package main

import (
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

const (
	// Docker kills ten seconds after SIGTERM; a child that we end ourselves gets less.
	stopGrace = 5 * time.Second
	// What a shell adds to the number of the signal that ended its child.
	signalled = 128
)

// passedOn are the signals that Caddy knows, and those that a terminal or an engine sends.
var passedOn = []os.Signal{
	syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2}

// supervise runs the command and returns its exit code; a failure ends the command, and the code is then 1.
func supervise(arguments []string, failure <-chan error) (int, error) {
	signals := make(chan os.Signal, len(passedOn))
	signal.Notify(signals, passedOn...)
	defer signal.Stop(signals)
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := command.Start(); err != nil {
		return 1, err
	}
	done := make(chan int, 1)
	go func() {
		_ = command.Wait() // repeats the exit code
		done <- exitCode(command.ProcessState)
	}()
	for {
		select {
		case code := <-done:
			return code, nil
		case received := <-signals:
			_ = command.Process.Signal(received) // fails only if it is gone
		case err := <-failure:
			end(command.Process, done)
			return 1, err
		}
	}
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
