package capture

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// ErrDamaged means that the queue's file is broken. The next [Open] sets the file aside, keeps what can be read of it,
// and goes on with a new one.
var ErrDamaged = errors.New("the capture queue's file is damaged")

// isDamage reports whether an error means that the file is broken.
func isDamage(err error) bool { return sqlitefile.IsDamage(err) || errors.Is(err, ErrDamaged) }

// asidePrefix begins the names of files that were set aside, and of the texts that tell of them.
const asidePrefix = "queue-damaged-"

// databaseSuffixes are what the names of a database's files end with.
var databaseSuffixes = []string{"", "-wal", "-shm"}

// setAside renames the files of a damaged queue. It returns the new name of the database.
func setAside(folder string, now time.Time) (string, error) {
	base := filepath.Join(folder, asidePrefix+now.UTC().Format("20060102T150405.000Z"))
	aside := base + ".db"
	for _, suffix := range databaseSuffixes {
		err := os.Rename(filepath.Join(folder, "queue.db"+suffix), aside+suffix)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("couldn't set the damaged queue aside: %w", err)
		}
	}
	return aside, nil
}

// replace sets the damaged file aside, begins a new one, and puts into it what can be read of the old one. It tells the
// operator in the log and in a text beside the file.
func (s *store) replace(problem error) error {
	s.closeFile()
	now := time.Now()
	aside, err := setAside(s.folder, now)
	if err != nil {
		return err
	}
	if err := s.open(); err != nil {
		return err
	}
	found, err := s.salvage(aside)
	if err != nil {
		return err
	}
	notice := found.notice(aside, now, problem)
	if err := os.WriteFile(strings.TrimSuffix(aside, ".db")+".txt", []byte(notice+"\n"), 0o600); err != nil {
		return fmt.Errorf("couldn't write what happened to the damaged queue: %w", err)
	}
	s.log.Error("the capture queue was damaged", "what", notice)
	return sqlitefile.SyncFolder(s.folder)
}

// notice tells the operator what happened and what to do.
func (f *salvaged) notice(aside string, at time.Time, problem error) string {
	text := fmt.Sprintf("the capture queue's file was found damaged at %s (%v) and set aside as %s; %d unfinished jobs "+
		"were kept", at.UTC().Format(time.RFC3339), problem, aside, len(f.kept))
	if len(f.cut) > 0 {
		text += fmt.Sprintf("; jobs of which records are missing: %s", listed(f.cut))
	}
	if len(f.lost) > 0 {
		text += fmt.Sprintf("; jobs that were not kept: %s", listed(f.lost))
	}
	if len(f.unread) > 0 {
		text += fmt.Sprintf("; a part of the tables %s couldn't be read, so what was captured shortly before may be lost "+
			"without a trace here", strings.Join(f.unread, ", "))
	}
	return text + fmt.Sprintf("; send again what may be missing: what is recorded already counts as a duplicate. "+
		"To look at the old file, use sqlite3 %s .recover. To end this message, delete %s",
		filepath.Base(aside), strings.TrimSuffix(filepath.Base(aside), ".db")+".txt")
}

// listed joins ids, up to a bound.
func listed(ids []string) string {
	const most = 20
	if len(ids) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(ids[:most], ", "), len(ids)-most)
	}
	return strings.Join(ids, ", ")
}

// damageNotice reads the texts that tell of damaged files in a folder.
func damageNotice(folder string) string {
	const most = 4 << 10
	names, err := filepath.Glob(filepath.Join(folder, asidePrefix+"*.txt"))
	if err != nil {
		return ""
	}
	var texts []string
	for _, name := range names {
		if text, err := os.ReadFile(name); err == nil {
			texts = append(texts, strings.TrimSpace(string(text[:min(len(text), most)])))
		}
	}
	return strings.Join(texts, "\n")
}

// salvaged is what could be read of a damaged queue.
type salvaged struct {
	kept, cut, lost []string // the ids of unfinished jobs: whole, with records missing, and not kept at all
	unread          []string // the tables of which a part couldn't be read
	secret          bool     // the secret for transaction ids could be read
}

