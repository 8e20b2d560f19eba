package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// defaultHost is the official provider's own default (pulumi-docker, provider configuration `host`).
const defaultHost = "unix:///var/run/docker.sock"

func newDocker(engineAddress string) *server {
	scrubEnvironment()
	reached := &engine{host: defaultHost, progress: &progress{address: engineAddress}}
	made := newServer("docker", "5.2.0", map[string]handler{
		"docker:index/container:Container": containers{reached},
		"docker:index/network:Network":     networks{reached},
		"docker:index/volume:Volume":       volumes{reached},
		"docker:index/image:Image":         images{reached},
	})
	made.config = dockerConfig{reached}
	return made
}

// scrubEnvironment lets neither this process nor the Docker and ssh programs it starts talk to an engine, context or
// builder that the program did not name.
func scrubEnvironment() {
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		for _, prefix := range []string{"DOCKER_", "BUILDX_", "BUILDKIT_"} {
			if strings.HasPrefix(name, prefix) {
				_ = os.Unsetenv(name)
			}
		}
	}
}

// dockerConfig is the configuration of the provider: which engine it talks to.
type dockerConfig struct{ engine *engine }

func (dockerConfig) properties() map[resource.PropertyKey]bool {
	// The Python package writes its own version among the inputs.
	return map[resource.PropertyKey]bool{"host": true, "sshOpts": false, "version": false, "pluginDownloadURL": false,
		"disableDockerDaemonCheck": false}
}

func (dockerConfig) check(inputs resource.PropertyMap) map[resource.PropertyKey]string {
	faults := map[resource.PropertyKey]string{}
	if host, set := inputs["host"]; set && !host.ContainsUnknowns() {
		if fault := hostFault(host); fault != "" {
			faults["host"] = fault
		}
	}
	if options, set := inputs["sshOpts"]; set && !options.ContainsUnknowns() {
		if _, err := texts(options); err != nil {
			faults["sshOpts"] = fmt.Sprintf("sshOpts must be a list of texts, such as [\"-o\", \"BatchMode=yes\"]: %v", err)
		}
	}
	return faults
}

func hostFault(host resource.PropertyValue) string {
	if host.IsString() && (strings.HasPrefix(host.StringValue(), "unix:///") ||
		strings.HasPrefix(host.StringValue(), "ssh://")) {
		return ""
	}
	return fmt.Sprintf("host is %v, but it must begin with unix:/// or ssh://", host.V)
}

func (c dockerConfig) configure(inputs resource.PropertyMap) {
	if host := inputs["host"]; host.IsString() {
		c.engine.host = host.StringValue()
	}
	unchecked := inputs["disableDockerDaemonCheck"]
	// Python's provider arguments carry it as JSON text.
	c.engine.unchecked = unchecked.IsBool() && unchecked.BoolValue() ||
		unchecked.IsString() && unchecked.StringValue() == "true"
	if options, err := texts(inputs["sshOpts"]); err == nil {
		c.engine.sshOptions = options
	}
}

// texts reads a list that Python's provider arguments carry as JSON text.
func texts(value resource.PropertyValue) ([]string, error) {
	var found []string
	if value.IsNull() {
		return nil, nil
	}
	if value.IsString() {
		err := json.Unmarshal([]byte(value.StringValue()), &found)
		return found, err
	}
	encoded, err := json.Marshal(value.Mappable())
	if err == nil {
		err = json.Unmarshal(encoded, &found)
	}
	return found, err
}
