// Command probe answers whether a daemon works, by using it: as a container's health check it needs no shell.
//
//	probe http URL [--contains TEXT] [--host NAME] --and tcp HOST:PORT --and quic HOST:PORT
//	probe tls HOST:PORT NAME [NAME ...]
//
// It exits 0 if every check passes, else 1 with one line that says why.
package main

import (
	"fmt"
	"os"
	"time"
)

// A check must end long before Docker's own timeout, or its line of explanation is lost.
const timeout = 3 * time.Second

var checks = map[string]func(arguments []string) error{
	"http": checkHTTP,
	"tcp":  checkTCP,
	"tls":  checkTLS,
	"quic": checkQUIC,
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	for _, words := range split(arguments) {
		if len(words) < 2 || checks[words[0]] == nil {
			return fmt.Errorf("%q is no check; use http, tcp, tls or quic with its target", words)
		}
		if err := checks[words[0]](words[1:]); err != nil {
			return fmt.Errorf("%s %s: %w", words[0], words[1], err)
		}
	}
	return nil
}

func split(arguments []string) [][]string {
	parts := [][]string{nil}
	for _, word := range arguments {
		if word == "--and" {
			parts = append(parts, nil)
			continue
		}
		last := len(parts) - 1
		parts[last] = append(parts[last], word)
	}
	return parts
}
