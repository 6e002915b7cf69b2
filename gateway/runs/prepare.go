package runs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// prepare makes the records of what is new about a run, and makes them durable. It gives nil if the run has to wait for
// another that registers the same version, has changed meanwhile, or has nothing to record.
func (s *Store) prepare(ctx context.Context, id int64) (*undertaking, error) {
	u := &undertaking{id: id}
	var result string
	err := s.db.file.Read.QueryRowContext(ctx, `SELECT run, msp, caller, signer, kind, job_namespace, job_name, result, revision, type
		FROM run WHERE id = ? AND state = ?`, id, stateEnded).
		Scan(&u.run, &u.msp, &u.owner, &u.signer, &u.kind, &u.job.Namespace, &u.job.Name, &result, &u.revision, &u.end)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, stored(err)
	}
	u.before = readOutcome(result)
	p, err := s.plan(ctx, u)
	if errors.Is(err, errDamaged) {
		return nil, s.fail(u, []Problem{{Code: "damaged", Detail: err.Error()}})
	}
	if err != nil {
		return nil, err
	}
	if len(p.problems) > 0 {
		return nil, s.fail(u, p.problems)
	}
	u.records = p.records
	u.before.LeftOut = append(u.before.LeftOut, p.left...)
	u.before.Adjusted = append(u.before.Adjusted, p.notes...)
	u.before.End = p.end
	if len(u.records) == 0 { // it says nothing that isn't on the ledger already
		p.send(slices.Concat(fresh(p.have.read), fresh(p.have.previous), fresh(p.have.made)))
		u.before.Used = union(u.before.Used, p.used)
		if ok, err := s.seal(u, p, nil); !ok || err != nil {
			return nil, err
		}
		return nil, s.finish(u, u.before)
	}
	bodies, bytes := make([][]byte, len(u.records)), 0
	for i, r := range u.records {
		bodies[i] = r.Body
		bytes += len(r.Body)
	}
	if len(bodies) > record.MaxPackRecords || bytes > record.MaxPackBytes {
		return nil, s.fail(u, []Problem{{Code: "too_large", Detail: fmt.Sprintf(
			"the run, what it generated and the inputs of which no version was known are %d records with %d bytes, more than the %d and %d that fit one transaction",
			len(bodies),
			bytes,
			record.MaxPackRecords,
			record.MaxPackBytes,
		)}})
	}
	if !s.claim(u.refs()) {
		return nil, nil
	}
	pack, err := record.Pack(bodies)
	sealed := false
	if err == nil {
		sealed, err = s.seal(u, p, pack)
	}
	if err != nil || !sealed {
		s.release(u.refs())
		return nil, err
	}
	return u, nil
}

// seal makes durable what is going to be sent of a run, unless the run has changed since it was read. Then it is
// false, and the run is looked at again.
func (s *Store) seal(u *undertaking, p *plan, pack []byte) (sealed bool, err error) {
	err = s.db.change(func(tx *sqlitefile.Tx) error {
		result, err := tx.Exec(`UPDATE run SET state = ?, records = ?, result = ?,
			upto = COALESCE((SELECT MAX(id) FROM event WHERE event.run = run.id), 0) WHERE id = ? AND revision = ?`,
			stateRecording, pack, u.before.text(), u.id, u.revision)
		if err != nil {
			return stored(err)
		}
		n, err := result.RowsAffected()
		if sealed = n > 0; !sealed || err != nil {
			return stored(err)
		}
		return p.mark(tx, u.id)
	})
	if err == nil && !sealed {
		s.ring()
	}
	return sealed, err
}

// mark notes which versions of a run are in records now, and which can't be.
func (p *plan) mark(tx *sqlitefile.Tx, run int64) error {
	for _, v := range p.previous {
		if err := dropGuesses(tx, run, usePrevious, v.Identity, math.MaxInt64); err != nil {
			return err
		}
		in := &input{Identity: v.Identity, place: placeOf("", v.series)}
		if err := addPin(tx, run, usePrevious, in, v.dated, false, v.since, v.since); err != nil {
			return err
		}
	}
	for _, m := range p.marks {
		query := "UPDATE pin SET part = ? WHERE run = ? AND use = ? AND namespace = ? AND name = ? AND kind = ? AND artifact = ? AND version = ?"
		args := []any{m.part, run, m.use, m.Namespace, m.Name, m.ref.Kind, m.ref.Namespace + "/" + m.ref.Name,
			m.ref.Version}
		if m.use == useMade {
			query = "UPDATE output SET part = ? WHERE run = ? AND namespace = ? AND name = ? AND version = ?"
			args = []any{m.part, run, m.Namespace, m.Name, m.ref.Version}
		}
		if _, err := tx.Exec(query, args...); err != nil {
			return stored(err)
		}
	}
	return nil
}

