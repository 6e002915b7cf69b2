package index

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// EventQuery are the parameters of an EPCIS 2.0 event query (SimpleEventQuery,
// EPCIS 2.0 section 8.2.7). Each that is set narrows the answer; a list
// is met by any of its values. Words, identifiers and locations may come in any
// spelling that EPCIS knows, and are compared in one.
type EventQuery struct {
	EventTypes  []string // ObjectEvent, AggregationEvent, …
	Actions     []string // OBSERVE, ADD, DELETE
	BizSteps    []string
	Disposition []string
	EventIDs    []string

	EventTimeFrom, EventTimeBefore   time.Time // GE_ and LT_eventTime, to the microsecond; zero if not asked
	RecordTimeFrom, RecordTimeBefore time.Time // GE_ and LT_recordTime: the time of the ledger's transaction

	ReadPoints   []string
	BizLocations []string

	// BizTransactions are by type, as in EQ_bizTransaction_po; the type "" means
	// those that have none.
	BizTransactions []TypedQuery

	// Match asks for things: MATCH_epc, MATCH_anyEPC and so on.
	Match []MatchQuery
}

// TypedQuery is one EQ_bizTransaction_<type> parameter.
type TypedQuery struct {
	Type   string
	Values []string
}

// MatchQuery is one MATCH_ parameter: events that name a thing that fits one
// of Values, in one of the fields that the parameter looks at. Values are
// identifiers, or patterns as epcis.ParsePattern reads them.
type MatchQuery struct {
	Parameter string // such as MATCH_anyEPC; see MatchParameters
	Values    []string
}

// matchRoles are the fields that each MATCH_ parameter looks at, from the
// texts of the parameters in the standard's OpenAPI document.
var matchRoles = map[string][]Role{
	"MATCH_epc":            {RoleEPC, RoleChildAdd, RoleChildObserve, RoleChildDelete},
	"MATCH_parentID":       {RoleParent, RoleParentAdd, RoleParentObserve, RoleParentDelete, RoleParentEmptied},
	"MATCH_inputEPC":       {RoleInput},
	"MATCH_outputEPC":      {RoleOutput},
	"MATCH_anyEPC":         {RoleEPC, RoleParent, RoleParentAdd, RoleParentObserve, RoleParentDelete, RoleParentEmptied, RoleChildAdd, RoleChildObserve, RoleChildDelete, RoleInput, RoleOutput},
	"MATCH_epcClass":       {RoleQuantity, RoleChildClassAdd, RoleChildClassObserve, RoleChildClassDelete},
	"MATCH_inputEPCClass":  {RoleInputQuantity},
	"MATCH_outputEPCClass": {RoleOutputQuantity},
	"MATCH_anyEPCClass":    {RoleQuantity, RoleChildClassAdd, RoleChildClassObserve, RoleChildClassDelete, RoleInputQuantity, RoleOutputQuantity},
}

// MatchParameters lists the MATCH_ parameters that a query may have.
func MatchParameters() []string {
	var all []string
	for parameter := range matchRoles {
		all = append(all, parameter)
	}
	slices.Sort(all)
	return all
}

// QueryError says which parameter of a query cannot be understood, and why.
type QueryError struct{ Parameter, Detail string }

func (e *QueryError) Error() string { return e.Parameter + ": " + e.Detail }

// maxValues bounds one parameter's list, as each value may become a search.
const maxValues = 200

// Events lists events in ledger order. Errors are a *QueryError, a *TokenError
// or a *FutureError if the request is at fault.
func (ix *Index) Events(ctx context.Context, q EventQuery, at uint64, page Page) (List[Record], error) {
	q, err := q.normal()
	if err != nil {
		return List[Record]{}, err
	}
	p, err := ix.begin(ctx, "events", q, at, page)
	if err != nil {
		return List[Record]{}, err
	}
	var w where
	if err := w.times(ctx, ix, q, p); err != nil {
		return List[Record]{}, err
	}
	if err := w.shapes(ctx, ix, q); err != nil {
		return List[Record]{}, err
	}
	if err := w.eventIDs(ctx, ix, q.EventIDs, p.snap); err != nil {
		return List[Record]{}, err
	}
	for _, t := range q.BizTransactions {
		if err := w.trades(ctx, ix, t, p); err != nil {
			return List[Record]{}, err
		}
	}
	var sieves []sieve
	for _, m := range q.Match {
		s, err := w.match(ctx, ix, m, p)
		if err != nil {
			return List[Record]{}, err
		}
		if s != nil {
			sieves = append(sieves, *s)
		}
	}
	s := selection{head: `SELECT ` + eventColumns + ` FROM node e`, where: w, order: "e.id"}
	if len(sieves) > 0 {
		return ix.sifted(ctx, p, s, sieves)
	}
	return ix.recordPage(ctx, p, s)
}

// eventColumns are locationColumns of events.
const eventColumns = `e.id, e.kind, e.digest, e.tx, e.pack, e.line`

