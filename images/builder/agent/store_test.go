package agent

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func file(t *testing.T) string { return filepath.Join(t.TempDir(), "users.json") }

func TestUsersThatWereWrittenDownAreReadByTheirOwnerAlone(t *testing.T) {
	kept := store{file(t)}
	written := numbered(7)
	if err := kept.save(written); err != nil {
		t.Fatal(err)
	}
	read, err := kept.load()
	if err != nil || read.Revision != written.Revision || read.digest() != written.digest() {
		t.Errorf("read %+v, %v", read, err)
	}
	if about, err := os.Stat(kept.path); err != nil || about.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", about.Mode(), err)
	}
}

func TestNoFileIsNobodyAndADamagedOneIsToldApart(t *testing.T) {
	kept := store{file(t)}
	if read, err := kept.load(); err != nil || read.Revision != "" || len(read.Users) != 0 {
		t.Errorf("without a file: %+v, %v", read, err)
	}
	for _, text := range []string{"", "{", "{}", "[]", `{"revision": "e.1", "users": {"u1": 3}}`} {
		if err := os.WriteFile(kept.path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if read, err := kept.load(); err == nil || read.Users == nil || len(read.Users) != 0 {
			t.Errorf("%q: %+v, %v", text, read, err)
		}
	}
}

const (
	writerVariable = "AGENT_TEST_WRITES"
	kills          = 25
)

// TestWriter is no test but the process that the next one kills.
func TestWriter(t *testing.T) {
	path := os.Getenv(writerVariable)
	if path == "" {
		t.Skip("for TestAKillAtAnyMomentLeavesTheFileWhole only")
	}
	for number := 1; ; number++ {
		if err := (store{path}).save(numbered(number)); err != nil {
			t.Fatal(err)
		}
		fmt.Println("wrote", number)
	}
}

func TestAKillAtAnyMomentLeavesTheFileWhole(t *testing.T) {
	kept := store{file(t)}
	for range kills {
		acknowledged := writeAndDie(t, kept.path)
		read, err := kept.load()
		if err != nil {
			t.Fatal(err)
		}
		var number int
		if _, err := fmt.Sscanf(read.Revision, "e.%d", &number); err != nil || number < acknowledged {
			t.Fatalf("revision %s after %d was acknowledged (%v)", read.Revision, acknowledged, err)
		}
		if read.digest() != numbered(number).digest() {
			t.Fatalf("revision %s is mixed with another", read.Revision)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(kept.path)); err != nil || len(left) > 2 {
		t.Errorf("kills leave more and more files behind: %v, %v", left, err)
	}
}

// writeAndDie lets a process write users down again and again, kills it, and returns the last number that it told.
func writeAndDie(t *testing.T, path string) int {
	t.Helper()
	writer := exec.Command(os.Args[0], "-test.run=^TestWriter$")
	writer.Env = append(os.Environ(), writerVariable+"="+path)
	output, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(output)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	time.Sleep(rand.N(30 * time.Millisecond))
	if err := writer.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(lines)
	if err != nil {
		t.Fatal(err)
	}
	_ = writer.Wait() // tells that it was killed
	told := 1
	for line := range strings.Lines(string(rest)) {
		if strings.HasSuffix(line, "\n") {
			fmt.Sscanf(line, "wrote %d", &told)
		}
	}
	return told
}

// numbered is a state whose every secret tells its revision.
func numbered(number int) state {
	made := state{Revision: fmt.Sprint("e.", number), Users: map[string]User{}}
	for index := range 2000 {
		name := fmt.Sprint("u", index)
		made.Users[name] = User{name, map[string]string{"trojan": fmt.Sprint(name, " of ", number)}}
	}
	return made
}
