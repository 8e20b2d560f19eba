package main

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	// RFC 9000 section 14.1: a server drops an Initial in a smaller datagram.
	initialBytes = 1200
	// RFC 9000 section 15: versions of this form are reserved to force a version negotiation.
	reservedVersion = "\x1a\x2a\x3a\x4a"
	pageBytes       = 1 << 20
)

// checkHTTP wants a status below 400, and TEXT in the page if --contains is given.
func checkHTTP(arguments []string) error {
	flags := flag.NewFlagSet("http", flag.ContinueOnError)
	contains := flags.String("contains", "", "text that the page must hold")
	host := flags.String("host", "", "Host header, if not the URL's")
	if err := flags.Parse(arguments[1:]); err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodGet, arguments[0], nil)
	if err != nil {
		return err
	}
	request.Host = *host
	answer, err := (&http.Client{Timeout: timeout}).Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("status %s", answer.Status)
	}
	page, err := io.ReadAll(io.LimitReader(answer.Body, pageBytes))
	if err == nil && !strings.Contains(string(page), *contains) {
		err = fmt.Errorf("the page does not hold %q", *contains)
	}
	return err
}

// checkTCP wants every HOST:PORT to accept.
func checkTCP(arguments []string) error {
	for _, address := range arguments {
		connection, err := net.DialTimeout("tcp", address, timeout)
		if err != nil {
			return err
		}
		if err := connection.Close(); err != nil {
			return err
		}
	}
	return nil
}

// checkTLS wants a certificate for every NAME; whether it leads to a root is for those to judge who trust some.
func checkTLS(arguments []string) error {
	dialer := &net.Dialer{Timeout: timeout}
	for _, name := range arguments[1:] {
		config := &tls.Config{ServerName: name, InsecureSkipVerify: true}
		connection, err := tls.DialWithDialer(dialer, "tcp", arguments[0], config)
		if err != nil {
			return fmt.Errorf("no certificate for %s: %w", name, err)
		}
		shown := connection.ConnectionState().PeerCertificates[0]
		_ = connection.Close()
		if err := shown.VerifyHostname(name); err != nil {
			return fmt.Errorf("no certificate for %s: %w", name, err)
		}
	}
	return nil
}

// checkQUIC sends an Initial of a reserved version and wants a Version Negotiation packet (RFC 9000 section 6).
func checkQUIC(arguments []string) error {
	connection, err := net.DialTimeout("udp", arguments[0], timeout)
	if err != nil {
		return err
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	if _, err := connection.Write(initial()); err != nil {
		return err
	}
	answer := make([]byte, initialBytes)
	length, err := connection.Read(answer)
	if err != nil {
		return err
	}
	// RFC 9000 section 17.2.1: a long header with version 0.
	if length < 7 || answer[0]&0x80 == 0 || !bytes.Equal(answer[1:5], []byte{0, 0, 0, 0}) {
		return errors.New("the answer is no version negotiation")
	}
	return nil
}

func initial() []byte {
	packet := append([]byte{0xc0}, reservedVersion...)
	for range 2 { // destination and source connection ids
		id := make([]byte, 8)
		_, _ = rand.Read(id) // never fails (crypto/rand)
		packet = append(append(packet, byte(len(id))), id...)
	}
	return append(packet, make([]byte, initialBytes-len(packet))...)
}
