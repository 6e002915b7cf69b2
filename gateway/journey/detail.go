package journey

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/sensor"
)

// Detail is what only an event's record tells.
type Detail struct {
	Event    canonical.Value
	Hash     string            // CBV event hash id
	Recorded []index.Recording // all recordings of the event, by whoever, the first one first
	Others   []string          // ids of other records that report the same event
	Quantity string            // of the thing, as "700 KGM"; may be empty
	Readings []sensor.Reading
}

// Details reads the details of some steps. Who else recorded them is looked up for those that are to be confirmed; of
// the others, Recorded and Others stay empty.
func (j *Journey) Details(ctx context.Context, ix *index.Index, steps []Step, confirm bool) ([]Detail, error) {
	ids := make([]string, len(steps))
	for i := range steps {
		ids[i] = steps[i].ID
	}
	records, err := ix.RecordsByID(ctx, ids, j.Block)
	if err != nil {
		return nil, err
	}
	details := make([]Detail, len(steps))
	for i, id := range ids {
		r := records[id]
		if r == nil {
			return nil, fmt.Errorf("record %s: %w", id, index.ErrNotFound)
		}
		if details[i], err = j.read(r); err != nil {
			return nil, err
		}
		if confirm {
			if err := j.confirm(ctx, ix, r, &details[i]); err != nil {
				return nil, err
			}
		}
	}
	return details, nil
}

// confirm looks up who else recorded an event, in the same bytes or in others.
func (j *Journey) confirm(ctx context.Context, ix *index.Index, r *index.Record, d *Detail) error {
	var err error
	if d.Recorded, err = ix.Recordings(ctx, r.ID, j.Block); err != nil || d.Hash == "" || d.Event.Has("errorDeclaration") {
		return err
	}
	same, err := ix.EventsByHash(ctx, d.Hash, j.Block)
	if err != nil {
		return err
	}
	for _, other := range same {
		if other.ID != r.ID && !declares(other.Body) {
			d.Others = append(d.Others, other.ID)
			d.Recorded = append(d.Recorded, other.Recording)
		}
	}
	return nil
}

// declares says whether the record of an event declares an error: it has the hash of the event that it is about.
func declares(body []byte) bool {
	v, err := canonical.Parse(body, canonical.Limits{})
	return err == nil && v.Get("event").Has("errorDeclaration")
}

func (j *Journey) read(r *index.Record) (Detail, error) {
	body, err := canonical.Parse(r.Body, canonical.Limits{})
	if err != nil {
		return Detail{}, err
	}
	d := Detail{Event: body.Get("event"), Hash: body.Get("hash").Text}
	for _, m := range epcis.Extract(d.Event, body.Get("context")).Mentions {
		if m.URI == j.Thing && m.Quantity != "" {
			d.Quantity = m.Quantity
			if m.UOM != "" {
				d.Quantity += " " + sensor.Unit(m.UOM)
			}
		}
	}
	d.Readings = sensor.Event(d.Event)
	return d, nil
}

// Measured is what was measured on the way.
type Measured struct {
	Readings []Reading
	Limits   []Limit
	Steps    int    // that were read
	Cut      bool   // there was no time, or no room, for all steps
	Zone     string // eventTimeZoneOffset of all events that have readings, if it is the same; else empty
}

// Reading is a reading, with its event's record.
type Reading struct {
	sensor.Reading
	Record   string
	Recalled bool
}

// Limit is a limit, and who stated it where.
type Limit struct {
	sensor.Limit
	MSPID, Record string
}

// mostReadings bounds what is kept of one thing.
const mostReadings = 100_000

// readAtOnce is how many records are read before the clock is looked at again.
const readAtOnce = 250

// Measure reads what was measured in the steps, until all are read or the patience is at its end: the records of
// events lie packed in transactions, and a thing's events may be in as many as there are.
func (j *Journey) Measure(ctx context.Context, ix *index.Index, patience time.Duration) (*Measured, error) {
	m := &Measured{}
	for _, c := range j.Claims {
		if !c.Retracted {
			for _, l := range sensor.Limits(c.Predicate) {
				m.Limits = append(m.Limits, Limit{l, c.MSPID, c.ID})
			}
		}
	}
	zones := map[string]bool{}
	ends := time.Now().Add(patience)
	for steps := newestFirst(j.Steps); len(steps) > 0; {
		if time.Now().After(ends) || len(m.Readings) >= mostReadings {
			m.Cut = true
			break
		}
		some := steps[:min(len(steps), readAtOnce)]
		steps = steps[len(some):]
		ids := make([]string, len(some))
		for i := range some {
			ids[i] = some[i].ID
		}
		records, err := ix.RecordsByID(ctx, ids, j.Block)
		if err != nil {
			return nil, err
		}
		for i := range some {
			if err := m.read(&some[i], records[ids[i]], zones); err != nil {
				return nil, err
			}
		}
	}
	slices.SortStableFunc(m.Readings, func(a, b Reading) int { return a.Time.Compare(b.Time) })
	if len(zones) == 1 {
		for zone := range zones {
			m.Zone = zone
		}
	}
	return m, nil
}

// read takes in one step.
func (m *Measured) read(s *Step, r *index.Record, zones map[string]bool) error {
	m.Steps++
	if r == nil {
		return nil
	}
	body, err := canonical.Parse(r.Body, canonical.Limits{})
	if err != nil {
		return fmt.Errorf("couldn't read record %s: %w", r.ID, err)
	}
	event := body.Get("event")
	if s.Carrier == "" { // what a carrier is made of says nothing of its load
		for _, l := range sensor.Limits(event.Get("ilmd")) {
			m.Limits = append(m.Limits, Limit{l, s.MSPID, s.ID})
		}
	}
	readings := sensor.Event(event)
	for _, one := range readings {
		m.Readings = append(m.Readings, Reading{one, s.ID, s.Recalled()})
	}
	if len(readings) > 0 {
		zones[event.Get("eventTimeZoneOffset").Text] = true
	}
	return nil
}

func newestFirst(steps []Step) []Step {
	reversed := slices.Clone(steps)
	slices.Reverse(reversed)
	return reversed
}
