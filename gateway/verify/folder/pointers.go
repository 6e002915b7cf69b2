package folder

import (
	"bytes"
	"maps"
	"slices"
	"sync"
)

// maxPointer is the most bytes that a pointer of Git LFS may have, by its specification.
const maxPointer = 1024

// pointerStarts are the first lines of pointers: of Git LFS, and of what it was called before.
var pointerStarts = [][]byte{
	[]byte("version https://git-lfs.github.com/spec/v1"),
	[]byte("version https://hawser.github.com/spec/v1"),
}

// isPointer tells whether a small file is a pointer of Git LFS: it says which bytes belong in its place, and isn't
// them. See https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md.
func isPointer(content []byte) bool {
	return slices.ContainsFunc(pointerStarts, func(start []byte) bool { return bytes.HasPrefix(content, start) }) &&
		bytes.Contains(content, []byte("\noid sha256:"))
}

// pointers are the names of the pointers that were read. Workers add to it at the same time.
type pointers struct {
	mu    sync.Mutex
	names map[string]bool
}

func (p *pointers) add(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.names == nil {
		p.names = map[string]bool{}
	}
	p.names[name] = true
}

func (p *pointers) has(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.names[name]
}

// Pointers are the files that are pointers of Git LFS, in order, as far as the folder has been hashed. Their digests
// are those of the pointers, and not of the content that they stand for.
func (f *Folder) Pointers() []string {
	f.pointers.mu.Lock()
	defer f.pointers.mu.Unlock()
	return slices.Sorted(maps.Keys(f.pointers.names))
}
