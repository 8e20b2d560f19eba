package entrance

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/pires/go-proxyproto"
)

func TestTheBlockIsRead(t *testing.T) {
	var found Entrance
	block := "entrance {\n\treality cdn.test 10.0.0.1:80\n\tshadowtls img.test 10.0.0.2:81 secret former\n}"
	if err := found.UnmarshalCaddyfile(caddyfile.NewTestDispenser(block)); err != nil {
		t.Fatal(err)
	}
	want := Entrance{Reality: &Route{Name: "cdn.test", Upstream: "10.0.0.1:80"},
		ShadowTLS: &Route{Name: "img.test", Upstream: "10.0.0.2:81", Passwords: []string{"secret", "former"}}}
	if !reflect.DeepEqual(found, want) {
		t.Errorf("%+v", found)
	}
	for _, wrong := range []string{"entrance more", "entrance {\nreality cdn.test\n}", "entrance {\nother a b:1\n}",
		"entrance {\nreality cdn.test 10.0.0.1\n}", "entrance {\nreality cdn.test 10.0.0.1:80 more\n}",
		"entrance {\nshadowtls img.test 10.0.0.1:80\n}"} {
		if err := new(Entrance).UnmarshalCaddyfile(caddyfile.NewTestDispenser(wrong)); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}

func TestAHelloOfRealityIsRelayedWholeWhereverItIsCut(t *testing.T) {
	to := newDaemon(t)
	entrance, hello := entranceTo(to), helloOf(t, "CDN.test")
	for cut := 1; cut < len(hello); cut++ {
		if err := serve(t, entrance, saying(hello[:cut], hello[cut:])); !errors.Is(err, ErrTaken) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		said := bufio.NewReader(bytes.NewReader(to.hears()))
		header, err := proxyproto.Read(said)
		if err != nil || header.SourceAddr.String() != "192.0.2.1:1" || header.DestinationAddr.String() != "192.0.2.2:443" {
			t.Fatalf("cut at %d: %v, %v", cut, header, err)
		}
		if rest, _ := io.ReadAll(said); !bytes.Equal(rest, hello) {
			t.Fatalf("cut at %d: %d bytes of %d", cut, len(rest), len(hello))
		}
	}
}

func TestAHelloInManyRecordsIsRelayedWithWhatFollows(t *testing.T) {
	to := newDaemon(t)
	said := append(inRecords(helloOf(t, "cdn.test"), 7), "and more"...)
	if err := serve(t, entranceTo(to), saying(said)); !errors.Is(err, ErrTaken) {
		t.Fatal(err)
	}
	if heard := to.hears(); !bytes.HasSuffix(heard, said) {
		t.Errorf("%d bytes of %d", len(heard), len(said))
	}
}

func TestASignedHelloOfShadowTLSIsRelayedOnceAndItsRecordingIsCaddyS(t *testing.T) {
	to := newDaemon(t)
	entrance, hello := entranceTo(to), signed(helloOf(t, "img.test"))
	if err := serve(t, entrance, saying(hello[:99], hello[99:])); !errors.Is(err, ErrTaken) {
		t.Fatal(err)
	}
	if !bytes.Equal(to.hears(), hello) {
		t.Error("the daemon heard something else")
	}
	recording := saying(hello)
	if err := serve(t, entrance, recording); errors.Is(err, ErrTaken) || len(recording.written) == 0 {
		t.Errorf("%v, %v", err, recording.written)
	}
}

func TestWhileARotationLastsEitherPasswordSigns(t *testing.T) {
	first := hello{isTLS: true, read: signed(helloOf(t, "img.test"))}
	for _, passwords := range [][]string{{password, "other"}, {"other", password}} {
		if !first.isSigned(passwords) {
			t.Errorf("%v sign nothing", passwords)
		}
	}
	if first.isSigned([]string{"other", "another"}) {
		t.Error("signed by others")
	}
}

func TestEverythingElseIsCaddyS(t *testing.T) {
	entrance := entranceTo(newDaemon(t))
	img := helloOf(t, "img.test")
	for name, said := range map[string][]byte{
		"another name": helloOf(t, "www.test"), "unsigned": img, "signed wrongly": wrongly(img),
		"signed in two records": inRecords(signed(img), 300), "signed for another name": signed(helloOf(t, "www.test"))} {
		client := saying(said)
		if err := serve(t, entrance, client); errors.Is(err, ErrTaken) || len(client.written) == 0 {
			t.Errorf("%s: %v, %v", name, err, client.written)
		}
	}
}

func wrongly(record []byte) []byte {
	made := signed(record)
	made[sessionIDEnd-1] ^= 1
	return made
}

func TestADaemonThatIsNotThereLeavesItsClientsToCaddy(t *testing.T) {
	to := newDaemon(t)
	_ = to.Close()
	client := saying(helloOf(t, "cdn.test"))
	if err := serve(t, entranceTo(to), client); errors.Is(err, ErrTaken) || len(client.written) == 0 {
		t.Errorf("%v, %v", err, client.written)
	}
}

// Whatever a client says, a TLS server behind the entrance reads it in the same pieces, meets the same error and
// answers with as much as one that has the socket itself.
func TestCaddyMeetsWhatItWouldHaveMetAlone(t *testing.T) {
	hello := helloOf(t, "www.test")
	cases := map[string][][]byte{
		"silence": nil, "HTTP": {[]byte("GET / HTTP/1.1\r\n\r\n")}, "SSL 2": {{0x80, 0x2e, 1, 3, 1}}, "one byte": {{22}},
		"record too long": {{22, 3, 1, 0xff, 0xff}}, "message too long": {{22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff}},
		"empty records": {bytes.Repeat([]byte{22, 3, 1, 0, 0}, 40)}, "alerts": {bytes.Repeat([]byte{21, 3, 1, 0, 2, 1, 0}, 40)},
		"alert first":   {append([]byte{21, 3, 1, 0, 2, 1, 0}, hello...)},
		"one a record":  {inRecords(hello, 1)},
		"noise after":   {hello, bytes.Repeat([]byte{7}, 5000)},
		"noise at once": {append(append([]byte{}, hello...), bytes.Repeat([]byte{7}, 5000)...)},
		"wrong length":  {append([]byte{22, 3, 1, 0, 99}, hello[5:]...)},
	}
	for cut := 1; cut < len(hello); cut++ {
		cases[fmt.Sprint("cut at ", cut)] = [][]byte{hello[:cut], hello[cut:]}
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate(t)}}
	for name, pieces := range cases {
		for _, ending := range []error{io.EOF, syscall.ECONNRESET, os.ErrDeadlineExceeded} {
			plain := &scripted{pieces: append([][]byte{}, pieces...), ending: ending}
			looked := &scripted{pieces: append([][]byte{}, pieces...), ending: ending}
			wanted := tls.Server(plain, config).Handshake()
			found := tls.Server(&Conn{Conn: looked, entrance: entranceTo(daemon{Listener: nowhere{}})}, config).Handshake()
			if wanted.Error() != found.Error() || !reflect.DeepEqual(plain.asked, looked.asked) ||
				!reflect.DeepEqual(plain.written, looked.written) {
				t.Errorf("%s, %v: %v %v %v, and not %v %v %v", name, ending, found, looked.asked, looked.written,
					wanted, plain.asked, plain.written)
			}
		}
	}
}

