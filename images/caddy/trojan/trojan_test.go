package trojan

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"stealth-vpn/images/caddy/relay"
)

func TestTheLineIsRead(t *testing.T) {
	var found Trojan
	if err := found.UnmarshalCaddyfile(caddyfile.NewTestDispenser("trojan app.test 10.0.0.1:80")); err != nil ||
		found != (Trojan{Name: "app.test", Upstream: "10.0.0.1:80"}) {
		t.Errorf("%+v, %v", found, err)
	}
	for _, wrong := range []string{"trojan", "trojan app.test", "trojan app.test 10.0.0.1", "trojan app.test 10.0.0.1:80 more"} {
		if err := new(Trojan).UnmarshalCaddyfile(caddyfile.NewTestDispenser(wrong)); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}

func TestThisGoKeepsClearTextWhereItIsSought(t *testing.T) {
	if err := checkInput(); err != nil {
		t.Error(err)
	}
}

func TestATrojanClientIsRelayedWhereverItsHeaderIsCut(t *testing.T) {
	daemon := newDaemon(t)
	address := serve(t, daemon.address)
	for cut := range headerBytes {
		said := []string{header[:cut], header[cut:] + "and", " more."}
		if answer := exchange(t, address, "App.test", said...); answer != "daemon" {
			t.Fatalf("cut at %d: %q", cut, answer)
		}
		if heard := <-daemon.heard; heard != strings.Join(said, "") {
			t.Fatalf("cut at %d: %q", cut, heard)
		}
	}
}

var date = regexp.MustCompile(`Date: [^\r]*`)

func TestEverythingElseIsAnsweredAsWithoutTheWrapper(t *testing.T) {
	wrapped, unwrapped := serve(t, newDaemon(t).address), plain(t)
	page := "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n"
	for name, said := range map[string][]string{
		"nothing": nil, "page": {page}, "byte by byte": strings.Split(page, ""), "two at once": {page + page},
		"two": {page, page}, "one letter": {"g"}, "one digit": {"0"}, "header cut short": {header[:57]},
		"no line end": {header[:56] + "\n\n"}, "capital digit": {"A" + header[1:]}, "short garbage": {"x\r\n\r\n"},
		"preface":   {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
		"too large": {"GET / HTTP/1.1\r\nX: " + strings.Repeat("a", 2<<20) + "\r\n\r\n"}, "digits, then": {"0a", "0a", page},
	} {
		want := date.ReplaceAllString(exchange(t, unwrapped, "app.test", said...), "")
		if found := date.ReplaceAllString(exchange(t, wrapped, "app.test", said...), ""); found != want {
			t.Errorf("%s: %q, and not %q", name, found, want)
		}
	}
}

func TestGarbageIsAnsweredWhileTheClientWaits(t *testing.T) {
	client := dial(t, serve(t, newDaemon(t).address), "app.test", "http/1.1")
	_, _ = io.WriteString(client, "x\r\n")
	if answer, err := io.ReadAll(client); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400 Bad Request") {
		t.Errorf("%q, %v", answer, err)
	}
}

func TestAnotherNameIsCaddyS(t *testing.T) {
	address := serve(t, newDaemon(t).address)
	if answer := exchange(t, address, "www.test", header); !strings.HasPrefix(answer, "HTTP/1.1 400 Bad Request") {
		t.Errorf("%q", answer)
	}
}

func TestADaemonThatIsNotThereLeavesItsClientsToCaddy(t *testing.T) {
	free := socket(t)
	_ = free.Close()
	answer := exchange(t, serve(t, free.Addr().String()), "app.test", header)
	if !strings.HasPrefix(answer, "HTTP/1.1 400 Bad Request") {
		t.Errorf("%q", answer)
	}
}

func TestHTTP2SpeaksFirstAndServes(t *testing.T) {
	address := serve(t, newDaemon(t).address)
	client := dial(t, address, "app.test", "h2")
	if size, err := client.Read(make([]byte, 100)); err != nil || size == 0 {
		t.Fatal(size, err)
	}
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		}}
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport, Timeout: patience}).Get("https://app.test/")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if page, _ := io.ReadAll(answer.Body); string(page) != "site" || answer.ProtoMajor != 2 {
		t.Errorf("%q over %s", page, answer.Proto)
	}
}

func TestGarbageInsteadOfAHandshakeIsAnsweredByTheServer(t *testing.T) {
	answers := map[string]string{}
	for name, address := range map[string]string{"wrapped": serve(t, newDaemon(t).address), "plain": plain(t)} {
		client, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_ = client.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(client, "GET / HTTP/1.1\r\n\r\n")
		said, _ := io.ReadAll(client)
		answers[name] = string(said)
		_ = client.Close()
	}
	if answers["wrapped"] != answers["plain"] || !strings.HasPrefix(answers["plain"], "HTTP/1.0 400") {
		t.Errorf("%q", answers)
	}
}

func TestAClientThatHalfClosesGetsTheDaemonSAnswerFirst(t *testing.T) {
	ours, theirs := net.Pipe()
	client := &patient{Ending: relay.Ending{Conn: theirs}, answered: make(chan struct{})}
	_ = ours.Close()
	ended := make(chan error, 1)
	go func() {
		_, err := client.Read(make([]byte, 1))
		ended <- err
	}()
	select {
	case <-ended:
		t.Fatal("the end came before the answer")
	case <-time.After(50 * time.Millisecond):
	}
	_, _ = client.Write([]byte("answer"))
	if err := <-ended; err != io.EOF {
		t.Error(err)
	}
}

func TestARelayOutlivesItsListener(t *testing.T) {
	daemon, inner := newDaemon(t), socket(t)
	config, server := site(t)
	go func() { _ = server.Serve(around(inner, config, daemon.address)) }()
	client := dial(t, inner.Addr().String(), "app.test", "http/1.1")
	_, _ = io.WriteString(client, header)
	time.Sleep(50 * time.Millisecond) // until the header has been read
	if err := server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(client, "late.")
	_ = client.CloseWrite()
	if answer, err := io.ReadAll(client); err != nil || string(answer) != "daemon" || <-daemon.heard != header+"late." {
		t.Errorf("%q, %v", answer, err)
	}
}
