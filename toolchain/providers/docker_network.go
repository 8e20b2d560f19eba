package main

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// networkInputs are the served inputs of Network; each change replaces it.
type networkInputs struct {
	Name        string            `json:"name"`
	Driver      string            `json:"driver"`
	Internal    bool              `json:"internal"`
	Attachable  bool              `json:"attachable"`
	IPv6        bool              `json:"ipv6"`
	Labels      []labelInputs     `json:"labels"`
	Options     map[string]string `json:"options"`
	IPAMConfigs []ipamInputs      `json:"ipamConfigs"`
}

type ipamInputs struct {
	Subnet  string `json:"subnet"`
	Gateway string `json:"gateway"`
	IPRange string `json:"ipRange"`
}

// networks is docker:index/network:Network.
type networks struct{ engine *engine }

func (networks) solitary() {}

func (networks) properties() map[resource.PropertyKey]bool { return propertiesOf(networkInputs{}) }

func (networks) check(values resource.PropertyMap) map[resource.PropertyKey]string {
	faults := missing("network", values, "name")
	maps.Copy(faults, misfits(networkInputs{}, values))
	return faults
}

func (n networks) create(ctx context.Context, values resource.PropertyMap, preview bool) (
	string, resource.PropertyMap, error,
) {
	if preview {
		outputs := networkDefaults(values)
		outputs["scope"] = unknown()
		return "", outputs, nil
	}
	inputs, err := decode[networkInputs](values)
	if err != nil {
		return "", nil, err
	}
	docker, err := n.engine.reach(ctx)
	if err != nil {
		return "", nil, err
	}
	made, err := docker.NetworkCreate(ctx, inputs.Name, networkOptions(inputs))
	if err != nil {
		return "", nil, networkFault(ctx, docker, inputs, err)
	}
	found, err := docker.NetworkInspect(ctx, made.ID, network.InspectOptions{})
	if err != nil {
		return "", nil, fmt.Errorf("Network %s cannot be looked at: %w", inputs.Name, reason(err))
	}
	return made.ID, networkOutputs(values, found), nil
}

func networkOptions(inputs networkInputs) network.CreateOptions {
	options := network.CreateOptions{
		Driver: inputs.Driver, Internal: inputs.Internal, Attachable: inputs.Attachable, Options: inputs.Options,
		Labels: labelMap(inputs.Labels),
	}
	if inputs.IPv6 {
		options.EnableIPv6 = &inputs.IPv6
	}
	if len(inputs.IPAMConfigs) > 0 {
		options.IPAM = &network.IPAM{}
	}
	for _, config := range inputs.IPAMConfigs {
		options.IPAM.Config = append(options.IPAM.Config, network.IPAMConfig{
			Subnet: config.Subnet, Gateway: config.Gateway, IPRange: config.IPRange})
	}
	return options
}

func networkFault(ctx context.Context, docker *client.Client, inputs networkInputs, err error) error {
	switch {
	case cerrdefs.IsConflict(err) || strings.Contains(err.Error(), "already exists"):
		return fmt.Errorf("Network %s exists already, and this stack did not make it. "+
			"Remove that with `docker network rm %s`, or choose another name", inputs.Name, inputs.Name)
	case strings.Contains(err.Error(), "overlaps"):
		return fmt.Errorf("Network %s cannot have %s, because that overlaps %s. Choose another subnet, or remove that "+
			"network with `docker network rm <name>`", inputs.Name, subnets(inputs), overlapping(ctx, docker, inputs))
	}
	return fmt.Errorf("Network %s cannot be made: %w", inputs.Name, reason(err))
}

func subnets(inputs networkInputs) string {
	var found []string
	for _, config := range inputs.IPAMConfigs {
		found = append(found, config.Subnet)
	}
	return strings.Join(found, ", ")
}

// overlapping names the networks whose subnets meet ours.
func overlapping(ctx context.Context, docker *client.Client, inputs networkInputs) string {
	others, err := docker.NetworkList(ctx, network.ListOptions{})
	if err != nil {
		return "another network"
	}
	var found []string
	for _, other := range others {
		for _, theirs := range other.IPAM.Config {
			if slices.ContainsFunc(inputs.IPAMConfigs, func(ours ipamInputs) bool {
				return overlap(ours.Subnet, theirs.Subnet)
			}) {
				found = append(found, fmt.Sprintf("%s (%s)", other.Name, theirs.Subnet))
			}
		}
	}
	if len(found) == 0 {
		return "an address of the host"
	}
	return strings.Join(found, ", ")
}

func overlap(one, other string) bool {
	first, fault := netip.ParsePrefix(one)
	second, err := netip.ParsePrefix(other)
	return fault == nil && err == nil && first.Overlaps(second)
}

// networkDefaults are the official schema's own.
func networkDefaults(values resource.PropertyMap) resource.PropertyMap {
	outputs := resource.PropertyMap{
		"driver": resource.NewProperty(network.NetworkBridge), "internal": resource.NewProperty(false),
		"ipamDriver": resource.NewProperty(network.NetworkDefault),
	}
	maps.Copy(outputs, values)
	return outputs
}

func networkOutputs(values resource.PropertyMap, found network.Inspect) resource.PropertyMap {
	outputs := networkDefaults(values)
	outputs["scope"] = resource.NewProperty(found.Scope)
	outputs["driver"] = resource.NewProperty(found.Driver)
	if _, set := values["ipamConfigs"]; !set {
		outputs["ipamConfigs"] = ipamConfigs(found.IPAM.Config)
	}
	return outputs
}

func ipamConfigs(found []network.IPAMConfig) resource.PropertyValue {
	configs := make([]resource.PropertyValue, len(found))
	for index, config := range found {
		configs[index] = resource.NewProperty(resource.PropertyMap{
			"subnet": resource.NewProperty(config.Subnet), "gateway": resource.NewProperty(config.Gateway)})
	}
	return resource.NewProperty(configs)
}

func (n networks) read(ctx context.Context, known existing) (existing, error) {
	docker, err := n.engine.reach(ctx)
	if err != nil {
		return existing{}, err
	}
	found, err := docker.NetworkInspect(ctx, known.id, network.InspectOptions{})
	if cerrdefs.IsNotFound(err) {
		return existing{}, nil
	}
	if err != nil {
		return existing{}, fmt.Errorf("Network %s cannot be looked at: %w", known.id, reason(err))
	}
	return existing{known.id, known.inputs, networkOutputs(known.inputs, found)}, nil
}

func (n networks) delete(ctx context.Context, old existing) error {
	docker, err := n.engine.reach(ctx)
	if err != nil {
		return err
	}
	found, err := docker.NetworkInspect(ctx, old.id, network.InspectOptions{})
	if err == nil {
		err = docker.NetworkRemove(ctx, old.id)
	}
	switch {
	case err == nil || cerrdefs.IsNotFound(err):
		return nil
	case strings.Contains(err.Error(), "has active endpoints"):
		return fmt.Errorf("Network %s cannot be removed, because containers that this stack did not make are on it: %s. "+
			"Take them off with `docker network disconnect --force %s <name>`", found.Name, attached(found), found.Name)
	}
	return fmt.Errorf("Network %s cannot be removed: %w", old.id, reason(err))
}

func attached(found network.Inspect) string {
	var names []string
	for _, at := range found.Containers {
		names = append(names, at.Name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
