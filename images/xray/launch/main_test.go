package main

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func shell(t *testing.T, script string) func() (*child, error) {
	t.Helper()
	return func() (*child, error) { return run(exec.Command("/bin/sh", "-c", script)) }
}

func TestAChildIsStartedAnewOnceWhenTheTargetFirstAnswers(t *testing.T) {
	starts, checks := 0, 0
	start := func() (*child, error) {
		starts++
		if starts == 2 {
			return shell(t, "sleep 0.7; exit 7")()
		}
		return shell(t, "exec sleep 30")()
	}
	ready := func() bool { checks++; return checks == 3 }
	var measured atomic.Bool
	if code := supervise(start, ready, &measured); code != 7 {
		t.Errorf("exit code %d, want that of the second child", code)
	}
	if starts != 2 || checks != 3 {
		t.Errorf("%d starts after %d checks, want 2 after 3", starts, checks)
	}
	if measured.Load() {
		t.Error("measured before REALITY could have read the target's records")
	}
}

func TestATargetThatAnswersAtOnceIsMeasuredWithoutASecondStart(t *testing.T) {
	starts := 0
	start := func() (*child, error) { starts++; return shell(t, "sleep 6")() }
	var measured atomic.Bool
	began := time.Now()
	supervise(start, func() bool { return true }, &measured)
	if starts != 1 || !measured.Load() {
		t.Errorf("%d starts, measured %v after %v", starts, measured.Load(), time.Since(began))
	}
}

func TestAChildThatDiesEndsTheLauncherWithItsCode(t *testing.T) {
	var measured atomic.Bool
	if code := supervise(shell(t, "exit 3"), func() bool { return false }, &measured); code != 3 {
		t.Errorf("exit code %d, want 3", code)
	}
}

func TestATargetIsReadyOnlyIfTheAuthoritySignsItsName(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "https://")
	authority := filepath.Join(t.TempDir(), "ca.crt")
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(authority, root, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"example.com": true, "example.org": false} {
		ready, err := newTarget(address, name, authority)
		if err != nil || ready() != want {
			t.Errorf("%s: ready %v, %v; want %v", name, !want, err, want)
		}
	}
	unsigned, err := newTarget(address, "example.com", authority+".absent")
	if err != nil || unsigned() {
		t.Errorf("a target that no known root signs was taken for ready (%v)", err)
	}
}

func TestABrokenAuthorityIsRefused(t *testing.T) {
	authority := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(authority, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newTarget("127.0.0.1:1", "example.com", authority); err == nil {
		t.Error("accepted")
	}
}
