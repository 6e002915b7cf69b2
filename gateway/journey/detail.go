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

// Detail is what the walks don't say of an event, so that its record has to be read.
type Detail struct {
	Event    canonical.Value
	Hash     string            // CBV event hash id
	Recorded []index.Recording // the first recording of the event by each organisation, the first one first
	Others   []string          // ids of other records that report the same event
	Quantity string            // of the thing, as "700 KGM"; may be empty
	Readings []sensor.Reading
}

// Details reads the details of some steps. If confirm is true, it also looks up who else recorded their events.
// Otherwise Recorded and Others stay empty.
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

// confirm looks up who else recorded an event, as the same record or as another one.
func (j *Journey) confirm(ctx context.Context, ix *index.Index, r *index.Record, d *Detail) error {
	var err error
	d.Recorded, _, err = ix.FirstRecordings(ctx, r.ID, j.Block, 1)
	if err != nil || d.Hash == "" || d.Event.Has("errorDeclaration") {
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

// declares reports whether an event declares an error. Such an event has the hash of the event that it is about.
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

// Measured has the readings and the limits of a journey.
type Measured struct {
	Readings []Reading
	Limits   []Limit
	Steps    int    // how many steps were read
	Cut      bool   // there was no time, or no room, for all steps
	Zone     string // eventTimeZoneOffset of the events that have readings, if they all have the same; else empty
}

// Reading is a reading of a sensor, and the event's record that has it.
type Reading struct {
	sensor.Reading
	Record string
	Warned bool
}

// Limit is a stated limit, with the organisation and the record that stated it.
type Limit struct {
	sensor.Limit
	MSPID, Record string
}

// mostReadings is how many readings of one thing are kept.
const mostReadings = 100_000

// readAtOnce is how many records are read between two looks at the clock.
const readAtOnce = 250

// Measure reads the readings of the steps until it has read all of them or patience is over. It may take long, because
// records lie packed in transactions, and each event of a thing may be in a transaction of its own.
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

// read adds the readings and limits of one step.
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
	if s.Carrier == "" { // limits in the ilmd of a carrier are not about its load
		for _, l := range sensor.Limits(event.Get("ilmd")) {
			m.Limits = append(m.Limits, Limit{l, s.MSPID, s.ID})
		}
	}
	readings := sensor.Event(event)
	for _, one := range readings {
		m.Readings = append(m.Readings, Reading{one, s.ID, s.Warned()})
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
