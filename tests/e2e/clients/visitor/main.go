// Command visitor looks at the public port in ways that curl cannot.
//
//	visitor hello -ca FILE -address HOST:PORT -names A,B -cuts 1,100 [-classic]
//	visitor dns -server HOST:PORT -name NAME [-socks HOST:PORT] [-padding BYTES]
//	visitor reach [-socks HOST:PORT | -resolver IP:PORT] < TARGETS
//	visitor serve -address HOST:PORT
//	visitor fetch -url URL [-upload BYTES] [-at-most DURATION] [-stall DURATION] [-socks HOST:PORT] [-ca FILE]
//	visitor watch -url URL -for DURATION [-patience DURATION] [-renew COMMAND] [-socks HOST:PORT]
package main

import (
	"fmt"
	"os"
)

var commands = map[string]func(arguments []string) error{
	"hello": hello, "dns": lookUp, "reach": reach, "serve": serve, "fetch": fetch,
	"watch": watch}

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "visitor takes hello, dns, reach, serve, fetch or watch")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
