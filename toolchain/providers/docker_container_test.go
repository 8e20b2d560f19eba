package main

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil/rpcerror"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

var box = values(map[string]any{
	"name": "n", "image": "sha256:1", "memory": 32.0, "memorySwap": 32.0, "cpuShares": 64.0, "restart": "always",
	"networksAdvanced": []any{map[string]any{"name": "net", "ipv4Address": "10.0.0.2", "ipv6Address": "fd00::2"}},
})

// running is what an engine tells of a container that was made from the inputs.
func running(t *testing.T, inputs resource.PropertyMap) container.InspectResponse {
	t.Helper()
	decoded, err := decode[containerInputs](inputs)
	if err != nil {
		t.Fatal(err)
	}
	attached := map[string]*network.EndpointSettings{}
	for _, place := range decoded.Networks {
		attached[place.Name] = endpoint(place)
	}
	return container.InspectResponse{
		ContainerJSONBase: &container.ContainerJSONBase{
			ID: "id", Name: "/" + decoded.Name, HostConfig: hostConfig(decoded),
			State: &container.State{Status: container.StateRunning, Running: true}},
		Config:          containerConfig(decoded),
		NetworkSettings: &container.NetworkSettings{Networks: attached},
	}
}

func TestEachPropertyReplacesOrUpdatesAsTheOfficialOneDoes(t *testing.T) {
	inPlace := []string{
		"cpuShares", "memory", "memorySwap", "memoryReservation", "restart", "maxRetryCount", "init", "tmpfs",
		"healthcheck", "mustRun", "start", "wait", "waitTimeout", "destroyGraceSeconds"}
	for key, replaces := range (containers{}).properties() {
		if replaces == slices.Contains(inPlace, string(key)) {
			t.Errorf("%s replaces: %v", key, replaces)
		}
	}
}

func TestALimitThatIsTakenAwayReplacesBecauseTheEngineCannotLiftIt(t *testing.T) {
	without := box.Copy()
	delete(without, "memory")
	if got := difference(containers{}, box, without, nil); !slices.Equal(got.GetReplaces(), []string{"memory"}) {
		t.Error("taken away:", got)
	}
	got := difference(containers{}, box, with(box, "memory", 64.0), nil)
	if len(got.GetReplaces()) != 0 || !slices.Equal(got.GetDiffs(), []string{"memory"}) {
		t.Error("changed:", got)
	}
}

func TestAReplacedContainerGoesBeforeTheNewOneComes(t *testing.T) {
	if got := difference(containers{}, box, with(box, "user", "1"), nil); !got.GetDeleteBeforeReplace() {
		t.Error(got)
	}
	got := difference(containers{}, box, with(box, "user", "1"), []string{"user"})
	if got.GetChanges() != pulumirpc.DiffResponse_DIFF_NONE {
		t.Error("ignoreChanges:", got)
	}
}

func TestAContainerAsItWasMadeHasNotDrifted(t *testing.T) {
	for name, inputs := range map[string]resource.PropertyMap{
		"all": box, "least": values(map[string]any{"name": "n", "image": "i"}),
		"no swap said": values(map[string]any{"name": "n", "image": "i", "memory": 32.0}),
		"cpus":         values(map[string]any{"name": "n", "image": "i", "cpus": "1.0"}),
	} {
		decoded, _ := decode[containerInputs](inputs)
		found := running(t, inputs)
		seen := drifted(existing{"id", inputs, containerOutputs(inputs, found)}, decoded, found)
		if !seen.DeepEquals(inputs) {
			t.Errorf("%s: %v", name, seen)
		}
	}
}

func TestWhatAHandHasChangedIsSeen(t *testing.T) {
	for key, change := range map[resource.PropertyKey]func(*container.InspectResponse){
		"memory":           func(found *container.InspectResponse) { found.HostConfig.Memory = 64 << 20 },
		"memorySwap":       func(found *container.InspectResponse) { found.HostConfig.MemorySwap = -1 },
		"cpus":             func(found *container.InspectResponse) { found.HostConfig.NanoCPUs = 5e8 },
		"restart":          func(found *container.InspectResponse) { found.HostConfig.RestartPolicy.Name = "no" },
		"name":             func(found *container.InspectResponse) { found.Name = "/other" },
		"mustRun":          func(found *container.InspectResponse) { found.State.Running = false },
		"networksAdvanced": func(found *container.InspectResponse) { delete(found.NetworkSettings.Networks, "net") },
	} {
		decoded, _ := decode[containerInputs](box)
		found := running(t, box)
		state := containerOutputs(box, found)
		change(&found)
		seen := drifted(existing{"id", box, state}, decoded, found)
		if got := difference(containers{}, seen, box, nil); !slices.Equal(got.GetDiffs(), []string{string(key)}) {
			t.Errorf("%s: %v", key, got)
		}
	}
}

func TestAnotherNetworkOrAddressIsDriftAndAnIdIsAsGoodAsAName(t *testing.T) {
	decoded, _ := decode[containerInputs](box)
	found := running(t, box).NetworkSettings.Networks
	found["net"].NetworkID = "net-id"
	decoded.Networks[0].Name = "net-id"
	if !sameNetworks(decoded, found) {
		t.Error("an id is not taken for its network")
	}
	found["more"] = &network.EndpointSettings{}
	if sameNetworks(decoded, found) {
		t.Error("one network more is not seen")
	}
	delete(found, "more")
	found["net"].IPAMConfig.IPv4Address = "10.0.0.3"
	if sameNetworks(decoded, found) {
		t.Error("another address is not seen")
	}
	found["net"].IPAMConfig = &network.EndpointIPAMConfig{IPv4Address: "10.0.0.2", IPv6Address: "fd00::3"}
	if sameNetworks(decoded, found) {
		t.Error("another IPv6 address is not seen")
	}
}

