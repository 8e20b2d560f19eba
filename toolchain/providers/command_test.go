package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

const commandURN = "urn:pulumi:s::p::command:local:Command::made"

func textsOf(pairs ...string) resource.PropertyMap {
	values := resource.PropertyMap{}
	for index := 0; index < len(pairs); index += 2 {
		values[resource.PropertyKey(pairs[index])] = resource.NewProperty(pairs[index+1])
	}
	return values
}

func ran(t *testing.T, values resource.PropertyMap) resource.PropertyMap {
	t.Helper()
	_, outputs, err := commands{&progress{}}.create(context.Background(), values, false)
	if err != nil {
		t.Fatal(err)
	}
	return outputs
}

func TestACommandGetsItsInputAndTellsBothItsStreams(t *testing.T) {
	values := textsOf("create", "cat; echo to-the-other >&2; echo $GREETING", "stdin", "first\n", "logging", "none")
	values["environment"] = resource.NewProperty(textsOf("GREETING", "hello"))
	outputs := ran(t, values)
	if got := outputs["stdout"].StringValue(); got != "first\nhello" {
		t.Errorf("stdout %q", got)
	}
	if got := outputs["stderr"].StringValue(); got != "to-the-other" {
		t.Errorf("stderr %q", got)
	}
}

func TestAnotherInterpreterAndFolderAreTaken(t *testing.T) {
	values := textsOf("create", "pwd", "dir", "/")
	values["interpreter"] = resource.NewProperty([]resource.PropertyValue{
		resource.NewProperty("/bin/sh"), resource.NewProperty("-xc")})
	outputs := ran(t, values)
	if outputs["stdout"].StringValue() != "/" || outputs["stderr"].StringValue() != "+ pwd" {
		t.Error(outputs)
	}
}

func TestAFailedCommandTellsItsLineAndWhatItSaid(t *testing.T) {
	_, _, err := commands{&progress{}}.create(
		context.Background(), textsOf("create", "printf last >&2; echo first; exit 3"), false)
	if err == nil || !strings.HasPrefix(err.Error(), `exit status 3: running "printf last`) ||
		!strings.Contains(err.Error(), "first") || !strings.HasSuffix(err.Error(), "last") {
		t.Error(err)
	}
}

func TestAnUpdateRunsItsOwnLineElseCreateAndKnowsWhatWasSaidBefore(t *testing.T) {
	served := commands{&progress{}}
	old := existing{state: textsOf("stdout", "before", "stderr", "faults")}
	for line, values := range map[string]resource.PropertyMap{
		"new before faults": textsOf("create", "echo old", "update", "echo new $PULUMI_COMMAND_STDOUT $PULUMI_COMMAND_STDERR"),
		"old before":        textsOf("create", "echo old $PULUMI_COMMAND_STDOUT"),
	} {
		outputs, err := served.update(context.Background(), old, values, false)
		if err != nil || outputs["stdout"].StringValue() != line {
			t.Errorf("%v, %v; want %s", outputs["stdout"], err, line)
		}
	}
	hidden := textsOf("create", "echo ${PULUMI_COMMAND_STDOUT-nothing}")
	hidden["addPreviousOutputInEnv"] = resource.NewProperty(false)
	outputs, err := served.update(context.Background(), old, hidden, false)
	if err != nil || outputs["stdout"].StringValue() != "nothing" {
		t.Error(outputs, err)
	}
}

func TestAPreviewRunsNothing(t *testing.T) {
	file := t.TempDir() + "/made"
	values := textsOf("create", "touch "+file)
	_, outputs, err := commands{}.create(context.Background(), values, true)
	if err != nil || !outputs["stdout"].IsComputed() {
		t.Error(outputs, err)
	}
	if _, err = (commands{}).update(context.Background(), existing{}, values, true); err != nil {
		t.Error(err)
	}
	if ran(t, textsOf("create", "ls "+file+" || true"))["stdout"].StringValue() != "" {
		t.Error("it ran")
	}
}

func TestADeleteRunsWithTheInputsOfBefore(t *testing.T) {
	file := t.TempDir() + "/made"
	old := existing{inputs: textsOf("create", "true", "delete", "cat >"+file, "stdin", "as it was"),
		state: textsOf("stdout", "", "stderr", "")}
	if err := (commands{&progress{}}).delete(context.Background(), old); err != nil {
		t.Fatal(err)
	}
	if got := ran(t, textsOf("create", "cat "+file))["stdout"].StringValue(); got != "as it was" {
		t.Errorf("%q", got)
	}
}

func TestOnlyATriggerReplaces(t *testing.T) {
	olds, news := textsOf("create", "a", "stdin", "a"), textsOf("create", "b", "stdin", "b")
	if found := difference(commands{}, olds, news, nil); len(found.Replaces) > 0 ||
		found.Changes != pulumirpc.DiffResponse_DIFF_SOME {
		t.Error(found)
	}
	news["triggers"] = resource.NewProperty([]resource.PropertyValue{resource.NewProperty(1.0)})
	if found := difference(commands{}, olds, news, nil); len(found.Replaces) != 1 {
		t.Error(found)
	}
}

func TestWhatIsNotServedOrHasNoSenseIsRefused(t *testing.T) {
	values := textsOf("create", "true", "logging", "loud", "archivePaths", "x")
	values["triggers"] = resource.NewProperty([]resource.PropertyValue{resource.NewProperty(textsOf("any", "type"))})
	found := failures("command", commands{}, values)
	if len(found) != 2 || found[0].Property != "archivePaths" || found[1].Property != "logging" {
		t.Error(found)
	}
}

func TestWhatACommandSaysIsSecretIfAnyInputIs(t *testing.T) {
	server := newCommand("127.0.0.1:9")
	inputs := textsOf("create", "cat", "logging", "none")
	inputs["stdin"] = resource.MakeSecret(resource.NewProperty("a-secret-text"))
	for secret, values := range map[bool]resource.PropertyMap{
		true: inputs, false: textsOf("create", "echo", "logging", "none")} {
		properties, err := write(values)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := server.Create(context.Background(), &pulumirpc.CreateRequest{Urn: commandURN, Properties: properties})
		if err != nil {
			t.Fatal(err)
		}
		state, err := readMarked(answer.Properties)
		if err != nil || state["stdout"].IsSecret() != secret || state["stderr"].IsSecret() != secret {
			t.Error(state, err)
		}
		if !strings.HasPrefix(answer.Id, "made") || len(answer.Id) != len("made")+8 {
			t.Error(answer.Id)
		}
	}
}

func TestAnInterruptedCommandEndsWithAllThatItStarted(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	time.AfterFunc(200*time.Millisecond, stop)
	began := time.Now()
	_, _, err := commands{&progress{}}.create(ctx, textsOf("create", "sleep 60 & wait; true", "logging", "none"), false)
	if err == nil || !strings.Contains(err.Error(), "interrupted") || time.Since(began) > 10*time.Second {
		t.Error(err, time.Since(began))
	}
}
