package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// exitReported is the exit code of a program that has told its error itself
// (pulumi-language-python-exec, "_alreadyLogged").
const exitReported = 32

type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer
	engineAddress string
	warming       sync.Mutex
	warmed        *warmed
}

// Handshake needs no answer: the address came on the command line.
func (h *host) Handshake(context.Context, *pulumirpc.LanguageHandshakeRequest) (
	*pulumirpc.LanguageHandshakeResponse, error) {
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

// GetPluginInfo answers no version: the host is built beside the CLI, never fetched.
func (h *host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{}, nil
}

// GetRequiredPackages lists the plugins that the installed SDK packages ask for in pulumi-plugin.json.
// Reading the files costs a millisecond; listing packages with pip would cost a third of a second per run.
func (h *host) GetRequiredPackages(_ context.Context, request *pulumirpc.GetRequiredPackagesRequest) (
	*pulumirpc.GetRequiredPackagesResponse, error) {
	pattern := filepath.Join(environment(request.GetInfo()), "lib", "python3*", "site-packages", "*", "pulumi-plugin.json")
	files, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.GetRequiredPackagesResponse{}
	for _, file := range files {
		dependency, err := readPlugin(file)
		if err != nil {
			return nil, err
		}
		if dependency != nil {
			response.Packages = append(response.Packages, dependency)
		}
	}
	h.warm(request.GetInfo(), packageNames(files))
	return response, nil
}

func readPlugin(file string) (*pulumirpc.PackageDependency, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var plugin struct {
		Resource              bool
		Name, Version, Server string
	}
	if err := json.Unmarshal(content, &plugin); err != nil {
		return nil, fmt.Errorf("%s is no plugin description: %w", file, err)
	}
	if !plugin.Resource {
		return nil, nil
	}
	return &pulumirpc.PackageDependency{
		Kind: "resource", Name: plugin.Name, Server: plugin.Server,
		Version: "v" + strings.TrimPrefix(plugin.Version, "v"),
	}, nil
}

// Run executes the program; its standard streams are the host's, which the engine shows.
func (h *host) Run(ctx context.Context, request *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	command, err := h.program(ctx, request)
	if err != nil {
		return nil, err
	}
	if waiting := h.take(command); waiting != nil {
		err = waiting.become(ctx, command)
	} else {
		command.Stdout, command.Stderr = os.Stdout, os.Stderr
		err = command.Run()
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
		return &pulumirpc.RunResponse{}, nil
	case errors.As(err, &exit) && exit.ExitCode() == exitReported:
		return &pulumirpc.RunResponse{Bail: true}, nil
	case errors.As(err, &exit):
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("the program ended with %s", exit)}, nil
	}
	return &pulumirpc.RunResponse{Error: err.Error() + ". Make the environment with `make setup`."}, nil
}

func (h *host) program(ctx context.Context, request *pulumirpc.RunRequest) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	// Without any configuration the map is nil, which JSON writes as null and the SDK takes for no map.
	values := request.GetConfig()
	if values == nil {
		values = map[string]string{}
	}
	config, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	secretKeys, err := json.Marshal(request.GetConfigSecretKeys())
	if err != nil {
		return nil, err
	}
	info := request.GetInfo()
	command := python(ctx, info, append([]string{"-u", self + "-exec"}, h.programArguments(request)...)...)
	command.Dir = request.GetPwd()
	command.Env = append(command.Env, "PULUMI_CONFIG="+string(config), "PULUMI_CONFIG_SECRET_KEYS="+string(secretKeys))
	return command, nil
}

func (h *host) programArguments(request *pulumirpc.RunRequest) []string {
	info := request.GetInfo()
	arguments := []string{
		"--monitor", request.GetMonitorAddress(), "--engine", h.engineAddress,
		"--project", request.GetProject(), "--root_directory", info.GetRootDirectory(),
		"--stack", request.GetStack(), "--pwd", request.GetPwd(),
		"--parallel", strconv.Itoa(int(request.GetParallel())), "--organization", request.GetOrganization(),
	}
	if request.GetDryRun() {
		arguments = append(arguments, "--dry_run", "true")
	}
	entry := filepath.Join(info.GetProgramDirectory(), info.GetEntryPoint())
	return append(append(arguments, entry), request.GetArgs()...)
}

// RunPlugin executes a policy pack or a provider written in Python and streams what it prints.
func (h *host) RunPlugin(request *pulumirpc.RunPluginRequest,
	stream grpc.ServerStreamingServer[pulumirpc.RunPluginResponse]) error {
	directory := request.GetInfo().GetProgramDirectory()
	arguments := append([]string{"-u", directory}, request.GetArgs()...)
	if request.GetKind() == "analyzer" {
		arguments = append(append([]string{"-u", "-m", "pulumi.policy"}, request.GetArgs()...), directory)
	}
	command := python(stream.Context(), request.GetInfo(), arguments...)
	command.Dir = request.GetPwd()
	command.Env = append(command.Env, request.GetEnv()...)
	return runStreamed(command, stream)
}