// salvage copies what can be read of the damaged database into the new one. It reads a copy, because SQLite changes the
// files that it opens.
func (s *store) salvage(aside string) (*salvaged, error) {
	copied := aside + ".reading"
	defer func() {
		for _, suffix := range databaseSuffixes {
			_ = os.Remove(copied + suffix)
		}
	}()
	for _, suffix := range databaseSuffixes[:2] {
		if err := copyFile(aside+suffix, copied+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("couldn't copy the damaged queue: %w", err)
		}
	}
	from, err := sql.Open("sqlite", "file:"+(&url.URL{Path: copied}).EscapedPath()+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, err
	}
	defer from.Close()
	from.SetMaxOpenConns(1)
	old := &wreck{from: from}
	found := old.read()
	if err := <-s.submit(func(tx *sqlitefile.Tx) error { return old.write(tx, found) }); err != nil {
		return nil, fmt.Errorf("couldn't write what was read of the damaged queue: %w", err)
	}
	if found.secret {
		s.secret = old.secret
	}
	return found, nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// wreck is a damaged database and the rows that could be read of it.
type wreck struct {
	from                    *sql.DB
	jobs, parts, packs, txs [][]any
	warnings                [][]any
	secret                  []byte
}

// The columns that decide what is kept, by their places in the rows of their tables.
const (
	jobID, jobBehaviour, jobState, jobTotal = 0, 5, 7, 10
	partID, partJob, partN, partFinished    = 0, 1, 3, 7
	partEntries, partOutcomes               = 5, 6
	batchMembers                            = 4
	warningsJob, warningsList               = 0, 2
)

// read reads the tables and decides which jobs are kept.
func (w *wreck) read() *salvaged {
	found := &salvaged{}
	for _, table := range []struct {
		name, columns string
		rows          *[][]any
	}{
		{"job", "id, owner, identity, msp, function, behaviour, private, state, created, finished, total, recorded, " +
			"duplicate, rejected", &w.jobs},
		{"part", "id, job, first, n, bytes, entries, outcomes, finished", &w.parts},
		{"pack", "part, body, witnesses", &w.packs},
		{"batch", "id, attempt, tx, sent, members", &w.txs},
	} {
		var whole bool
		if *table.rows, whole = w.rows(table.name, table.columns); !whole {
			found.unread = append(found.unread, table.name)
		}
	}
	w.warnings, _ = w.rows("warnings", "job, total, list") // a job without its warnings is a job all the same
	err := w.from.QueryRow("SELECT value FROM meta WHERE name = 'secret'").Scan(&w.secret)
	found.secret = err == nil && len(w.secret) > 0
	w.choose(found)
	return found
}

// rows reads a table from its beginning up to the damage, and then from its end back to it.
func (w *wreck) rows(table, columns string) (all [][]any, whole bool) {
	seen := map[int64]bool{}
	n := strings.Count(columns, ",") + 1
	scan := func(order string) error {
		rows, err := w.from.Query("SELECT rowid, " + columns + " FROM " + table + " NOT INDEXED ORDER BY rowid " + order)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id int64
			row := make([]any, n)
			into := []any{&id}
			for i := range row {
				into = append(into, &row[i])
			}
			if err := rows.Scan(into...); err != nil {
				return err
			}
			if !seen[id] {
				seen[id] = true
				all = append(all, row)
			}
		}
		return rows.Err()
	}
	if scan("ASC") == nil {
		return all, true
	}
	_ = scan("DESC")
	return all, false
}

