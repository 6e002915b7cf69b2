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
	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// EventQuery has the parameters of an EPCIS 2.0 event query (SimpleEventQuery, EPCIS 2.0 section 8.2.7). Each
// parameter that is set narrows the answer. A list is met by any of its values. Words, identifiers and locations may
// have any spelling that EPCIS knows; they are compared in one.
type EventQuery struct {
	EventTypes  []string // ObjectEvent, AggregationEvent, …
	Actions     []string // OBSERVE, ADD, DELETE
	BizSteps    []string
	Disposition []string
	EventIDs    []string

	EventTimeFrom, EventTimeBefore   time.Time // GE_ and LT_eventTime, to the microsecond; zero sets no bound
	RecordTimeFrom, RecordTimeBefore time.Time // GE_ and LT_recordTime: the time of the ledger's transaction

	ReadPoints   []string
	BizLocations []string

	// BizTransactions are by type, as in EQ_bizTransaction_po. The type "" means those that have none.
	BizTransactions []TypedQuery

	// Match asks for things: MATCH_epc, MATCH_anyEPC and so on.
	Match []MatchQuery
}

// TypedQuery is one EQ_bizTransaction_<type> parameter.
type TypedQuery struct {
	Type   string
	Values []string
}

// MatchQuery is one MATCH_ parameter: events that name a thing that fits one of Values, in one of the fields that the
// parameter is about. Values are identifiers, or patterns as epcis.ParsePattern reads them.
type MatchQuery struct {
	Parameter string // such as MATCH_anyEPC; see MatchParameters
	Values    []string
}

// The roles of the fields that a thing or a class may be in, but for transformations.
var (
	childRoles      = []Role{RoleChildAdd, RoleChildObserve, RoleChildDelete}
	childClassRoles = []Role{RoleChildClassAdd, RoleChildClassObserve, RoleChildClassDelete}
	parentRoles     = []Role{RoleParent, RoleParentAdd, RoleParentObserve, RoleParentDelete, RoleParentEmptied}
)

// matchRoles are the fields that each MATCH_ parameter is about, from the texts of the parameters in the standard's
// OpenAPI document.
var matchRoles = map[string][]Role{
	"MATCH_epc":            slices.Concat([]Role{RoleEPC}, childRoles),
	"MATCH_parentID":       parentRoles,
	"MATCH_inputEPC":       {RoleInput},
	"MATCH_outputEPC":      {RoleOutput},
	"MATCH_anyEPC":         slices.Concat([]Role{RoleEPC, RoleInput, RoleOutput}, parentRoles, childRoles),
	"MATCH_epcClass":       slices.Concat([]Role{RoleQuantity}, childClassRoles),
	"MATCH_inputEPCClass":  {RoleInputQuantity},
	"MATCH_outputEPCClass": {RoleOutputQuantity},
	"MATCH_anyEPCClass":    slices.Concat([]Role{RoleQuantity, RoleInputQuantity, RoleOutputQuantity}, childClassRoles),
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

// maxValues bounds the list of one parameter, because each value may need a search.
const maxValues = 200

// Events lists events in ledger order. If the request is at fault, the error is a *QueryError, a *TokenError or a
// *FutureError.
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
		if err := w.businessTransactions(ctx, ix, t, p); err != nil {
			return List[Record]{}, err
		}
	}
	var filters []thingFilter
	for _, m := range q.Match {
		s, err := w.match(ctx, ix, m, p)
		if err != nil {
			return List[Record]{}, err
		}
		if s != nil {
			filters = append(filters, *s)
		}
	}
	s := selection{head: `SELECT ` + eventColumns + ` FROM node e`, where: w, order: "e.id"}
	if len(filters) > 0 {
		return ix.filteredPage(ctx, p, s, filters)
	}
	return ix.recordPage(ctx, p, s)
}

// eventColumns are locationColumns for a node e.
const eventColumns = `e.id, e.kind, e.digest, e.tx, e.pack, e.line`

