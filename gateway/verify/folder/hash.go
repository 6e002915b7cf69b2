package folder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
)

// DefaultShard is the size of shards in bytes. A large file is hashed in shards, so that several processors can work on
// it.
const DefaultShard = 1_000_000_000

// buffer is how much of a file is read at a time: it stays in a processor's cache between the disk and the hash.
const buffer = 256 << 10

// Hashing says how files are hashed.
type Hashing struct {
	// New makes the hash. Optional. If nil, SHA-256.
	New func() hash.Hash
	// Shard returns the size of a file's shards, or 0 to hash the file as a whole. Optional. If nil, 0 for every file.
	Shard func(name string, size int64) int64
	// Workers is how many files or shards are hashed at a time. If 0, as many as there are processors.
	Workers int
	// Cache has digests of files that haven't changed. Only Manifest uses it. Optional.
	Cache *Cache
	// Notice is called some times a second, and once at the end. Optional.
	Notice func(Progress)
}

// Progress is how far hashing is.
type Progress struct {
	Files, AllFiles int
	Bytes, AllBytes int64
	Reused          int // files whose digests were known
	Since           time.Duration
}

// Sum is the digests of a file.
type Sum struct {
	ShardSize int64    // 0 if it was hashed as a whole
	Digests   [][]byte // one, or one for each shard
}

// Hash hashes all files, and then makes sure that nothing has changed since
// Open. The sums are in the order of Names.
func (f *Folder) Hash(ctx context.Context, h Hashing) ([]Sum, error) {
	return f.hash(ctx, h, make([]Sum, len(f.files)))
}

