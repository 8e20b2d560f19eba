package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"runtime"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// imageInputs are the served inputs of Image. A change builds again and replaces nothing: the containers, which know
// the image by its id, are what is replaced then.
type imageInputs struct {
	ImageName      string      `json:"imageName" replaces:"no"`
	SkipPush       bool        `json:"skipPush" replaces:"no"`
	BuildOnPreview bool        `json:"buildOnPreview" replaces:"no"`
	Build          buildInputs `json:"build" replaces:"no"`
}

type buildInputs struct {
	Context       string            `json:"context"`
	Dockerfile    string            `json:"dockerfile"`
	Platform      string            `json:"platform"`
	Target        string            `json:"target"`
	Args          map[string]string `json:"args"`
	ContextDigest string            `json:"contextDigest"`
}

// images is docker:index/image:Image.
type images struct{ engine *engine }

func (images) properties() map[resource.PropertyKey]bool { return propertiesOf(imageInputs{}) }

func (images) check(values resource.PropertyMap) map[resource.PropertyKey]string {
	faults := missing("image", values, "imageName")
	maps.Copy(faults, misfits(imageInputs{}, values))
	if push := values["skipPush"]; !push.IsComputed() && !(push.IsBool() && push.BoolValue()) {
		faults["skipPush"] = "skipPush must be true, because this project's own docker provider pushes no image"
	}
	if early := values["buildOnPreview"]; early.IsBool() && early.BoolValue() {
		faults["buildOnPreview"] = "buildOnPreview must be false, because this project's own docker provider builds " +
			"no image in a preview"
	}
	return faults
}

// complete writes the defaults and the digest of the context into the inputs, which a diff then compares.
func (images) complete(values resource.PropertyMap) (resource.PropertyMap, error) {
	whole, build := maps.Clone(values), resource.PropertyMap{}
	if values["build"].IsObject() {
		build = maps.Clone(values["build"].ObjectValue())
	}
	preset(build, "context", ".")
	preset(build, "platform", "linux/"+runtime.GOARCH)
	if known(build["context"]) {
		preset(build, "dockerfile", filepath.Join(build["context"].StringValue(), "Dockerfile"))
	}
	if known(build["context"]) && known(build["dockerfile"]) {
		digest, err := contextDigest(build["context"].StringValue(), build["dockerfile"].StringValue())
		if err != nil {
			return nil, contextFault(values, build, err)
		}
		build["contextDigest"] = resource.NewProperty(digest)
	}
	whole["build"] = resource.NewProperty(build)
	return whole, nil
}

func preset(values resource.PropertyMap, key resource.PropertyKey, value string) {
	if values[key].IsNull() {
		values[key] = resource.NewProperty(value)
	}
}

func contextFault(values, build resource.PropertyMap, err error) error {
	hint := ""
	if errors.Is(err, fs.ErrNotExist) {
		hint = "; `context` and `dockerfile` both count from the folder of the project"
	}
	return fmt.Errorf("Image %v cannot be built from the context %s with the Dockerfile %s: %w%s",
		values["imageName"].V, build["context"].StringValue(), build["dockerfile"].StringValue(), err, hint)
}

func (i images) create(ctx context.Context, values resource.PropertyMap, preview bool) (
	string, resource.PropertyMap, error,
) {
	inputs, err := decode[imageInputs](values)
	if preview {
		return "", imageOutputs(values, unknown()), nil
	}
	if err != nil {
		return "", nil, err
	}
	id, err := i.build(ctx, inputs)
	if err != nil {
		return "", nil, err
	}
	// The official provider's own id is the name.
	return inputs.ImageName, imageOutputs(values, resource.NewProperty(id)), nil
}

func (i images) update(ctx context.Context, old existing, values resource.PropertyMap, preview bool) (
	resource.PropertyMap, error,
) {
	if preview && old.inputs["build"].DeepEquals(values["build"]) {
		return imageOutputs(values, old.state["repoDigest"]), nil
	}
	_, outputs, err := i.create(ctx, values, preview)
	return outputs, err
}

// imageOutputs hold the inputs a second time, under the name where the official provider looks for them.
func imageOutputs(values resource.PropertyMap, id resource.PropertyValue) resource.PropertyMap {
	build := resource.PropertyMap{}
	if values["build"].IsObject() {
		build = values["build"].ObjectValue()
	}
	outputs := resource.PropertyMap{
		"baseImageName": values["imageName"], "imageName": values["imageName"], "repoDigest": id,
		"context": build["context"], "dockerfile": build["dockerfile"], "platform": build["platform"],
		"registryServer": resource.NewProperty(""),
		"__inputs":       resource.MakeSecret(resource.NewProperty(values)),
	}
	if known(build["context"]) && known(build["dockerfile"]) {
		inside, err := filepath.Rel(build["context"].StringValue(), build["dockerfile"].StringValue())
		if err == nil {
			outputs["dockerfile"] = resource.NewProperty(inside)
		}
	}
	return outputs
}

// read notices an image that somebody has removed: no container could be made from its id any more. The official
// provider does not look, and neither does ours on an engine that shall not be checked: one that builds for others.
func (i images) read(ctx context.Context, known existing) (existing, error) {
	if i.engine.unchecked {
		return known, nil
	}
	docker, err := i.engine.reach(ctx)
	if err != nil {
		return existing{}, err
	}
	id := known.state["repoDigest"]
	if !id.IsString() {
		return existing{}, nil
	}
	_, err = docker.ImageInspect(ctx, id.StringValue())
	if cerrdefs.IsNotFound(err) {
		return existing{}, nil
	}
	if err != nil {
		return existing{}, fmt.Errorf("Image %s cannot be looked at: %w", known.id, reason(err))
	}
	return known, nil
}
