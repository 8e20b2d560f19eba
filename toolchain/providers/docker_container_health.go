package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"
)

const (
	healthPoll         = 150 * time.Millisecond
	lookTimeout        = 5 * time.Second
	defaultWaitSeconds = 60 // the official schema's waitTimeout
	// mostRestarts is where a container that restarts is taken to do so for ever.
	mostRestarts  = 3
	shownLogLines = "5"
	shownOutput   = 300 // characters of the last health check
)

// unhealthy says why a container did not become healthy.
type unhealthy struct{ text string }

func (u *unhealthy) Error() string { return u.text }

// awaitHealth returns when a container that is to be waited for is healthy, or as soon as it is plain that it will
// not be.
func awaitHealth(ctx context.Context, docker *client.Client, id string, inputs containerInputs) error {
	if !inputs.Wait || !inputs.starts() {
		return nil
	}
	seconds := inputs.WaitTimeout
	if seconds == 0 {
		seconds = defaultWaitSeconds
	}
	deadline := time.NewTimer(time.Duration(seconds) * time.Second)
	defer deadline.Stop()
	before := -1
	for {
		found, err := look(ctx, docker, id)
		if err != nil {
			return fmt.Errorf("Container %s cannot be looked at: %w", inputs.Name, reason(err))
		}
		if found.State.Health != nil && found.State.Health.Status == container.Healthy {
			return nil
		}
		if before < 0 {
			before = found.RestartCount
		}
		if fault := hopeless(found, before); fault != "" {
			return illness(docker, inputs.Name, found, fault)
		}
		select {
		case <-ctx.Done():
			return illness(docker, inputs.Name, found, "was not healthy yet when the wait was interrupted")
		case <-deadline.C:
			return illness(docker, inputs.Name, found, fmt.Sprintf("is not healthy after %d s", seconds))
		case <-time.After(healthPoll):
		}
	}
}

// look is not ended by an interrupt, because what it finds is part of the answer to one.
func look(ctx context.Context, docker *client.Client, id string) (container.InspectResponse, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
	defer cancel()
	return docker.ContainerInspect(ctx, id)
}

// hopeless is why waiting on is of no use. Restarts count from the beginning of the wait: the Engine's own count goes
// back to the container's last start by hand, which may be long ago.
func hopeless(found container.InspectResponse, before int) string {
	state := found.State
	switch {
	case found.RestartCount-before >= mostRestarts:
		return fmt.Sprintf("does not stay up: it has restarted %d times", found.RestartCount-before)
	case state.Status == container.StateExited || state.Status == container.StateDead:
		return "has ended"
	case state.Health == nil || state.Health.Status == container.NoHealthcheck:
		return "has no health check, but wait is true"
	// The Engine calls a container unhealthy also between two restarts, but then without a failed check.
	case state.Health.Status == container.Unhealthy && state.Health.FailingStreak > 0:
		return "is unhealthy"
	}
	return ""
}

// illness tells a container's fault with what a person would look at next. It is told also after an interrupt.
func illness(docker *client.Client, name string, found container.InspectResponse, fault string) error {
	text := fmt.Sprintf("Container %s %s (state %s, exit code %d)", name, fault, found.State.Status, found.State.ExitCode)
	if found.State.Error != "" {
		text += ": " + found.State.Error
	}
	if output := lastHealthOutput(found.State.Health); output != "" {
		text += "; its last check said: " + output
	}
	if lines := lastLines(docker, found.ID); lines != "" {
		text += "; its last lines:\n" + lines
	}
	return &unhealthy{text}
}

func lastHealthOutput(health *container.Health) string {
	if health == nil || len(health.Log) == 0 {
		return ""
	}
	output := strings.Join(strings.Fields(health.Log[len(health.Log)-1].Output), " ")
	return output[:min(len(output), shownOutput)]
}

func lastLines(docker *client.Client, id string) string {
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	stream, err := docker.ContainerLogs(ctx, id, container.LogsOptions{
		ShowStdout: true, ShowStderr: true, Tail: shownLogLines})
	if err != nil {
		return ""
	}
	defer stream.Close()
	var lines bytes.Buffer
	_, _ = stdcopy.StdCopy(&lines, &lines, stream) // what came until an error is still worth showing
	return strings.TrimSpace(lines.String())
}
