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
	// Always the same name, so that what a crash leaves behind is overwritten by the next change.
	fresh, err := os.OpenFile(file.path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = fresh.Write(text)
	if err = errors.Join(err, fresh.Sync(), fresh.Close()); err != nil {
		return err
	}
	if err := os.Rename(fresh.Name(), file.path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(file.path))
}

// syncFolder makes a rename durable (fsync(2)).
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
