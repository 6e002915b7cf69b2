// Package program builds the program for tests that run it as its users do.
package program

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Build builds the program of the module whose root is given, into a folder, and returns where it is.
func Build(root, into string) (string, error) {
	path := filepath.Join(into, "pedigree")
	if err := Command("go", "build", "-o", path, root).Run(); err != nil {
		return "", fmt.Errorf("couldn't build the program: %w", err)
	}
	return path, nil
}

// Look looks at every file that may be part of the program. A test must do so that runs it.
//
// The go command takes a test's result from its cache if the test's own binary and the files that its tests looked at are
// as they were. It doesn't see what another process builds, nor what is done before the tests begin; and that packages are
// imported isn't enough, for what a test doesn't call isn't linked into it.
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

// Command shows what it says on standard error: setting up can take minutes the first time.
func Command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	return c
}

// FreePorts finds a base port with the ports after it, which gateways listen on, free.
func FreePorts() int {
	for base := 20000 + os.Getpid()%20000; ; base += 10 {
		free := true
		for port := base + 1; port <= base+3; port++ {
			l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port))
			if err != nil {
				free = false
				break
			}
			l.Close()
		}
		if free {
			return base
		}
	}
}