func TestALimitThatTheKernelCannotKeepIsNoDrift(t *testing.T) {
	decoded, _ := decode[containerInputs](box)
	found := running(t, box)
	found.HostConfig.MemorySwap = -1 // the Engine's answer on a kernel without accounting of swap
	if seen := drifted(existing{"id", box, containerOutputs(box, found)}, decoded, found); !seen.DeepEquals(box) {
		t.Error(seen)
	}
}

func TestUploadsCarryOwnerModeAndContent(t *testing.T) {
	packed, err := archive([]uploadInputs{
		{File: "/etc/key", Content: "text", Permissions: "0400", Owner: "1000", Group: "1001"}, {File: "/plain"}})
	if err != nil {
		t.Fatal(err)
	}
	reader := tar.NewReader(packed)
	header, _ := reader.Next()
	content, _ := io.ReadAll(reader)
	if header.Name != "etc/key" || header.Mode != 0o400 || header.Uid != 1000 || header.Gid != 1001 ||
		string(content) != "text" {
		t.Error(header, string(content))
	}
	if header, _ = reader.Next(); header.Mode != 0o644 || header.Uid != 0 {
		t.Error("defaults:", header)
	}
}

func TestAFileIsUploadedAsItIsWithItsTime(t *testing.T) {
	source := filepath.Join(t.TempDir(), "picture")
	content, changed := "\x00\xff\r\n", time.Unix(1_700_000_000, 0)
	if err := errors.Join(os.WriteFile(source, []byte(content), 0o600), os.Chtimes(source, changed, changed)); err != nil {
		t.Fatal(err)
	}
	packed, err := archive([]uploadInputs{{File: "/picture", Source: source, Permissions: "0444"}})
	if err != nil {
		t.Fatal(err)
	}
	reader := tar.NewReader(packed)
	header, _ := reader.Next()
	found, _ := io.ReadAll(reader)
	if string(found) != content || header.Mode != 0o444 || !header.ModTime.Equal(changed) {
		t.Errorf("%q, %v", found, header)
	}
	if _, err := archive([]uploadInputs{{File: "/picture", Source: source + "s"}}); err == nil {
		t.Error("a missing file was uploaded")
	}
}

func TestAnotherHashOfAFileReplacesTheContainer(t *testing.T) {
	uploaded := func(hash string) resource.PropertyMap {
		return with(box, "uploads", []any{map[string]any{"file": "/f", "source": "s", "sourceHash": hash}})
	}
	if got := difference(containers{}, uploaded("1"), uploaded("2"), nil); !slices.Equal(got.GetReplaces(), []string{"uploads"}) {
		t.Error(got)
	}
}

func TestAPreviewReachesNoEngineAndTellsTheDefaults(t *testing.T) {
	id, outputs, err := containers{}.create(context.Background(), box, true)
	if err != nil || id != "" || !outputs["networkDatas"].IsComputed() || !outputs["mustRun"].BoolValue() {
		t.Error(id, outputs, err)
	}
}

func TestTheTakenPortIsFoundInEachOfTheEnginesWordings(t *testing.T) {
	for _, text := range []string{
		"driver failed programming external connectivity on endpoint n (0123): Bind for 0.0.0.0:443 failed: port is " +
			"already allocated",
		"Error starting userland proxy: listen tcp4 0.0.0.0:443: bind: address already in use",
		"Error starting userland proxy: listen udp6 [::]:443: bind: address already in use",
		"failed to bind host port for 0.0.0.0:443:172.17.0.2:80/tcp: address already in use",
	} {
		if found := publishedPort.FindStringSubmatch(text); found == nil || found[1] != "443" {
			t.Errorf("%s: %v", text, found)
		}
	}
}

func TestWaitingEndsAsSoonAsItIsHopeless(t *testing.T) {
	ill := &container.Health{Status: container.Unhealthy, FailingStreak: 2}
	for want, found := range map[string]container.InspectResponse{
		"has ended": {ContainerJSONBase: &container.ContainerJSONBase{
			State: &container.State{Status: container.StateExited, Health: ill}}},
		"is unhealthy": {ContainerJSONBase: &container.ContainerJSONBase{
			State: &container.State{Status: container.StateRunning, Health: ill}}},
		"does not stay up: it has restarted 3 times": {ContainerJSONBase: &container.ContainerJSONBase{
			RestartCount: 4, State: &container.State{Status: container.StateRestarting, Health: ill}}},
		"has no health check, but wait is true": {ContainerJSONBase: &container.ContainerJSONBase{
			State: &container.State{Status: container.StateRunning}}},
		"": {ContainerJSONBase: &container.ContainerJSONBase{RestartCount: 3, State: &container.State{
			Status: container.StateRestarting, Health: &container.Health{Status: container.Unhealthy}}}},
	} {
		if got := hopeless(found, 1); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAnUnfinishedContainerIsKeptWithItsReasonAndItsSecrets(t *testing.T) {
	inputs := resource.PropertyMap{"envs": resource.MakeSecret(resource.NewProperty("hidden"))}
	told, _ := rpcerror.FromError(failed(&unfinished{existing{"id", nil, unmarked(inputs)}, "not healthy"}, inputs, nil))
	kept, _ := told.Details()[0].(*pulumirpc.ErrorResourceInitFailed)
	state, fault := readMarked(kept.GetProperties())
	if fault != nil || kept.GetId() != "id" || kept.GetReasons()[0] != "not healthy" || !state["envs"].IsSecret() {
		t.Error(kept, fault)
	}
}
