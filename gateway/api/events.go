package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/intake"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// recordEvent records one event and waits for its commit.
func (s *Server) recordEvent(c *call) error {
	doc, err := c.json(canonical.Limits{Depth: record.MaxDepth + 8})
	if err != nil {
		return err
	}
	events, found := epcis.Document(doc)
	if len(found) > 0 {
		return problem.Refused(record.EventProblems(found, ""), false)
	}
	if len(events) != 1 {
		return problem.New(
			problem.Invalid,
			"the document has %d events; this route takes one. POST /epcis/v2/capture takes any number",
			len(events),
		)
	}
	r, known, warnings, err := intake.Single(c.Request.Context(), s.Index, c.caller.Identity.MSPID, events[0])
	if err != nil {
		return err
	}
	if known != nil {
		return alreadyRecorded(c.caller.Identity.MSPID, known.Block, known.RecordID, known.TransactionID)
	}
	receipts, err := s.submit(c, "Events:Submit", r)
	if err != nil {
		return err
	}
	if receipt := receipts[0]; receipt.AlreadyRecorded {
		return alreadyRecorded(receipt.MSPID, receipt.Block, receipt.ID, receipt.Transaction)
	}
	receipts[0].Warnings = warningsOf(warnings)
	c.Header("Location", "/epcis/v2/events/"+url.PathEscape(receipts[0].EventID))
	return c.answer(http.StatusCreated, receipts[0])
}

// warningsOf shows what is odd about an event that was recorded.
func warningsOf(list []record.Problem) []warning {
	var shown []warning
	for _, w := range list {
		shown = append(shown, warning{Code: w.Code, Detail: w.Detail, Pointer: w.Pointer})
	}
	return shown
}

func alreadyRecorded(mspID string, block uint64, id record.ID, transaction string) error {
	p := problem.New(problem.AlreadyRecorded, "%s has recorded this event already, in block %d, as %s", mspID, block,
		id)
	p.Existing, p.Transaction = string(id), transaction
	return p
}

// queryEvents answers an EPCIS event query.
func (s *Server) queryEvents(c *call) error {
	if err := c.checkEventValues(); err != nil {
		return err
	}
	page := index.Page{Size: c.epcisSize(), Token: c.value("nextPageToken")}
	list, err := s.Index.Events(c.Request.Context(), c.eventQuery(), c.at(), page)
	if err != nil {
		return s.inEPCIS(err)
	}
	c.linkNext(list.Next)
	if c.params["EQ_eventID"] != nil {
		if err := s.flagEvents(c, list.Items, list.Block); err != nil {
			return err
		}
	}
	return c.queryDocument(list.Items, list.Block, s)
}

// inEPCIS makes a problem call the page token what it is called there.
func (s *Server) inEPCIS(err error) error {
	p := s.problemOf(err)
	for i := range p.Reasons {
		if p.Reasons[i].Parameter == "pageToken" {
			p.Reasons[i].Parameter = "nextPageToken"
		}
	}
	return p
}

// eventQuery reads the query parameters, which are checked already.
func (c *call) eventQuery() index.EventQuery {
	q := index.EventQuery{
		EventTypes: c.params["eventType"], Actions: c.params["EQ_action"], BizSteps: c.params["EQ_bizStep"],
		Disposition: c.params["EQ_disposition"],
		EventIDs:    c.params["EQ_eventID"], ReadPoints: c.params["EQ_readPoint"],
		BizLocations:  c.params["EQ_bizLocation"],
		EventTimeFrom: c.time("GE_eventTime"), EventTimeBefore: c.time("LT_eventTime"),
		RecordTimeFrom: c.time("GE_recordTime"), RecordTimeBefore: c.time("LT_recordTime"),
	}
	for _, name := range index.MatchParameters() {
		if values := c.params[name]; values != nil {
			q.Match = append(q.Match, index.MatchQuery{Parameter: name, Values: values})
		}
	}
	var types []string
	for name := range c.params {
		if t, ok := strings.CutPrefix(name, "EQ_bizTransaction_"); ok {
			types = append(types, t)
		}
	}
	slices.Sort(types)
	for _, t := range types {
		q.BizTransactions = append(q.BizTransactions,
			index.TypedQuery{Type: t, Values: c.params["EQ_bizTransaction_"+t]})
	}
	return q
}

func (c *call) time(name string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, c.value(name))
	if err != nil {
		return time.Time{} // not given
	}
	return t
}

// eventByID finds events by eventID, event hash id or record id.
func (s *Server) eventByID(c *call) error {
	ctx, id := c.Request.Context(), c.value("eventID")
	snap, err := s.Index.Snapshot(ctx, c.at())
	if err != nil {
		return err
	}
	records, err := s.eventsNamed(ctx, id, c.at())
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return problem.New(problem.NotFound, "no event with the id %q is on the ledger, up to block %d",
			record.Brief(id), snap.Block)
	}
	if err := s.flagEvents(c, records, snap.Block); err != nil {
		return err
	}
	return c.queryDocument(records, snap.Block, s)
}

// mostFlagged is how many events of an answer are looked at for flags.
const mostFlagged = 100

// flagEvents tells in a header which of the events that are found by their eventID have flags because of other events:
// "2=event-id-reused" for the second. The events themselves are answered as they were sent.
func (s *Server) flagEvents(c *call, records []index.Record, block uint64) error {
	var flagged []string
	for i, r := range records[:min(len(records), mostFlagged)] {
		flags, err := lineage.EventFlags(c.Request.Context(), s.Index, r.ID, block)
		if err != nil {
			return err
		}
		for _, flag := range flags {
			flagged = append(flagged, fmt.Sprintf("%d=%s", i+1, flag))
		}
	}
	if len(flagged) > 0 {
		c.Header("Pedigree-Flags", strings.Join(flagged, ", "))
	}
	return nil
}

func (s *Server) eventsNamed(ctx context.Context, id string, at uint64) ([]index.Record, error) {
	if _, err := record.ParseID(id); err == nil {
		r, err := s.Index.Record(ctx, id, at)
		if err == nil && r.Noun == record.NounEvent {
			return []index.Record{*r}, nil
		}
	}
	return s.Index.EventsByEventID(ctx, id, at)
}
