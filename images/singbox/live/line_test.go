package live

import (
	"fmt"
	"net"
	"testing"
	"time"
)

const lineDelay = 20 * time.Millisecond

// line is a way to a TCP port that takes its time: sing-box's client of Shadowsocks 2022 notes what the answer must repeat
// only after it has asked (sing-shadowsocks2 v0.2.1, shadowaead_2022/method.go, writeRequest), and refuses an earlier one.
func line(t *testing.T, port int) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", port))
			if err != nil {
				_ = near.Close()
				continue
			}
			go pass(near, far, 0)
			go pass(far, near, lineDelay)
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

func pass(from, to net.Conn, delay time.Duration) {
	defer func() { _, _ = from.Close(), to.Close() }()
	buffer := make([]byte, 1<<15)
	for {
		length, err := from.Read(buffer)
		if err != nil {
			return
		}
		time.Sleep(delay)
		if _, err := to.Write(buffer[:length]); err != nil {
			return
		}
	}
}
