package journey

import (
	"context"
	"errors"
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

// Details reads the details of some steps.
func (j *Journey) Details(ctx context.Context, ix *index.Index, steps []Step) ([]Detail, error) {
	details := make([]Detail, len(steps))
	for i, s := range steps {
		body, err := ix.Record(ctx, s.ID, j.Block)
		if err != nil {
			return nil, err
		}
		d, err := j.read(body)
		if err != nil {
			return nil, err
		}
		if d.Recorded, err = ix.Recordings(ctx, s.ID, j.Block); err != nil {
			return nil, err
		}
		if d.Hash != "" {
			same, err := ix.EventsByHash(ctx, d.Hash, j.Block)
			if err != nil {
				return nil, err
			}
			for _, other := range same {
				if other.ID != s.ID && !declares(other.Body) && !declares(body.Body) {
					d.Others = append(d.Others, other.ID)
					d.Recorded = append(d.Recorded, other.Recording)
				}
			}
		}
		details[i] = d
	}
	return details, nil
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
	for _, s := range newestFirst(j.Steps) {
		if time.Now().After(ends) || len(m.Readings) >= mostReadings {
			m.Cut = true
			break
		}
		r, err := ix.Record(ctx, s.ID, j.Block)
		if errors.Is(err, index.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		m.Steps++
		body, err := canonical.Parse(r.Body, canonical.Limits{})
		if err != nil {
			return nil, err
		}
		event := body.Get("event")
		if s.Role == Made {
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
	}
	slices.SortStableFunc(m.Readings, func(a, b Reading) int { return a.Time.Compare(b.Time) })
	if len(zones) == 1 {
		for zone := range zones {
			m.Zone = zone
		}
	}
	return m, nil
}

func newestFirst(steps []Step) []Step {
	reversed := slices.Clone(steps)
	slices.Reverse(reversed)
	return reversed
}