// normal checks a query, and gives every value the spelling in which it is compared.
func (q EventQuery) normal() (EventQuery, error) {
	for _, t := range q.EventTypes {
		if slices.Index(projection.EventTypes, t) <= 0 {
			return q, &QueryError{"eventType", fmt.Sprintf("%q is not an event type; there are %s",
				record.Brief(t), strings.Join(projection.EventTypes[1:], ", "))}
		}
	}
	for _, a := range q.Actions {
		if slices.Index(projection.Actions, a) <= 0 {
			return q, &QueryError{"EQ_action", fmt.Sprintf("%q is not an action; there are ADD, OBSERVE and DELETE",
				record.Brief(a))}
		}
	}
	q.BizSteps = spelled(q.BizSteps, func(s string) string { return epcis.WebURI("bizStep", s) })
	q.Disposition = spelled(q.Disposition, func(s string) string { return epcis.WebURI("disposition", s) })
	q.ReadPoints = spelled(q.ReadPoints, epcis.Thing)
	q.BizLocations = spelled(q.BizLocations, epcis.Thing)
	q.EventIDs = spelled(q.EventIDs, strings.TrimSpace)
	typed := make([]TypedQuery, len(q.BizTransactions))
	for i, t := range q.BizTransactions {
		typed[i] = TypedQuery{Values: spelled(t.Values, epcis.Thing)}
		if t.Type != "" {
			typed[i].Type = epcis.WebURI("bizTransaction", t.Type)
		}
	}
	q.BizTransactions = typed
	for _, m := range q.Match {
		if matchRoles[m.Parameter] == nil {
			return q, &QueryError{m.Parameter,
				"is not a MATCH_ parameter; there are " + strings.Join(MatchParameters(), ", ")}
		}
		for _, v := range m.Values {
			if _, ok := epcis.ParsePattern(v); !ok {
				return q, &QueryError{m.Parameter, fmt.Sprintf("%q has a wildcard where none can stand: "+
					"only the last parts of an urn:epc:idpat: or the last part of a Digital Link may be *",
					record.Brief(v))}
			}
		}
	}
	lists := map[string]int{
		"EQ_bizStep": len(q.BizSteps), "EQ_disposition": len(q.Disposition), "EQ_readPoint": len(q.ReadPoints),
		"EQ_bizLocation": len(q.BizLocations), "EQ_eventID": len(q.EventIDs),
	}
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

// numbers limits a column to the positions of values in a list.
func (w *where) numbers(column string, list, values []string) {
	if values == nil {
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = slices.Index(list, v)
	}
	w.add(column+" IN ("+strings.TrimSuffix(strings.Repeat("?,", len(args)), ",")+")", args...)
}

// shapes limits events to those of some shapes: what an event has in common with many others.
func (w *where) shapes(ctx context.Context, ix *Index, q EventQuery) error {
	var shape where
	shape.numbers("type", projection.EventTypes, q.EventTypes)
	shape.numbers("action", projection.Actions, q.Actions)
	for _, words := range []struct {
		column string
		values []string
	}{{"step", q.BizSteps}, {"disposition", q.Disposition}, {"readpoint", q.ReadPoints}, {"location", q.BizLocations}} {
		if words.values == nil {
			continue
		}
		names := make([]projection.Name, len(words.values))
		for i, v := range words.values {
			names[i] = projection.WordName(v)
		}
		ids, err := ix.idsByName(ctx, names)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			w.only(nil)
			return nil
		}
		condition, args := ix.store.Among(words.column, ids)
		shape.add(condition, args...)
	}
	if len(shape.parts) == 0 {
		return nil
	}
	fit := "SELECT id FROM shape WHERE " + strings.Join(shape.parts, " AND ")
	found := false
	err := ix.each(ctx, fit+" LIMIT 1", shape.args, func(*sql.Rows) error { found = true; return nil })
	if err != nil {
		return fmt.Errorf("couldn't look up what events have in common: %w", err)
	}
	if !found {
		w.only(nil)
	}
	w.add("e.shape IN ("+fit+")", shape.args...)
	return nil
}

