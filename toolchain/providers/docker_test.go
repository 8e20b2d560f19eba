package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// values builds properties out of plain Go values.
func values(plain map[string]any) resource.PropertyMap { return resource.NewPropertyMapFromMap(plain) }

func with(base resource.PropertyMap, key string, value any) resource.PropertyMap {
	changed := base.Copy()
	changed[resource.PropertyKey(key)] = resource.NewPropertyValue(value)
	return changed
}

func checkFault(t *testing.T, of checked, inputs resource.PropertyMap, property, want string) {
	t.Helper()
	for _, failure := range failures("docker", of, inputs) {
		if failure.GetProperty() == property && strings.Contains(failure.GetReason(), want) {
			return
		}
	}
	t.Errorf("%v: got %v, want a fault of %s with %q", inputs, failures("docker", of, inputs), property, want)
}

func TestWhatIsNotServedIsRefusedByName(t *testing.T) {
	box := values(map[string]any{"name": "n", "image": "i"})
	image := values(map[string]any{"imageName": "n", "skipPush": true})
	for _, refusal := range []struct {
		of             checked
		inputs         resource.PropertyMap
		property, want string
	}{
		{containers{}, with(box, "privileged", true), "privileged", "privileged is not served"},
		{containers{}, with(box, "memory", "many"), "memory", "memory is a string, but it must be a whole number"},
		{containers{}, with(box, "memory", 0.5), "memory", "must be a whole number"},
		{containers{}, with(box, "envs", []any{"A=1", 2.0}), "envs", "envs[1] is a number, but it must be a text"},
		{containers{}, with(box, "tmpfs", map[string]any{"/t": true}), "tmpfs", "tmpfs./t is a bool"},
		{containers{}, with(box, "image", ""), "image", "image is missing"},
		{containers{}, with(box, "restart", "sometimes"), "restart", "restart is sometimes"},
		{containers{}, with(box, "start", false), "mustRun", "set mustRun to false"},
		{containers{}, with(box, "cpus", "half"), "cpus", "cpus is half"},
		{containers{}, with(box, "healthcheck", map[string]any{"interval": "often"}), "healthcheck", `the time "often"`},
		{containers{}, with(box, "mounts", []any{map[string]any{"target": "/t", "type": "tmpfs"}}), "mounts",
			`mount /t has the type "tmpfs"`},
		{containers{}, with(box, "mounts", []any{map[string]any{"volumeOptions": map[string]any{}}}), "mounts",
			"mounts[0].volumeOptions is not served"},
		{containers{}, with(box, "uploads", []any{map[string]any{"file": "f"}}), "uploads", "absolute path"},
		{containers{}, with(box, "uploads", []any{map[string]any{"file": "/f"}}), "uploads", "either content or source"},
		{containers{}, with(box, "uploads", []any{map[string]any{"file": "/f", "content": "c", "source": "s"}}),
			"uploads", "either content or source"},
		{containers{}, with(box, "uploads", []any{map[string]any{"file": "/f", "owner": "root"}}), "uploads",
			"numeric owner"},
		{containers{}, with(with(box, "readOnly", true), "uploads", []any{map[string]any{"file": "/f", "content": "c"}}), "uploads",
			"bring them by a volume"},
		{networks{}, values(map[string]any{}), "name", "name is missing, but a network needs one"},
		{networks{}, values(map[string]any{"name": "n", "ingress": true}), "ingress", "ingress is not served"},
		{volumes{}, values(map[string]any{"name": "n", "cluster": map[string]any{}}), "cluster", "cluster is not served"},
		{images{}, with(image, "skipPush", false), "skipPush", "skipPush must be true"},
		{images{}, with(image, "buildOnPreview", true), "buildOnPreview", "buildOnPreview must be false"},
		{images{}, with(image, "build", map[string]any{"cacheFrom": map[string]any{}}), "build",
			"build.cacheFrom is not served"},
		{dockerConfig{}, values(map[string]any{"host": "tcp://h:1"}), "host", "must begin with unix:/// or ssh://"},
		{dockerConfig{}, values(map[string]any{"sshOpts": "-v"}), "sshOpts", "must be a list of texts"},
		{dockerConfig{}, values(map[string]any{"certPath": "/c"}), "certPath", "certPath is not served"},
	} {
		checkFault(t, refusal.of, refusal.inputs, refusal.property, refusal.want)
	}
}

