package folder

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
)

// Cache remembers the digests of files, so that files that haven't changed aren't hashed again. It has one file for
// each folder. A file counts as unchanged if its name, device, inode, size, mtime and ctime are the same. The cache
// doesn't remember a file that was written to shortly before it was hashed: the file system's clock may not have ticked
// between two writes.
//
// Whoever can write to the cache can forge digests, so nothing is verified with it. If a cache file can't be read or
// written, it isn't used, and there is no error.
type Cache struct{ dir string }

// NewCache makes a cache in a folder, which is made when it is needed.
func NewCache(dir string) *Cache { return &Cache{dir} }

// UserCache is a cache in the user's folder for such things, or nil if there is none.
func UserCache() *Cache {
	dir, err := os.UserCacheDir()
	if err != nil {
		return nil
	}
	return NewCache(filepath.Join(dir, "pedigree", "digests"))
}

const (
	cacheMagic = "pedigree digests 1\n"
	// settled is how long a file must have been left alone before its stamp says anything: longer than any clock tick that
	// file systems have (two seconds, on FAT), with room for a server whose clock is behind.
	settled = 5 * time.Second
	// forgotten is how long a cache is kept that nobody uses.
	forgotten = 90 * 24 * time.Hour
)

// place is the file for a folder.
func (c *Cache) place(f *Folder) string {
	sum := sha256.Sum256([]byte(f.whole))
	return filepath.Join(c.dir, hex.EncodeToString(sum[:16]))
}

// known finds the sums of files that haven't changed.
func (c *Cache) known(f *Folder) []Sum {
	sums := make([]Sum, len(f.files))
	text, err := os.ReadFile(c.place(f))
	if err != nil || len(text) < len(cacheMagic)+sha256.Size || string(text[:len(cacheMagic)]) != cacheMagic {
		return sums
	}
	body, check := text[:len(text)-sha256.Size], text[len(text)-sha256.Size:]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], check) {
		return sums
	}
	r := cacheReader{rest: body[len(cacheMagic):]}
	if string(r.bytes(r.number())) != f.whole {
		return sums
	}
	i := 0
	for !r.bad && len(r.rest) > 0 {
		name, s, sum := r.entry()
		for i < len(f.files) && f.files[i].name < string(name) {
			i++
		}
		if !r.bad && i < len(f.files) && f.files[i].name == string(name) && f.files[i].stamp == s {
			sums[i] = sum
		}
	}
	if r.bad {
		return make([]Sum, len(f.files))
	}
	return sums
}

// keep writes down what was hashed.
func (c *Cache) keep(f *Folder, m manifest.Manifest) {
	out := []byte(cacheMagic)
	out = binary.AppendUvarint(out, uint64(len(f.whole)))
	out = append(out, f.whole...)
	before := f.began.Add(-settled).UnixNano()
	for i, listed := range m.Files {
		s := f.files[i].stamp
		if s.mtime >= before || s.ctime >= before || s.inode == 0 || f.pointers.has(listed.Name) {
			continue // a pointer is read each time, so that it is reported each time
		}
		out = binary.AppendUvarint(out, uint64(len(listed.Name)))
		out = append(out, listed.Name...)
		for _, n := range []uint64{uint64(s.size), s.device, s.inode, uint64(s.mtime), uint64(s.ctime), uint64(listed.ShardSize), uint64(max(1, len(listed.Shards)))} {
			out = binary.AppendUvarint(out, n)
		}
		for _, digest := range append([]string{listed.SHA256}, listed.Shards...) {
			raw, _ := hex.DecodeString(digest)
			out = append(out, raw...)
		}
	}
	sum := sha256.Sum256(out)
	if err := replaceFile(c.place(f), append(out, sum[:]...)); err == nil {
		c.forget()
	}
}

// replaceFile puts a file in place as a whole.
func replaceFile(place string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(place), 0o700); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(place), "new-*")
	if err != nil {
		return err
	}
	_, err = temporary.Write(text)
	if closeErr := temporary.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temporary.Name(), place)
	}
	if err != nil {
		os.Remove(temporary.Name())
	}
	return err
}

// forget deletes what nobody has used for long.
func (c *Cache) forget() {
	entries, _ := os.ReadDir(c.dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > forgotten {
			os.Remove(filepath.Join(c.dir, e.Name()))
		}
	}
}

// cacheReader reads a cache; bad is set if it isn't one.
type cacheReader struct {
	rest []byte
	bad  bool
}

func (r *cacheReader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *cacheReader) bytes(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *cacheReader) entry() (name []byte, s stamp, sum Sum) {
	name = r.bytes(r.number())
	s = stamp{
		size:   int64(r.number()),
		device: r.number(),
		inode:  r.number(),
		mtime:  int64(r.number()),
		ctime:  int64(r.number()),
	}
	sum.ShardSize = int64(r.number())
	for n := r.number(); n > 0 && !r.bad; n-- {
		sum.Digests = append(sum.Digests, r.bytes(sha256.Size))
	}
	return name, s, sum
}
