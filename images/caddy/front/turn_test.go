package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// batchThreads counts our threads that wait for their turn.
func batchThreads(t *testing.T) (count int) {
	t.Helper()
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		number, err := strconv.Atoi(thread.Name())
		if err != nil {
			t.Fatal(err)
		}
		if found, err := unix.SchedGetAttr(number, 0); err == nil && found.Policy == unix.SCHED_BATCH {
			count++ // one that has ended meanwhile has none
		}
	}
	return count
}

func TestTheLoopInterruptsNobody(t *testing.T) {
	before := batchThreads(t)
	serve(t, nil)
	eventually(t, "a thread that waits for its turn", func() bool { return batchThreads(t) > before })
}

func TestTheChildInterruptsNobody(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy")
	// proc_pid_stat(5): the 41st field is the scheduling policy.
	script := fmt.Sprintf("cut -d ' ' -f 41 /proc/self/stat >%s", file)
	if code, err := run([]string{"--", "/bin/sh", "-c", script}); code != 0 || err != nil {
		t.Fatalf("%d, %v", code, err)
	}
	if policy, err := os.ReadFile(file); err != nil || strings.TrimSpace(string(policy)) != strconv.Itoa(unix.SCHED_BATCH) {
		t.Errorf("policy %q, %v", policy, err)
	}
}
