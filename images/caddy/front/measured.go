package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"
)

const (
	// A running container answers a SYN at once, whatever it has to do: its kernel does.
	absenceTimeout  = time.Second
	measuredTimeout = 2500 * time.Millisecond // below the probe's own
	measuredBytes   = 1 << 10
)

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// measuredHandler passes on what Xray's launcher says of REALITY's measurement. Where nobody has the address there is no
// Xray that could be waited for, as when an operator has stopped it: then Caddy lacks nothing. An Xray that is there and
// refuses, or says nothing, is a fault.
func measuredHandler(address string, dial dialer) http.HandlerFunc {
	client := &http.Client{
		Timeout: measuredTimeout, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	return func(answer http.ResponseWriter, asked *http.Request) {
		request, err := http.NewRequestWithContext(asked.Context(), http.MethodGet, address, nil)
		if err != nil {
			http.Error(answer, err.Error(), http.StatusInternalServerError)
			return
		}
		said, err := client.Do(request)
		if absent(err) {
			answer.WriteHeader(http.StatusNoContent)
			return
		}
		if err != nil {
			http.Error(answer, err.Error(), http.StatusBadGateway)
			return
		}
		defer said.Body.Close()
		answer.WriteHeader(said.StatusCode)
		_, _ = io.Copy(answer, io.LimitReader(said.Body, measuredBytes))
	}
}

func absent(err error) bool {
	var fault *net.OpError
	return errors.As(err, &fault) && fault.Op == "dial" && (fault.Timeout() || errors.Is(err, syscall.EHOSTUNREACH))
}
