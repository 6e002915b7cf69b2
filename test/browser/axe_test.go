package browser

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// axe-core is the checker of accessibility that browsers' own tools use. It is fetched once, into the user's cache, and
// must be the very file that this hash names.
const (
	axePackage   = "axe-core@4.14.1"
	axeFile      = "axe-core-4.14.1.tgz"
	axeIntegrity = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
	axeMost      = 16 << 20 // bytes
)

// axe returns the script, or the error why it isn't available.
var axe = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "pedigree", axeFile)
	archive, err := os.ReadFile(file)
	if err != nil {
		if archive, err = npmPack(axePackage, axeFile); err != nil {
			return nil, err
		}
	}
	if sum := sha512.Sum512(archive); base64.StdEncoding.EncodeToString(sum[:]) != axeIntegrity {
		return nil, errors.Join(fmt.Errorf("%s isn't the file it should be", file), os.RemoveAll(file))
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, archive, 0o644); err != nil {
		return nil, err
	}
	return unpack(archive, "package/axe.min.js")
})

// npmPack makes npm fetch a package from its configured registry and returns the archive. It runs nothing in it.
func npmPack(name, file string) ([]byte, error) {
	folder, err := os.MkdirTemp("", "pedigree-npm-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "npm", "pack", name, "--ignore-scripts", "--pack-destination", folder)
	c.Dir = folder
	if out, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("npm couldn't fetch %s: %w: %s", name, err, out)
	}
	return os.ReadFile(filepath.Join(folder, file))
}

func unpack(archive []byte, name string) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}
	files := tar.NewReader(z)
	for {
		h, err := files.Next()
		if err != nil {
			return nil, fmt.Errorf("the archive has no %s: %w", name, err)
		}
		if h.Name == name {
			return io.ReadAll(io.LimitReader(files, axeMost))
		}
	}
}

// TestPagesAreCheckedForAccessibility is skipped if the checker isn't available. The other tests then run without it.
func TestPagesAreCheckedForAccessibility(t *testing.T) {
	if _, err := axe(); err != nil {
		t.Skip("axe-core can't be had: ", err)
	}
}
