package compare

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/sqlite"
	"github.com/pedigree-ledger/pedigree/gateway/verify/audit"
)

// File is the index file of a stopped gateway. It holds what is needed to compare it with a rebuilt index.
type File struct {
	path        string
	height      uint64
	fingerprint string
	damage      string // why the file can't be read, or how it differs; empty if all is well

	met bool // whether the rebuilt index has been compared at this height
}

// OpenFile reads the index file of a gateway. It works on a copy in the folder work, so it doesn't change the file.
func OpenFile(ctx context.Context, path, work string) (*File, error) {
	c := &File{path: path}
	copied := filepath.Join(work, "gateway-index.db")
	for _, suffix := range []string{"", "-wal"} {
		err := copyFile(path+suffix, copied+suffix)
		if err != nil && (suffix == "" || !errors.Is(err, fs.ErrNotExist)) {
			return nil, invalid("couldn't read the gateway's index: %w", err)
		}
	}
	if c.damage = checkFile(ctx, copied); c.damage != "" {
		return c, ctx.Err()
	}
	ix, err := sqlite.Open(copied, index.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		c.damage = err.Error()
		return c, nil
	}
	defer ix.Close()
	if why := ix.Rebuilding(); why != "" {
		return nil, invalid("couldn't compare the gateway's index: %s", strings.ReplaceAll(why, copied, path))
	}
	c.height = ix.Height()
	if c.fingerprint, err = ix.Fingerprint(ctx); err != nil {
		c.damage = err.Error()
	}
	return c, ctx.Err()
}

// checkFile has SQLite check the integrity of the whole file, because the later comparison doesn't cover all of it. It
// returns what is wrong, or "".
func checkFile(ctx context.Context, path string) string {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err.Error()
	}
	defer db.Close()
	var answer string
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&answer); err != nil {
		return err.Error()
	}
	if answer != "ok" {
		return answer
	}
	return ""
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// ends reports whether a batch ends at the height of the file.
func (c *File) ends(batch []index.Block) bool {
	return c != nil && batch[len(batch)-1].Number+1 == c.height
}

// finding returns the result of the comparison, or nil if the file equals the rebuilt index. height is the height of
// the rebuilt index.
func (c *File) finding(height uint64) *audit.Finding {
	detail := c.damage
	switch {
	case c.damage != "":
	case c.height > height:
		detail = fmt.Sprintf("it covers %d blocks, but only %d were audited", c.height, height)
	case !c.met && c.height < height:
		detail = fmt.Sprintf(
			"it covers %d blocks, but the rebuilt index already had more; use a new --index or --state",
			c.height,
		)
	}
	if detail == "" {
		return nil
	}
	return &audit.Finding{Code: IndexDiffers, Detail: c.path + ": " + detail}
}

func invalid(format string, args ...any) error {
	return &audit.InvalidError{Err: fmt.Errorf(format, args...)}
}