// normal gives every value of a query its one spelling.
func (q EventQuery) normal() (EventQuery, error) {
	for _, t := range q.EventTypes {
		if position(eventTypes, t) == 0 {
			return q, &QueryError{"eventType", fmt.Sprintf("%q is not an event type; there are %s", record.Brief(t), strings.Join(eventTypes[1:], ", "))}
		}
	}
	for _, a := range q.Actions {
		if position(actions, a) == 0 {
			return q, &QueryError{"EQ_action", fmt.Sprintf("%q is not an action; there are ADD, OBSERVE and DELETE", record.Brief(a))}
		}
	}
	q.BizSteps = spelled(q.BizSteps, func(s string) string { return epcis.WebURI("bizStep", s) })
	q.Disposition = spelled(q.Disposition, func(s string) string { return epcis.WebURI("disposition", s) })
	q.ReadPoints = spelled(q.ReadPoints, epcis.Thing)
	q.BizLocations = spelled(q.BizLocations, epcis.Thing)
	q.EventIDs = spelled(q.EventIDs, strings.TrimSpace)
	trades := make([]TypedQuery, len(q.BizTransactions))
	for i, t := range q.BizTransactions {
		trades[i] = TypedQuery{Values: spelled(t.Values, epcis.Thing)}
		if t.Type != "" {
			trades[i].Type = epcis.WebURI("bizTransaction", t.Type)
		}
	}
	q.BizTransactions = trades
	for _, m := range q.Match {
		if matchRoles[m.Parameter] == nil {
			return q, &QueryError{m.Parameter, "is not a MATCH_ parameter; there are " + strings.Join(MatchParameters(), ", ")}
		}
		for _, v := range m.Values {
			if _, ok := epcis.ParsePattern(v); !ok {
				return q, &QueryError{m.Parameter, fmt.Sprintf("%q has a wildcard where none can stand: only the last parts of an urn:epc:idpat: or the last part of a Digital Link may be *", record.Brief(v))}
			}
		}
	}
	lists := map[string]int{"EQ_bizStep": len(q.BizSteps), "EQ_disposition": len(q.Disposition), "EQ_readPoint": len(q.ReadPoints), "EQ_bizLocation": len(q.BizLocations), "EQ_eventID": len(q.EventIDs)}
	for _, t := range q.BizTransactions {
		lists["EQ_bizTransaction_"+t.Type] = len(t.Values)
	}
	for _, m := range q.Match {
		lists[m.Parameter] = len(m.Values)
	}
	for parameter, n := range lists {
		if n > maxValues {
			return q, &QueryError{parameter, fmt.Sprintf("has %d values, more than the %d allowed", n, maxValues)}
		}
	}
	return q, nil
}

func spelled(values []string, spelling func(string) string) []string {
	if values == nil {
		return nil
	}
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = spelling(v)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (w *where) numbers(column string, known, values []string) {
	if values == nil {
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = position(known, v)
	}
	w.add(column+" IN "+inList(len(args)), args...)
}

// shapes limits what events have in common with many others.
func (w *where) shapes(ctx context.Context, ix *Index, q EventQuery) error {
	var shape where
	shape.numbers("type", eventTypes, q.EventTypes)
	shape.numbers("action", actions, q.Actions)
	for _, words := range []struct {
		column string
		values []string
	}{{"step", q.BizSteps}, {"disposition", q.Disposition}, {"readpoint", q.ReadPoints}, {"location", q.BizLocations}} {
		if words.values == nil {
			continue
		}
		names := make([]name, len(words.values))
		for i, v := range words.values {
			names[i] = named(spaceWord, v, kindWord)
		}
		ids, err := ix.nodesNamed(ctx, names)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			w.only(nil)
			return nil
		}
		condition, args := ix.db.among(words.column, ids)
		shape.add(condition, args...)
	}
	if len(shape.parts) == 0 {
		return nil
	}
	fit := "SELECT id FROM shape WHERE " + strings.Join(shape.parts, " AND ")
	any := false
	err := ix.each(ctx, fit+" LIMIT 1", shape.args, func(*sql.Rows) error { any = true; return nil })
	if err != nil {
		return fmt.Errorf("couldn't look up what events have in common: %w", err)
	}
	if !any {
		w.only(nil)
	}
	w.add("e.shape IN ("+fit+")", shape.args...)
	return nil
}

// nodesNamed are the ids of nodes by their names, as far as there are any.
func (ix *Index) nodesNamed(ctx context.Context, names []name) ([]int64, error) {
	all, err := ix.named(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("couldn't look up what events are asked by: %w", err)
	}
	ids := make([]int64, 0, len(all))
	for _, f := range all {
		ids = append(ids, f.id)
	}
	slices.Sort(ids)
	return ids, nil
}

