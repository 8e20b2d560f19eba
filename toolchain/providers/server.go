package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// server speaks the provider protocol (pulumi/proto/pulumi/provider.proto) for a set of resource types.
type server struct {
	pulumirpc.UnimplementedResourceProviderServer
	name, version string
	kinds         map[string]handler
	config        configuration // nil if the provider takes none
	stopped       context.Context
	stop          context.CancelFunc
}

// handler makes and keeps resources of one type. Its inputs and state are without secret marks; the server puts the
// marks back.
type handler interface {
	checked
	create(ctx context.Context, inputs resource.PropertyMap, preview bool) (string, resource.PropertyMap, error)
}

// completer adds to the inputs of a resource what the program did not write.
type completer interface {
	complete(inputs resource.PropertyMap) (resource.PropertyMap, error)
}

// replacer names changes that replace a resource although others of the same property do not.
type replacer interface {
	replaces(key resource.PropertyKey, olds, news resource.PropertyMap) bool
}

// solitary is a resource whose name can exist only once, so that the old one goes before the new one comes.
type solitary interface{ solitary() }

// reader looks at the real resource; an empty id says that it is gone. Inputs that come back changed are drift.
type reader interface {
	read(ctx context.Context, known existing) (existing, error)
}

// updater changes a resource in place.
type updater interface {
	update(ctx context.Context, old existing, news resource.PropertyMap, preview bool) (resource.PropertyMap, error)
}

// deleter removes the real resource; one that is gone already is no error.
type deleter interface {
	delete(ctx context.Context, old existing) error
}

// spreader names outputs that may hold any secret of the inputs.
type spreader interface{ spreads() []resource.PropertyKey }

// existing is a resource as the state knows it.
type existing struct {
	id            string
	inputs, state resource.PropertyMap
}

func newServer(name, version string, kinds map[string]handler) *server {
	stopped, stop := context.WithCancel(context.Background())
	return &server{name: name, version: version, kinds: kinds, stopped: stopped, stop: stop}
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

// operation ends with its call or with the provider, and knows whom it works for.
func (s *server) operation(ctx context.Context, urn string) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithValue(ctx, urnKey{}, urn))
	unhook := context.AfterFunc(s.stopped, cancel)
	return ctx, func() { unhook(); cancel() }
}

type urnKey struct{}

func (s *server) Handshake(context.Context, *pulumirpc.ProviderHandshakeRequest) (
	*pulumirpc.ProviderHandshakeResponse, error,
) {
	return &pulumirpc.ProviderHandshakeResponse{AcceptSecrets: true, AcceptResources: false}, nil
}

func (s *server) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: s.version}, nil
}

func (s *server) Create(ctx context.Context, request *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	served, err := s.handler(request.GetUrn())
	if err != nil {
		return nil, err
	}
	marked, err := readMarked(request.GetProperties())
	if err != nil {
		return nil, err
	}
	ctx, done := s.operation(ctx, request.GetUrn())
	defer done()
	id, outputs, err := served.create(ctx, unmarked(marked), request.GetPreview())
	if err != nil {
		return nil, failed(err, marked, nil)
	}
	state, err := write(spread(served, remarked(outputs, marked), marked))
	return &pulumirpc.CreateResponse{Id: id, Properties: state}, err
}

// Read returns the state as it is where a resource exists nowhere else, as a random value does.
func (s *server) Read(ctx context.Context, request *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	served, err := s.handler(request.GetUrn())
	if err != nil {
		return nil, err
	}
	if len(request.GetProperties().GetFields()) == 0 {
		return nil, fmt.Errorf("%s cannot be imported with this project's own %s provider", kind(request.GetUrn()), s.name)
	}
	looking, looks := served.(reader)
	if !looks {
		return &pulumirpc.ReadResponse{
			Id: request.GetId(), Properties: request.GetProperties(), Inputs: request.GetInputs()}, nil
	}
	inputs, state, err := both(request.GetInputs(), request.GetProperties())
	if err != nil {
		return nil, err
	}
	ctx, done := s.operation(ctx, request.GetUrn())
	defer done()
	found, err := looking.read(ctx, existing{request.GetId(), unmarked(inputs), unmarked(state)})
	if err != nil {
		return nil, failed(err, inputs, state)
	}
	if found.id == "" {
		return &pulumirpc.ReadResponse{}, nil
	}
	return readResponse(found, inputs, state)
}

func readResponse(found existing, inputs, state resource.PropertyMap) (*pulumirpc.ReadResponse, error) {
	properties, err := write(remarked(remarked(found.state, inputs), state))
	if err != nil {
		return nil, err
	}
	known, err := write(remarked(found.inputs, inputs))
	return &pulumirpc.ReadResponse{Id: found.id, Properties: properties, Inputs: known}, err
}

func (s *server) Update(ctx context.Context, request *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	served, err := s.handler(request.GetUrn())
	if err != nil {
		return nil, err
	}
	changing, changes := served.(updater)
	if !changes {
		return nil, fmt.Errorf("%s cannot be changed, only replaced", kind(request.GetUrn()))
	}
	inputs, state, err := both(request.GetOldInputs(), request.GetOlds())
	if err != nil {
		return nil, err
	}
	marked, err := readMarked(request.GetNews())
	if err != nil {
		return nil, err
	}
	ctx, done := s.operation(ctx, request.GetUrn())
	defer done()
	old := existing{request.GetId(), unmarked(inputs), unmarked(state)}
	outputs, err := changing.update(ctx, old, unmarked(marked), request.GetPreview())
	if err != nil {
		return nil, failed(err, marked, nil)
	}
	properties, err := write(spread(served, remarked(outputs, marked), marked))
	return &pulumirpc.UpdateResponse{Properties: properties}, err
}

func (s *server) Delete(ctx context.Context, request *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	served, err := s.handler(request.GetUrn())
	if err != nil {
		return nil, err
	}
	removing, removes := served.(deleter)
	if !removes {
		return &emptypb.Empty{}, nil
	}
	inputs, state, err := both(request.GetOldInputs(), request.GetProperties())
	if err != nil {
		return nil, err
	}
	ctx, done := s.operation(ctx, request.GetUrn())
	defer done()
	err = removing.delete(ctx, existing{request.GetId(), unmarked(inputs), unmarked(state)})
	if err != nil {
		return nil, failed(err, inputs, nil)
	}
	return &emptypb.Empty{}, nil
}

func (s *server) Invoke(_ context.Context, request *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	return nil, fmt.Errorf("%s is not served by this project's own %s provider", request.GetTok(), s.name)
}

// Cancel ends what runs: builds and waits return at once.
func (s *server) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	s.stop()
	return &emptypb.Empty{}, nil
}

func both(inputs, state *structpb.Struct) (resource.PropertyMap, resource.PropertyMap, error) {
	first, err := readMarked(inputs)
	if err != nil {
		return nil, nil, err
	}
	second, err := readMarked(state)
	return first, second, err
}
