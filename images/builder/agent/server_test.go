package agent

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

type exchange struct{ method, path, token, body string }

func ask(t *testing.T, server *httptest.Server, asked exchange) (code int, body string) {
	t.Helper()
	request, err := http.NewRequest(asked.method, server.URL+asked.path, strings.NewReader(asked.body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", asked.token)
	answer, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func serving(t *testing.T, engine Engine) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(authorised("right", New(engine, file(t)).routes()))
	t.Cleanup(server.Close)
	return server
}

const right = "Bearer right"

func TestAStrangerGetsNothingAndChangesNothing(t *testing.T) {
	engine := newFake()
	server := serving(t, engine)
	for _, token := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "right", "bearer right", "Bearer rightly"} {
		for _, asked := range []exchange{
			{"GET", "/status", token, ""}, {"GET", "/traffic", token, ""}, {"GET", "/", token, ""},
			{"PUT", "/users", token, `{"revision": "e.1", "users": [{"name": "u1", "secrets": {"trojan": "a"}}]}`},
		} {
			if code, body := ask(t, server, asked); code != 401 {
				t.Errorf("%q %s %s: %d %s", token, asked.method, asked.path, code, body)
			}
		}
	}
	if engine.calls != 0 {
		t.Errorf("the engine heard of it: %s", engine.names())
	}
}

func TestThePanelChangesUsersAndReadsStatusAndTraffic(t *testing.T) {
	engine := newFake()
	server := serving(t, engine)
	for _, step := range []struct {
		asked exchange
		code  int
		part  string
	}{
		{exchange{"GET", "/status", right, ""}, 200, `"revision":""`},
		{exchange{"PATCH", "/users", right,
			`{"base": "", "revision": "e.1", "set": [{"name": "u1", "secrets": {"trojan": "a"}}], "remove": []}`},
			200, `"revision":"e.1"`},
		{exchange{"PATCH", "/users", right, `{"base": "e.7", "revision": "e.8", "remove": ["u1"]}`}, 409, `"revision":"e.1"`},
		{exchange{"PUT", "/users", right, `{"revision": "e.9", "users": [{"name": "u2", "secrets": {"trojan": "b"}}]}`},
			200, `"users":1`},
		{exchange{"GET", "/traffic", right, ""}, 200, `"users":{"u1":{"trojan":{"up":1,"down":2,"open":3}}}`},
	} {
		code, body := ask(t, server, step.asked)
		if code != step.code || !strings.Contains(body, step.part) || !json.Valid([]byte(body)) {
			t.Errorf("%v: %d %s", step.asked, code, body)
		}
	}
	if engine.names() != "u2" {
		t.Errorf("engine %s", engine.names())
	}
}

func TestABodyThatIsNotUnderstoodIsRefusedWithoutRepeatingIt(t *testing.T) {
	engine := newFake()
	server := serving(t, engine)
	for _, step := range []struct {
		asked exchange
		code  int
	}{
		{exchange{"PUT", "/users", right, ""}, 400},
		{exchange{"PUT", "/users", right, "hush"}, 400},
		{exchange{"PUT", "/users", right, `{"revision": "e.1", "users": "hush"}`}, 400},
		{exchange{"PUT", "/users", right, `{"revision": "e.1", "users": [], "password": "hush"}`}, 400},
		{exchange{"PUT", "/users", right, `{"revision": "` + strings.Repeat("x", mostBytes) + `"}`}, 400},
		{exchange{"PUT", "/users", right, `{"revision": "e.1"}`}, 422},
		{exchange{"PATCH", "/users", right, `{"revision": "e.1", "set": [{"name": "U 1", "secrets": {"trojan": "hush"}}]}`}, 422},
		{exchange{"DELETE", "/users", right, ""}, 405},
		{exchange{"GET", "/users", right, ""}, 405},
		{exchange{"GET", "/", right, ""}, 404},
	} {
		code, body := ask(t, server, step.asked)
		if code != step.code || strings.Contains(body, "hush") {
			t.Errorf("%.60v: %d %.200s", step.asked, code, body)
		}
	}
	if engine.calls != 0 {
		t.Errorf("the engine heard of it: %s", engine.names())
	}
}

func TestAnEnginesSilenceIsNotTheAgents(t *testing.T) {
	engine := newFake()
	engine.unheard = errors.New("no answer")
	if code, body := ask(t, serving(t, engine), exchange{"GET", "/traffic", right, ""}); code != 502 {
		t.Errorf("%d %s", code, body)
	}
}

func TestNoAgentStartsWithoutAToken(t *testing.T) {
	path := file(t)
	for _, text := range []string{`{"listen": "127.0.0.1:0", "users": "u"}`, `{"listen": "127.0.0.1:0", "token": 1}`, ""} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Start(newFake(), path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := Start(newFake(), path+".absent"); err == nil {
		t.Error("started without a file")
	}
}