// times limits events to those of a page's place and of the times asked for.
// Times and the order of the ledger go mostly together. So the transactions, and
// the blocks with events of those times, bound the search; which events fit is still
// decided event by event.
func (w *where) times(ctx context.Context, ix *Index, q EventQuery, p place) error {
	w.add("e.kind = 1")
	after, last := p.after, p.snap.Last
	if !q.RecordTimeFrom.IsZero() || !q.RecordTimeBefore.IsZero() {
		var recorded where
		recorded.between("t.time", q.RecordTimeFrom, q.RecordTimeBefore)
		w.add("EXISTS (SELECT 1 FROM tx t WHERE t.id = e.tx AND "+strings.Join(recorded.parts, " AND ")+")", recorded.args...)
		if !q.RecordTimeFrom.IsZero() {
			from := int64(math.MaxInt64)
			if err := ix.row(ctx, "SELECT COALESCE(MIN(before), ?) FROM tx WHERE time >= ?", from, q.RecordTimeFrom.UnixMicro()).Scan(&from); err != nil {
				return fmt.Errorf("couldn't look up transactions by time: %w", err)
			}
			after = max(after, from)
		}
	}
	if !q.EventTimeFrom.IsZero() || !q.EventTimeBefore.IsZero() {
		w.between("e.time", q.EventTimeFrom, q.EventTimeBefore)
		var blocks where
		blocks.between("latest", q.EventTimeFrom, time.Time{})
		blocks.between("earliest", time.Time{}, q.EventTimeBefore)
		var from, to int64
		fit := `(SELECT MIN(number) FROM block WHERE earliest IS NOT NULL AND ` + strings.Join(blocks.parts, " AND ") + `)`
		err := ix.row(ctx, `SELECT COALESCE((SELECT last FROM block WHERE number = `+fit+` - 1), 0), COALESCE((SELECT MAX(last) FROM block WHERE number >= `+fit+` AND `+strings.Join(blocks.parts, " AND ")+`), 0)`,
			slices.Concat(blocks.args, blocks.args, blocks.args)...).Scan(&from, &to)
		if err != nil {
			return fmt.Errorf("couldn't look up blocks by time: %w", err)
		}
		after, last = max(after, from), min(last, to)
	}
	w.add("e.id > ?", after)
	w.add("e.id <= ?", last)
	return nil
}

func (w *where) between(column string, from, before time.Time) {
	if !from.IsZero() {
		w.add(column+" >= ?", from.UnixMicro())
	}
	if !before.IsZero() {
		w.add(column+" < ?", before.UnixMicro())
	}
}

// eventIDs finds events by eventID.
func (w *where) eventIDs(ctx context.Context, ix *Index, values []string, snap Snapshot) error {
	if values == nil {
		return nil
	}
	ids, err := ix.eventsBy(ctx, values, snap, func(_, eventID string) string { return eventID })
	w.only(ids)
	return err
}

// eventsBy finds the events whose hash or event id, as of tells, is one of some texts.
func (ix *Index) eventsBy(ctx context.Context, texts []string, snap Snapshot, of func(hash, eventID string) string) ([]int64, error) {
	hashes := make([]uint64, len(texts))
	for i, t := range texts {
		hashes[i] = hashEvent(t)
	}
	found := []int64{}
	candidates, err := ix.candidates(ctx, hashes)
	if err == nil {
		err = ix.batches(ctx, `SELECT id, hash, eventid FROM node WHERE id IN `, candidates, ` AND kind = 1 AND id <= ?`, []any{snap.Last}, func(rows *sql.Rows) error {
			var id int64
			var hash, own sql.RawBytes
			if err := rows.Scan(&id, &hash, &own); err != nil {
				return err
			}
			eventHash := unpackHash(hash)
			eventID := eventHash
			if own != nil {
				eventID = string(own)
			}
			if slices.Contains(texts, of(eventHash, eventID)) {
				found = append(found, id)
			}
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't look up events: %w", err)
	}
	slices.Sort(found)
	return found, nil
}

func (w *where) trades(ctx context.Context, ix *Index, t TypedQuery, p place) error {
	names := make([]name, len(t.Values))
	for i, v := range t.Values {
		names[i] = tradeName(t.Type, v)
	}
	nodes, err := ix.nodesNamed(ctx, names)
	if err != nil {
		return err
	}
	return w.naming(ctx, ix, nodes, []Role{roleTrade}, p)
}

// EventsByHash lists the records of one event, by its CBV event hash id, the
// first one first: several organisations may report the same event.
func (ix *Index) EventsByHash(ctx context.Context, hash string, at uint64) ([]Record, error) {
	snap, err := ix.Snapshot(ctx, at)
	if err != nil {
		return nil, err
	}
	ids, err := ix.eventsBy(ctx, []string{hash}, snap, func(hash, _ string) string { return hash })
	if err != nil {
		return nil, err
	}
	var w where
	w.only(ids)
	list, err := ix.recordPage(ctx, place{snap: snap, size: MaxPage}, selection{head: `SELECT ` + eventColumns + ` FROM node e`, where: w, order: "e.id"})
	return list.Items, err
}

// EventsByEventID lists the records with an eventID, the first one first. An
// event and the declaration that it was an error share one.
func (ix *Index) EventsByEventID(ctx context.Context, eventID string, at uint64) ([]Record, error) {
	list, err := ix.Events(ctx, EventQuery{EventIDs: []string{eventID}}, at, Page{Size: MaxPage})
	return list.Items, err
}
