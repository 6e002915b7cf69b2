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

// Source is where blocks come from. The audit doesn't trust it.
type Source interface {
	// Blocks passes all blocks from a number on to take, in order. If take returns an error, Blocks stops and returns it.
	Blocks(ctx context.Context, from uint64, take func(*common.Block) error) error
	// Share returns how much of the source has been read when next is the next block to audit. The unit is the source's
	// own. Both are 0 if the source doesn't know.
	Share(next uint64) (read, all int64)
	// String describes the source for people.
	String() string
}

// Damaged is an error about a source that can't be read any further.
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

// Share counts bytes.
func (f *Files) Share(uint64) (read, all int64) { return f.read.Load(), f.size.Load() }

// Note describes an unfinished block at the end of the files. It returns "" if there is none.
func (f *Files) Note() string {
	if f.partial == nil {
		return ""
	}
	return fmt.Sprintf("%s ends within a block, which begins at byte %d and is left out: "+
		"the peer was killed while it wrote it, or the file was cut off", f.partial.File, f.partial.Offset)
}

func (f *Files) String() string { return "the block files in " + f.Dir }

// UnreachableError means that a source or a peer can't be reached, or has stopped answering.
type UnreachableError struct{ Err error }

func (e *UnreachableError) Error() string { return e.Err.Error() }
func (e *UnreachableError) Unwrap() error { return e.Err }

// InvalidError means that the caller gave the audit something unusable: a file, an address or an identity.
type InvalidError struct{ Err error }

func (e *InvalidError) Error() string { return e.Err.Error() }
func (e *InvalidError) Unwrap() error { return e.Err }

func unreachable(format string, args ...any) error {
	return &UnreachableError{fmt.Errorf(format, args...)}
}

func invalid(format string, args ...any) error {
	return &InvalidError{fmt.Errorf(format, args...)}
}
