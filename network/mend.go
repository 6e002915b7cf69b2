package network

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/network/pin"
)

// mend copies Fabric's source from the module cache, which has compared it with go.sum, applies the mends to the copy,
// and has the build take the copy. The go command takes no overlay of files in the module cache.
func (b *builder) mend() error {
	module, err := b.moduleDir()
	if err != nil {
		return err
	}
	into := filepath.Join(b.source, "fabric")
	if err := copySource(module, into); err != nil {
		return fmt.Errorf("couldn't copy Fabric's source: %w", plainly(err))
	}
	for _, mend := range pin.Mends {
		place := filepath.Join(into, filepath.FromSlash(mend.File))
		var pinned []byte
		if !mend.Adds() {
			if pinned, err = os.ReadFile(place); err != nil {
				return fmt.Errorf("couldn't read a file of Fabric: %w", err)
			}
		}
		text, err := mend.Apply(pinned)
		if err != nil {
			return fmt.Errorf("couldn't mend Fabric: %w", err)
		}
		if err := os.WriteFile(place, text, 0o644); err != nil {
			return fmt.Errorf("couldn't write a mended file of Fabric: %w", plainly(err))
		}
	}
	mod := fmt.Appendf(slices.Clone(pin.Mod), "\nreplace %s => ./fabric\n", pin.Module)
	if err := os.WriteFile(filepath.Join(b.source, "go.mod"), mod, 0o644); err != nil {
		return fmt.Errorf("couldn't write the build's go.mod: %w", plainly(err))
	}
	return nil
}

// moduleDir is where the go command keeps Fabric's source, which it fetches if need be.
func (b *builder) moduleDir() (string, error) {
	if _, err := b.run([]string{"mod", "download", pin.Module}, func(line string) { b.sawDownload(line) }); err != nil {
		return "", err
	}
	dir, err := b.run([]string{"list", "-mod=readonly", "-m", "-f", "{{.Dir}}", pin.Module}, func(string) {})
	return strings.TrimSpace(dir), err
}

// notBuilt are folders of Fabric's module that no program is built from.
var notBuilt = []string{"docs", "images", "vagrant", "release_notes"}

// copySource copies what programs are built from. The cache's files are read-only, and the copies aren't.
func copySource(from, into string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		switch {
		case entry.IsDir() && (slices.Contains(notBuilt, name) || entry.Name() == "testdata"):
			return fs.SkipDir
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(into, name), 0o755)
		case strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(into, name), text, 0o644)
	})
}
