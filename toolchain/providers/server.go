package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// server speaks the provider protocol (pulumi/proto/pulumi/provider.proto) for a set of resource types.
type server struct {
	pulumirpc.UnimplementedResourceProviderServer
	name, version string
	kinds         map[string]handler
}

// handler makes and keeps resources of one type. Secrets arrive unwrapped; the engine marks outputs whose inputs
// were secret.
type handler interface {
	// properties tells for each served input whether a change of it replaces the resource.
	properties() map[resource.PropertyKey]bool
	// check returns the fault of a value, by property; the inputs may be unknown.
	check(inputs resource.PropertyMap) map[resource.PropertyKey]string
	create(ctx context.Context, inputs resource.PropertyMap, preview bool) (string, resource.PropertyMap, error)
}

func (s *server) handler(urn string) (handler, error) {
	found := s.kinds[kind(urn)]
	if found == nil {
		served := strings.Join(slices.Sorted(maps.Keys(s.kinds)), ", ")
		return nil, fmt.Errorf("%s is no resource type of this %s provider, which was built from this project's "+
			"sources and serves only %s; use Pulumi's own provider for it", kind(urn), s.name, served)
	}
	return found, nil
}

func (s *server) Handshake(context.Context, *pulumirpc.ProviderHandshakeRequest) (
	*pulumirpc.ProviderHandshakeResponse, error,
) {
	return &pulumirpc.ProviderHandshakeResponse{AcceptSecrets: true, AcceptResources: false}, nil
}

func (s *server) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: s.version}, nil
}

func (s *server) CheckConfig(_ context.Context, request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	return &pulumirpc.CheckResponse{Inputs: request.GetNews()}, nil
}

func (s *server) DiffConfig(context.Context, *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
}

func (s *server) Configure(context.Context, *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	return &pulumirpc.ConfigureResponse{AcceptSecrets: true, SupportsPreview: true}, nil
}

func (s *server) Check(_ context.Context, request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	served, err := s.handler(request.GetUrn())
	if err != nil {
		return nil, err
	}
	inputs, err := read(request.GetNews())
	if err != nil {
		return nil, err
	}
	return &pulumirpc.CheckResponse{Inputs: request.GetNews(), Failures: failures(s.name, served, inputs)}, nil
}

func failures(provider string, served handler, inputs resource.PropertyMap) []*pulumirpc.CheckFailure {
	faults := served.check(inputs)
	for key := range inputs {
		if _, known := served.properties()[key]; !known && !strings.HasPrefix(string(key), "__") {
			faults[key] = fmt.Sprintf("%s is not served by this project's own %s provider; "+
				"remove it, or serve it in toolchain/providers", key, provider)
		}
	}
	found := make([]*pulumirpc.CheckFailure, 0, len(faults))
	for _, key := range slices.Sorted(maps.Keys(faults)) {
		found = append(found, &pulumirpc.CheckFailure{Property: string(key), Reason: faults[key]})
	}
	return found
}

// Diff compares inputs only: what the official provider added to the state is no change.
func (s *server) Diff(_ context.Context, request *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	served, err := s.handler(request.GetUrn())
	if err != nil {
		return nil, err
	}
	olds, err := read(request.GetOldInputs())
	if err != nil {
		return nil, err
	}
	news, err := read(request.GetNews())
	if err != nil {
		return nil, err
	}
	answer := &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}
	for key, replaces := range served.properties() {
		if olds[key].DeepEquals(news[key]) || slices.Contains(request.GetIgnoreChanges(), string(key)) {
			continue
		}
		answer.Changes = pulumirpc.DiffResponse_DIFF_SOME
		answer.Diffs = append(answer.Diffs, string(key))
		if replaces {
			answer.Replaces = append(answer.Replaces, string(key))
		}
	}
	slices.Sort(answer.Diffs)
	slices.Sort(answer.Replaces)
	return answer, nil
}

func (s *server) Create(ctx context.Context, request *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	served, err := s.handler(request.GetUrn())
	if err != nil {
		return nil, err
	}
	inputs, err := read(request.GetProperties())
	if err != nil {
		return nil, err
	}
	id, outputs, err := served.create(ctx, inputs, request.GetPreview())
	if err != nil {
		return nil, err
	}
	state, err := write(outputs)
	return &pulumirpc.CreateResponse{Id: id, Properties: state}, err
}

// Read returns the state as it is: a random value exists nowhere else.
func (s *server) Read(_ context.Context, request *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	if len(request.GetProperties().GetFields()) == 0 {
		return nil, fmt.Errorf("%s cannot be imported with this project's own %s provider", kind(request.GetUrn()), s.name)
	}
	return &pulumirpc.ReadResponse{
		Id: request.GetId(), Properties: request.GetProperties(), Inputs: request.GetInputs()}, nil
}

func (s *server) Delete(context.Context, *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (s *server) Invoke(_ context.Context, request *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	return nil, fmt.Errorf("%s is not served by this project's own %s provider", request.GetTok(), s.name)
}

func (s *server) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func read(properties *structpb.Struct) (resource.PropertyMap, error) {
	return plugin.UnmarshalProperties(properties, plugin.MarshalOptions{KeepUnknowns: true})
}

func write(properties resource.PropertyMap) (*structpb.Struct, error) {
	return plugin.MarshalProperties(properties, plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true})
}
