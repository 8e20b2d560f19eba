package main

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"stealth-vpn/images/agent/enginetest"
)

// secureOrigin is enginetest's origin behind TLS 1.3, which Vision lets pass unpadded.
func secureOrigin(t *testing.T) net.Addr {
	t.Helper()
	borrowed := httptest.NewTLSServer(http.NotFoundHandler())
	certificates := borrowed.TLS.Certificates
	borrowed.Close()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certificates, MinVersion: tls.VersionTLS13})
	if err != nil {
		t.Fatal(err)
	}
	return enginetest.Serve(t, listener)
}
