package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// store is the file that survives restarts. It holds secrets, so only the daemon's user reads it.
type store struct{ path string }

// load returns the users of the last write; none if there was none yet.
func (file store) load() (state, error) {
	empty := state{Users: map[string]User{}}
	text, err := os.ReadFile(file.path)
	if errors.Is(err, fs.ErrNotExist) {
		return empty, nil
	}
	if err != nil {
		return empty, err
	}
	var found state
	if err := json.Unmarshal(text, &found); err != nil || found.Users == nil {
		return empty, fmt.Errorf("%s is damaged; the panel brings the users back (%v)", file.path, err)
	}
	return found, nil
}

// save replaces the file so that a crash at any moment leaves the old or the new users, whole.
func (file store) save(users state) error {
	text, err := json.Marshal(users)
	if err != nil {
		return err
	}
	folder := filepath.Dir(file.path)
	temporary, err := os.CreateTemp(folder, ".users-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // gone already when all went well
	_, err = temporary.Write(text)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary.Name(), file.path); err != nil {
		return err
	}
	return syncFolder(folder)
}

// syncFolder makes a rename durable (fsync(2)).
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
