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

// Build builds the program of the module at root into a folder and returns its path.
func Build(root, into string) (string, error) {
	path := filepath.Join(into, "pedigree")
	if err := Command("go", "build", "-o", path, root).Run(); err != nil {
		return "", fmt.Errorf("couldn't build the program: %w", err)
	}
	return path, nil
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

// FreePorts finds a base port such that the ports after it, on which gateways listen, are free.
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
