package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"
	"github.com/docker/go-units"
)

// mebibyte is the official schema's unit of memory.
const mebibyte = 1 << 20

// containerConfig is what the Engine calls the container's portable part.
func containerConfig(c containerInputs) *container.Config {
	config := &container.Config{
		Image: c.Image, Hostname: c.Hostname, User: c.User, Cmd: c.Command, Entrypoint: c.Entrypoints, Env: c.Envs,
		WorkingDir: c.WorkingDir, StopSignal: c.StopSignal, Labels: map[string]string{},
		ExposedPorts: nat.PortSet{}, Healthcheck: healthConfig(c.Healthcheck),
	}
	if c.StopTimeout != nil {
		seconds := int(*c.StopTimeout)
		config.StopTimeout = &seconds
	}
	for _, label := range c.Labels {
		config.Labels[label.Label] = label.Value
	}
	for _, port := range c.Ports {
		config.ExposedPorts[portOf(port)] = struct{}{}
	}
	return config
}

func healthConfig(health *healthInputs) *container.HealthConfig {
	if health == nil {
		return nil
	}
	config := &container.HealthConfig{Test: health.Tests, Retries: int(health.Retries)}
	// The times were checked before.
	config.Interval, _ = duration(health.Interval)
	config.Timeout, _ = duration(health.Timeout)
	config.StartPeriod, _ = duration(health.StartPeriod)
	config.StartInterval, _ = duration(health.StartInterval)
	return config
}

// hostConfig is what the Engine calls the container's part that belongs to the machine.
func hostConfig(c containerInputs) *container.HostConfig {
	config := &container.HostConfig{
		NetworkMode: container.NetworkMode(c.NetworkMode), PortBindings: nat.PortMap{}, RestartPolicy: restartPolicy(c),
		ReadonlyRootfs: c.ReadOnly, Init: c.Init, Tmpfs: c.Tmpfs, CapAdd: c.Capabilities.Adds,
		CapDrop: c.Capabilities.Drops, SecurityOpt: c.SecurityOpts, Sysctls: c.Sysctls, GroupAdd: c.GroupAdds,
		DNS: c.DNS, LogConfig: container.LogConfig{Type: c.LogDriver, Config: c.LogOpts}, Resources: limits(c),
	}
	if c.NetworkMode == "" {
		config.NetworkMode = network.NetworkBridge
	}
	for _, port := range c.Ports {
		config.PortBindings[portOf(port)] = append(config.PortBindings[portOf(port)], binding(port))
	}
	for _, place := range c.Mounts {
		config.Mounts = append(config.Mounts, mount.Mount{
			Type: mount.Type(place.Type), Source: place.Source, Target: place.Target, ReadOnly: place.ReadOnly})
	}
	config.Devices, config.Ulimits = devices(c.Devices), ulimits(c.Ulimits)
	return config
}

func restartPolicy(c containerInputs) container.RestartPolicy {
	policy := container.RestartPolicy{
		Name: container.RestartPolicyMode(c.Restart), MaximumRetryCount: int(c.MaxRetryCount)}
	if c.Restart == "" {
		policy.Name = container.RestartPolicyDisabled
	}
	return policy
}

// limits are those resources that can change while a container runs.
func limits(c containerInputs) container.Resources {
	cpus, _ := nanoCPUs(c.CPUs) // checked before
	found := container.Resources{
		NanoCPUs: cpus, CPUShares: c.CPUShares, Memory: c.Memory * mebibyte,
		MemoryReservation: c.MemoryReservation * mebibyte, MemorySwap: c.MemorySwap,
	}
	switch {
	case c.MemorySwap > 0:
		found.MemorySwap = c.MemorySwap * mebibyte
	case c.MemorySwap == 0 && c.Memory > 0:
		// The Engine's own default at creation (daemon_unix.go, adaptContainerSettings); an update needs it said.
		found.MemorySwap = 2 * found.Memory
	}
	return found
}

func portOf(port portInputs) nat.Port {
	protocol := port.Protocol
	if protocol == "" {
		protocol = "tcp"
	}
	return nat.Port(fmt.Sprintf("%d/%s", port.Internal, protocol))
}

func binding(port portInputs) nat.PortBinding {
	found := nat.PortBinding{HostIP: port.IP}
	if port.IP == "" {
		found.HostIP = "0.0.0.0"
	}
	if port.External != 0 {
		found.HostPort = strconv.FormatInt(port.External, 10)
	}
	return found
}

func devices(inputs []deviceInputs) []container.DeviceMapping {
	var found []container.DeviceMapping
	for _, device := range inputs {
		mapping := container.DeviceMapping{
			PathOnHost: device.HostPath, PathInContainer: device.ContainerPath, CgroupPermissions: device.Permissions}
		if mapping.PathInContainer == "" {
			mapping.PathInContainer = device.HostPath
		}
		if mapping.CgroupPermissions == "" {
			mapping.CgroupPermissions = "rwm"
		}
		found = append(found, mapping)
	}
	return found
}

func ulimits(inputs []ulimitInputs) []*units.Ulimit {
	var found []*units.Ulimit
	for _, limit := range inputs {
		found = append(found, &units.Ulimit{Name: limit.Name, Soft: limit.Soft, Hard: limit.Hard})
	}
	return found
}

func endpoint(place networkPlace) *network.EndpointSettings {
	return &network.EndpointSettings{Aliases: place.Aliases, IPAMConfig: &network.EndpointIPAMConfig{
		IPv4Address: place.IPv4Address, IPv6Address: place.IPv6Address}}
}

// archive holds the uploads as the Engine wants them.
func archive(uploads []uploadInputs) (*bytes.Buffer, error) {
	packed := &bytes.Buffer{}
	writer := tar.NewWriter(packed)
	for _, upload := range uploads {
		if err := pack(writer, upload); err != nil {
			return nil, err
		}
	}
	return packed, writer.Close()
}

func pack(writer *tar.Writer, upload uploadInputs) error {
	header, err := uploadHeader(upload)
	if err != nil {
		return err
	}
	content := []byte(upload.Content)
	if upload.Source != "" {
		if content, err = os.ReadFile(upload.Source); err != nil {
			return err
		}
		found, err := os.Stat(upload.Source)
		if err != nil {
			return err
		}
		header.ModTime = found.ModTime()
	}
	header.Size = int64(len(content))
	if err := writer.WriteHeader(header); err != nil {
		return err
	}
	_, err = writer.Write(content)
	return err
}

// uploadHeader takes numeric owners only: names would be looked up on the machine that runs pulumi, not inside.
func uploadHeader(upload uploadInputs) (*tar.Header, error) {
	header := &tar.Header{Name: strings.TrimPrefix(upload.File, "/"), Mode: 0o644}
	for _, field := range []struct {
		text string
		base int
		set  func(int64)
	}{
		{upload.Permissions, 8, func(mode int64) { header.Mode = mode }},
		{upload.Owner, 10, func(id int64) { header.Uid = int(id) }},
		{upload.Group, 10, func(id int64) { header.Gid = int(id) }},
	} {
		if field.text == "" {
			continue
		}
		number, err := strconv.ParseUint(field.text, field.base, 31)
		if err != nil {
			return nil, err
		}
		field.set(int64(number))
	}
	return header, nil
}
