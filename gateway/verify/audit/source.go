package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"

	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/blockfile"
)

// Source is where blocks come from. It is trusted with nothing but to have them.
type Source interface {
	// Blocks hands on all blocks from a number on, in order, until there are no more or take returns an error, which it
	// returns.
	Blocks(ctx context.Context, from uint64, take func(*common.Block) error) error
	// Share is how much of it has been read, when the next block to audit is the given one: so many of all, in whatever
	// unit; 0 of 0 if it isn't known.
	Share(next uint64) (read, all int64)
	// String says where it is, for people.
	String() string
}

// Damaged is a source that can't be read any further.
type Damaged = blockfile.Damage

// Files are the block files of a stopped peer.
type Files struct {
	// Dir is the folder with blockfile_000000.
	Dir string

	partial    *blockfile.Partial
	read, size atomic.Int64
}

// Blocks reads the files.
func (f *Files) Blocks(ctx context.Context, from uint64, take func(*common.Block) error) error {
	r, err := blockfile.Open(f.Dir)
	if err != nil {
		return unreachable("%w", err)
	}
	defer r.Close()
	f.size.Store(blockfile.Size(f.Dir))
	for ctx.Err() == nil {
		b, err := r.Next()
		f.read.Store(r.Offset())
		if errors.Is(err, io.EOF) {
			f.partial = r.Partial()
			return nil
		}
		if err != nil {
			return err
		}
		if b.GetHeader().GetNumber() < from {
			continue
		}
		if err := take(b); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Share is in bytes.
func (f *Files) Share(uint64) (read, all int64) { return f.read.Load(), f.size.Load() }

// Note tells of an unfinished block at the end, "" if there is none.
func (f *Files) Note() string {
	if f.partial == nil {
		return ""
	}
	return fmt.Sprintf("%s ends within a block, which begins at byte %d and is left out: the peer was killed while it wrote it, or the file was cut off", f.partial.File, f.partial.Offset)
}

func (f *Files) String() string { return "the block files in " + f.Dir }

// UnreachableError says that a source or a peer can't be asked, or answers no more.
type UnreachableError struct{ Err error }

func (e *UnreachableError) Error() string { return e.Err.Error() }
func (e *UnreachableError) Unwrap() error { return e.Err }

// InvalidError says that something an audit was given can't be used: a file, an address or an identity.
type InvalidError struct{ Err error }

func (e *InvalidError) Error() string { return e.Err.Error() }
func (e *InvalidError) Unwrap() error { return e.Err }

func unreachable(format string, args ...any) error {
	return &UnreachableError{fmt.Errorf(format, args...)}
}

func invalid(format string, args ...any) error {
	return &InvalidError{fmt.Errorf(format, args...)}
}
