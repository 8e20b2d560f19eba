// Command xray-launch runs Xray so that its REALITY inbound has measured its target.
//
// REALITY measures once, when it starts, and is silent when the target does not answer yet
// (github.com/xtls/reality record_detect.go); the target is Caddy, which starts last. So Xray starts at once,
// for Caddy waits for it, and is started anew when the target first completes a verified handshake: at that
// time nobody is connected. /measured on the status address answers 204 once the measurement is made.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	retry = 300 * time.Millisecond
	// record_detect.go reads the target's records for 5 seconds after its handshake; half a second for the latter.
	measuring = 5500 * time.Millisecond
	stopGrace = 3 * time.Second
)

func main() {
	config := flag.String("config", "/etc/stealth/config.json", "Xray's configuration")
	target := flag.String("target", "172.20.0.10:8443", "REALITY target, HOST:PORT")
	name := flag.String("server-name", "", "SNI that the target answers")
	authority := flag.String("ca", "/etc/stealth/ca.crt", "root that signs the target's certificate, if the file exists")
	status := flag.String("status", ":8009", "address of /measured")
	flag.Parse()
	probe, err := newTarget(*target, *name, *authority)
	if err != nil {
		log.Fatalf("%s is no PEM certificate, but the REALITY target is checked with it: %v", *authority, err)
	}
	var measured atomic.Bool
	serve(*status, &measured)
	os.Exit(supervise(func() (*child, error) { return start(*config, *authority) }, probe, &measured))
}

// supervise returns the exit code of the last Xray.
func supervise(start func() (*child, error), ready func() bool, measured *atomic.Bool) int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	reachable := ready()
	running, err := start()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	timer := time.NewTimer(retry)
	if reachable {
		timer.Reset(measuring)
	}
	for {
		select {
		case code := <-running.done:
			return code
		case <-signals:
			return running.stop()
		case <-timer.C:
		}
		switch {
		case reachable:
			measured.Store(true)
		case ready():
			log.Print("the REALITY target answers; starting Xray anew so that it measures it")
			running.stop()
			if running, err = start(); err != nil {
				fmt.Println(err)
				return 1
			}
			reachable = true
			timer.Reset(measuring)
		default:
			timer.Reset(retry)
		}
	}
}

func serve(address string, measured *atomic.Bool) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /measured", func(answer http.ResponseWriter, _ *http.Request) {
		if measured.Load() {
			answer.WriteHeader(http.StatusNoContent)
			return
		}
		http.Error(answer, "REALITY has not measured its target yet", http.StatusServiceUnavailable)
	})
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: stopGrace}
	go func() { log.Fatal(server.ListenAndServe()) }()
}
