package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// commandGoodbye is the time for a command to end after an interrupt.
const commandGoodbye = 3 * time.Second

// run starts the interpreter with a line, and returns what the command said on its two streams.
func (c commands) run(ctx context.Context, line string, inputs commandInputs, values, former resource.PropertyMap) (
	resource.PropertyMap, error,
) {
	if line == "" {
		return said(values, resource.NewProperty(""), resource.NewProperty("")), nil
	}
	interpreter := inputs.Interpreter
	if len(interpreter) == 0 {
		interpreter = []string{"/bin/sh", "-c"}
	}
	command := exec.CommandContext(ctx, interpreter[0], append(slices.Clone(interpreter[1:]), line)...)
	command.Dir, command.Env = inputs.Dir, commandEnvironment(inputs, former)
	command.Stdin = strings.NewReader(inputs.Stdin)
	// A group of its own, so that what it has started ends with it.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGINT) }
	command.WaitDelay = commandGoodbye
	var stdout, stderr bytes.Buffer
	choice := logged[inputs.Logging]
	if inputs.Logging == "" {
		choice = logged[loggedByDefault]
	}
	command.Stdout = io.MultiWriter(&stdout, c.shown(ctx, choice[0]))
	command.Stderr = io.MultiWriter(&stderr, c.shown(ctx, choice[1]))
	if err := command.Run(); err != nil {
		return nil, commandFault(ctx, line, err, stdout.String()+stderr.String())
	}
	return said(values, text(stdout), text(stderr)), nil
}

func commandFault(ctx context.Context, line string, err error, told string) error {
	if ctx.Err() != nil {
		return errors.New("the command was interrupted; run `make up` again")
	}
	return fmt.Errorf("%w: running %q:\n%s", err, line, strings.TrimRight(told, "\n"))
}

func text(buffer bytes.Buffer) resource.PropertyValue {
	return resource.NewProperty(strings.TrimSuffix(buffer.String(), "\n"))
}

// commandEnvironment is this process's own, what the program adds, and what the command said when it last ran.
func commandEnvironment(inputs commandInputs, former resource.PropertyMap) []string {
	environment := os.Environ()
	for _, name := range slices.Sorted(maps.Keys(inputs.Environment)) {
		environment = append(environment, name+"="+inputs.Environment[name])
	}
	if former == nil || inputs.AddPreviousOutput != nil && !*inputs.AddPreviousOutput {
		return environment
	}
	for key, name := range map[resource.PropertyKey]string{
		"stdout": "PULUMI_COMMAND_STDOUT", "stderr": "PULUMI_COMMAND_STDERR"} {
		if value := former[key]; value.IsString() {
			environment = append(environment, name+"="+value.StringValue())
		}
	}
	return environment
}

// shown is a stream whose lines the engine shows, or nothing.
func (c commands) shown(ctx context.Context, wanted bool) io.Writer {
	if !wanted {
		return io.Discard
	}
	return &lines{to: func(line string) { c.progress.log(ctx, line) }}
}
