package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"time"
)

// betweenTries is how long watch waits.
const betweenTries = 50 * time.Millisecond

// try is what watch prints as one line of JSON: moments in seconds since 1970.
type try struct {
	Began float64 `json:"began"`
	Ended float64 `json:"ended"`
	// Fault is empty when the whole answer came.
	Fault string `json:"fault"`
}

// watch asks for a page again and again, each time by a connection of its own, and prints what became of each try.
//
// A program that has given up for a while when it was refused can be told to begin again: -renew is run by a shell
// after each failure.
func watch(arguments []string) error {
	flags := flag.NewFlagSet("watch", flag.ContinueOnError)
	from := flags.String("url", "", "what to ask for")
	socks := flags.String("socks", "", "SOCKS5 server to go through")
	span := flags.Duration("for", 0, "how long to go on")
	patience := flags.Duration("patience", time.Second, "time after which a try has failed")
	renew := flags.String("renew", "", "shell command that is run after each failure")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	client, err := throughProxy(*socks, "")
	if err != nil {
		return err
	}
	client.Timeout = *patience
	client.Transport.(*http.Transport).DisableKeepAlives = true
	output := json.NewEncoder(os.Stdout)
	for end := time.Now().Add(*span); time.Now().Before(end); time.Sleep(betweenTries) {
		made := try{Began: now()}
		if err := fetchWhole(client, *from); err != nil {
			made.Fault = err.Error()
		}
		made.Ended = now()
		if err := output.Encode(made); err != nil {
			return err
		}
		if made.Fault != "" && *renew != "" {
			_ = exec.Command("/bin/sh", "-c", *renew).Run() // the next try tells whether it helped
		}
	}
	return nil
}

func fetchWhole(client *http.Client, from string) error {
	answer, err := client.Get(from)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", answer.Status)
	}
	count, err := io.Copy(io.Discard, answer.Body)
	if err == nil && count != answer.ContentLength {
		err = fmt.Errorf("%d of %d bytes", count, answer.ContentLength)
	}
	return err
}

func now() float64 { return float64(time.Now().UnixMicro()) / 1e6 }