// choose drops rows that don't hang together. A job that lacks records goes on with the others, unless it is to be
// recorded whole or not at all.
func (w *wreck) choose(found *salvaged) {
	packed := map[any]int{} // how many records the pack of a part has
	for _, p := range w.packs {
		body, _ := p[1].([]byte)
		if bodies, err := record.Unpack(body, record.PackLimits{}); err == nil {
			packed[p[0]] = len(bodies)
		}
	}
	parts, open, records := map[any][][]any{}, map[any]bool{}, map[any]int64{}
	for _, p := range w.parts {
		n, _ := p[partN].(int64)
		entries, _ := p[partEntries].([]byte)
		outcomes, _ := p[partOutcomes].(string)
		pending := p[partFinished] == int64(0)
		it := &part{n: int(n)}
		if it.decode(entries, outcomes) != nil || pending && packed[p[partID]] != len(it.packed) {
			continue
		}
		job := p[partJob]
		parts[job], records[job], open[job] = append(parts[job], p), records[job]+n, open[job] || pending
	}
	var jobs, kept [][]any
	for _, j := range w.jobs {
		id, _ := j[jobID].(string)
		whole := records[j[jobID]] == j[jobTotal]
		switch state := j[jobState]; {
		case state == int64(rowOpen):
			continue // nobody was told that it is taken
		case state == int64(rowRunning) && (!open[j[jobID]] || !whole && j[jobBehaviour] == string(Rollback)):
			found.lost = append(found.lost, id)
			continue
		case state == int64(rowRunning) && !whole:
			found.cut = append(found.cut, id)
			j[jobTotal] = records[j[jobID]]
		case state == int64(rowRunning):
			found.kept = append(found.kept, id)
		case !whole:
			j[jobTotal] = records[j[jobID]]
		}
		jobs, kept = append(jobs, j), append(kept, parts[j[jobID]]...)
	}
	w.jobs, w.parts = jobs, kept
	w.keepWarnings()
	w.keepPending()
}

// keepWarnings drops the warnings of jobs that aren't kept, and those that can't be read.
func (w *wreck) keepWarnings() {
	jobs := map[any]bool{}
	for _, j := range w.jobs {
		jobs[j[jobID]] = true
	}
	w.warnings = slices.DeleteFunc(w.warnings, func(row []any) bool {
		text, _ := row[warningsList].(string)
		return !jobs[row[warningsJob]] || json.Unmarshal([]byte(text), new([]record.Problem)) != nil
	})
}

// keepPending drops the packs of parts that are not pending, and transactions that carry anything else than pending
// records. The records of a transaction that is dropped are sent in a new one, unless the ledger has them.
func (w *wreck) keepPending() {
	pending := map[int64]*part{}
	for _, p := range w.parts {
		if p[partFinished] != int64(0) {
			continue
		}
		n, _ := p[partN].(int64)
		id, _ := p[partID].(int64)
		entries, _ := p[partEntries].([]byte)
		outcomes, _ := p[partOutcomes].(string)
		it := &part{id: id, n: int(n)}
		if it.decode(entries, outcomes) == nil {
			pending[id] = it
		}
	}
	var packs, txs [][]any
	for _, p := range w.packs {
		if id, ok := p[0].(int64); ok && pending[id] != nil {
			packs = append(packs, p)
		}
	}
	for _, b := range w.txs {
		text, _ := b[batchMembers].(string)
		var members []memberRow
		good := json.Unmarshal([]byte(text), &members) == nil && len(members) > 0
		for _, m := range members {
			p := pending[m.Part]
			good = good && p != nil
			for _, i := range m.Items {
				good = good && i >= 0 && i < p.n && p.outcomes[i] == nil
			}
		}
		if good {
			txs = append(txs, b)
		}
	}
	w.packs, w.txs = packs, txs
}

// write puts the rows into a new database.
func (w *wreck) write(tx *sqlitefile.Tx, found *salvaged) error {
	for _, table := range []struct {
		name string
		rows [][]any
	}{{"job", w.jobs}, {"part", w.parts}, {"pack", w.packs}, {"batch", w.txs}, {"warnings", w.warnings}} {
		for _, row := range table.rows {
			marks := strings.TrimSuffix(strings.Repeat("?,", len(row)), ",")
			if _, err := tx.Exec("INSERT INTO "+table.name+" VALUES ("+marks+")", row...); err != nil {
				return fmt.Errorf("%s: %w", table.name, err)
			}
		}
	}
	if !found.secret {
		return nil
	}
	_, err := tx.Exec("UPDATE meta SET value = ? WHERE name = 'secret'", w.secret)
	return err
}
