package egress

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const rules = `{"allow": ["10.5.0.0/24"], "refuse": ["0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "fe80::/10", "::1/128"],
	"resolvers": ["192.0.2.1"]}`

// load gives the process its own resolver back, which Load replaces.
func load(t *testing.T, text string) (*Guard, error) {
	t.Helper()
	before := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = before })
	file := filepath.Join(t.TempDir(), "egress.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(file)
}

func mustLoad(t *testing.T, text string) *Guard {
	t.Helper()
	guard, err := load(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return guard
}

func TestWhatIsRefusedIsRefusedInEveryForm(t *testing.T) {
	guard := mustLoad(t, rules)
	for text, allowed := range map[string]bool{
		"198.51.100.1": true, "2001:db8::1": true, "10.5.0.9": true, "::ffff:10.5.0.9": true, "::ffff:8.8.8.8": true,
		"10.6.0.9": false, "::ffff:10.6.0.9": false, "127.8.8.8": false, "::1": false, "fe80::1": false,
		"fe80::1%eth0": false,
	} {
		if err := guard.Check(netip.MustParseAddr(text)); (err == nil) != allowed {
			t.Errorf("%s: %v, want allowed %v", text, err, allowed)
		}
	}
	if guard.Check(netip.Addr{}) == nil {
		t.Error("no address at all was allowed")
	}
}

func TestRulesThatRefuseNothingAreNotTaken(t *testing.T) {
	for _, text := range []string{
		`{}`, `{"refuse": ["10.0.0.0/8"]}`, `{"resolvers": ["192.0.2.1"]}`, `{"refuse": ["ten"], "resolvers": []}`, `no JSON`,
	} {
		if _, err := load(t, text); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "absent.json")); err == nil {
		t.Error("a file that is not there was taken")
	}
}

func TestADialIsCheckedAfterTheLastResolution(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	guard := mustLoad(t, rules)
	// The system's own list of hosts gives localhost; an empty host and the unspecified address mean this machine.
	for _, host := range []string{"127.0.0.1", "::ffff:127.0.0.1", "localhost", "", "0.0.0.0"} {
		connection, err := guard.Dial(ctx, "tcp", net.JoinHostPort(host, port))
		if err == nil {
			_ = connection.Close()
			t.Errorf("%q was reached", host)
		}
	}
	open := mustLoad(t, strings.Replace(rules, "127.0.0.0/8", "172.16.0.0/12", 1))
	connection, err := open.Dial(ctx, "tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatalf("what is not refused: %v", err)
	}
	_ = connection.Close()
}

func TestAHostResolvesToWhatMayBeReachedOnly(t *testing.T) {
	guard := mustLoad(t, rules)
	for host, want := range map[string]string{"198.51.100.7": "198.51.100.7", "10.1.1.1": "", "localhost": "", "::1": ""} {
		address, err := guard.Resolve(t.Context(), host)
		if want == "" && err == nil || want != "" && address.String() != want {
			t.Errorf("%s: %v, %v; want %q", host, address, err, want)
		}
	}
}
