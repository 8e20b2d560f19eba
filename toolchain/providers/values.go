package main

import (
	"errors"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil/rpcerror"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"
)

// unfinished is the error of a resource that exists but is not as it should be. The engine keeps it with the reason.
type unfinished struct {
	existing
	reason string
}

func (u *unfinished) Error() string { return u.reason }

// failed turns an error into what the engine understands; marks come from the inputs and the former state.
func failed(err error, inputs, state resource.PropertyMap) error {
	var made *unfinished
	if !errors.As(err, &made) {
		return errors.New(redacted(err.Error(), inputs))
	}
	made.reason = redacted(made.reason, inputs)
	properties, fault := write(remarked(remarked(made.state, inputs), state))
	if fault != nil {
		return fault
	}
	known, fault := write(remarked(made.inputs, inputs))
	if fault != nil {
		return fault
	}
	return rpcerror.WithDetails(rpcerror.New(codes.Unknown, made.reason), &pulumirpc.ErrorResourceInitFailed{
		Id: made.id, Properties: properties, Inputs: known, Reasons: []string{made.reason}})
}

// leastSecret is the length below which a secret text would blacken ordinary words.
const leastSecret = 6

// redacted is a text without the secrets of the inputs, which a program may have printed for all to see.
func redacted(text string, inputs resource.PropertyMap) string {
	for _, value := range inputs {
		text = redactedOf(text, value, false)
	}
	return text
}

func redactedOf(text string, value resource.PropertyValue, secret bool) string {
	switch {
	case value.IsSecret():
		return redactedOf(text, value.SecretValue().Element, true)
	case value.IsObject():
		for _, element := range value.ObjectValue() {
			text = redactedOf(text, element, secret)
		}
	case value.IsArray():
		for _, element := range value.ArrayValue() {
			text = redactedOf(text, element, secret)
		}
	case value.IsString() && secret && len(value.StringValue()) >= leastSecret:
		return strings.ReplaceAll(text, value.StringValue(), "[secret]")
	}
	return text
}

func read(properties *structpb.Struct) (resource.PropertyMap, error) {
	return plugin.UnmarshalProperties(properties, plugin.MarshalOptions{KeepUnknowns: true, SkipNulls: true})
}

// readMarked keeps the marks of secrets.
func readMarked(properties *structpb.Struct) (resource.PropertyMap, error) {
	return plugin.UnmarshalProperties(properties, plugin.MarshalOptions{
		KeepUnknowns: true, KeepSecrets: true, SkipNulls: true})
}

func write(properties resource.PropertyMap) (*structpb.Struct, error) {
	return plugin.MarshalProperties(properties, plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true})
}

// remarked marks each property as secret whose namesake holds a secret. One that has not changed keeps its marks where
// they are, since a mark that moves is a change to the engine.
func remarked(properties, marked resource.PropertyMap) resource.PropertyMap {
	if properties == nil {
		return nil
	}
	again := resource.PropertyMap{}
	for key, value := range properties {
		former := marked[key]
		switch {
		case !former.ContainsSecrets() || value.ContainsSecrets():
		case unmarkedValue(former).DeepEquals(value):
			value = former
		default:
			value = resource.MakeSecret(value)
		}
		again[key] = value
	}
	return again
}

// spread marks those outputs that may hold any secret of the inputs.
func spread(served handler, outputs, marked resource.PropertyMap) resource.PropertyMap {
	spreading, spreads := served.(spreader)
	if !spreads || !resource.NewProperty(marked).ContainsSecrets() {
		return outputs
	}
	for _, key := range spreading.spreads() {
		if value, set := outputs[key]; set && !value.IsSecret() {
			outputs[key] = resource.MakeSecret(value)
		}
	}
	return outputs
}

// unmarked is a copy without the marks of secrets.
func unmarked(marked resource.PropertyMap) resource.PropertyMap {
	if marked == nil {
		return nil
	}
	plain := resource.PropertyMap{}
	for key, value := range marked {
		plain[key] = unmarkedValue(value)
	}
	return plain
}

func unmarkedValue(value resource.PropertyValue) resource.PropertyValue {
	switch {
	case value.IsSecret():
		return unmarkedValue(value.SecretValue().Element)
	case value.IsOutput() && value.OutputValue().Known:
		return unmarkedValue(value.OutputValue().Element)
	case value.IsOutput():
		return resource.MakeComputed(resource.NewProperty(""))
	case value.IsObject():
		return resource.NewProperty(unmarked(value.ObjectValue()))
	case value.IsArray():
		plain := make([]resource.PropertyValue, len(value.ArrayValue()))
		for index, element := range value.ArrayValue() {
			plain[index] = unmarkedValue(element)
		}
		return resource.NewProperty(plain)
	}
	return value
}

// spoken is what the program itself said: without the defaults that the official provider writes among the inputs and
// lists under __defaults, and without what else it keeps there for itself.
func spoken(values resource.PropertyMap) resource.PropertyMap {
	said := resource.PropertyMap{}
	for key, value := range values {
		if !strings.HasPrefix(string(key), "__") {
			said[key] = spokenValue(value)
		}
	}
	if values["__defaults"].IsArray() {
		for _, name := range values["__defaults"].ArrayValue() {
			if name.IsString() {
				delete(said, resource.PropertyKey(name.StringValue()))
			}
		}
	}
	return said
}

func spokenValue(value resource.PropertyValue) resource.PropertyValue {
	switch {
	case value.IsObject():
		return resource.NewProperty(spoken(value.ObjectValue()))
	case value.IsArray():
		said := make([]resource.PropertyValue, len(value.ArrayValue()))
		for index, element := range value.ArrayValue() {
			said[index] = spokenValue(element)
		}
		return resource.NewProperty(said)
	}
	return value
}
