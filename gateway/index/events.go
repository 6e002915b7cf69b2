package index

import (
	"context"
	"fmt"
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
	w := where{parts: []string{"e.id > ?", "e.id <= ?"}, args: []any{p.after, p.snap.Last}}
	w.numbers("e.type", eventTypes, q.EventTypes)
	w.numbers("e.action", actions, q.Actions)
	w.words("e.step", q.BizSteps)
	w.words("e.disposition", q.Disposition)
	w.words("e.readpoint", q.ReadPoints)
	w.words("e.location", q.BizLocations)
	w.times("e.time", q.EventTimeFrom, q.EventTimeBefore)
	if !q.RecordTimeFrom.IsZero() {
		// Transactions of that time or later begin at some id: a bound to search
		// from. Which events fit is still decided event by event.
		w.add("e.id > COALESCE((SELECT MIN(before) FROM tx WHERE time >= ?), 9223372036854775807)", q.RecordTimeFrom.UnixMicro())
	}
	w.times("e.recorded", q.RecordTimeFrom, q.RecordTimeBefore)
	w.eventIDs(q.EventIDs)
	for _, t := range q.BizTransactions {
		w.trades(t)
	}
	for _, m := range q.Match {
		if err := ix.match(ctx, &w, m, p); err != nil {
			return List[Record]{}, err
		}
	}
	// The event table holds the ids; bodies lie where their nodes say.
	query := `SELECT ` + locationColumns + ` FROM event e JOIN node n ON n.id = e.id WHERE ` + strings.Join(w.parts, " AND ") + ` ORDER BY e.id LIMIT ?`
	return ix.recordPage(ctx, p, query, append(w.args, p.size+1))
}

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

// where collects the conditions of an event query. A list that was given but is
// empty is met by nothing.
type where struct {
	parts []string
	args  []any
}

func (w *where) add(condition string, args ...any) {
	w.parts = append(w.parts, condition)
	w.args = append(w.args, args...)
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

func (w *where) words(column string, values []string) {
	if values == nil {
		return
	}
	query, args := nodesNamed(values, func(v string) name { return named(spaceWord, v, kindWord) })
	w.add(column+" IN "+query, args...)
}

// nodesNamed is a subquery for the ids of nodes by their names.
func nodesNamed(values []string, of func(string) name) (string, []any) {
	if len(values) == 0 {
		return "(SELECT NULL)", nil
	}
	var parts []string
	var args []any
	for _, v := range values {
		n := of(v)
		parts = append(parts, "hash = ? AND kind = ? AND name = ?")
		args = append(args, n.hash, int64(n.kind), n.text())
	}
	return "(SELECT id FROM node WHERE " + strings.Join(parts, " OR ") + ")", args
}

func (w *where) times(column string, from, before time.Time) {
	if !from.IsZero() {
		w.add(column+" >= ?", from.UnixMicro())
	}
	if !before.IsZero() {
		w.add(column+" < ?", before.UnixMicro())
	}
}

// eventIDs finds events by eventID. An event whose id is its hash keeps it
// only once, as the hash.
func (w *where) eventIDs(values []string) {
	if values == nil {
		return
	}
	parts := []string{"SELECT NULL"}
	var args []any
	for _, v := range values {
		parts = append(parts, "SELECT id FROM event WHERE hash = ? AND hashtext = ? AND eventid IS NULL", "SELECT id FROM event WHERE eventid = ? AND eventidtext = ?")
		args = append(args, hashText(v), v, hashText(v), v)
	}
	w.add("e.id IN ("+strings.Join(parts, " UNION ALL ")+")", args...)
}

func (w *where) trades(t TypedQuery) {
	query, args := nodesNamed(t.Values, func(v string) name { return tradeName(t.Type, v) })
	w.add(fmt.Sprintf("e.id IN (SELECT record FROM link WHERE role = %d AND node IN %s)", roleTrade, query), args...)
}

// fewThings is how many things a search may begin with.
const fewThings = 1000

// match finds events by the things they name: exact ones by their URI, and
// patterns by ranges of URIs. If few things fit, the search goes from them to
// their events. If many do, so do many events, and it goes from event to
// event, in order, until a page is full.
func (ix *Index) match(ctx context.Context, w *where, m MatchQuery, p place) error {
	var things []string
	var args []any
	for _, v := range m.Values {
		pattern, _ := epcis.ParsePattern(v)
		for _, exact := range pattern.Exact {
			things = append(things, "thing = ?")
			args = append(args, exact)
		}
		for _, prefix := range pattern.Prefixes {
			things = append(things, "thing >= ? AND thing < ?")
			args = append(args, prefix, after(prefix))
		}
	}
	if len(things) == 0 {
		w.add("FALSE")
		return nil
	}
	var roles []string
	for _, role := range matchRoles[m.Parameter] {
		roles = append(roles, fmt.Sprint(role))
	}
	fits, among := strings.Join(things, " OR "), strings.Join(roles, ",")
	var count int
	if err := ix.row(ctx, "SELECT COUNT(*) FROM (SELECT 1 FROM node WHERE "+fits+" LIMIT ?) AS some", append(slices.Clone(args), fewThings+1)...).Scan(&count); err != nil {
		return fmt.Errorf("couldn't look up the things of %s: %w", m.Parameter, err)
	}
	if count > fewThings {
		w.add("EXISTS (SELECT 1 FROM link l JOIN node t ON t.id = l.node WHERE l.record = e.id AND l.role IN ("+among+") AND ("+fits+"))", args...)
		return nil
	}
	w.add("e.id IN (SELECT record FROM link WHERE node IN (SELECT id FROM node WHERE "+fits+") AND record > ? AND record <= ? AND role IN ("+among+"))", append(args, p.after, p.snap.Last)...)
	return nil
}

// after is the least text that is greater than all that begin with prefix.
// Prefixes end in an ASCII character.
func after(prefix string) string {
	return prefix[:len(prefix)-1] + string(rune(prefix[len(prefix)-1]+1))
}

// EventsByHash lists the records of one event, by its CBV event hash id, the
// first one first: several organisations may report the same event.
func (ix *Index) EventsByHash(ctx context.Context, hash string, at uint64) ([]Record, error) {
	return ix.eventsBy(ctx, "e.hash = ? AND e.hashtext = ?", []any{hashText(hash), hash}, at)
}

// EventsByEventID lists the records with an eventID, the first one first. An
// event and the declaration that it was an error share one.
func (ix *Index) EventsByEventID(ctx context.Context, eventID string, at uint64) ([]Record, error) {
	list, err := ix.Events(ctx, EventQuery{EventIDs: []string{eventID}}, at, Page{Size: MaxPage})
	return list.Items, err
}

func (ix *Index) eventsBy(ctx context.Context, condition string, args []any, at uint64) ([]Record, error) {
	snap, err := ix.Snapshot(ctx, at)
	if err != nil {
		return nil, err
	}
	list, err := ix.recordPage(ctx, place{snap: snap, size: MaxPage}, `SELECT `+locationColumns+` FROM event e JOIN node n ON n.id = e.id WHERE `+condition+` AND e.id <= ? ORDER BY e.id LIMIT ?`, append(args, snap.Last, MaxPage))
	return list.Items, err
}
