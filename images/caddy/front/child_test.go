package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// counting is a child that adds a line to the file at each start and then does what the script says.
func counting(t *testing.T, script string) (command []string, starts func() int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "starts")
	return []string{"/bin/sh", "-c", "echo >>" + file + "; " + script}, func() int {
		text, _ := os.ReadFile(file) // not there before the first start
		return strings.Count(string(text), "\n")
	}
}

func TestAChildThatCrashesIsStartedAgain(t *testing.T) {
	for _, death := range []string{"kill -KILL $$", "exit 2"} {
		again := filepath.Join(t.TempDir(), "again")
		command, starts := counting(t, fmt.Sprintf("[ -e %[1]s ] && exit 0; : >%[1]s; %[2]s", again, death))
		if code, err := supervise(command, nil); code != 0 || err != nil || starts() != 2 {
			t.Errorf("%s: %d, %v after %d starts", death, code, err, starts())
		}
	}
}

func TestAChildThatCannotStartEndsTheProgramAtOnce(t *testing.T) {
	command, starts := counting(t, "exit 1")
	if code, err := supervise(command, nil); code != failedStart || err != nil || starts() != 1 {
		t.Errorf("%d, %v after %d starts", code, err, starts())
	}
}

func TestAChildThatCrashesAllTheTimeEndsTheProgramWithItsCode(t *testing.T) {
	command, starts := counting(t, "kill -KILL $$")
	code, err := supervise(command, nil)
	if code != signalled+int(syscall.SIGKILL) || err == nil || starts() != 1+mostRestarts {
		t.Errorf("%d, %v after %d starts", code, err, starts())
	}
}

func TestCrashesOfLongAgoDoNotCount(t *testing.T) {
	now := time.Now()
	left := recent([]time.Time{now.Add(-time.Hour), now.Add(-2 * restartWindow), now.Add(-restartWindow / 2)})
	if len(left) != 1 || !left[0].After(now.Add(-restartWindow)) {
		t.Errorf("%v of %v", left, now)
	}
}

func TestAChildThatDiesOfAPassedSignalIsNotStartedAgain(t *testing.T) {
	command, starts := counting(t, "exec sleep 60")
	done := make(chan int, 1)
	go func() {
		code, _ := supervise(command, nil)
		done <- code
	}()
	eventually(t, "a start", func() bool { return starts() == 1 })
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := <-done; code != signalled+int(syscall.SIGTERM) || starts() != 1 {
		t.Errorf("%d after %d starts", code, starts())
	}
}
