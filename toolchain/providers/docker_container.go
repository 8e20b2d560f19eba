package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// cleanupTimeout bounds the removal of a container that could not be made whole, also after an interrupt.
const cleanupTimeout = 30 * time.Second

// containers is docker:index/container:Container.
type containers struct{ engine *engine }

func (containers) solitary() {}

func (containers) properties() map[resource.PropertyKey]bool { return propertiesOf(containerInputs{}) }

func (containers) check(inputs resource.PropertyMap) map[resource.PropertyKey]string {
	return checkContainer(inputs)
}

// replaces is true of a limit that is taken away: the Engine reads 0 as "leave it".
func (containers) replaces(key resource.PropertyKey, olds, news resource.PropertyMap) bool {
	switch key {
	case "memory", "memorySwap", "memoryReservation", "cpuShares":
		return known(olds[key]) && news[key].IsNull()
	}
	return false
}

func (c containers) create(ctx context.Context, values resource.PropertyMap, preview bool) (
	string, resource.PropertyMap, error,
) {
	if preview {
		return "", previewedContainer(values), nil
	}
	inputs, err := decode[containerInputs](values)
	if err != nil {
		return "", nil, err
	}
	docker, err := c.engine.reach(ctx)
	if err != nil {
		return "", nil, err
	}
	// An interrupt here would leave a container of which nobody knows the id.
	made, err := docker.ContainerCreate(context.WithoutCancel(ctx),
		containerConfig(inputs), hostConfig(inputs), &network.NetworkingConfig{}, nil, inputs.Name)
	if err != nil {
		return "", nil, creationFault(ctx, docker, inputs, err)
	}
	if err := prepare(ctx, docker, made.ID, inputs); err != nil {
		return "", nil, discard(ctx, docker, made.ID, inputs.Name, err)
	}
	outputs, err := settle(ctx, docker, made.ID, values, inputs)
	var kept *unfinished
	if err != nil && !errors.As(err, &kept) {
		return "", nil, discard(ctx, docker, made.ID, inputs.Name, err)
	}
	return made.ID, outputs, err
}

func previewedContainer(values resource.PropertyMap) resource.PropertyMap {
	outputs := maps.Clone(containerDefaults)
	maps.Copy(outputs, spelledOut(values))
	for _, key := range []resource.PropertyKey{"bridge", "exitCode", "networkDatas"} {
		outputs[key] = unknown()
	}
	return outputs
}

// prepare goes in the official provider's order: files and networks are there before the first process starts.
func prepare(ctx context.Context, docker *client.Client, id string, inputs containerInputs) error {
	if len(inputs.Uploads) > 0 {
		packed, err := archive(inputs.Uploads)
		if err != nil {
			return fmt.Errorf("Container %s cannot take its files: %w", inputs.Name, err)
		}
		if err := docker.CopyToContainer(ctx, id, "/", packed, container.CopyToContainerOptions{}); err != nil {
			return fmt.Errorf("Container %s cannot take its files: %w", inputs.Name, reason(err))
		}
	}
	if err := attach(ctx, docker, id, inputs); err != nil {
		return err
	}
	if !inputs.starts() {
		return nil
	}
	return start(ctx, docker, id, inputs.Name)
}

func attach(ctx context.Context, docker *client.Client, id string, inputs containerInputs) error {
	if len(inputs.Networks) == 0 {
		return nil
	}
	err := docker.NetworkDisconnect(ctx, network.NetworkBridge, id, false)
	if err != nil && !strings.Contains(err.Error(), "is not connected to") {
		return fmt.Errorf("Container %s cannot leave the network bridge: %w", inputs.Name, reason(err))
	}
	for _, place := range inputs.Networks {
		if err := docker.NetworkConnect(ctx, place.Name, id, endpoint(place)); err != nil {
			return fmt.Errorf("Container %s cannot join the network %s: %w", inputs.Name, place.Name, reason(err))
		}
	}
	return nil
}

// publishedPort is the port in the Engine's words for one that is taken: by a container ("Bind for … failed: port is
// already allocated") or by a program of the host ("listen tcp4 …: bind: address already in use"; since Engine 28
// "failed to bind host port …").
var publishedPort = regexp.MustCompile(
	`(?:Bind for|listen \w+|bind host port(?: for)?) (?:\[\S*?\]|[0-9.]*):(\d+).*already (?:allocated|in use)`)

func start(ctx context.Context, docker *client.Client, id, name string) error {
	err := docker.ContainerStart(ctx, id, container.StartOptions{})
	if err == nil {
		return nil
	}
	if found := publishedPort.FindStringSubmatch(err.Error()); found != nil {
		return fmt.Errorf("Container %s cannot start, because port %s is already allocated. See who holds it with "+
			"`docker ps --filter publish=%s` or `ss -lntup`, and stop that or choose another port (%w)",
			name, found[1], found[1], reason(err))
	}
	return fmt.Errorf("Container %s cannot start: %w", name, reason(err))
}

// settle waits for health if asked to, and returns the outputs; a container that does not become healthy stays.
func settle(
	ctx context.Context, docker *client.Client, id string, values resource.PropertyMap, inputs containerInputs,
) (resource.PropertyMap, error) {
	var unhealthy *unhealthy
	err := awaitHealth(ctx, docker, id, inputs)
	if err != nil && !errors.As(err, &unhealthy) {
		return nil, err
	}
	found, fault := look(ctx, docker, id)
	if fault != nil {
		return nil, fmt.Errorf("Container %s cannot be looked at: %w", inputs.Name, reason(fault))
	}
	outputs := containerOutputs(values, found)
	if err == nil {
		return outputs, nil
	}
	outputs[waitFailed] = resource.NewProperty(true)
	return nil, &unfinished{existing{id, values, outputs}, err.Error()}
}

// creationFault says what the operator can do about a container that was not made.
func creationFault(ctx context.Context, docker *client.Client, inputs containerInputs, err error) error {
	switch {
	case cerrdefs.IsConflict(err):
		owner := "another container"
		if other, fault := docker.ContainerInspect(ctx, inputs.Name); fault == nil {
			owner = "container " + other.ID[:12]
		}
		return fmt.Errorf("Container name %s is taken by %s, which this stack did not make. "+
			"Remove that with `docker rm --force %s`, or choose another name", inputs.Name, owner, inputs.Name)
	case cerrdefs.IsNotFound(err):
		return fmt.Errorf("Container %s needs the image %s, which the Engine does not have: build it first, "+
			"because no image is pulled (%w)", inputs.Name, inputs.Image, reason(err))
	}
	return fmt.Errorf("Container %s cannot be made: %w", inputs.Name, reason(err))
}

// discard removes the container that this call has just made, so that the next `up` begins anew.
func discard(ctx context.Context, docker *client.Client, id, name string, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	err := docker.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if err != nil && !cerrdefs.IsNotFound(err) {
		return fmt.Errorf("%w. It could not be removed again (%w): run `docker rm --force %s`", cause, reason(err), name)
	}
	return cause
}

// reason is the Engine's own words without the client's introduction, on one line.
func reason(err error) error {
	text := strings.TrimPrefix(err.Error(), "Error response from daemon: ")
	return errors.New(strings.Join(strings.Fields(text), " "))
}
