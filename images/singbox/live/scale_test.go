package live

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stealth-vpn/images/agent"
)

func TestTenThousandUsersChangeOneByOne(t *testing.T) {
	server, origin := newServer(t), newOrigin(t)
	before := resident(t)
	keeper := agent.New(server.people, filepath.Join(t.TempDir(), "users.json"))
	users := make([]agent.User, 10_000)
	for index := range users {
		users[index] = newUser(fmt.Sprint("u", index))
	}
	begun := time.Now()
	if status, err := keeper.Replace(agent.All{Revision: "e.1", Users: users}); err != nil || !status.Applied {
		t.Fatal(status, err)
	}
	all := time.Since(begun)
	begun = time.Now()
	one := newUser("u17")
	status, err := keeper.Change(agent.Change{Base: "e.1", Revision: "e.2", Set: []agent.User{one}})
	if err != nil || !status.Applied {
		t.Fatal(status, err)
	}
	t.Logf("10,000 users: all in %v, one change in %v, %d MB more", all, time.Since(begun), (resident(t)-before)>>10)
	for way, protocol := range ways {
		for _, user := range []agent.User{one, users[9_999]} {
			if err := server.client(t, way, user.Secrets[protocol]).get(origin); err != nil {
				t.Errorf("%s of %s: %v", way, user.Name, err)
			}
		}
		if server.client(t, way, users[17].Secrets[protocol]).get(origin) == nil {
			t.Errorf("%s takes the former secret", way)
		}
	}
}

// resident is the process's memory in KB (proc_pid_status(5)).
func resident(t *testing.T) (size int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	if _, err := fmt.Sscan(rest, &size); err != nil {
		t.Fatal(err)
	}
	return size
}
