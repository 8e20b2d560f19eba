package main

import (
	"bufio"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	// pause is long enough that the two halves arrive in segments of their own.
	pause   = 40 * time.Millisecond
	timeout = 15 * time.Second
)

// cutting sends the first write, which is the ClientHello, in two segments.
type cutting struct {
	net.Conn
	at   int
	done bool
	size int
}

func (c *cutting) Write(data []byte) (int, error) {
	if c.done || c.at >= len(data) {
		c.size = max(c.size, len(data))
		c.done = true
		return c.Conn.Write(data)
	}
	c.done, c.size = true, len(data)
	if _, err := c.Conn.Write(data[:c.at]); err != nil {
		return 0, err
	}
	time.Sleep(pause)
	_, err := c.Conn.Write(data[c.at:])
	return len(data), err
}

// hello prints a line per name and cut: name, cut, size of the ClientHello, status, SHA-256 of the page.
func hello(arguments []string) error {
	flags := flag.NewFlagSet("hello", flag.ContinueOnError)
	authority := flags.String("ca", "", "root that the server's certificate must lead to")
	address := flags.String("address", "", "HOST:PORT")
	names := flags.String("names", "", "server names, separated by commas")
	cuts := flags.String("cuts", "", "bytes of the first segment, separated by commas")
	classic := flags.Bool("classic", false, "without the post-quantum key share")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	config, err := trusting(*authority, *classic)
	if err != nil {
		return err
	}
	for _, name := range strings.Split(*names, ",") {
		for _, cut := range strings.Split(*cuts, ",") {
			at, err := strconv.Atoi(cut)
			if err != nil {
				return err
			}
			fmt.Println(name, cut, visit(*address, name, at, config.Clone()))
		}
	}
	return nil
}

func trusting(authority string, classic bool) (*tls.Config, error) {
	text, err := os.ReadFile(authority)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{RootCAs: x509.NewCertPool(), NextProtos: []string{"http/1.1"}}
	if !config.RootCAs.AppendCertsFromPEM(text) {
		return nil, errors.New(authority + " holds no certificate")
	}
	if classic {
		config.CurvePreferences = []tls.CurveID{tls.X25519}
	}
	return config, nil
}

func visit(address, name string, cut int, config *tls.Config) string {
	raw, err := net.DialTimeout("tcp", address, timeout)
	if err != nil {
		return err.Error()
	}
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(timeout)) // fails only on a closed connection, which the next call tells
	config.ServerName = name
	split := &cutting{Conn: raw, at: cut}
	connection := tls.Client(split, config)
	if _, err := fmt.Fprintf(connection, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", name); err != nil {
		return err.Error()
	}
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %d %x", split.size, answer.StatusCode, sha256.Sum256(page))
}
