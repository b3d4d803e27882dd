// A plugin server: five hooks, one for each point of a request's life, behind one gRPC address.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"example.com/plugins/coprocess"
)

//go:generate ../../node_modules/.bin/buf generate ../../proto/coprocess

// hook edits the object that it is given; what it leaves alone stays as it is.
type hook func(ctx context.Context, object *coprocess.Object) error

// hooks are the functions that an API definition can name.
var hooks = map[string]hook{
	"Stamp":    stamp,
	"CheckKey": checkKey,
	"ShowPlan": showPlan,
	"Route":    route,
	"Mask":     mask,
}

type dispatcher struct {
	coprocess.UnimplementedDispatcherServer
}

// Dispatch runs the hook that the gateway asks for.
func (dispatcher) Dispatch(ctx context.Context, object *coprocess.Object) (*coprocess.Object, error) {
	run, known := hooks[object.GetHookName()]
	if !known {
		return nil, status.Errorf(codes.Unimplemented, "there is no hook %q here", object.GetHookName())
	}
	if err := run(ctx, object); err != nil {
		return nil, err
	}
	return object, nil
}

// DispatchEvent is told of what happened in the gateway, for example a key that expired.
func (dispatcher) DispatchEvent(_ context.Context, event *coprocess.Event) (*coprocess.EventReply, error) {
	log.Printf("event: %s", event.GetPayload())
	return &coprocess.EventReply{}, nil
}

func main() {
	address := flag.String("listen", envOr("LISTEN", "127.0.0.1:5555"), "host:port (port 0: a free one) or unix:/path")
	flag.Parse()

	listener, err := listen(*address)
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(
		// Goroutines that live on spare each call the growing of a stack.
		grpc.NumStreamWorkers(uint32(runtime.GOMAXPROCS(0))),
		grpc.SharedWriteBuffer(true),
	)
	coprocess.RegisterDispatcherServer(server, dispatcher{})

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-stop
		server.GracefulStop()
	}()

	if strings.HasPrefix(*address, "unix:") {
		fmt.Printf("listening on %s\n", *address)
	} else {
		fmt.Printf("listening on %s\n", listener.Addr())
	}
	if err := server.Serve(listener); err != nil {
		log.Fatal(err)
	}
}

func listen(address string) (net.Listener, error) {
	if path, isUnix := strings.CutPrefix(address, "unix:"); isUnix {
		return net.Listen("unix", path)
	}
	return net.Listen("tcp", address)
}

func envOr(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
