package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// contextDigest is the official provider's hash of a build context (pulumi-docker, provider/provider.go, hashContext),
// so that a state made with one fits the other: for the Dockerfile, under a fixed name and without mode, and then for
// each file that is not ignored, in lexical order: name, mode, SHA-256 of the content, and a zero byte.
func contextDigest(context, dockerfile string) (string, error) {
	matcher, err := ignored(context, dockerfile)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	if err := hashFile(sum, dockerfile, "Dockerfile", 0); err != nil {
		return "", err
	}
	parents := map[string]patternmatcher.MatchInfo{}
	err = filepath.WalkDir(context, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == context {
			return err
		}
		name, err := filepath.Rel(context, path)
		if err != nil {
			return err
		}
		skip, found, err := matcher.MatchesUsingParentResults(name, parents[filepath.Dir(name)])
		switch {
		case err != nil:
			return err
		case entry.IsDir() && skip && !matcher.Exclusions():
			return fs.SkipDir
		case entry.IsDir():
			parents[name] = found
			return nil
		case skip:
			return nil
		}
		return hashEntry(sum, path, name, entry)
	})
	return hex.EncodeToString(sum.Sum(nil)), err
}

// ignored reads the file that Docker itself would: <Dockerfile>.dockerignore, else .dockerignore in the context.
func ignored(context, dockerfile string) (*patternmatcher.PatternMatcher, error) {
	for _, path := range []string{dockerfile + ".dockerignore", filepath.Join(context, ".dockerignore")} {
		file, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		defer file.Close()
		patterns, err := ignorefile.ReadAll(file)
		if err != nil {
			return nil, fmt.Errorf("%s cannot be read: %w", path, err)
		}
		return patternmatcher.New(patterns)
	}
	return patternmatcher.New(nil)
}

func hashEntry(sum hash.Hash, path, name string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	return hashFile(sum, path, name, info.Mode())
}

func hashFile(sum hash.Hash, path, name string, mode fs.FileMode) error {
	content := sha256.New()
	switch {
	case mode.Type() == fs.ModeSymlink:
		if err := hashTarget(content, path); err != nil {
			return err
		}
	case mode.IsRegular():
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		if _, err := io.Copy(content, file); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(sum, "%s%s%s\x00", filepath.ToSlash(filepath.Clean(name)), mode, content.Sum(nil))
	return err
}

// hashTarget hashes where a link leads and not what lies there. A link that leads nowhere, at which the official
// provider fails, counts by its own text.
func hashTarget(content hash.Hash, path string) error {
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		target, err = os.Readlink(path)
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(content, filepath.ToSlash(filepath.Clean(target)))
	return err
}
