package main

import (
	"context"
	"fmt"
	"maps"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// volumeInputs are the served inputs of Volume; each change replaces it.
type volumeInputs struct {
	Name       string            `json:"name"`
	Driver     string            `json:"driver"`
	Labels     []labelInputs     `json:"labels"`
	DriverOpts map[string]string `json:"driverOpts"`
}

// volumes is docker:index/volume:Volume.
type volumes struct{ engine *engine }

func (volumes) solitary() {}

func (volumes) properties() map[resource.PropertyKey]bool { return propertiesOf(volumeInputs{}) }

func (volumes) check(values resource.PropertyMap) map[resource.PropertyKey]string {
	faults := missing("volume", values, "name")
	maps.Copy(faults, misfits(volumeInputs{}, values))
	return faults
}

// create adopts a volume of this name with its data: volumes outlive a destroy, and the Engine answers a second
// creation with the volume that is there.
func (v volumes) create(ctx context.Context, values resource.PropertyMap, preview bool) (
	string, resource.PropertyMap, error,
) {
	if preview {
		outputs := maps.Clone(values)
		outputs["mountpoint"] = unknown()
		return "", outputs, nil
	}
	inputs, err := decode[volumeInputs](values)
	if err != nil {
		return "", nil, err
	}
	docker, err := v.engine.reach(ctx)
	if err != nil {
		return "", nil, err
	}
	made, err := docker.VolumeCreate(ctx, volume.CreateOptions{
		Name: inputs.Name, Driver: inputs.Driver, DriverOpts: inputs.DriverOpts, Labels: labelMap(inputs.Labels)})
	if err != nil {
		return "", nil, fmt.Errorf("Volume %s cannot be made: %w", inputs.Name, reason(err))
	}
	return made.Name, volumeOutputs(values, made), nil
}

func labelMap(labels []labelInputs) map[string]string {
	found := map[string]string{}
	for _, label := range labels {
		found[label.Label] = label.Value
	}
	return found
}

func volumeOutputs(values resource.PropertyMap, found volume.Volume) resource.PropertyMap {
	outputs := maps.Clone(values)
	outputs["name"] = resource.NewProperty(found.Name)
	outputs["driver"] = resource.NewProperty(found.Driver)
	outputs["mountpoint"] = resource.NewProperty(found.Mountpoint)
	return outputs
}

func (v volumes) read(ctx context.Context, known existing) (existing, error) {
	docker, err := v.engine.reach(ctx)
	if err != nil {
		return existing{}, err
	}
	found, err := docker.VolumeInspect(ctx, known.id)
	if cerrdefs.IsNotFound(err) {
		return existing{}, nil
	}
	if err != nil {
		return existing{}, fmt.Errorf("Volume %s cannot be looked at: %w", known.id, reason(err))
	}
	return existing{known.id, known.inputs, volumeOutputs(known.inputs, found)}, nil
}

func (v volumes) delete(ctx context.Context, old existing) error {
	docker, err := v.engine.reach(ctx)
	if err != nil {
		return err
	}
	err = docker.VolumeRemove(ctx, old.id, false)
	switch {
	case err == nil || cerrdefs.IsNotFound(err):
		return nil
	case cerrdefs.IsConflict(err):
		return fmt.Errorf("Volume %s cannot be removed, because containers use it: %s. "+
			"Remove them with `docker rm --force <name>`", old.id, users(ctx, docker, old.id))
	}
	return fmt.Errorf("Volume %s cannot be removed: %w", old.id, reason(err))
}

func users(ctx context.Context, docker *client.Client, name string) string {
	found, err := docker.ContainerList(ctx, container.ListOptions{
		All: true, Filters: filters.NewArgs(filters.Arg("volume", name))})
	if err != nil {
		return "unknown (" + reason(err).Error() + ")"
	}
	var names []string
	for _, user := range found {
		names = append(names, strings.TrimPrefix(strings.Join(user.Names, ","), "/"))
	}
	return strings.Join(names, ", ")
}
