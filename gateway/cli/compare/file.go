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

// File is the index file of a gateway that doesn't run, as far as it has to be known to tell whether another equals it.
type File struct {
	path        string
	height      uint64
	fingerprint string
	damage      string // why it can't be read

	met bool // the rebuilt index has had this height
}

// OpenFile reads the index file of a gateway, without changing it: it is copied into the folder work first.
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

// checkFile has SQLite look at a whole file: the rows that are compared later aren't all of it. It returns what is
// wrong.
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

// ends tells whether a batch ends at the height of the index that is compared.
func (c *File) ends(batch []index.Block) bool {
	return c != nil && batch[len(batch)-1].Number+1 == c.height
}

// finding is what the comparison came to, nil if the index equals the rebuilt one.
func (c *File) finding(height uint64) *audit.Finding {
	detail := c.damage
	switch {
	case c.damage != "":
	case c.height > height:
		detail = fmt.Sprintf("it has %d blocks, and only %d were audited", c.height, height)
	case !c.met && c.height < height:
		detail = fmt.Sprintf(
			"it has %d blocks, and the rebuilt index had more already; begin with a new --index or --state",
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
