package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

func (s *server) Check(_ context.Context, request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	served, err := s.handler(request.GetUrn())
	if err != nil {
		return nil, err
	}
	marked, err := readMarked(request.GetNews())
	if err != nil {
		return nil, err
	}
	inputs := unmarked(marked)
	answer := &pulumirpc.CheckResponse{Inputs: request.GetNews(), Failures: failures(s.name, served, inputs)}
	completing, completes := served.(completer)
	if !completes || len(answer.Failures) > 0 {
		return answer, nil
	}
	whole, err := completing.complete(inputs)
	if err != nil {
		return nil, err
	}
	answer.Inputs, err = write(remarked(whole, marked))
	return answer, err
}

func failures(provider string, served checked, inputs resource.PropertyMap) []*pulumirpc.CheckFailure {
	faults := served.check(inputs)
	for key := range inputs {
		if _, known := served.properties()[key]; !known && !strings.HasPrefix(string(key), "__") {
			faults[key] = unserved(string(key), provider)
		}
	}
	found := make([]*pulumirpc.CheckFailure, 0, len(faults))
	for _, key := range slices.Sorted(maps.Keys(faults)) {
		found = append(found, &pulumirpc.CheckFailure{Property: string(key), Reason: faults[key]})
	}
	return found
}

func unserved(property, provider string) string {
	return fmt.Sprintf("%s is not served by this project's own %s provider; "+
		"remove it, or serve it in toolchain/providers", property, provider)
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
	return difference(served, olds, news, request.GetIgnoreChanges()), nil
}

func difference(served checked, olds, news resource.PropertyMap, ignored []string) *pulumirpc.DiffResponse {
	olds, news = spoken(olds), spoken(news)
	answer := &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}
	special, _ := served.(replacer)
	for key, replaces := range served.properties() {
		if olds[key].DeepEquals(news[key]) || slices.Contains(ignored, string(key)) {
			continue
		}
		answer.Changes = pulumirpc.DiffResponse_DIFF_SOME
		answer.Diffs = append(answer.Diffs, string(key))
		if replaces || special != nil && special.replaces(key, olds, news) {
			answer.Replaces = append(answer.Replaces, string(key))
		}
	}
	slices.Sort(answer.Diffs)
	slices.Sort(answer.Replaces)
	_, once := served.(solitary)
	answer.DeleteBeforeReplace = once && len(answer.Replaces) > 0
	return answer
}
