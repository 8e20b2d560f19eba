package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// waitFailed marks in the state that the health wait has not been passed, so that a refresh does not forget it.
// Pulumi hides keys that begin so.
const waitFailed = "__waitFailed"

// read compares only what can change on a container that exists: all else is fixed when the Engine makes it, and a
// comparison could only find how the Engine spells it.
func (c containers) read(ctx context.Context, known existing) (existing, error) {
	docker, err := c.engine.reach(ctx)
	if err != nil {
		return existing{}, err
	}
	inputs, err := decode[containerInputs](known.inputs)
	if err != nil {
		return existing{}, err
	}
	found, err := docker.ContainerInspect(ctx, known.id)
	if cerrdefs.IsNotFound(err) {
		return existing{}, nil
	}
	if err != nil {
		return existing{}, fmt.Errorf("Container %s cannot be looked at: %w", inputs.Name, reason(err))
	}
	seen := existing{known.id, drifted(known, inputs, found), containerOutputs(known.inputs, found)}
	if _, failed := known.state[waitFailed]; failed && inputs.Wait && !healthy(found) {
		seen.state[waitFailed] = resource.NewProperty(true)
		return existing{}, &unfinished{seen, fmt.Sprintf("Container %s is still not healthy (state %s)",
			inputs.Name, found.State.Status)}
	}
	return seen, nil
}

func healthy(found container.InspectResponse) bool {
	return found.State.Health != nil && found.State.Health.Status == container.Healthy
}

// drifted returns the inputs with what somebody else has changed. A value that the Engine had already when we last
// wrote the state is no drift: some kernels cannot do what was asked for, such as a limit of swap.
func drifted(known existing, inputs containerInputs, found container.InspectResponse) resource.PropertyMap {
	changed := maps.Clone(known.inputs)
	asked := changeable(hostConfig(inputs))
	for key, value := range changeable(found.HostConfig) {
		if !value.DeepEquals(asked[key]) && !value.DeepEquals(known.state[key]) {
			changed[key] = value
		}
	}
	if name := strings.TrimPrefix(found.Name, "/"); name != inputs.Name {
		changed["name"] = resource.NewProperty(name)
	}
	if inputs.mustRun() && !runs(found) {
		changed["mustRun"] = resource.NewProperty(false)
	}
	// Before its first start the Engine does not tell all of a container's networks.
	if found.State.Status != container.StateCreated && !sameNetworks(inputs, found.NetworkSettings.Networks) {
		changed["networksAdvanced"] = places(found.NetworkSettings.Networks)
	}
	return changed
}

func runs(found container.InspectResponse) bool { return found.State.Running && !found.State.Paused }

// nothing is how an Engine spells a limit that nobody set.
var nothing = []any{0.0, "0"}

// changeable is what `docker update` can change, in the official schema's words.
func changeable(host *container.HostConfig) resource.PropertyMap {
	swap := host.MemorySwap
	if swap > 0 {
		swap /= mebibyte
	}
	restart := string(host.RestartPolicy.Name)
	if restart == "" {
		restart = string(container.RestartPolicyDisabled)
	}
	return resource.PropertyMap{
		"cpus":              resource.NewProperty(strconv.FormatFloat(float64(host.NanoCPUs)/1e9, 'f', -1, 64)),
		"cpuShares":         resource.NewProperty(float64(host.CPUShares)),
		"memory":            resource.NewProperty(float64(host.Memory / mebibyte)),
		"memorySwap":        resource.NewProperty(float64(swap)),
		"memoryReservation": resource.NewProperty(float64(host.MemoryReservation / mebibyte)),
		"restart":           resource.NewProperty(restart),
		"maxRetryCount":     resource.NewProperty(float64(host.RestartPolicy.MaximumRetryCount)),
	}
}

// sameNetworks is whether the container is on the networks it was put on, with the addresses it was given, and on no
// other.
func sameNetworks(inputs containerInputs, found map[string]*network.EndpointSettings) bool {
	if len(inputs.Networks) == 0 {
		return true // what a network mode brings along is the Engine's affair
	}
	if len(found) != len(inputs.Networks) {
		return false
	}
	for _, place := range inputs.Networks {
		at := endpointOf(place.Name, found)
		if at == nil {
			return false
		}
		fixed := fixedAddresses(at)
		if place.IPv4Address != "" && place.IPv4Address != fixed.IPv4Address ||
			place.IPv6Address != "" && place.IPv6Address != fixed.IPv6Address {
			return false
		}
	}
	return true
}

