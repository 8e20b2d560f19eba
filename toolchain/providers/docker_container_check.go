package main

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

func checkContainer(values resource.PropertyMap) map[resource.PropertyKey]string {
	faults := missing("container", values, "name", "image")
	for key, fault := range misfits(containerInputs{}, values) {
		faults[key] = fault
	}
	if len(faults) > 0 || resource.NewProperty(values).ContainsUnknowns() {
		return faults // values that are not all there are looked at again when they are
	}
	inputs, err := decode[containerInputs](values)
	if err != nil {
		faults["name"] = err.Error()
		return faults
	}
	for _, rule := range containerRules {
		if key, fault := rule(inputs); fault != "" {
			faults[key] = fault
		}
	}
	return faults
}

// containerRules say what Docker would refuse, or take and not do.
var containerRules = []func(containerInputs) (resource.PropertyKey, string){
	func(c containerInputs) (resource.PropertyKey, string) {
		policies := []string{"", "no", "on-failure", "always", "unless-stopped"}
		return "restart", unless(slices.Contains(policies, c.Restart),
			"restart is %s, but it must be no, on-failure, always or unless-stopped", c.Restart)
	},
	func(c containerInputs) (resource.PropertyKey, string) {
		return "mustRun", unless(c.starts() || !c.mustRun(),
			"mustRun is true, but start is false; set mustRun to false for a container that is never started")
	},
	func(c containerInputs) (resource.PropertyKey, string) {
		// dockerd, daemon/archive_unix.go: "container rootfs is marked read-only".
		return "uploads", unless(len(c.Uploads) == 0 || !c.ReadOnly,
			"uploads cannot go into a container whose root is readOnly; bring them by a volume")
	},
	func(c containerInputs) (resource.PropertyKey, string) {
		_, err := nanoCPUs(c.CPUs)
		return "cpus", unless(err == nil, "cpus is %s, but it must be a number of cores such as 0.5", c.CPUs)
	},
	func(c containerInputs) (resource.PropertyKey, string) { return "mounts", mountsFault(c.Mounts) },
	func(c containerInputs) (resource.PropertyKey, string) { return "uploads", uploadsFault(c.Uploads) },
	func(c containerInputs) (resource.PropertyKey, string) {
		return "healthcheck", healthFault(c.Healthcheck)
	},
}

func unless(fine bool, fault string, values ...any) string {
	if fine {
		return ""
	}
	return fmt.Sprintf(fault, values...)
}

func mountsFault(mounts []mountInputs) string {
	for _, mount := range mounts {
		if mount.Type != "volume" && mount.Type != "bind" {
			return fmt.Sprintf("mount %s has the type %q, but this project's own docker provider serves only volume and bind",
				mount.Target, mount.Type)
		}
	}
	return ""
}

func uploadsFault(uploads []uploadInputs) string {
	for _, upload := range uploads {
		if !path.IsAbs(upload.File) {
			return fmt.Sprintf("upload %s must have an absolute path", upload.File)
		}
		if _, err := uploadHeader(upload); err != nil {
			return fmt.Sprintf("upload %s must have octal permissions such as 0400 and a numeric owner and group: %v",
				upload.File, err)
		}
		if (upload.Content == "") == (upload.Source == "") {
			return fmt.Sprintf("upload %s must have either content or source", upload.File)
		}
	}
	return ""
}

func healthFault(health *healthInputs) string {
	if health == nil {
		return ""
	}
	for _, text := range []string{health.Interval, health.Timeout, health.StartPeriod, health.StartInterval} {
		if _, err := duration(text); err != nil {
			return fmt.Sprintf("healthcheck has the time %q, but it must be one such as 30s or 1m30s", text)
		}
	}
	return ""
}

func duration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	return time.ParseDuration(text)
}

// nanoCPUs is the Engine's unit: billionths of a core.
func nanoCPUs(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	cores, err := strconv.ParseFloat(text, 64)
	if err == nil && !(cores > 0 && cores < 1<<16) {
		err = strconv.ErrRange
	}
	return int64(cores * 1e9), err
}
