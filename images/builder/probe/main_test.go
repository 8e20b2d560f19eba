package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func expect(t *testing.T, want string, arguments ...string) {
	t.Helper()
	err := run(arguments)
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("%v: %v, want %q", arguments, err, want)
	}
}

func TestHTTPWantsAGoodStatusAndTheText(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		if request.URL.Path == "/missing" || request.Host == "refused.example" {
			http.NotFound(answer, request)
			return
		}
		_, _ = answer.Write([]byte("the cover page"))
	}))
	defer server.Close()
	expect(t, "", "http", server.URL, "--contains", "cover")
	expect(t, "does not hold", "http", server.URL, "--contains", "secret")
	expect(t, "404", "http", server.URL+"/missing")
	expect(t, "404", "http", server.URL, "--host", "refused.example")
}

func TestTCPWantsEveryAddressAndAndJoinsChecks(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	good := listener.Addr().String()
	expect(t, "", "tcp", good, good, "--and", "tcp", good)
	_ = listener.Close()
	expect(t, "refused", "tcp", good)
}

func TestTLSWantsACertificateForEveryName(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler()) // its certificate is for example.com
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "https://")
	expect(t, "", "tls", address, "example.com", "www.example.com")
	expect(t, "no certificate for example.org", "tls", address, "example.com", "example.org")
	server.Close()
	expect(t, "no certificate for example.com: dial", "tls", address, "example.com")
}

func TestAnUnknownCheckIsNamed(t *testing.T) {
	expect(t, "is no check", "icmp", "127.0.0.1")
	expect(t, "is no check", "tcp")
}

// udp answers every datagram of RFC 9000's least size with the given bytes.
func udp(t *testing.T, answer []byte) string {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	go func() {
		for packet := make([]byte, 2*initialBytes); ; {
			length, peer, err := socket.ReadFrom(packet)
			if err != nil {
				return
			}
			if length >= initialBytes && string(packet[1:5]) == reservedVersion {
				_, _ = socket.WriteTo(answer, peer)
			}
		}
	}()
	return socket.LocalAddr().String()
}

func TestQUICWantsAVersionNegotiation(t *testing.T) {
	expect(t, "", "quic", udp(t, []byte{0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}))
	expect(t, "no version negotiation", "quic", udp(t, []byte{0xc0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1}))
}
