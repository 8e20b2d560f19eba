package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"
)

// never is longer than any transfer.
const never = 24 * time.Hour

// measured is what a transfer prints as one line of JSON.
type measured struct {
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
	// LongestGapSeconds is the longest time without a byte, of a download.
	LongestGapSeconds float64 `json:"longestGapSeconds"`
	// LastByte is when the last byte of a download came, in seconds since 1970.
	LastByte float64 `json:"lastByte"`
}

// fetch downloads from, or uploads to, what serve serves. The clock starts when the answer begins, or with the first
// byte sent, so that the time that a connection takes to stand is left out.
func fetch(arguments []string) error {
	flags := flag.NewFlagSet("fetch", flag.ContinueOnError)
	from := flags.String("url", "", "what to ask for")
	socks := flags.String("socks", "", "SOCKS5 server to go through")
	authority := flags.String("ca", "", "root that the server's certificate must lead to")
	upload := flags.Int64("upload", 0, "bytes to send instead of asking for some")
	atMost := flags.Duration("at-most", 0, "time after which a transfer is cut, and is measured as far as it came")
	stall := flags.Duration("stall", 0, "time without a byte after which a download has failed; 0 for none")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	client, err := throughProxy(*socks, *authority)
	if err != nil {
		return err
	}
	var result measured
	if *upload > 0 {
		result, err = put(client, *from, *upload, *atMost)
	} else {
		result, err = get(client, *from, *atMost, *stall)
	}
	return errors.Join(err, json.NewEncoder(os.Stdout).Encode(result))
}

// throughProxy makes a client of HTTP/1.1.
func throughProxy(socks, authority string) (*http.Client, error) {
	transport := &http.Transport{WriteBufferSize: blockSize, ReadBufferSize: blockSize}
	if socks != "" {
		transport.Proxy = http.ProxyURL(&url.URL{Scheme: "socks5", Host: socks})
	}
	if authority != "" {
		config, err := trusting(authority, false)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = config
	}
	return &http.Client{Transport: transport}, nil
}

// get fails when the bytes are not those that serve sends, and tells the place of the first wrong ones.
func get(client *http.Client, from string, atMost, stall time.Duration) (result measured, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return result, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return result, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return result, errors.New(answer.Status)
	}
	watchdog := time.AfterFunc(cmp.Or(stall, never), cancel)
	defer watchdog.Stop()
	began := time.Now()
	last := began
	received, wanted, expected := make([]byte, blockSize), make([]byte, blockSize), &blocks{}
	for {
		count, err := answer.Body.Read(received)
		now := time.Now()
		result.LongestGapSeconds = max(result.LongestGapSeconds, now.Sub(last).Seconds())
		last = now
		if count > 0 {
			watchdog.Reset(cmp.Or(stall, never))
			result.LastByte = float64(now.UnixMicro()) / 1e6
		}
		_, _ = io.ReadFull(expected, wanted[:count]) // blocks never fail
		if !bytes.Equal(received[:count], wanted[:count]) {
			return result, fmt.Errorf("wrong bytes after %d", result.Bytes)
		}
		result.Bytes += int64(count)
		result.Seconds = now.Sub(began).Seconds()
		switch {
		case err == io.EOF, atMost > 0 && now.Sub(began) >= atMost:
			return result, nil
		case err != nil:
			return result, err
		}
	}
}

// sending gives bytes until all are sent or the time is over, and notes when it was first asked.
type sending struct {
	blocks
	count  int64
	atMost time.Duration
	began  time.Time
}

func (body *sending) Read(into []byte) (int, error) {
	if body.began.IsZero() {
		body.began = time.Now()
	}
	late := body.atMost > 0 && time.Since(body.began) >= body.atMost
	if body.at >= body.count || late {
		return 0, io.EOF
	}
	return body.blocks.Read(into[:min(int64(len(into)), body.count-body.at)])
}

func put(client *http.Client, to string, count int64, atMost time.Duration) (result measured, err error) {
	body := &sending{count: count, atMost: atMost}
	answer, err := client.Post(to, "application/octet-stream", body)
	if err != nil {
		return result, err
	}
	defer answer.Body.Close()
	if _, err = fmt.Fscan(answer.Body, &result.Bytes); err != nil {
		return result, fmt.Errorf("%s: %w", answer.Status, err)
	}
	result.Seconds = time.Since(body.began).Seconds()
	if result.Bytes != body.at {
		return result, fmt.Errorf("%d of %d bytes came", result.Bytes, body.at)
	}
	return result, nil
}
