package entrance

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"go.uber.org/zap"
)

const (
	patience = 10 * time.Second
	password = "the clients' password"
)

// scripted is a client that says its pieces one by one, then `ending` once, and then that it has ended.
type scripted struct {
	net.Conn
	pieces  [][]byte
	ending  error
	asked   []int // sizes of the reads that were granted
	written []int
	closed  bool
}

func (s *scripted) Read(into []byte) (int, error) {
	if len(s.pieces) == 0 {
		err := s.ending
		s.ending = io.EOF
		return 0, err
	}
	size := copy(into, s.pieces[0])
	s.asked = append(s.asked, size)
	if s.pieces[0] = s.pieces[0][size:]; len(s.pieces[0]) == 0 {
		s.pieces = s.pieces[1:]
	}
	return size, nil
}

func (s *scripted) Write(data []byte) (int, error) {
	s.written = append(s.written, len(data))
	return len(data), nil
}

func (s *scripted) Close() error {
	s.closed = true
	return nil
}

func (*scripted) SetDeadline(time.Time) error { return nil }
func (*scripted) RemoteAddr() net.Addr        { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1} }
func (*scripted) LocalAddr() net.Addr         { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 443} }

func saying(pieces ...[]byte) *scripted { return &scripted{pieces: pieces, ending: io.EOF} }

// helloOf returns the record that a client of Go's TLS begins with.
func helloOf(t *testing.T, name string) []byte {
	t.Helper()
	ours, theirs := net.Pipe()
	go func() {
		_ = tls.Client(theirs, &tls.Config{ServerName: name, InsecureSkipVerify: true}).Handshake()
	}()
	defer ours.Close()
	head := make([]byte, recordHeadBytes)
	if _, err := io.ReadFull(ours, head); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint16(head[3:]))
	if _, err := io.ReadFull(ours, body); err != nil {
		t.Fatal(err)
	}
	return append(head, body...)
}

// signed puts a ShadowTLS client's signature into a hello.
func signed(record []byte) []byte {
	made := append([]byte{}, record...)
	clear(made[sessionIDEnd-signatureBytes : sessionIDEnd])
	sum := hmac.New(sha1.New, []byte(password))
	sum.Write(made[recordHeadBytes:])
	copy(made[sessionIDEnd-signatureBytes:], sum.Sum(nil)[:signatureBytes])
	return made
}

// inRecords cuts a hello's message into records.
func inRecords(record []byte, size int) []byte {
	var made []byte
	for message := record[recordHeadBytes:]; len(message) > 0; {
		part := message[:min(size, len(message))]
		message = message[len(part):]
		made = append(binary.BigEndian.AppendUint16(append(made, record[:3]...), uint16(len(part))), part...)
	}
	return made
}

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"www.test"},
		NotAfter: time.Now().Add(time.Hour)}
	made, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{made}, PrivateKey: private}
}

// daemon is what clients are relayed to.
type daemon struct {
	net.Listener
	t *testing.T
}

func newDaemon(t *testing.T) daemon {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return daemon{listener, t}
}

// hears returns all that the next client says to the daemon.
func (d daemon) hears() []byte {
	d.t.Helper()
	accepted, err := d.Accept()
	if err != nil {
		d.t.Fatal(err)
	}
	defer accepted.Close()
	_ = accepted.SetDeadline(time.Now().Add(patience))
	said, err := io.ReadAll(accepted)
	if err != nil {
		d.t.Fatal(err)
	}
	return said
}

// entranceTo returns an entrance whose two daemons are one.
func entranceTo(d daemon) *Entrance {
	at := d.Addr().String()
	return &Entrance{Reality: &Route{Name: "cdn.test", Upstream: at}, logger: zap.NewNop(),
		ShadowTLS: &Route{Name: "img.test", Upstream: at, Passwords: []string{password}}}
}

// serve shakes hands as a TLS server with a client that comes through the entrance.
func serve(t *testing.T, entrance *Entrance, client *scripted) error {
	t.Helper()
	config := &tls.Config{Certificates: []tls.Certificate{certificate(t)}}
	return tls.Server(&Conn{Conn: client, entrance: entrance}, config).Handshake()
}
