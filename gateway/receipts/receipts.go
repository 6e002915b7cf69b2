// Package receipts keeps the receipts that a gateway has made, so that it needn't make them again.
//
// A [Folder] has one file for each record. Each file is a complete proof file that can be verified without the gateway.
// The folder is a cache: when it is full the oldest receipts are removed, and a lost receipt can be requested again.
package receipts

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// DefaultBytes is the size above which a folder removes its oldest receipts.
const DefaultBytes = 256 << 20

const ending = ".proof"

// Folder is a folder of receipts. It is safe for concurrent use by one process.
type Folder struct {
	path string
	most int64

	mu    sync.Mutex
	order []string // hexadecimal digits of record ids, the oldest receipt first
	sizes map[string]int64
	total int64
}

// Open opens a folder, and makes it if it doesn't exist.
func Open(path string) (*Folder, error) { return open(path, DefaultBytes) }

func open(path string, most int64) (*Folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("couldn't make the folder of receipts: %w", err)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("couldn't read the folder of receipts: %w", err)
	}
	f := &Folder{path: path, most: most, sizes: map[string]int64{}}
	age := map[string]int64{}
	for _, e := range entries {
		digits, ok := strings.CutSuffix(e.Name(), ending)
		if _, err := record.ParseID("ni:///sha-256;" + digits); !ok || err != nil {
			continue // the rest of an interrupted Put; the next one overwrites it
		}
		info, err := e.Info()
		if err != nil {
			continue
		}
		f.order = append(f.order, digits)
		f.sizes[digits], age[digits] = info.Size(), info.ModTime().UnixNano()
		f.total += info.Size()
	}
	slices.SortFunc(f.order, func(a, b string) int { return cmp.Compare(age[a], age[b]) })
	return f, f.evict()
}

func (f *Folder) file(digits string) string { return filepath.Join(f.path, digits+ending) }

// Get finds the receipt of a record.
func (f *Folder) Get(id record.ID) (text []byte, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.sizes[id.Hex()]; !ok {
		return nil, false
	}
	text, err := os.ReadFile(f.file(id.Hex()))
	return text, err == nil
}

// Put stores the receipt of a record in place of an older one. The file's content is on disk when Put returns.
func (f *Folder) Put(id record.ID, text []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	digits := id.Hex()
	if err := replace(f.file(digits), text); err != nil {
		return err
	}
	f.total += int64(len(text)) - f.sizes[digits]
	f.sizes[digits] = int64(len(text))
	f.order = append(slices.DeleteFunc(f.order, func(d string) bool { return d == digits }), digits)
	return f.evict()
}

// evict removes the oldest receipts until the rest fits, but always keeps the newest one.
func (f *Folder) evict() error {
	for f.total > f.most && len(f.order) > 1 {
		digits := f.order[0]
		if err := os.Remove(f.file(digits)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("couldn't remove an old receipt: %w", err)
		}
		f.order = f.order[1:]
		f.total -= f.sizes[digits]
		delete(f.sizes, digits)
	}
	return nil
}

// replace writes a file so that a crash leaves either the old content or the new one.
func replace(path string, text []byte) error {
	file, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		_ = os.Remove(path + ".new")
		return err
	}
	return os.Rename(path+".new", path)
}
