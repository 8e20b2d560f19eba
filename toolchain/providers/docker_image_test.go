package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// buildContext writes files into a folder that is then the working folder.
func buildContext(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, 0o644); err != nil { // whatever this user's umask is
			t.Fatal(err)
		}
	}
}

func digest(t *testing.T) string {
	t.Helper()
	found, err := contextDigest("c", "c/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestTheDigestIsTheOfficialProvidersOwn(t *testing.T) {
	buildContext(t, map[string]string{"c/Dockerfile": "FROM scratch\n", "c/b/file": "text"})
	if err := os.Symlink("b/file", "c/link"); err != nil {
		t.Fatal(err)
	}
	of := func(text string) string { sum := sha256.Sum256([]byte(text)); return string(sum[:]) }
	dockerfile := of("FROM scratch\n")
	want := sha256.Sum256([]byte("Dockerfile----------" + dockerfile + "\x00" +
		"Dockerfile-rw-r--r--" + dockerfile + "\x00" + "b/file-rw-r--r--" + of("text") + "\x00" +
		"linkLrwxrwxrwx" + of("c/b/file") + "\x00"))
	if got := digest(t); got != hex.EncodeToString(want[:]) {
		t.Errorf("got %s, want %x", got, want)
	}
}

func TestTheDigestChangesWithNameModeAndContentAndNothingElse(t *testing.T) {
	buildContext(t, map[string]string{
		"c/Dockerfile": "FROM scratch\n", "c/file": "text", "c/skipped/file": "", "c/skipped/kept": "",
		"c/.dockerignore": "skipped/*\n!skipped/kept\n"})
	before := digest(t)
	for name, change := range map[string]struct {
		do      func() error
		changes bool
	}{
		"touched": {func() error { return os.Chtimes("c/file", time.Now(), time.Unix(1, 0)) }, false},
		"ignored": {func() error { return os.WriteFile("c/skipped/file", []byte("other"), 0o644) }, false},
		"kept":    {func() error { return os.WriteFile("c/skipped/kept", []byte("other"), 0o644) }, true},
		"content": {func() error { return os.WriteFile("c/file", []byte("other"), 0o644) }, true},
		"mode":    {func() error { return os.Chmod("c/file", 0o755) }, true},
		"name":    {func() error { return os.Rename("c/file", "c/other") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			buildContext(t, map[string]string{
				"c/Dockerfile": "FROM scratch\n", "c/file": "text", "c/skipped/file": "", "c/skipped/kept": "",
				"c/.dockerignore": "skipped/*\n!skipped/kept\n"})
			if err := change.do(); err != nil {
				t.Fatal(err)
			}
			if (digest(t) != before) != change.changes {
				t.Errorf("changes: %v", !change.changes)
			}
		})
	}
}

func TestADockerfilesOwnIgnoreFileGoesBeforeTheContexts(t *testing.T) {
	buildContext(t, map[string]string{
		"c/Dockerfile": "FROM scratch\n", "c/file": "text", "c/Dockerfile.dockerignore": "file", "c/.dockerignore": ""})
	before := digest(t)
	if err := os.WriteFile("c/file", []byte("other"), 0o644); err != nil {
		t.Fatal(err)
	}
	if digest(t) != before {
		t.Error("a file that Dockerfile.dockerignore names counts")
	}
}

func TestTheInputsOfAnImageAreMadeWhole(t *testing.T) {
	buildContext(t, map[string]string{"c/Dockerfile": "FROM scratch\n"})
	whole, err := images{}.complete(values(map[string]any{"imageName": "n", "build": map[string]any{"context": "c"}}))
	build := whole["build"].ObjectValue()
	if err != nil || build["dockerfile"].StringValue() != "c/Dockerfile" ||
		!strings.HasPrefix(build["platform"].StringValue(), "linux/") || build["contextDigest"].StringValue() != digest(t) {
		t.Error(whole, err)
	}
	_, err = images{}.complete(values(map[string]any{"imageName": "n", "build": map[string]any{"context": "absent"}}))
	if err == nil || !strings.Contains(err.Error(), "the Dockerfile absent/Dockerfile") {
		t.Error(err)
	}
}

func TestAPreviewTellsTheOldIdIfTheBuildIsTheOldOne(t *testing.T) {
	build := map[string]any{"context": "c", "dockerfile": "c/Dockerfile", "contextDigest": "1"}
	inputs := values(map[string]any{"imageName": "n", "build": build})
	old := existing{"n", inputs, imageOutputs(inputs, resource.NewProperty("sha256:1"))}
	same, err := images{}.update(context.Background(), old, with(inputs, "imageName", "m"), true)
	if err != nil || same["repoDigest"].V != "sha256:1" || same["dockerfile"].V != "Dockerfile" {
		t.Error(same, err)
	}
	build["contextDigest"] = "2"
	other, err := images{}.update(context.Background(), old, with(inputs, "build", build), true)
	if err != nil || !other["repoDigest"].IsComputed() {
		t.Error(other, err)
	}
}

func TestABuildGetsAllItWasGiven(t *testing.T) {
	got := buildArguments("unix:///s", "/id", imageInputs{ImageName: "n", Build: buildInputs{
		Context: "c", Dockerfile: "d", Platform: "linux/arm64", Target: "t", Args: map[string]string{"B": "2", "A": "1"}}})
	want := strings.Fields("--host unix:///s build --progress plain --iidfile /id --tag n --provenance=false --file d " +
		"--platform linux/arm64 --target t --build-arg A=1 --build-arg B=2 c")
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestAFailedBuildTellsItsStepAndWhatHelps(t *testing.T) {
	for _, build := range []struct{ lines, want string }{
		{"#7 ERROR\n > [2/3] RUN make:", "Image n does not build: the step [2/3] RUN make failed. Its last lines:\n"},
		{"head: error writing: No space left on device", "because no space is left on device; free some with `docker builder prune`"},
		{"write /x: no space left on device", "because no space is left on device; free some with `docker builder prune`"},
		{"ERROR: BuildKit is enabled but the buildx component is missing or broken.", "Docker's buildx plugin is missing"},
	} {
		report := images{&engine{progress: &progress{}}}.follow(context.Background(), strings.NewReader(build.lines))
		got := report.fault(context.Background(), "n", errors.New("exit status 1")).Error()
		if !strings.Contains(got, build.want) {
			t.Errorf("got %q, want %q", got, build.want)
		}
	}
}

func TestOnlyTheLastLinesOfABuildAreTold(t *testing.T) {
	lines := strings.Repeat("early\n", 50) + strings.Repeat("late\n", shownBuildLines)
	report := images{&engine{progress: &progress{}}}.follow(context.Background(), strings.NewReader(lines))
	if got := report.fault(context.Background(), "n", errors.New("")).Error(); strings.Contains(got, "early") {
		t.Error(got)
	}
}
