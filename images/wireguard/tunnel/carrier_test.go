package main

import (
	"net"
	"testing"

	gorilla "github.com/gorilla/websocket"
	chshare "github.com/jpillora/chisel/share"
	"github.com/jpillora/chisel/share/cnet"
	"github.com/jpillora/chisel/share/settings"
	"golang.org/x/crypto/ssh"
)

const endpoint = "172.20.0.14:51820"

func newRunningCarrier(t *testing.T) (*carrier, string) {
	t.Helper()
	made, err := newCarrier("http://127.0.0.1:1", endpoint)
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	if err := made.start(address, make(chan error, 1)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = made.server.Close() })
	return made, address
}

// opens signs in as chisel's client does, and asks for a target; the first result is whether it was let in at all.
func opens(t *testing.T, address, name, password, target string) (admitted, opened bool) {
	t.Helper()
	dialer := gorilla.Dialer{Subprotocols: []string{chshare.ProtocolVersion}}
	plain, answer, err := dialer.Dial("ws://"+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	defer func() { _ = plain.Close() }()
	client, channels, requests, err := ssh.NewClientConn(cnet.NewWebSocketConn(plain), "", &ssh.ClientConfig{
		User: name, Auth: []ssh.AuthMethod{ssh.Password(password)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		ClientVersion: "SSH-" + chshare.ProtocolVersion + "-client"})
	if err != nil {
		return false, false
	}
	go ssh.DiscardRequests(requests)
	go func() {
		for channel := range channels {
			_ = channel.Reject(ssh.Prohibited, "")
		}
	}()
	remote, err := settings.DecodeRemote("127.0.0.1:1:" + target)
	if err != nil {
		t.Fatal(err)
	}
	config := settings.EncodeConfig(settings.Config{Version: chshare.BuildVersion, Remotes: settings.Remotes{remote}})
	opened, _, err = client.SendRequest("config", true, config)
	return true, opened && err == nil
}

func TestWithoutUsersNobodyIsLetIn(t *testing.T) {
	_, address := newRunningCarrier(t)
	for _, name := range []string{"", "nobody", "u7"} {
		if admitted, _ := opens(t, address, name, "", endpoint); admitted {
			t.Errorf("%q was let in", name)
		}
	}
}

func TestAUserReachesWireGuardAndNothingElse(t *testing.T) {
	carrier, address := newRunningCarrier(t)
	carrier.admit(map[string]string{"u7": "right"})
	if admitted, _ := opens(t, address, "u7", "wrong", endpoint+"/udp"); admitted {
		t.Error("a wrong password was taken")
	}
	if _, opened := opens(t, address, "u7", "right", endpoint+"/udp"); !opened {
		t.Error("the user does not reach WireGuard")
	}
	for _, target := range []string{"172.20.0.14:8020", "172.20.0.1:51820", "172x20.0.14:51820", "172.20.0.14:5182"} {
		if admitted, opened := opens(t, address, "u7", "right", target); !admitted || opened {
			t.Errorf("%s: admitted %v, opened %v", target, admitted, opened)
		}
	}
}

func TestARemovedUserIsNotLetInAgain(t *testing.T) {
	carrier, address := newRunningCarrier(t)
	carrier.admit(map[string]string{"u7": "right", "u8": "other"})
	carrier.admit(map[string]string{"u8": "other"})
	if admitted, _ := opens(t, address, "u7", "right", endpoint+"/udp"); admitted {
		t.Error("u7 was let in")
	}
	if _, opened := opens(t, address, "u8", "other", endpoint+"/udp"); !opened {
		t.Error("u8 was not let in")
	}
}
