package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

func newCommand(engineAddress string) *server {
	return newServer("command", "1.2.1", map[string]handler{
		"command:local:Command": commands{&progress{address: engineAddress}},
	})
}

// commandInputs are the served inputs of a local Command. A changed trigger replaces it; any other change runs `update`,
// or `create` again where there is none (pulumi-command 1.2.1, schema.json).
type commandInputs struct {
	Create            string            `json:"create" replaces:"no"`
	Update            string            `json:"update" replaces:"no"`
	Delete            string            `json:"delete" replaces:"no"`
	Stdin             string            `json:"stdin" replaces:"no"`
	Dir               string            `json:"dir" replaces:"no"`
	Environment       map[string]string `json:"environment" replaces:"no"`
	Interpreter       []string          `json:"interpreter" replaces:"no"`
	Logging           string            `json:"logging" replaces:"no"`
	AddPreviousOutput *bool             `json:"addPreviousOutputInEnv" replaces:"no"`
	Triggers          []any             `json:"triggers"`
}

// commands is command:local:Command.
type commands struct{ progress *progress }

const loggedByDefault = "stdoutAndStderr"

// logged tells for each choice whether standard output and standard error are shown.
var logged = map[string][2]bool{
	loggedByDefault: {true, true}, "stdout": {true, false}, "stderr": {false, true}, "none": {false, false}}

func (commands) properties() map[resource.PropertyKey]bool { return propertiesOf(commandInputs{}) }

func (commands) check(values resource.PropertyMap) map[resource.PropertyKey]string {
	judged := maps.Clone(values)
	delete(judged, "triggers") // of any type
	faults := misfits(commandInputs{}, judged)
	if choice := values["logging"]; choice.IsString() {
		if _, known := logged[choice.StringValue()]; !known {
			faults["logging"] = fmt.Sprintf("logging is %s, but it must be stdout, stderr, stdoutAndStderr or none",
				choice.StringValue())
		}
	}
	if words := values["interpreter"]; words.IsArray() && len(words.ArrayValue()) == 0 {
		faults["interpreter"] = "interpreter is empty, but something must run the command"
	}
	return faults
}

// spreads: what a command says may hold any of its secrets.
func (commands) spreads() []resource.PropertyKey { return []resource.PropertyKey{"stdout", "stderr"} }

func (c commands) create(ctx context.Context, values resource.PropertyMap, preview bool) (
	string, resource.PropertyMap, error,
) {
	if preview {
		return "", said(values, unknown(), unknown()), nil
	}
	inputs, err := decode[commandInputs](values)
	if err != nil {
		return "", nil, err
	}
	outputs, err := c.run(ctx, inputs.Create, inputs, values, nil)
	if err != nil {
		return "", nil, err
	}
	id, err := newID(ctx)
	return id, outputs, err
}

func (c commands) update(ctx context.Context, old existing, values resource.PropertyMap, preview bool) (
	resource.PropertyMap, error,
) {
	if preview {
		return said(values, unknown(), unknown()), nil
	}
	inputs, err := decode[commandInputs](values)
	if err != nil {
		return nil, err
	}
	line := inputs.Update
	if line == "" {
		line = inputs.Create
	}
	return c.run(ctx, line, inputs, values, old.state)
}

// delete runs with what was written when it was created.
func (c commands) delete(ctx context.Context, old existing) error {
	inputs, err := decode[commandInputs](spoken(old.inputs))
	if err != nil || inputs.Delete == "" {
		return err
	}
	_, err = c.run(ctx, inputs.Delete, inputs, old.inputs, old.state)
	return err
}

func said(values resource.PropertyMap, stdout, stderr resource.PropertyValue) resource.PropertyMap {
	outputs := maps.Clone(values)
	outputs["stdout"], outputs["stderr"] = stdout, stderr
	return outputs
}

// newID is the name and eight random digits, as the official provider has it.
func newID(ctx context.Context) (string, error) {
	random := make([]byte, 4)
	if _, err := rand.Read(random); err != nil {
		return "", fmt.Errorf("the system gives no random numbers: %w", err)
	}
	urn, _ := ctx.Value(urnKey{}).(string)
	return urn[strings.LastIndex(urn, ":")+1:] + hex.EncodeToString(random), nil
}
