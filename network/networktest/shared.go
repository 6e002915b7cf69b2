// Package networktest is the network of real processes that the tests of a package share.
package networktest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/pedigree-ledger/pedigree/network"
	"github.com/pedigree-ledger/pedigree/test/program"
)

// Shared is a network that the first test which wants it starts. The zero value is ready for use.
type Shared struct {
	once    sync.Once
	dir     string
	network *network.Network
	err     error
}

// Main runs the tests of a package, stops the network if one of them started it, and returns the exit code. It is for
// TestMain.
func (s *Shared) Main(m *testing.M) int {
	code := m.Run()
	if s.network != nil {
		if err := s.network.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
	return code
}

// Network returns the network. A test in short mode is skipped.
func (s *Shared) Network(t testing.TB) *network.Network {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts a network")
	}
	s.once.Do(func() { s.err = s.start() })
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.network
}

func (s *Shared) start() (err error) {
	if s.dir, err = os.MkdirTemp("", "networktest"); err != nil {
		return err
	}
	executable, err := program.Build("github.com/pedigree-ledger/pedigree", s.dir)
	if err != nil {
		return err
	}
	s.network, err = network.Start(context.Background(), network.Options{
		Dir: filepath.Join(s.dir, "network"), Executable: executable, Out: os.Stderr,
	})
	return err
}
