package handover

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const name = "q.example.com"

// made returns a self-signed certificate for a name and its key, both PEM.
func made(t *testing.T, name string, serial int64, from, until time.Duration) (chain, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), DNSNames: []string{name},
		NotBefore: time.Now().Add(from), NotAfter: time.Now().Add(until)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// place makes both folders, with what a deploy puts into the second one; the pair there has serial number 1.
func place(t *testing.T) Options {
	t.Helper()
	chosen := Options{From: t.TempDir(), To: t.TempDir(), Names: []string{name}}
	chain, key := made(t, name, 1, -time.Hour, time.Hour)
	for _, half := range []string{".pem", ".key"} {
		write(t, filepath.Join(chosen.To, name+half), append(append([]byte{}, chain...), key...))
	}
	return chosen
}

func (chosen Options) store(t *testing.T, chain, key []byte) {
	t.Helper()
	write(t, filepath.Join(chosen.From, name, name+".crt"), chain)
	write(t, filepath.Join(chosen.From, name, name+".key"), key)
}

// serial reads the pair as sing-box does when it starts: certificate and key by names of their own.
func (chosen Options) serial(t *testing.T) int64 {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(chosen.To, name+".pem"), filepath.Join(chosen.To, name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf.SerialNumber.Int64()
}

func TestANewPairIsHandedOverAndEachLaterOne(t *testing.T) {
	chosen := place(t)
	for serial := int64(2); serial < 5; serial++ {
		chain, key := made(t, name, serial, -time.Hour, time.Hour)
		chosen.store(t, chain, key)
		if changed, err := chosen.hand(name, 0, true); !changed || err != nil {
			t.Fatalf("%v, %v", changed, err)
		}
		if found := chosen.serial(t); found != serial {
			t.Errorf("serial number %d, want %d", found, serial)
		}
	}
	if changed, err := chosen.hand(name, 0, true); changed || err != nil {
		t.Errorf("the same again: %v, %v", changed, err)
	}
}

func TestOnlyTheReadersGroupCanReadBesideTheOwner(t *testing.T) {
	chosen := place(t)
	chain, key := made(t, name, 2, -time.Hour, time.Hour)
	chosen.store(t, chain, key)
	if _, err := chosen.hand(name, 0, true); err != nil {
		t.Fatal(err)
	}
	found, err := os.Stat(filepath.Join(chosen.To, name+".key"))
	if err != nil || found.Mode().Perm() != shared {
		t.Errorf("%v, %v", found.Mode(), err)
	}
}

func TestWhatNoServerMayShowIsNotTaken(t *testing.T) {
	chain, key := made(t, name, 2, -time.Hour, time.Hour)
	_, otherKey := made(t, name, 3, -time.Hour, time.Hour)
	otherName, itsKey := made(t, "t.example.com", 4, -time.Hour, time.Hour)
	old, oldKey := made(t, name, 5, -2*time.Hour, -time.Hour)
	early, earlyKey := made(t, name, 6, time.Hour, 2*time.Hour)
	for fault, halves := range map[string][2][]byte{
		"private key does not match": {chain, otherKey}, "not q.example.com": {otherName, itsKey},
		"it is valid from": {old, oldKey}, "it is valid from 2": {early, earlyKey}, "failed to find": {nil, key},
	} {
		chosen := place(t)
		chosen.store(t, halves[0], halves[1])
		changed, err := chosen.hand(name, 0, true)
		if changed || err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%s: %v, %v", fault, changed, err)
		}
		if found := chosen.serial(t); found != 1 {
			t.Errorf("%s: serial number %d", fault, found)
		}
	}
}

func TestBeforeThereIsAnyCertificateNothingChanges(t *testing.T) {
	chosen := place(t)
	if changed, err := chosen.hand(name, 0, true); changed || !errors.Is(err, errNone) {
		t.Errorf("%v, %v", changed, err)
	}
	if found := chosen.serial(t); found != 1 {
		t.Errorf("serial number %d", found)
	}
}

func TestAPairIsWholeBetweenTheTwoStepsAndAStartTellsTheReaderOfIt(t *testing.T) {
	chosen := place(t)
	chain, key := made(t, name, 2, -time.Hour, time.Hour)
	chosen.store(t, chain, key)
	done := make(chan error, 1)
	go func() {
		_, err := chosen.hand(name, time.Second, true)
		done <- err
	}()
	at := filepath.Join(chosen.To, name+".pem")
	for text := []byte(nil); !bytes.Contains(text, key); text, _ = os.ReadFile(at) {
		time.Sleep(time.Millisecond)
	}
	if found := chosen.serial(t); found != 2 { // what a crash in the pause leaves
		t.Errorf("serial number %d between the two steps", found)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(chosen.To, name+".key")
	before, _ := os.Lstat(link)
	if changed, err := chosen.hand(name, 0, false); changed || err != nil {
		t.Errorf("%v, %v", changed, err)
	}
	if after, err := os.Lstat(link); err != nil || os.SameFile(before, after) {
		t.Errorf("the link was not renewed (%v)", err)
	}
}

func TestAFolderThatCannotBeWrittenIsTold(t *testing.T) {
	chosen := place(t)
	chain, key := made(t, name, 2, -time.Hour, time.Hour)
	chosen.store(t, chain, key)
	chosen.To = filepath.Join(chosen.To, "absent")
	_, err := chosen.hand(name, 0, true)
	if text := outcome(name, false, err); !strings.HasPrefix(text, "the certificate for q.example.com is not handed over") {
		t.Errorf("%q", text)
	}
}
