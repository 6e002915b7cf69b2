package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// NewestVersionOf is the version of an artifact that was registered last with a digest, whatever its algorithm. It is
// empty if there is none.
func (ix *Index) NewestVersionOf(
	ctx context.Context, kind, namespace, name, digest string,
) (version string, err error) {
	err = ix.row(ctx, `SELECT version FROM artifact WHERE kind = ? AND namespace = ? AND name = ?
		AND digest = ? ORDER BY record DESC LIMIT 1`, kind, namespace, name, strings.ToLower(digest)).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("couldn't look for the newest version: %w", err)
	}
	return version, nil
}

// DatedVersion is a version of an artifact and when it came into being.
type DatedVersion struct {
	Version string
	// At is when the run that generated it ended, by the run's own word. Of a version that no run says it has generated,
	// and of one whose run doesn't say when it was, At is when it was registered.
	At time.Time
	// Generated tells whether At is the word of a run.
	Generated bool
}

// DatedVersions lists the versions of an artifact that were registered last, the newest first, at most limit of them.
func (ix *Index) DatedVersions(
	ctx context.Context, kind, namespace, name string, limit int,
) ([]DatedVersion, error) {
	type row struct {
		node, tx int64
		version  string
	}
	var rows []row
	err := ix.each(ctx, `SELECT a.node, n.tx, a.version FROM artifact a JOIN node n ON n.id = a.record
		WHERE a.kind = ? AND a.namespace = ? AND a.name = ? ORDER BY a.record DESC LIMIT ?`,
		[]any{kind, namespace, name, limit}, func(r *sql.Rows) error {
			var one row
			err := r.Scan(&one.node, &one.tx, &one.version)
			rows = append(rows, one)
			return err
		})
	if err != nil || len(rows) == 0 {
		return nil, wrapVersions(err)
	}
	snap, err := ix.Snapshot(ctx, Latest)
	if err != nil {
		return nil, err
	}
	nodes, txs := make([]int64, 0, len(rows)), make([]int64, 0, len(rows))
	for _, r := range rows {
		nodes, txs = append(nodes, r.node), append(txs, r.tx)
	}
	generated, err := ix.generated(ctx, nodes, snap)
	if err != nil {
		return nil, wrapVersions(err)
	}
	recordings, err := ix.recordings(ctx, txs)
	if err != nil {
		return nil, err
	}
	versions := make([]DatedVersion, len(rows))
	for i, r := range rows {
		v := DatedVersion{Version: r.version, At: recordings[r.tx].Time}
		if at := generated[r.node]; at != 0 {
			v.At, v.Generated = fromMicros(at), true
		}
		versions[i] = v
	}
	return versions, nil
}

// generated finds when each node was generated, in microseconds, as the first run says that generated it.
func (ix *Index) generated(ctx context.Context, nodes []int64, snap Snapshot) (map[int64]int64, error) {
	nodes = slices.Clone(nodes)
	slices.Sort(nodes)
	links, err := ix.LinksTo(ctx, slices.Compact(nodes), snap)
	at := map[int64]int64{}
	for _, l := range links {
		if _, known := at[l.Node]; l.Role == RoleGenerated && !known {
			at[l.Node] = l.Time
		}
	}
	return at, err
}

// Generator finds the activity that was the first to say that it has generated an artifact version. It is empty if
// there is none.
func (ix *Index) Generator(ctx context.Context, ref string) (string, error) {
	list, err := ix.Activities(ctx, ActivityFilter{Generated: ref}, Latest, Page{Size: 1})
	if err != nil || len(list.Items) == 0 {
		return "", wrapVersions(err)
	}
	return list.Items[0].ID, nil
}

func wrapVersions(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("couldn't look for versions: %w", err)
}