// hash hashes those files whose sums aren't there yet.
func (f *Folder) hash(ctx context.Context, h Hashing, sums []Sum) ([]Sum, error) {
	if h.New == nil {
		h.New = sha256.New
	}
	r := run{f: f, h: h, sums: sums, left: make([]int32, len(sums))}
	r.progress.AllFiles, r.progress.AllBytes = len(f.files), f.Size()
	for i := range sums {
		if sums[i].Digests != nil {
			r.progress.Reused++
			r.files.Add(1)
			r.bytes.Add(f.files[i].size)
		}
	}
	stop := r.report(time.Now())
	defer stop()
	workers := h.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	group, working := errgroup.WithContext(ctx)
	for range workers {
		group.Go(func() error { return r.work(working) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return sums, f.unchanged(ctx)
}

// run is one hashing of a folder.
type run struct {
	f        *Folder
	h        Hashing
	progress Progress // what doesn't change
	bytes    atomic.Int64
	files    atomic.Int64

	mu    sync.Mutex
	next  int     // file
	shard int     // of it
	sums  []Sum   // each worker fills its own places
	left  []int32 // shards of a file that aren't hashed yet
}

// piece is what one worker does at a time: a file, or a shard of one.
type piece struct {
	file, shard int
	from, to    int64
}

// take gives out the next piece.
func (r *run) take() (piece, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.shard == 0 && r.next < len(r.sums) && r.sums[r.next].Digests != nil {
		r.next++
	}
	if r.next == len(r.sums) {
		return piece{}, false
	}
	size, sum := r.f.files[r.next].size, &r.sums[r.next]
	if r.shard == 0 {
		shards := 1
		if r.h.Shard != nil {
			sum.ShardSize = max(0, r.h.Shard(r.f.files[r.next].name, size))
		}
		if sum.ShardSize > 0 {
			shards = max(1, int((size+sum.ShardSize-1)/sum.ShardSize))
		}
		sum.Digests = make([][]byte, shards)
		r.left[r.next] = int32(shards)
	}
	p := piece{file: r.next, shard: r.shard, to: size}
	if sum.ShardSize > 0 {
		p.from = int64(r.shard) * sum.ShardSize
		p.to = min(size, p.from+sum.ShardSize)
	}
	if r.shard++; r.shard == len(sum.Digests) {
		r.next, r.shard = r.next+1, 0
	}
	return p, true
}

func (r *run) work(ctx context.Context) error {
	room := make([]byte, buffer)
	sum := r.h.New()
	for {
		p, ok := r.take()
		if !ok {
			return nil
		}
		sum.Reset()
		small := p.from == 0 && r.f.files[p.file].size <= maxPointer
		err := r.f.read(p.file, p.from, p.to, room, func(data []byte) error {
			if small && isPointer(data) {
				r.f.pointers.add(r.f.files[p.file].name)
			}
			sum.Write(data)
			r.bytes.Add(int64(len(data)))
			return ctx.Err()
		})
		var changed *Changed
		if errors.As(err, &changed) {
			return err
		}
		if err != nil {
			return fmt.Errorf("couldn't hash %q: %w", r.f.files[p.file].name, plainly(err))
		}
		r.sums[p.file].Digests[p.shard] = sum.Sum(nil)
		if atomic.AddInt32(&r.left[p.file], -1) == 0 {
			r.files.Add(1)
		}
	}
}

// report tells how far the run is, now and then, until stopped.
func (r *run) report(began time.Time) (stop func()) {
	if r.h.Notice == nil {
		return func() {}
	}
	tell := func() {
		p := r.progress
		p.Files, p.Bytes, p.Since = int(r.files.Load()), r.bytes.Load(), time.Since(began)
		r.h.Notice(p)
	}
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(150 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				tell()
			case <-ended:
				tell()
				return
			}
		}
	}()
	return func() { close(ended); <-done }
}

// Manifest hashes a folder as the ledger needs it: with SHA-256, and large files in shards. It ignores h.New and
// h.Shard.
func (f *Folder) Manifest(ctx context.Context, h Hashing) (manifest.Manifest, error) {
	h.New, h.Shard = nil, func(_ string, size int64) int64 {
		if size > DefaultShard {
			return DefaultShard
		}
		return 0
	}
	if h.Cache == nil {
		return f.manifest(ctx, h, nil)
	}
	m, err := f.manifest(ctx, h, h.Cache.known(f))
	if err == nil {
		h.Cache.keep(f, m)
	}
	return m, err
}

// Against hashes a folder for a comparison with a manifest. It hashes each file in shards of the manifest's size. It
// reads everything, and uses no cache.
func (f *Folder) Against(ctx context.Context, want manifest.Manifest, h Hashing) (manifest.Manifest, error) {
	h.New, h.Shard = nil, func(name string, size int64) int64 {
		listed, ok := want.Find(name)
		switch {
		case ok && len(listed.Shards) == 0:
			return 0
		case ok && size > listed.ShardSize:
			return listed.ShardSize
		case !ok && size > DefaultShard:
			return DefaultShard
		}
		return 0
	}
	return f.manifest(ctx, h, nil)
}

func (f *Folder) manifest(ctx context.Context, h Hashing, known []Sum) (manifest.Manifest, error) {
	if known == nil {
		known = make([]Sum, len(f.files))
	}
	sums, err := f.hash(ctx, h, known)
	if err != nil {
		return manifest.Manifest{}, err
	}
	m := manifest.Manifest{Files: make([]manifest.File, len(sums)), Ignore: f.ignore}
	for i, sum := range sums {
		listed := manifest.File{Name: f.files[i].name, Size: f.files[i].size}
		if len(sum.Digests) == 1 {
			listed.SHA256 = hex.EncodeToString(sum.Digests[0])
		} else {
			listed.ShardSize = sum.ShardSize
			for _, digest := range sum.Digests {
				listed.Shards = append(listed.Shards, hex.EncodeToString(digest))
			}
		}
		m.Files[i] = listed
		sums[i].Digests = nil // a folder of millions of files has them in memory once
	}
	return m, nil
}

// Digest hashes a single file as a whole: what sha256sum prints.
func (f *Folder) Digest(ctx context.Context, h Hashing) (string, error) {
	if f.single == "" {
		return "", fmt.Errorf("%s is a folder; its digest is that of its manifest", f.path)
	}
	h.New, h.Shard = nil, nil
	sums, err := f.Hash(ctx, h)
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(sums[0].Digests[0]), nil
}
