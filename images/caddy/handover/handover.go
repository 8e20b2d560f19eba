// Package handover gives a daemon that may not read Caddy's storage the certificates that Caddy has obtained.
//
// For each name there is NAME.pem, which holds chain and key together, so that one rename changes both and a crash
// leaves a whole pair; NAME.key is a symbolic link to it. sing-box takes a change of either file for a change of that
// half alone (common/tls/std_server.go), so the link is renewed after the pair to have the key read again.
package handover

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	interval = 2 * time.Second
	// settle is longer than the 100 ms that sing-box waits for further writes (sagernet/fswatch), so that it has read
	// the certificate before it is told of the key.
	settle = time.Second
	// shared is for the owner and the group that the reader is in.
	shared = 0o640
)

// errNone says that Caddy has not obtained the certificate yet.
var errNone = errors.New("there is none")

// Options are what is handed over, and where.
type Options struct {
	// From is the folder of one issuer in Caddy's storage; it holds NAME/NAME.crt and NAME/NAME.key
	// (github.com/caddyserver/certmagic storage.go).
	From string
	// To is the folder that the reader mounts.
	To string
	// Names are the server names.
	Names []string
}

// IsWhole tells whether all three are given, or none.
func (chosen Options) IsWhole() bool {
	given := chosen.From != ""
	return given == (chosen.To != "") && given == (len(chosen.Names) > 0)
}

// Run hands over each new certificate until the process ends, and logs what it did and what it could not do.
func Run(chosen Options) {
	said := map[string]string{}
	told := map[string]bool{}
	for ; ; time.Sleep(interval) {
		for _, name := range chosen.Names {
			changed, err := chosen.hand(name, settle, told[name])
			told[name] = err == nil
			text := outcome(name, changed, err)
			if text != "" && text != said[name] {
				log.Print(text)
			}
			said[name] = text
		}
	}
}

func outcome(name string, changed bool, err error) string {
	switch {
	case errors.Is(err, errNone):
		return fmt.Sprintf("there is no certificate for %s yet", name)
	case err != nil:
		return fmt.Sprintf("the certificate for %s is not handed over: %v", name, err)
	case changed:
		return fmt.Sprintf("a certificate for %s was handed over at %s", name, time.Now().UTC().Format(time.RFC3339))
	}
	return ""
}

// hand brings the name's pair up to date. told says that the reader knows of the pair that is there: after a start it
// may not, because the last run may have ended between the two steps.
func (chosen Options) hand(name string, pause time.Duration, told bool) (changed bool, err error) {
	pair, err := chosen.obtained(name)
	if err != nil {
		return false, err
	}
	at, link := filepath.Join(chosen.To, name+".pem"), filepath.Join(chosen.To, name+".key")
	present, err := os.ReadFile(at)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	linked := isLink(link)
	if told && linked && bytes.Equal(present, pair) {
		return false, nil
	}
	if !linked {
		// What a deploy put there first is a file with the same pair; as a link it follows the rename below.
		if err := renewLink(link); err != nil {
			return false, err
		}
	}
	if changed = !bytes.Equal(present, pair); changed {
		if err := replace(at, pair); err != nil {
			return false, err
		}
	}
	time.Sleep(pause)
	return changed, renewLink(link)
}

// obtained returns the pair in Caddy's storage if it is one that a server may show for the name now.
func (chosen Options) obtained(name string) ([]byte, error) {
	base := filepath.Join(chosen.From, name, name)
	chain, err := os.ReadFile(base + ".crt")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNone
	}
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(base + ".key")
	if err != nil {
		return nil, err
	}
	// Caddy stores key and certificate one after the other; until both are new they do not match.
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, err
	}
	if err := pair.Leaf.VerifyHostname(name); err != nil {
		return nil, err
	}
	if now := time.Now(); now.Before(pair.Leaf.NotBefore) || now.After(pair.Leaf.NotAfter) {
		return nil, fmt.Errorf("it is valid from %s to %s only", pair.Leaf.NotBefore, pair.Leaf.NotAfter)
	}
	return append(append(chain, '\n'), key...), nil
}

func isLink(path string) bool {
	found, err := os.Lstat(path)
	return err == nil && found.Mode()&fs.ModeSymlink != 0
}

// renewLink makes NAME.key a new link to NAME.pem, by a rename, so that at no time there is none.
func renewLink(path string) error {
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(strings.TrimSuffix(filepath.Base(path), ".key")+".pem", temporary); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// replace writes a file so that it is the old one or the new one whenever the machine stops.
func replace(path string, text []byte) (err error) {
	temporary := path + ".new"
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, shared)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
