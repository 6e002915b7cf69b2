package state

import (
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// openKeys opens the database of keys. It is a log-structured one because keys come in no order: they are digests. A
// B+tree would write a page of its own for nearly each of them (bbolt took eleven times as long for BenchmarkReplay).
//
// It has no log of its own: after a crash it is as it was when it last wrote out its memory, which ends between two
// batches and is at most syncEvery behind.
func openKeys(dir string, fs vfs.FS) (*pebble.DB, *failure, error) {
	f := &failure{known: make(chan struct{})}
	o := &pebble.Options{
		FS: fs, Logger: f, EventListener: &pebble.EventListener{BackgroundError: f.set},
		FormatMajorVersion: pebble.FormatNewest, DisableWAL: true,
		MemTableSize: 32 << 20, CacheSize: 64 << 20, MaxOpenFiles: 256,
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(
			10,
		) // most ids that are looked up are new
		o.Levels[i].Compression = func() *block.CompressionProfile { return block.NoCompression } // digests don't shrink
	}
	db, err := pebble.Open(dir, o)
	return db, f, err
}

// failure makes a write end if the database can't write. Pebble returns no error then: it tries again for ever, panics
// with its locks held, or calls Fatalf, which is meant to end the program.
type failure struct {
	once  sync.Once
	cause error
	known chan struct{} // closed once cause is set
}

func (f *failure) set(err error) {
	f.once.Do(func() {
		f.cause = fmt.Errorf("the database of the state has failed: %w", err)
		close(f.known)
	})
}

// during calls change, which changes the database. If the database fails meanwhile, during returns the failure without
// waiting for change. After a failure it doesn't call change.
func (f *failure) during(change func() error) error {
	select {
	case <-f.known:
		return f.cause
	default:
	}
	done := make(chan error, 1)
	go func() { done <- change() }()
	select {
	case err := <-done:
		return err
	case <-f.known:
		return f.cause
	}
}

// Infof drops Pebble's messages.
func (*failure) Infof(string, ...any) {}

// Errorf drops Pebble's messages.
func (*failure) Errorf(string, ...any) {}

// Fatalf remembers the failure. It doesn't return, because Pebble relies on that.
func (f *failure) Fatalf(format string, args ...any) {
	f.set(fmt.Errorf(format, args...))
	select {}
}