// endpointOf finds a network by name or id: the program may give either.
func endpointOf(name string, found map[string]*network.EndpointSettings) *network.EndpointSettings {
	if at := found[name]; at != nil {
		return at
	}
	for _, at := range found {
		if at.NetworkID != "" && at.NetworkID == name {
			return at
		}
	}
	return nil
}

// fixedAddresses are those that were asked for; unlike the ones in use, a stopped container keeps them.
func fixedAddresses(at *network.EndpointSettings) network.EndpointIPAMConfig {
	if at.IPAMConfig == nil {
		return network.EndpointIPAMConfig{}
	}
	return *at.IPAMConfig
}

func places(found map[string]*network.EndpointSettings) resource.PropertyValue {
	list := []resource.PropertyValue{}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		place := resource.PropertyMap{"name": resource.NewProperty(name)}
		fixed := fixedAddresses(found[name])
		for key, address := range map[resource.PropertyKey]string{
			"ipv4Address": fixed.IPv4Address, "ipv6Address": fixed.IPv6Address,
		} {
			if address != "" {
				place[key] = resource.NewProperty(address)
			}
		}
		list = append(list, resource.NewProperty(place))
	}
	return resource.NewProperty(list)
}

// containerOutputs are the inputs, the schema's defaults and what the Engine has. Environment, labels and uploads are
// not read back: the first two mix with the image's, the last is only inside.
func containerOutputs(values resource.PropertyMap, found container.InspectResponse) resource.PropertyMap {
	outputs := maps.Clone(containerDefaults)
	maps.Copy(outputs, spelledOut(values))
	for key, value := range changeable(found.HostConfig) {
		if _, set := outputs[key]; set || !slices.Contains(nothing, value.V) {
			outputs[key] = value
		}
	}
	outputs["name"] = resource.NewProperty(strings.TrimPrefix(found.Name, "/"))
	outputs["image"] = resource.NewProperty(found.Image)
	outputs["user"] = resource.NewProperty(found.Config.User)
	outputs["hostname"] = resource.NewProperty(found.Config.Hostname)
	outputs["readOnly"] = resource.NewProperty(found.HostConfig.ReadonlyRootfs)
	outputs["privileged"] = resource.NewProperty(found.HostConfig.Privileged)
	outputs["init"] = resource.NewProperty(found.HostConfig.Init != nil && *found.HostConfig.Init)
	outputs["logDriver"] = resource.NewProperty(found.HostConfig.LogConfig.Type)
	outputs["runtime"] = resource.NewProperty(found.HostConfig.Runtime)
	outputs["ipcMode"] = resource.NewProperty(string(found.HostConfig.IpcMode))
	outputs["shmSize"] = resource.NewProperty(float64(found.HostConfig.ShmSize / mebibyte))
	outputs["bridge"] = resource.NewProperty("")
	if added, dropped := found.HostConfig.CapAdd, found.HostConfig.CapDrop; len(added)+len(dropped) > 0 {
		outputs["capabilities"] = resource.NewProperty(resource.PropertyMap{
			"adds": list(added), "drops": list(dropped)})
	}
	if !found.State.Running {
		outputs["exitCode"] = resource.NewProperty(float64(found.State.ExitCode))
	}
	outputs["networkDatas"] = networkDatas(found.NetworkSettings.Networks)
	return outputs
}

func list(texts []string) resource.PropertyValue {
	values := make([]resource.PropertyValue, len(texts))
	for index, text := range texts {
		values[index] = resource.NewProperty(text)
	}
	return resource.NewProperty(values)
}

func networkDatas(found map[string]*network.EndpointSettings) resource.PropertyValue {
	var datas []resource.PropertyValue
	for _, name := range slices.Sorted(maps.Keys(found)) {
		at := found[name]
		datas = append(datas, resource.NewProperty(resource.PropertyMap{
			"networkName": resource.NewProperty(name), "ipAddress": resource.NewProperty(at.IPAddress),
			"ipPrefixLength": resource.NewProperty(float64(at.IPPrefixLen)), "gateway": resource.NewProperty(at.Gateway),
			"ipv6Gateway": resource.NewProperty(at.IPv6Gateway), "macAddress": resource.NewProperty(at.MacAddress),
			"globalIpv6Address":      resource.NewProperty(at.GlobalIPv6Address),
			"globalIpv6PrefixLength": resource.NewProperty(float64(at.GlobalIPv6PrefixLen)),
		}))
	}
	return resource.NewProperty(datas)
}
