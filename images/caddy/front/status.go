package main

import (
	"encoding/json"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// The loop sweeps several times a second; a longer silence means that it is stuck.
const heartbeatGrace = 5 * time.Second

// counters are written by the loop and read by whoever asks for the status.
type counters struct {
	flows      [backendCount]atomic.Int64
	undecided  atomic.Int64
	decided    [backendCount]atomic.Uint64
	evicted    atomic.Uint64
	noise      atomic.Uint64 // datagrams that are neither WireGuard nor QUIC, or have no backend
	refused    atomic.Uint64 // flows beyond a bound
	unsendable atomic.Uint64
	toBackends atomic.Uint64 // bytes
	toClients  atomic.Uint64
	heartbeat  atomic.Int64 // Unix time in nanoseconds
}

func (stats *counters) forwarded(towardsClient bool, bytes int) {
	if towardsClient {
		stats.toClients.Add(uint64(bytes))
		return
	}
	stats.toBackends.Add(uint64(bytes))
}

// report is the JSON that /status answers.
type report struct {
	Flows     map[string]int64  `json:"flows"`
	Decided   map[string]uint64 `json:"decided"`
	Undecided int64             `json:"undecided"`
	Evicted   uint64            `json:"evicted"`
	Dropped   map[string]uint64 `json:"dropped"`
	Bytes     map[string]uint64 `json:"bytes"`
}

func (stats *counters) report() report {
	made := report{
		Flows: map[string]int64{}, Decided: map[string]uint64{},
		Undecided: stats.undecided.Load(), Evicted: stats.evicted.Load(),
		Dropped: map[string]uint64{
			"noise": stats.noise.Load(), "refused": stats.refused.Load(), "unsendable": stats.unsendable.Load()},
		Bytes: map[string]uint64{"toBackends": stats.toBackends.Load(), "toClients": stats.toClients.Load()},
	}
	for index, name := range backendNames {
		made.Flows[name] = stats.flows[index].Load()
		made.Decided[name] = stats.decided[index].Load()
	}
	return made
}

func (stats *counters) alive() bool {
	return time.Since(time.Unix(0, stats.heartbeat.Load())) < heartbeatGrace
}

// serveStatus answers until the process ends; the address should be a loopback one.
func serveStatus(listener net.Listener, stats *counters, measured string) {
	mux := statusHandler(stats)
	if measured != "" {
		dial := (&net.Dialer{Timeout: absenceTimeout}).DialContext
		mux.HandleFunc("GET /measured", measuredHandler(measured, dial))
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: heartbeatGrace}
	log.Printf("the status server ended: %v", server.Serve(listener))
}

func statusHandler(stats *counters) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(answer http.ResponseWriter, _ *http.Request) {
		answer.Header().Set("Content-Type", "application/json")
		if !stats.alive() {
			answer.WriteHeader(http.StatusServiceUnavailable)
		}
		if err := json.NewEncoder(answer).Encode(stats.report()); err != nil {
			log.Printf("the status could not be sent: %v", err)
		}
	})
	return mux
}
