package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"
	"time"
)

func measuredStatus(t *testing.T, address string, dial dialer) int {
	t.Helper()
	recorder := httptest.NewRecorder()
	measuredHandler(address, dial)(recorder, httptest.NewRequest(http.MethodGet, "/measured", nil))
	return recorder.Code
}

func TestWhatXraySaysOfTheMeasurementIsPassedOn(t *testing.T) {
	for _, code := range []int{http.StatusNoContent, http.StatusServiceUnavailable} {
		xray := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
			answer.WriteHeader(code)
		}))
		if got := measuredStatus(t, xray.URL, (&net.Dialer{}).DialContext); got != code {
			t.Errorf("%d for an Xray that says %d", got, code)
		}
		xray.Close()
	}
}

func TestAnXrayThatRefusesIsAFault(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	if got := measuredStatus(t, gone.URL, (&net.Dialer{}).DialContext); got != http.StatusBadGateway {
		t.Errorf("%d for a closed port", got)
	}
}

func TestWhereNobodyHasTheAddressNothingIsWaitedFor(t *testing.T) {
	unreachable := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)}
	}
	silent := func(ctx context.Context, _, _ string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
	}
	for name, dial := range map[string]dialer{"unreachable": unreachable, "silent": silent} {
		if got := measuredStatus(t, "http://192.0.2.1:8009/measured", dial); got != http.StatusNoContent {
			t.Errorf("%d where it is %s", got, name)
		}
	}
}

func TestAnXrayThatIsThereAndSaysNothingIsAFault(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if got := measuredStatus(t, "http://"+listener.Addr().String(), (&net.Dialer{}).DialContext); got != http.StatusBadGateway {
		t.Errorf("%d for a silent server", got)
	}
}
