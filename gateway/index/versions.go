package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// NewestVersion is the version of an artifact that was registered last. It is empty if there is none.
func (ix *Index) NewestVersion(ctx context.Context, kind, namespace, name string) (string, error) {
	return ix.newestVersion(ctx, `SELECT version FROM artifact WHERE kind = ? AND namespace = ? AND name = ?
		ORDER BY record DESC LIMIT 1`, kind, namespace, name)
}

// NewestVersionOf is the version of an artifact that was registered last with a digest, whatever its algorithm. It is
// empty if there is none.
func (ix *Index) NewestVersionOf(ctx context.Context, kind, namespace, name, digest string) (string, error) {
	return ix.newestVersion(ctx, `SELECT version FROM artifact WHERE kind = ? AND namespace = ? AND name = ?
		AND digest = ? ORDER BY record DESC LIMIT 1`, kind, namespace, name, strings.ToLower(digest))
}

func (ix *Index) newestVersion(ctx context.Context, query string, args ...any) (version string, err error) {
	err = ix.row(ctx, query, args...).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("couldn't look for the newest version: %w", err)
	}
	return version, nil
}
