package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	shownBuildLines = 15
	// buildGoodbye is the time for BuildKit to take a build back after an interrupt.
	buildGoodbye = 3 * time.Second
)

// build runs Docker's own client, which is the one that speaks BuildKit with a context on this machine, and returns
// the id of the image.
func (i images) build(ctx context.Context, inputs imageInputs) (string, error) {
	docker, err := i.engine.reach(ctx)
	if err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp("", "docker-build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	address := i.engine.host
	if i.engine.remote() {
		through, err := i.engine.tunnel(folder)
		if err != nil {
			return "", fmt.Errorf("Image %s cannot be built: %w", inputs.ImageName, err)
		}
		defer through.Close()
		address = through.address
	}
	written := filepath.Join(folder, "id")
	if err := i.run(ctx, inputs.ImageName, buildArguments(address, written, inputs)); err != nil {
		return "", err
	}
	id, err := os.ReadFile(written)
	if err != nil {
		return "", fmt.Errorf("Image %s was built, but Docker did not tell its id: %w", inputs.ImageName, err)
	}
	found, err := docker.ImageInspect(ctx, strings.TrimSpace(string(id)))
	if err != nil {
		return "", fmt.Errorf("Image %s was built, but the Engine does not have it: %w", inputs.ImageName, reason(err))
	}
	return found.ID, nil
}

func buildArguments(address, idFile string, inputs imageInputs) []string {
	build := inputs.Build
	arguments := []string{
		"--host", address, "build", "--progress", "plain", "--iidfile", idFile, "--tag", inputs.ImageName,
		// An attestation holds times, and would give the same content another id at each build.
		"--provenance=false", "--file", build.Dockerfile, "--platform", build.Platform,
	}
	if build.Target != "" {
		arguments = append(arguments, "--target", build.Target)
	}
	for _, name := range slices.Sorted(maps.Keys(build.Args)) {
		arguments = append(arguments, "--build-arg", name+"="+build.Args[name])
	}
	return append(arguments, build.Context)
}

func (i images) run(ctx context.Context, name string, arguments []string) error {
	command := exec.CommandContext(ctx, "docker", arguments...)
	// The builder of the engine we name, whatever builder this user has chosen for himself.
	command.Env = append(os.Environ(), "DOCKER_BUILDKIT=1", "BUILDX_BUILDER=default")
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGINT) }
	command.WaitDelay = buildGoodbye
	output, err := command.StderrPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("Image %s cannot be built: %w. Install Docker's command line and its buildx plugin", name, err)
	}
	report := i.follow(ctx, output)
	if err := command.Wait(); err != nil {
		return report.fault(ctx, name, err)
	}
	return nil
}

// buildStep is the line by which BuildKit begins a step of the Dockerfile; the lines between are too many to show.
var buildStep = regexp.MustCompile(`^#\d+ \[`)

// buildReport is what a person needs of a build that failed.
type buildReport struct {
	step  string
	lines []string
}

func (i images) follow(ctx context.Context, output io.Reader) *buildReport {
	report := &buildReport{}
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if strings.TrimSpace(line) == "" {
			continue
		}
		report.note(line)
		if buildStep.MatchString(line) {
			i.engine.progress.tell(ctx, line)
		}
	}
	_, _ = io.Copy(io.Discard, output) // a line beyond the buffer must not stop the build
	return report
}

func (r *buildReport) note(line string) {
	// BuildKit heads the output of the step that failed so (util/progress/progressui, plain mode).
	if step, found := strings.CutPrefix(line, " > "); found {
		r.step = strings.TrimSuffix(step, ":")
	}
	r.lines = append(r.lines, line)
	if len(r.lines) > shownBuildLines {
		r.lines = r.lines[1:]
	}
}

func (r *buildReport) fault(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("Image %s: the build was interrupted", name)
	}
	text := strings.Join(r.lines, "\n")
	what := "Image " + name + " does not build"
	if r.step != "" {
		what += ": the step " + r.step + " failed"
	}
	switch {
	// Go's words begin small, the C library's with a capital.
	case strings.Contains(strings.ToLower(text), "no space left on device"):
		what += ", because no space is left on device; free some with `docker builder prune`"
	case strings.Contains(text, "buildx component is missing"):
		what += ", because Docker's buildx plugin is missing; install docker-buildx (or docker-buildx-plugin)"
	case text == "":
		what += ": " + err.Error()
	}
	return errors.New(what + ". Its last lines:\n" + text)
}
