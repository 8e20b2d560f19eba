package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestTheChildSExitCodeIsOurs(t *testing.T) {
	for script, want := range map[string]int{"exit 0": 0, "exit 1": 1} {
		if code, err := supervise([]string{"/bin/sh", "-c", script}, nil); code != want || err != nil {
			t.Errorf("%s: %d, %v", script, code, err)
		}
	}
	if code, err := supervise([]string{"/absent/program"}, nil); code != 1 || err == nil {
		t.Errorf("an absent program: %d, %v", code, err)
	}
}

func TestSignalsArePassedOnToTheChild(t *testing.T) {
	for name, number := range map[string]syscall.Signal{
		"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT, "HUP": syscall.SIGHUP,
		"USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
	} {
		ready := filepath.Join(t.TempDir(), "ready")
		script := fmt.Sprintf("trap 'exit 0' %s; : > %s; while :; do sleep 0.02; done", name, ready)
		done := make(chan int, 1)
		go func() {
			code, _ := supervise([]string{"/bin/sh", "-c", script}, nil)
			done <- code
		}()
		eventually(t, "ready", func() bool { _, err := os.Stat(ready); return err == nil })
		if err := syscall.Kill(os.Getpid(), number); err != nil {
			t.Fatal(err)
		}
		select {
		case code := <-done:
			if code != 0 {
				t.Errorf("%s: %d", name, code)
			}
		case <-time.After(patience):
			t.Fatalf("%s did not reach the child", name)
		}
	}
}

func TestAFailureEndsTheChildAndTheProgram(t *testing.T) {
	failure := make(chan error, 1)
	failure <- errors.New("the socket is gone")
	began := time.Now()
	code, err := supervise([]string{"/bin/sleep", "60"}, failure)
	if code != 1 || err == nil || time.Since(began) > stopGrace {
		t.Errorf("%d, %v after %v", code, err, time.Since(began))
	}
}

func TestAChildThatDoesNotEndIsKilled(t *testing.T) {
	t.Parallel() // it takes the whole grace
	failure := make(chan error, 1)
	ready := filepath.Join(t.TempDir(), "ready")
	go func() {
		eventually(t, "ready", func() bool { _, err := os.Stat(ready); return err == nil })
		failure <- errors.New("the socket is gone")
	}()
	began := time.Now()
	code, err := supervise([]string{"/bin/sh", "-c", "trap '' TERM; : > " + ready + "; exec sleep 60"}, failure)
	if took := time.Since(began); code != 1 || err == nil || took < stopGrace || took > 2*stopGrace {
		t.Errorf("%d, %v after %v", code, err, took)
	}
}

func TestAWrongCommandLineIsRefused(t *testing.T) {
	for _, line := range []string{
		"", "--", "-max-flows 0 -- true", "-idle 0s -- true", "-quic localhost:1 -- true", "-nonsense -- true",
		"-quic 127.0.0.1:1 -tuic 127.0.0.1:2 -- true", "-quic 127.0.0.1:1 -tuic-name t.example.com -- true",
		"-tuic 127.0.0.1:2 -tuic-name t.example.com -- true", "-status 127.0.0.1:1 -- true",
		"-quic 127.0.0.1:1 -measured http://127.0.0.1:2/measured -- true",
		"-certificates-from /data -- true", "-certificates-to /there -certificates-of q.example.com -- true",
		"-quic 127.0.0.1:1 -site 127.0.0.1:2 -- true", "-quic 127.0.0.1:1 -quic-name q.example.com -- true",
		"-site 127.0.0.1:2 -quic-name q.example.com -- true",
	} {
		if code, err := run(strings.Fields(line)); code != 2 || err == nil {
			t.Errorf("%q: %d, %v", line, code, err)
		}
	}
}

func TestWithoutABackendOnlyTheChildRuns(t *testing.T) {
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	listen := taken.LocalAddr().String()
	if code, err := run([]string{"-listen", listen, "--", "/bin/sh", "-c", "exit 1"}); code != 1 || err != nil {
		t.Errorf("%d, %v", code, err)
	}
	code, err := run([]string{"-listen", listen, "-quic", "127.0.0.1:1", "--", "/bin/sh", "-c", "exit 1"})
	if code != 1 || err == nil || !strings.Contains(err.Error(), listen) {
		t.Errorf("a taken port: %d, %v", code, err)
	}
}

func TestTheProgramForwardsAndTellsItsStatus(t *testing.T) {
	quic := newBackend(t, "Q", "127.0.0.1:0")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := free.Addr().String() // free for UDP as well, as hardly anything else is up here
	_ = free.Close()
	done := make(chan int, 1)
	stop := filepath.Join(t.TempDir(), "stop")
	go func() {
		code, _ := run([]string{"-listen", at, "-quic", quic.address().String(), "-status", at, "--",
			"/bin/sh", "-c", "until [ -e " + stop + " ]; do sleep 0.02; done"})
		done <- code
	}()
	var answer *http.Response
	eventually(t, "a status", func() bool {
		answer, err = http.Get("http://" + at + "/status")
		return err == nil
	})
	_ = answer.Body.Close()
	client, err := net.Dial("udp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	exchange(t, client.(*net.UDPConn), quic, shortHeader())
	if answer, err = http.Get("http://" + at + "/status"); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatal(answer, err)
	}
	text, _ := io.ReadAll(answer.Body)
	var found report
	if err := json.Unmarshal(text, &found); err != nil || found.Flows["quic"] != 1 || found.Decided["quic"] != 1 ||
		found.Bytes["toBackends"] != 60 || found.Bytes["toClients"] != 61 {
		t.Errorf("%s, %v", text, err)
	}
	if err := os.WriteFile(stop, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code := <-done; code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestAStuckLoopIsUnhealthy(t *testing.T) {
	stats := &counters{}
	server := httptest.NewServer(statusHandler(stats))
	defer server.Close()
	for silence, want := range map[time.Duration]int{
		0: http.StatusOK, 2 * heartbeatGrace: http.StatusServiceUnavailable} {
		stats.heartbeat.Store(time.Now().Add(-silence).UnixNano())
		answer, err := http.Get(server.URL + "/status")
		if err != nil || answer.StatusCode != want {
			t.Errorf("silent for %v: %v, %v", silence, answer, err)
		}
	}
}
