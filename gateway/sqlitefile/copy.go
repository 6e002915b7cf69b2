package sqlitefile

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
)

// Copy copies a file as it is at one moment. Another process may have it open and write it meanwhile. The copy must not
// exist yet. Copy also checks it.
func Copy(ctx context.Context, from, to string) error {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: from}).EscapedPath()+"?mode=rw&_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return fmt.Errorf("couldn't copy %s: %w", from, err)
	}
	made, err := sql.Open("sqlite", "file:"+(&url.URL{Path: to}).EscapedPath()+"?mode=ro")
	if err != nil {
		return err
	}
	defer made.Close()
	var found string
	if err := made.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found); err != nil {
		return fmt.Errorf("couldn't check the copy of %s: %w", from, err)
	}
	if found != "ok" {
		return fmt.Errorf("the copy of %s: %w: %s", from, ErrDamaged, found)
	}
	return nil
}
