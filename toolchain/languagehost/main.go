// Command pulumi-language-python is a small Python language host for the Pulumi engine.
//
// Pulumi's own is a Go module without tags and cannot be had from a module proxy. This one serves the
// pulumirpc.LanguageRuntime calls that running a program and a policy pack needs; the engine is told
// UNIMPLEMENTED for every other (code generation, templates, dependency listings).
package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

// maxMessageBytes is the engine's own limit for one message (sdk/go/common/util/rpcutil).
const maxMessageBytes = 400 << 20

const orphanPoll = time.Second

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "pulumi-language-python is started by pulumi itself; run `pulumi preview` instead.")
		os.Exit(2)
	}
	// The engine's address comes last, after flags such as -root that the handshake repeats.
	if err := serve(os.Args[len(os.Args)-1]); err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-language-python:", err)
		os.Exit(1)
	}
}

func serve(engineAddress string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("cannot listen on loopback: %w", err)
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessageBytes), grpc.MaxSendMsgSize(maxMessageBytes))
	pulumirpc.RegisterLanguageRuntimeServer(server, &host{engineAddress: engineAddress})
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go awaitOrphanhood(stop)
	go func() {
		<-stop
		server.Stop()
	}()
	// The engine reads the port from the first line of standard output.
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return server.Serve(listener)
}

// awaitOrphanhood interrupts when the engine has died without a word: then this process has another parent.
func awaitOrphanhood(stop chan<- os.Signal) {
	engine := os.Getppid()
	for os.Getppid() == engine {
		time.Sleep(orphanPoll)
	}
	stop <- os.Interrupt
}
