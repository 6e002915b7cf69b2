package browser

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// axe-core is the checker of accessibility that browsers' own tools use. It is fetched once, into the user's cache, and
// must be the very file that this hash names.
const (
	axeURL       = "https://registry.npmjs.org/axe-core/-/axe-core-4.14.1.tgz"
	axeIntegrity = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
	axeMost      = 16 << 20 // bytes
)

// axe is the script, or why it can't be had.
var axe = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "pedigree", filepath.Base(axeURL))
	archive, err := os.ReadFile(file)
	if err != nil {
		if archive, err = fetch(axeURL); err != nil {
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

func fetch(from string) ([]byte, error) {
	c := &http.Client{Timeout: time.Minute}
	r, err := c.Get(from)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", from, r.Status)
	}
	return io.ReadAll(io.LimitReader(r.Body, axeMost))
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
