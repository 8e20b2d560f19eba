package main

import (
	"context"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// checked is what inputs are checked and compared by: a resource type, or the configuration of a provider.
type checked interface {
	// properties tells for each served input whether a change of it replaces the resource.
	properties() map[resource.PropertyKey]bool
	// check returns the fault of a value, by property; the inputs may be unknown.
	check(inputs resource.PropertyMap) map[resource.PropertyKey]string
}

// configuration is what a provider itself can be given.
type configuration interface {
	checked
	configure(inputs resource.PropertyMap)
}

func (s *server) CheckConfig(_ context.Context, request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	answer := &pulumirpc.CheckResponse{Inputs: request.GetNews()}
	if s.config == nil {
		return answer, nil
	}
	inputs, err := read(request.GetNews())
	if err != nil {
		return nil, err
	}
	answer.Failures = failures(s.name, s.config, inputs)
	return answer, nil
}

func (s *server) DiffConfig(_ context.Context, request *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	if s.config == nil {
		return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
	}
	olds, err := read(request.GetOldInputs())
	if err != nil {
		return nil, err
	}
	news, err := read(request.GetNews())
	if err != nil {
		return nil, err
	}
	return difference(s.config, olds, news, request.GetIgnoreChanges()), nil
}

func (s *server) Configure(_ context.Context, request *pulumirpc.ConfigureRequest) (
	*pulumirpc.ConfigureResponse, error,
) {
	if s.config != nil {
		inputs, err := read(request.GetArgs())
		if err != nil {
			return nil, err
		}
		s.config.configure(inputs)
	}
	return &pulumirpc.ConfigureResponse{AcceptSecrets: true, SupportsPreview: true}, nil
}