func TestWhatIsServedPassesAlsoWhenItIsUnknownYet(t *testing.T) {
	box := values(map[string]any{"name": "n", "image": "i", "restart": "always", "cpus": "0.5"})
	box["image"] = unknown()
	box["mounts"] = resource.NewProperty([]resource.PropertyValue{unknown()})
	config := values(map[string]any{"host": "ssh://u@h:22", "sshOpts": `["-o","BatchMode=yes"]`, "version": "5.2.0"})
	for _, failure := range append(failures("docker", containers{}, box), failures("docker", dockerConfig{}, config)...) {
		t.Error(failure)
	}
}

func TestAnotherHostReplacesTheProviderAndOtherOptionsDoNot(t *testing.T) {
	olds := values(map[string]any{"host": "unix:///a", "sshOpts": `["-v"]`})
	if got := difference(dockerConfig{}, olds, with(olds, "host", "unix:///b"), nil); len(got.GetReplaces()) != 1 {
		t.Error("another host:", got)
	}
	got := difference(dockerConfig{}, olds, with(olds, "sshOpts", `["-q"]`), nil)
	if len(got.GetReplaces()) != 0 || got.GetChanges() != pulumirpc.DiffResponse_DIFF_SOME {
		t.Error("other options:", got)
	}
}

func TestTheEnvironmentChoosesNoEngine(t *testing.T) {
	for _, name := range []string{"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CERT_PATH", "BUILDX_BUILDER"} {
		t.Setenv(name, "somewhere")
	}
	newDocker("127.0.0.1:1")
	for _, pair := range os.Environ() {
		if strings.HasSuffix(pair, "=somewhere") {
			t.Error("still there:", pair)
		}
	}
}

func TestSecretsKeepTheirMarksWhereTheyWere(t *testing.T) {
	hidden := resource.MakeSecret(resource.NewProperty("hidden"))
	marked := resource.PropertyMap{"open": resource.NewProperty("o"), "uploads": resource.NewProperty(
		[]resource.PropertyValue{resource.NewProperty(resource.PropertyMap{"content": hidden})})}
	if again := remarked(unmarked(marked), marked); !again.DeepEquals(marked) {
		t.Error("not the same:", again)
	}
	changed := remarked(with(unmarked(marked), "uploads", "others"), marked)
	if !changed["uploads"].IsSecret() || changed["open"].IsSecret() {
		t.Error("a changed value must be secret as a whole:", changed)
	}
}

func TestASecretOfTheInputsIsNotInTheErrorThatToldIt(t *testing.T) {
	inputs := resource.PropertyMap{"envs": resource.NewProperty([]resource.PropertyValue{
		resource.MakeSecret(resource.NewProperty("KEY=very-hidden")), resource.NewProperty("TZ=Etc/UTC")})}
	told := failed(errors.New("Container n said KEY=very-hidden at TZ=Etc/UTC"), inputs, nil).Error()
	if told != "Container n said [secret] at TZ=Etc/UTC" {
		t.Error(told)
	}
}

func TestWhatTheOfficialProviderWroteAmongTheInputsIsNoChange(t *testing.T) {
	official := values(map[string]any{
		"name": "n", "image": "i", "mustRun": true, "readOnly": false,
		"__defaults": []any{"mustRun", "readOnly"},
		"ports": []any{map[string]any{
			"internal": 80.0, "protocol": "tcp", "__defaults": []any{"protocol"}}},
	})
	ours := values(map[string]any{"name": "n", "image": "i", "ports": []any{map[string]any{"internal": 80.0}}})
	if got := difference(containers{}, official, ours, nil); got.GetChanges() != pulumirpc.DiffResponse_DIFF_NONE {
		t.Error(got)
	}
}

func TestAnEngineThatDoesNotAnswerIsToldOnceAndForAll(t *testing.T) {
	nowhere := &engine{host: "unix:///nowhere/docker.sock"}
	for range 2 {
		_, err := nowhere.reach(context.Background())
		want := "Docker Engine at unix:///nowhere/docker.sock does not answer: no such file or directory. Start it, or"
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Error(err)
		}
	}
}
