package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

// interruptGrace is how long a cancelled program may take to end before it is killed. A program has nothing to put
// away, and Pulumi's SDK waits on after the interrupt until it is killed.
const interruptGrace = time.Second

// environment returns the folder of the virtual environment named by the runtime options, or "".
func environment(info *pulumirpc.ProgramInfo) string {
	name := info.GetOptions().GetFields()["virtualenv"].GetStringValue()
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(info.GetRootDirectory(), name)
}

// python prepares the program's interpreter; the child ends when ctx does.
func python(ctx context.Context, info *pulumirpc.ProgramInfo, arguments ...string) *exec.Cmd {
	interpreter := "python3"
	if folder := environment(info); folder != "" {
		interpreter = filepath.Join(folder, "bin", "python")
	}
	command := exec.CommandContext(ctx, interpreter, arguments...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = interruptGrace
	command.Env = os.Environ()
	return command
}

// streamWriter sends each write as one message; gRPC streams take one sender at a time.
type streamWriter struct {
	lock *sync.Mutex
	send func([]byte) error
}

func (w streamWriter) Write(text []byte) (int, error) {
	w.lock.Lock()
	defer w.lock.Unlock()
	return len(text), w.send(append([]byte(nil), text...))
}

func runStreamed(command *exec.Cmd, stream grpc.ServerStreamingServer[pulumirpc.RunPluginResponse]) error {
	lock := &sync.Mutex{}
	command.Stdout = streamWriter{lock, func(text []byte) error {
		return stream.Send(&pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Stdout{Stdout: text}})
	}}
	command.Stderr = streamWriter{lock, func(text []byte) error {
		return stream.Send(&pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Stderr{Stderr: text}})
	}}
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	code := int32(command.ProcessState.ExitCode())
	return stream.Send(&pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: code}})
}
