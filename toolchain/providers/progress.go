package main

import (
	"context"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// progress shows a person what goes on, as the engine's status line of a resource.
type progress struct {
	address string
	once    sync.Once
	engine  pulumirpc.EngineClient
}

// tell shows a line until the next one comes.
func (p *progress) tell(ctx context.Context, line string) { p.say(ctx, line, true) }

// log shows a line that stays.
func (p *progress) log(ctx context.Context, line string) { p.say(ctx, line, false) }

// say is best effort: a line that cannot be shown must not end a build.
func (p *progress) say(ctx context.Context, line string, passing bool) {
	p.once.Do(func() {
		connection, err := grpc.NewClient(p.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err == nil {
			p.engine = pulumirpc.NewEngineClient(connection)
		}
	})
	urn, _ := ctx.Value(urnKey{}).(string)
	if p.engine != nil {
		_, _ = p.engine.Log(ctx, &pulumirpc.LogRequest{
			Severity: pulumirpc.LogSeverity_INFO, Message: line, Urn: urn, Ephemeral: passing})
	}
}
