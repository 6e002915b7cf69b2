// Package program builds the program for tests that run it as its users do.
package program

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/filelock"
)

// Build builds the program of the module at root into a folder and returns its path.
//
// To link it costs more than many tests. So all packages have one built, in the user's cache, where the go command
// links it only if it isn't the program of these sources, and each gets a copy.
func Build(root, into string, flags ...string) (string, error) {
	path := filepath.Join(into, "pedigree")
	kept, release, err := keep(flags)
	if err != nil {
		return "", fmt.Errorf("couldn't find a place for the program: %w", err)
	}
	defer release()
	if err := Command("go", slices.Concat([]string{"build"}, flags, []string{"-o", kept, root})...).Run(); err != nil {
		return "", fmt.Errorf("couldn't build the program: %w", err)
	}
	if err := copyFile(kept, path); err != nil {
		return "", fmt.Errorf("couldn't copy the program: %w", err)
	}
	return path, nil
}

// keep returns the place of the program that was built with some flags. Nobody else builds there before release.
func keep(flags []string) (path string, release func(), err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", nil, err
	}
	folder := filepath.Join(cache, "pedigree", "test")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", nil, err
	}
	path = filepath.Join(folder, strings.Join(append([]string{"pedigree"}, flags...), ""))
	lock, err := filelock.Take(path + ".lock")
	for errors.Is(err, filelock.ErrHeld) {
		<-time.After(100 * time.Millisecond)
		lock, err = filelock.Take(path + ".lock")
	}
	if err != nil {
		return "", nil, err
	}
	return path, func() { _ = lock.Close() }, nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// Look looks at every file that may be part of the program. A test that runs the program must call it.
//
// The go command takes a test's result from its cache if neither the test's own binary nor the files that its tests
// looked at have changed. It doesn't notice what another process builds, nor what happens before the tests begin.
// Importing the packages isn't enough either, because code that a test doesn't call isn't linked into it.
func Look(root string) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name := entry.Name(); path != root && (strings.HasPrefix(name, ".") || name == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(path, "_test.go") || !entry.Type().IsRegular() {
			return nil
		}
		_, err = os.Stat(path)
		return err
	})
}

// Command makes a command that writes its output to standard error. People can see what it does, because setting up can
// take minutes the first time.
func Command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	return c
}
