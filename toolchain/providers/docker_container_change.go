package main

import (
	"context"
	"fmt"
	"maps"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// update changes limits and the restart policy, and starts what must run. The engine calls it without any change, too,
// after a create whose health wait failed: then it waits again.
func (c containers) update(ctx context.Context, old existing, values resource.PropertyMap, preview bool) (
	resource.PropertyMap, error,
) {
	if preview {
		outputs := maps.Clone(old.state)
		maps.Copy(outputs, values)
		return outputs, nil
	}
	inputs, err := decode[containerInputs](values)
	if err != nil {
		return nil, err
	}
	docker, err := c.engine.reach(ctx)
	if err != nil {
		return nil, err
	}
	found, err := docker.ContainerInspect(ctx, old.id)
	if err != nil {
		return nil, fmt.Errorf("Container %s cannot be looked at: %w. If it was removed by hand, "+
			"run `pulumi up --refresh`", inputs.Name, reason(err))
	}
	if err := adjust(ctx, docker, found, inputs); err != nil {
		return nil, err
	}
	if err := run(ctx, docker, found, inputs); err != nil {
		return nil, err
	}
	inputs.Wait = inputs.Wait && inputs.mustRun() // one that may have ended long ago is not waited for
	return settle(ctx, docker, old.id, values, inputs)
}

func adjust(ctx context.Context, docker *client.Client, found container.InspectResponse, inputs containerInputs) error {
	wanted := hostConfig(inputs)
	if changeable(wanted).DeepEquals(changeable(found.HostConfig)) {
		return nil
	}
	_, err := docker.ContainerUpdate(ctx, found.ID, container.UpdateConfig{
		Resources: wanted.Resources, RestartPolicy: wanted.RestartPolicy})
	if err != nil {
		return fmt.Errorf("Container %s cannot be changed: %w", inputs.Name, reason(err))
	}
	return nil
}

func run(ctx context.Context, docker *client.Client, found container.InspectResponse, inputs containerInputs) error {
	switch {
	case !inputs.mustRun() || runs(found):
		return nil
	case found.State.Paused:
		if err := docker.ContainerUnpause(ctx, found.ID); err != nil {
			return fmt.Errorf("Container %s cannot be unpaused: %w", inputs.Name, reason(err))
		}
		return nil
	}
	return start(ctx, docker, found.ID, inputs.Name)
}

// delete stops first if the program gave time for it. Named volumes stay, whatever the options say: the Engine
// removes anonymous ones only.
func (c containers) delete(ctx context.Context, old existing) error {
	inputs, err := decode[containerInputs](old.inputs)
	if err != nil {
		return err
	}
	docker, err := c.engine.reach(ctx)
	if err != nil {
		return err
	}
	if seconds := int(inputs.DestroyGraceSeconds); seconds > 0 {
		err = docker.ContainerStop(ctx, old.id, container.StopOptions{Timeout: &seconds})
		if err != nil && !cerrdefs.IsNotFound(err) {
			return fmt.Errorf("Container %s cannot be stopped: %w", inputs.Name, reason(err))
		}
	}
	err = docker.ContainerRemove(ctx, old.id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if err == nil || cerrdefs.IsNotFound(err) {
		return nil
	}
	if strings.Contains(err.Error(), "is already in progress") {
		return awaitRemoval(ctx, docker, old.id, inputs.Name)
	}
	return fmt.Errorf("Container %s cannot be removed: %w", inputs.Name, reason(err))
}

func awaitRemoval(ctx context.Context, docker *client.Client, id, name string) error {
	gone, faults := docker.ContainerWait(ctx, id, container.WaitConditionRemoved)
	select {
	case <-gone:
		return nil
	case err := <-faults:
		if cerrdefs.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("Container %s is being removed, but not gone: %w", name, reason(err))
	}
}