// prepared reads the records that were made of a run.
func (s *Store) prepared(ctx context.Context, id int64) (*undertaking, error) {
	u := &undertaking{id: id}
	var pack []byte
	var result string
	if err := s.db.file.Read.QueryRowContext(ctx,
		"SELECT run, msp, caller, signer, kind, records, result FROM run WHERE id = ?", id).
		Scan(&u.run, &u.msp, &u.owner, &u.signer, &u.kind, &pack, &result); err != nil {
		return nil, stored(err)
	}
	u.before = readOutcome(result)
	bodies, err := record.Unpack(pack, record.PackLimits{})
	if err == nil && len(bodies) == 0 {
		err = errors.New("there are none")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: its records can't be read: %w", errDamaged, err)
	}
	for _, body := range bodies {
		r, problems := record.Decode(body)
		if len(problems) > 0 {
			return nil, fmt.Errorf("%w: a record of it can't be read: %s", errDamaged, problems[0].Detail)
		}
		u.records = append(u.records, r)
	}
	return u, nil
}

// plan makes the records of what is new about a run, from what is kept of it and what the index has.
func (s *Store) plan(ctx context.Context, u *undertaking) (*plan, error) {
	events, err := s.eventsOf(ctx, u.id)
	if err != nil {
		return nil, err
	}
	have, err := s.versionsAt(ctx, u.id)
	if err != nil {
		return nil, err
	}
	p := &plan{by: u.msp, end: u.before.End, have: have}
	if u.end == expired {
		p.end = expired
	}
	if err := s.checkInputs(ctx, p, have); err != nil {
		return nil, err
	}
	if err := s.refreshPrevious(ctx, p, have); err != nil {
		return nil, err
	}
	if u.kind == kindDataset {
		return p, s.planVersion(ctx, p, u, events, have)
	}
	known, err := readFacets(s.db.file.Read, u.msp, "job", u.job)
	if err != nil {
		return nil, err
	}
	m := summarise(events, known)
	if m.job = u.job; u.kind == kindRun {
		m.run = u.run
	}
	if err := s.addKept(u.msp, m); err != nil {
		return nil, err
	}
	told := map[openlineage.Identity]canonical.Value{}
	for _, d := range m.outputs {
		told[d.Identity], _ = openlineage.DigestIn(d.Facets)
	}
	for i := range have.made {
		have.made[i].digest = told[have.made[i].Identity]
	}
	have.read, have.made = inOrder(m.inputs, have.read), inOrder(m.outputs, have.made)
	if err := s.checkOutputs(ctx, p, u, have); err != nil {
		return nil, err
	}
	p.planRun(m, u.before, have)
	return p, nil
}

// addKept adds to the outputs the facets that dataset events have brought for their next version.
func (s *Store) addKept(msp string, m *summary) error {
	for i := range m.outputs {
		kept, err := readFacets(s.db.file.Read, msp, "dataset", m.outputs[i].Identity)
		if err != nil {
			return err
		}
		m.outputs[i].Facets = openlineage.Merge(kept, m.outputs[i].Facets)
	}
	return nil
}

// inOrder puts versions in the order in which events named their datasets; those that only facets name come last.
func inOrder(named []openlineage.Dataset, list []version) []version {
	at := make(map[openlineage.Identity]int, len(named))
	for i, d := range named {
		at[d.Identity] = i
	}
	place := func(v version) int {
		if i, ok := at[v.Identity]; ok {
			return i
		}
		return len(named)
	}
	slices.SortStableFunc(list, func(a, b version) int { return place(a) - place(b) })
	return list
}

func (s *Store) eventsOf(ctx context.Context, id int64) ([]*openlineage.Event, error) {
	rows, err := s.db.file.Read.QueryContext(ctx,
		"SELECT body FROM event WHERE run = ? AND late < 2 AND body IS NOT NULL ORDER BY id", id)
	if err != nil {
		return nil, stored(err)
	}
	defer rows.Close()
	var events []*openlineage.Event
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return nil, stored(err)
		}
		v, err := canonical.Parse(body, bodyLimits)
		if err != nil {
			return nil, fmt.Errorf("%w: an event can't be read any more: %w", errDamaged, err)
		}
		e, problems := openlineage.Read(v, openlineage.Lenient)
		if len(problems) > 0 {
			return nil, fmt.Errorf("%w: an event can't be read any more: %s", errDamaged, problems[0].Detail)
		}
		events = append(events, e)
	}
	return events, stored(rows.Err())
}
