// Command pulumi-resource-* serves just those resource types that this project's program uses, for machines that
// reach only a Go module proxy (docs/decisions/0004). Its own file name tells which provider it is.
package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

// maxMessageBytes is the engine's own limit for one message (sdk/go/common/util/rpcutil).
const maxMessageBytes = 400 << 20

const (
	// goodbye is the time for calls to answer after an interrupt; the engine kills after 5 s (sdk, plugin.go).
	goodbye    = 4 * time.Second
	orphanPoll = time.Second
)

// providers are made with the address of the engine that started them.
var providers = map[string]func(engineAddress string) *server{
	"pulumi-resource-command": newCommand,
	"pulumi-resource-docker":  newDocker,
	"pulumi-resource-random":  newRandom,
}

func main() {
	name := filepath.Base(os.Args[0])
	make := providers[name]
	if make == nil || len(os.Args) < 2 {
		fmt.Fprintf(os.Stderr, "%s is started by pulumi itself; run `pulumi preview` instead.\n", name)
		os.Exit(2)
	}
	if err := serve(make(os.Args[len(os.Args)-1])); err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
}

func serve(provider *server) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("cannot listen on loopback: %w", err)
	}
	host := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessageBytes), grpc.MaxSendMsgSize(maxMessageBytes),
		grpc.WaitForHandlers(true)) // they remove what they have put on the disk
	pulumirpc.RegisterResourceProviderServer(host, provider)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go awaitOrphanhood(stop)
	go func() {
		<-stop
		// What runs ends first and answers, because the engine must hear of what was made so far.
		provider.stop()
		time.AfterFunc(goodbye, host.Stop)
		time.AfterFunc(2*goodbye, func() { os.Exit(1) })
		host.GracefulStop()
	}()
	// The engine reads the port from the first line of standard output.
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return host.Serve(listener)
}

// awaitOrphanhood interrupts when the engine has died without a word: then this process has another parent.
func awaitOrphanhood(stop chan<- os.Signal) {
	engine := os.Getppid()
	for os.Getppid() == engine {
		time.Sleep(orphanPoll)
	}
	stop <- os.Interrupt
}

// kind is a resource type: its token without the part that Pulumi repeats.
func kind(urn string) string {
	parts := strings.Split(urn, "::")
	if len(parts) < 3 {
		return urn
	}
	types := strings.Split(parts[2], "$") // parents' types come before the resource's own
	return types[len(types)-1]
}
