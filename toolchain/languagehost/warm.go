package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

//go:embed warm.py
var warmScript string

// warmed is an interpreter that imports the SDK while the engine still refreshes its state. The engine asks for the
// required packages a quarter of a second before it runs the program, and the imports take about as long.
type warmed struct {
	interpreter string
	command     *exec.Cmd
	orders      io.WriteCloser
	ended       chan error
}

// order is what the waiting interpreter is told: how to become the program.
type order struct {
	Arguments   []string `json:"arguments"`
	Environment []string `json:"environment"`
	Folder      string   `json:"folder"`
}

// warm keeps one interpreter ready, for programs that have an environment of their own.
func (h *host) warm(info *pulumirpc.ProgramInfo, packages []string) {
	h.warming.Lock()
	defer h.warming.Unlock()
	if h.warmed == nil && environment(info) != "" {
		h.warmed = startWarm(info, packages)
	}
}

// take gives the waiting interpreter away, once, if it is the one that command wants and still waits.
func (h *host) take(command *exec.Cmd) *warmed {
	h.warming.Lock()
	defer h.warming.Unlock()
	waiting := h.warmed
	h.warmed = nil
	if waiting == nil || waiting.interpreter != command.Path {
		return nil
	}
	select {
	case <-waiting.ended:
		return nil
	default:
		return waiting
	}
}

// startWarm starts an interpreter that imports the packages and waits. One that cannot be started is no fault here: the
// program is then started as usual, and that tells why.
func startWarm(info *pulumirpc.ProgramInfo, packages []string) *warmed {
	command := python(context.Background(), info, append([]string{"-u", "-c", warmScript}, packages...)...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	orders, err := command.StdinPipe()
	if err != nil || command.Start() != nil {
		return nil
	}
	made := &warmed{interpreter: command.Path, command: command, orders: orders, ended: make(chan error, 1)}
	go func() { made.ended <- command.Wait() }()
	return made
}

// become lets the interpreter run what command would, and waits for its end.
func (w *warmed) become(ctx context.Context, command *exec.Cmd) error {
	told, err := json.Marshal(order{Arguments: command.Args[1:], Environment: command.Env, Folder: command.Dir})
	if err != nil {
		return err
	}
	if _, err := w.orders.Write(append(told, '\n')); err != nil {
		return err
	}
	// A program finds its standard input at its end, as it would without us.
	if err := w.orders.Close(); err != nil {
		return err
	}
	select {
	case err := <-w.ended:
		return err
	case <-ctx.Done():
	}
	_ = w.command.Process.Signal(os.Interrupt) // fails only if it is gone
	select {
	case err := <-w.ended:
		return err
	case <-time.After(interruptGrace):
		_ = w.command.Process.Kill()
		return <-w.ended
	}
}

// packageNames are the importable names of the SDK packages whose descriptions were found.
func packageNames(files []string) []string {
	names := []string{"pulumi"}
	for _, file := range files {
		names = append(names, filepath.Base(filepath.Dir(file)))
	}
	return names
}
