package runs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/openlineage"
)

// prepare makes the records of a run that has ended, and makes them durable. It gives nil if the run has to wait for
// another that registers the same version, or turns out not to be recordable.
func (s *Store) prepare(ctx context.Context, id int64) (*undertaking, error) {
	u := &undertaking{id: id}
	var kind int
	var job openlineage.Identity
	var result string
	err := s.db.read.QueryRowContext(ctx, "SELECT run, msp, caller, kind, job_namespace, job_name, result FROM run WHERE id = ? AND state = ?", id, stateEnded).
		Scan(&u.run, &u.msp, &u.owner, &kind, &job.Namespace, &job.Name, &result)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, stored(err)
	}
	u.tries = readOutcome(result).Tries
	p, err := s.plan(ctx, u, kind, job)
	if errors.Is(err, errDamaged) {
		return nil, s.fail(id, u.run, []Problem{{Code: "damaged", Detail: err.Error()}})
	}
	if err != nil {
		return nil, err
	}
	if len(p.problems) > 0 {
		return nil, s.fail(id, u.run, p.problems)
	}
	u.records = p.records
	if len(u.records) == 0 { // a dataset event about a version that is registered already
		return nil, s.finish(id, u.run, stateRecorded, outcome{Used: p.used})
	}
	bodies, bytes := make([][]byte, len(u.records)), 0
	for i, r := range u.records {
		bodies[i] = r.Body
		bytes += len(r.Body)
	}
	if len(bodies) > record.MaxPackRecords || bytes > record.MaxPackBytes {
		return nil, s.fail(id, u.run, []Problem{{Code: "too_large", Detail: fmt.Sprintf(
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
	if err == nil {
		err = s.db.change(func(tx *transaction) error {
			_, err := tx.Exec(
				"UPDATE run SET state = ?, records = ?, result = ? WHERE id = ?",
				stateRecording,
				pack,
				outcome{Tries: u.tries}.text(),
				id,
			)
			return stored(err)
		})
	}
	if err != nil {
		s.release(u.refs())
		return nil, err
	}
	return u, nil
}

// prepared reads the records that were made of a run.
func (s *Store) prepared(ctx context.Context, id int64) (*undertaking, error) {
	u := &undertaking{id: id}
	var pack []byte
	var result string
	if err := s.db.read.QueryRowContext(ctx, "SELECT run, msp, caller, records, result FROM run WHERE id = ?", id).Scan(&u.run, &u.msp, &u.owner, &pack, &result); err != nil {
		return nil, stored(err)
	}
	u.tries = readOutcome(result).Tries
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

// plan makes the records of a run from what is kept of it and what the index has.
func (s *Store) plan(ctx context.Context, u *undertaking, kind int, job openlineage.Identity) (*plan, error) {
	events, err := s.eventsOf(ctx, u.id)
	if err != nil {
		return nil, err
	}
	wrong := new(plan)
	pins, err := s.settled(ctx, wrong, `SELECT p.namespace, p.name, p.kind, p.artifact, p.version, p.digest, p.said,
		COALESCE((SELECT r.run FROM output o JOIN run r ON r.id = o.run WHERE o.artifact = p.artifact AND o.version = p.version AND o.kind = p.kind AND r.state = 4 LIMIT 1), '')
		FROM pin p JOIN run me ON me.id = p.run WHERE p.run = ? ORDER BY p.namespace, p.name`, u.id)
	if err != nil {
		return nil, err
	}
	outputs, err := s.settled(
		ctx,
		wrong,
		`SELECT namespace, name, kind, artifact, version, '', 1, '' FROM output WHERE run = ? AND turn > 0 ORDER BY namespace, name`,
		u.id,
	)
	if err != nil || len(wrong.problems) > 0 {
		return wrong, err
	}
	if kind == kindDataset {
		if len(outputs) != 1 || len(events) != 1 {
			return nil, fmt.Errorf(
				"%w: it has %d events and %d outputs, where there should be one of each",
				errDamaged,
				len(events),
				len(outputs),
			)
		}
		outputs[0].digest, _ = openlineage.DigestIn(events[0].Dataset.Facets)
		return s.checked(ctx, planVersion(u.msp, events[0], pins, outputs[0]), outputs)
	}
	known, err := readFacets(s.db.read, u.msp, "job", job)
	if err != nil {
		return nil, err
	}
	m := summarise(events, known)
	if m.end == nil {
		return nil, fmt.Errorf("%w: it has ended, and no event of it says so", errDamaged)
	}
	if err := s.addKept(u.msp, m); err != nil {
		return nil, err
	}
	told := map[openlineage.Identity]canonical.Value{}
	for _, d := range m.outputs {
		told[d.Identity], _ = openlineage.DigestIn(d.Facets)
	}
	for i := range outputs {
		outputs[i].digest = told[outputs[i].Identity]
	}
	pins, outputs = inOrder(m.inputs, pins), inOrder(m.outputs, outputs)
	return s.checked(ctx, planRun(u.msp, m, pins, outputs), outputs)
}

// checked adds to a plan what is wrong with the outputs that are on the ledger already.
func (s *Store) checked(ctx context.Context, p *plan, outputs []version) (*plan, error) {
	for _, v := range outputs {
		if v.known && v.digest.Kind == canonical.Object {
			if err := s.compare(ctx, p, v); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// addKept adds to the outputs the facets that dataset events have brought for their next version.
func (s *Store) addKept(msp string, m *summary) error {
	for i := range m.outputs {
		kept, err := readFacets(s.db.read, msp, "dataset", m.outputs[i].Identity)
		if err != nil {
			return err
		}
		m.outputs[i].Facets = openlineage.Merge(kept, m.outputs[i].Facets)
	}
	return nil
}

// inOrder puts versions in the order in which events named their datasets; those that only facets name come last.
func inOrder(named []openlineage.Dataset, list []version) []version {
	at := make(map[openlineage.Identity]int, len(list))
	for i, v := range list {
		at[v.Identity] = i
	}
	sorted := make([]version, 0, len(list))
	placed := make([]bool, len(list))
	for _, d := range named {
		if i, ok := at[d.Identity]; ok {
			sorted, placed[i] = append(sorted, list[i]), true
		}
	}
	for i, v := range list {
		if !placed[i] {
			sorted = append(sorted, v)
		}
	}
	return sorted
}

func (s *Store) eventsOf(ctx context.Context, id int64) ([]*openlineage.Event, error) {
	rows, err := s.db.read.QueryContext(ctx, "SELECT body FROM event WHERE run = ? AND late = 0 ORDER BY id", id)
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

// settled reads the versions of a run, and whether they are on the ledger.
func (s *Store) settled(ctx context.Context, p *plan, query string, id int64) ([]version, error) {
	rows, err := s.db.read.QueryContext(ctx, query, id)
	if err != nil {
		return nil, stored(err)
	}
	type read struct {
		version
		said   bool
		failed string
	}
	var list []read
	for rows.Next() {
		var r read
		var where, digest string
		if err := rows.Scan(&r.Namespace, &r.Name, &r.ref.Kind, &where, &r.ref.Version, &digest, &r.said, &r.failed); err != nil {
			rows.Close()
			return nil, stored(err)
		}
		r.ref.Namespace, r.ref.Name, _ = strings.Cut(where, "/")
		if digest != "" {
			if r.digest, err = canonical.Parse([]byte(digest), canonical.Limits{}); err != nil {
				rows.Close()
				return nil, fmt.Errorf("%w: a digest can't be read any more: %w", errDamaged, err)
			}
		}
		list = append(list, r)
	}
	if err := rows.Err(); err != nil {
		return nil, stored(err)
	}
	all := make([]version, len(list))
	for i, r := range list {
		v := r.version
		_, _, known, err := s.index.Digest(ctx, v.ref.String())
		if err != nil {
			return nil, fmt.Errorf("couldn't ask the index for %s: %w", v.ref, err)
		}
		switch v.known = known; {
		case known && v.digest.Kind == canonical.Object:
			if err := s.compare(ctx, p, v); err != nil {
				return nil, err
			}
		case !known && !r.said && r.failed != "":
			p.problem(
				"unknown_reference",
				"/used",
				v.ref.String(),
				"%s is what run %s was to generate, and that run can't be recorded; mend it and send its last event again, and then this run's",
				v.ref,
				record.Brief(r.failed),
			)
		case !known && v.ref.Namespace != s.cfg.Namespace:
			v.known = true // whether it is, the ledger will say; it isn't ours to register
		}
		all[i] = v
	}
	return all, nil
}

// compare holds a version that is on the ledger to the digest that a run tells of it.
func (s *Store) compare(ctx context.Context, p *plan, v version) error {
	have, id, found, err := s.index.Digest(ctx, v.ref.String())
	if err != nil {
		return fmt.Errorf("couldn't ask the index for %s: %w", v.ref, err)
	}
	algorithm, value := v.digest.Get("algorithm").Text, v.digest.Get("value").Text
	if found && have.Coverage != "declared" && v.digest.Get("coverage").Text == have.Coverage &&
		have.Algorithm == algorithm &&
		have.Value != value {
		p.problems = append(
			p.problems,
			Problem{Code: "version_exists", Ref: v.ref.String(), Existing: id, Pointer: "/digest/value",
				Detail: fmt.Sprintf(
					"%s is registered with other content: %s %s, and not %s; a version never changes, so give the new content another version",
					v.ref,
					have.Algorithm,
					have.Value,
					value,
				)},
		)
	}
	return nil
}