type nowhere struct{ net.Listener }

func (nowhere) Addr() net.Addr { return &net.TCPAddr{} }

func TestClosingLeavesADaemonSConnectionOpen(t *testing.T) {
	client := &scripted{}
	conn := &Conn{Conn: client}
	conn.isTaken.Store(true)
	if err := conn.Close(); err != nil || client.closed {
		t.Error("closed", err)
	}
	conn.isTaken.Store(false)
	if err := conn.Close(); err != nil || !client.closed {
		t.Error("open", err)
	}
}

func TestTimeThatIsSpentIsTakenOffTheFirstTwoDeadlines(t *testing.T) {
	client := &timed{}
	conn, at := &Conn{Conn: client}, time.Now()
	conn.Spend(time.Second)
	for _, deadline := range []time.Time{at, {}, at, at} {
		_ = conn.SetReadDeadline(deadline)
	}
	if want := []time.Time{at.Add(-time.Second), {}, at.Add(-time.Second), at}; !reflect.DeepEqual(client.set, want) {
		t.Error(client.set)
	}
}

type timed struct {
	net.Conn
	set []time.Time
}

func (conn *timed) SetReadDeadline(at time.Time) error {
	conn.set = append(conn.set, at)
	return nil
}

func TestTheOldestIsForgottenAndNoOther(t *testing.T) {
	made := &memory{known: map[[sessionIDBytes]byte]struct{}{}}
	id := func(number int) [sessionIDBytes]byte {
		return [sessionIDBytes]byte{byte(number), byte(number >> 8), byte(number >> 16)}
	}
	for number := range mostSeen + 1 {
		if !made.add(id(number)) {
			t.Fatal(number, "is new")
		}
	}
	if made.add(id(1)) || made.add(id(mostSeen)) || !made.add(id(0)) {
		t.Error("another was forgotten")
	}
}
