package main

import (
	"maps"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// containerInputs are the served inputs of Container. What does not replace is what the official provider updates in
// place: the limits and the restart policy really, healthcheck, tmpfs and init in its state only, and the last group
// because only the provider itself reads it (terraform-provider-docker, resource_docker_container.go).
type containerInputs struct {
	Name         string            `json:"name"`
	Hostname     string            `json:"hostname"`
	Image        string            `json:"image"`
	User         string            `json:"user"`
	Command      []string          `json:"command"`
	Entrypoints  []string          `json:"entrypoints"`
	Envs         []string          `json:"envs"`
	WorkingDir   string            `json:"workingDir"`
	ReadOnly     bool              `json:"readOnly"`
	Mounts       []mountInputs     `json:"mounts"`
	Networks     []networkPlace    `json:"networksAdvanced"`
	NetworkMode  string            `json:"networkMode"`
	Ports        []portInputs      `json:"ports"`
	Capabilities capabilityInputs  `json:"capabilities"`
	SecurityOpts []string          `json:"securityOpts"`
	Sysctls      map[string]string `json:"sysctls"`
	Devices      []deviceInputs    `json:"devices"`
	Ulimits      []ulimitInputs    `json:"ulimits"`
	GroupAdds    []string          `json:"groupAdds"`
	DNS          []string          `json:"dns"`
	CPUs         string            `json:"cpus"`
	StopTimeout  *int64            `json:"stopTimeout"`
	StopSignal   string            `json:"stopSignal"`
	LogDriver    string            `json:"logDriver"`
	LogOpts      map[string]string `json:"logOpts"`
	Labels       []labelInputs     `json:"labels"`
	Uploads      []uploadInputs    `json:"uploads"`

	CPUShares         int64  `json:"cpuShares" replaces:"no"`
	Memory            int64  `json:"memory" replaces:"no"`
	MemorySwap        int64  `json:"memorySwap" replaces:"no"`
	MemoryReservation int64  `json:"memoryReservation" replaces:"no"`
	Restart           string `json:"restart" replaces:"no"`
	MaxRetryCount     int64  `json:"maxRetryCount" replaces:"no"`

	Init        *bool             `json:"init" replaces:"no"`
	Tmpfs       map[string]string `json:"tmpfs" replaces:"no"`
	Healthcheck *healthInputs     `json:"healthcheck" replaces:"no"`

	MustRun             *bool `json:"mustRun" replaces:"no"`
	Start               *bool `json:"start" replaces:"no"`
	Wait                bool  `json:"wait" replaces:"no"`
	WaitTimeout         int64 `json:"waitTimeout" replaces:"no"`
	DestroyGraceSeconds int64 `json:"destroyGraceSeconds" replaces:"no"`
}

type mountInputs struct {
	Target   string `json:"target"`
	Source   string `json:"source"`
	Type     string `json:"type"`
	ReadOnly bool   `json:"readOnly"`
}

type networkPlace struct {
	Name        string   `json:"name"`
	Aliases     []string `json:"aliases"`
	IPv4Address string   `json:"ipv4Address"`
	IPv6Address string   `json:"ipv6Address"`
}

type portInputs struct {
	Internal int64  `json:"internal"`
	External int64  `json:"external"`
	IP       string `json:"ip"`
	Protocol string `json:"protocol"`
}

type capabilityInputs struct {
	Adds  []string `json:"adds"`
	Drops []string `json:"drops"`
}

type deviceInputs struct {
	HostPath      string `json:"hostPath"`
	ContainerPath string `json:"containerPath"`
	Permissions   string `json:"permissions"`
}

type ulimitInputs struct {
	Name string `json:"name"`
	Soft int64  `json:"soft"`
	Hard int64  `json:"hard"`
}

type labelInputs struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

type uploadInputs struct {
	File        string `json:"file"`
	Content     string `json:"content"`
	Source      string `json:"source"`     // path on this machine, read when the container is made
	SourceHash  string `json:"sourceHash"` // only for its change to be seen
	Permissions string `json:"permissions"`
	Owner       string `json:"owner"`
	Group       string `json:"group"`
}

type healthInputs struct {
	Tests         []string `json:"tests"`
	Interval      string   `json:"interval"`
	Timeout       string   `json:"timeout"`
	StartPeriod   string   `json:"startPeriod"`
	StartInterval string   `json:"startInterval"`
	Retries       int64    `json:"retries"`
}

// mustRun and starts are true unless the program says otherwise.
func (c containerInputs) mustRun() bool { return c.MustRun == nil || *c.MustRun }
func (c containerInputs) starts() bool  { return c.Start == nil || *c.Start }

// containerDefaults are the official schema's own, which the program sees in the outputs.
var containerDefaults = resource.PropertyMap{
	"mustRun": resource.NewProperty(true), "start": resource.NewProperty(true),
	"attach": resource.NewProperty(false), "logs": resource.NewProperty(false), "rm": resource.NewProperty(false),
	"restart": resource.NewProperty("no"), "networkMode": resource.NewProperty("bridge"),
	"readOnly": resource.NewProperty(false), "removeVolumes": resource.NewProperty(true),
	"wait": resource.NewProperty(false), "waitTimeout": resource.NewProperty(60.0),
	"stdinOpen": resource.NewProperty(false), "tty": resource.NewProperty(false),
	"containerReadRefreshTimeoutMilliseconds": resource.NewProperty(15000.0),
}

// spelledOut adds the defaults of the official schema's lists.
func spelledOut(values resource.PropertyMap) resource.PropertyMap {
	whole := maps.Clone(values)
	for key, defaults := range map[resource.PropertyKey]resource.PropertyMap{
		"ports":  {"ip": resource.NewProperty("0.0.0.0"), "protocol": resource.NewProperty("tcp")},
		"mounts": {"readOnly": resource.NewProperty(false)},
	} {
		if !values[key].IsArray() {
			continue
		}
		var elements []resource.PropertyValue
		for _, element := range values[key].ArrayValue() {
			if element.IsObject() {
				full := maps.Clone(defaults)
				maps.Copy(full, element.ObjectValue())
				element = resource.NewProperty(full)
			}
			elements = append(elements, element)
		}
		whole[key] = resource.NewProperty(elements)
	}
	return whole
}