// idsByName are the ids, sorted, of the nodes that have one of the names.
func (ix *Index) idsByName(ctx context.Context, names []projection.Name) ([]int64, error) {
	all, err := ix.nodesByName(ctx, names)
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

// times limits events to those that follow the page before, and to the times asked for.
//
// Times mostly follow the order of the ledger. So the transactions and the blocks with events of those times bound the
// search. Whether an event fits is still decided event by event.
func (w *where) times(ctx context.Context, ix *Index, q EventQuery, p pageStart) error {
	w.add("e.kind = 1")
	after, last := p.after, p.snap.Last
	if !q.RecordTimeFrom.IsZero() || !q.RecordTimeBefore.IsZero() {
		var recorded where
		recorded.between("t.time", q.RecordTimeFrom, q.RecordTimeBefore)
		w.add("EXISTS (SELECT 1 FROM tx t WHERE t.id = e.tx AND "+strings.Join(recorded.parts, " AND ")+")",
			recorded.args...)
		if !q.RecordTimeFrom.IsZero() {
			from := int64(math.MaxInt64)
			const query = "SELECT COALESCE(MIN(before), ?) FROM tx WHERE time >= ?"
			if err := ix.row(ctx, query, from, q.RecordTimeFrom.UnixMicro()).Scan(&from); err != nil {
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
		conditions := strings.Join(blocks.parts, " AND ")
		first := `(SELECT MIN(number) FROM block WHERE earliest IS NOT NULL AND ` + conditions + `)`
		err := ix.row(ctx, `SELECT COALESCE((SELECT last FROM block WHERE number = `+first+` - 1), 0),
			COALESCE((SELECT MAX(last) FROM block WHERE number >= `+first+` AND `+conditions+`), 0)`,
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

// eventsBy finds the events for which the text that of picks, the hash or the eventID, is one of texts.
func (ix *Index) eventsBy(
	ctx context.Context, texts []string, snap Snapshot, of func(hash, eventID string) string,
) ([]int64, error) {
	hashes := make([]uint64, len(texts))
	for i, t := range texts {
		hashes[i] = projection.EventHash(t)
	}
	found := []int64{}
	candidates, err := ix.candidates(ctx, hashes)
	if err == nil {
		const query, known = `SELECT id, hash, eventid FROM node WHERE id IN `, ` AND kind = 1 AND id <= ?`
		err = ix.batches(ctx, query, candidates, known, []any{snap.Last}, func(rows *sql.Rows) error {
			var id int64
			var hash, explicit sql.RawBytes
			if err := rows.Scan(&id, &hash, &explicit); err != nil {
				return err
			}
			eventHash := projection.UnpackEventHash(hash)
			eventID := eventHash
			if explicit != nil {
				eventID = string(explicit)
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

func (w *where) businessTransactions(ctx context.Context, ix *Index, t TypedQuery, p pageStart) error {
	names := make([]projection.Name, len(t.Values))
	for i, v := range t.Values {
		names[i] = projection.BusinessTransactionName(t.Type, v)
	}
	nodes, err := ix.idsByName(ctx, names)
	if err != nil {
		return err
	}
	return w.naming(ctx, ix, nodes, []Role{projection.RoleBusinessTransaction}, p)
}

// EventsByHash lists the records of one event, by its CBV event hash, the first one first. Several organisations may
// report the same event.
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
	s := selection{head: `SELECT ` + eventColumns + ` FROM node e`, where: w, order: "e.id"}
	list, err := ix.recordPage(ctx, pageStart{snap: snap, size: MaxPage}, s)
	return list.Items, err
}

// EventsByEventID lists the records with an eventID, the first one first. An event and the declaration that it was an
// error have the same eventID.
func (ix *Index) EventsByEventID(ctx context.Context, eventID string, at uint64) ([]Record, error) {
	list, err := ix.Events(ctx, EventQuery{EventIDs: []string{eventID}}, at, Page{Size: MaxPage})
	return list.Items, err
}
