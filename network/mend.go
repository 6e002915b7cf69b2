package network

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/network/pin"
)

// mend copies the source of the modules that have mends from the module cache, which has compared it with go.sum,
// applies the mends to the copies, and has the build take the copies. The go command takes no overlay of files in the
// module cache.
func (b *builder) mend() error {
	mod := slices.Clone(pin.Mod)
	for _, module := range []string{pin.Module, pin.SmartBFT} {
		from, err := b.moduleDir(module)
		if err != nil {
			return err
		}
		name := path.Base(module)
		if err := copySource(from, filepath.Join(b.source, name)); err != nil {
			return fmt.Errorf("couldn't copy the source of %s: %w", name, plainly(err))
		}
		mod = fmt.Appendf(mod, "\nreplace %s => ./%s\n", module, name)
	}
	for _, mend := range pin.Mends {
		if err := b.apply(mend); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(b.source, "go.mod"), mod, 0o644); err != nil {
		return fmt.Errorf("couldn't write the build's go.mod: %w", plainly(err))
	}
	return nil
}

// apply makes one mend in the copies.
func (b *builder) apply(mend pin.Mend) error {
	place := filepath.Join(b.source, path.Base(mend.Module), filepath.FromSlash(mend.File))
	var pinned []byte
	if !mend.Adds() {
		var err error
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
	return nil
}

// moduleDir is where the go command keeps the source of a module, which it fetches if need be.
func (b *builder) moduleDir(module string) (string, error) {
	if _, err := b.run([]string{"mod", "download", module}, func(line string) { b.sawDownload(line) }); err != nil {
		return "", err
	}
	dir, err := b.run([]string{"list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module}, func(string) {})
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
