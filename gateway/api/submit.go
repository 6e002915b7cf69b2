package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// receipt says where a record is on the ledger.
type receipt struct {
	ID              record.ID     `json:"id"`
	Noun            record.Noun   `json:"noun"`
	MSPID           string        `json:"mspId"`
	Transaction     string        `json:"tx"`
	Block           uint64        `json:"block"`
	AlreadyRecorded bool          `json:"alreadyRecorded,omitempty"`
	EventID         string        `json:"eventID,omitempty"`
	Hash            string        `json:"hash,omitempty"`
	Ref             string        `json:"ref,omitempty"`
	Generated       []generatedBy `json:"generated,omitempty"`
	Warnings        []warning     `json:"warnings,omitempty"`
}

type generatedBy struct {
	Ref string    `json:"ref"`
	ID  record.ID `json:"id"`
}

// submit records all of the records in one transaction and waits until they can be found, or says why not. Pointers of
// problems are relative to the record with the problem's index.
func (s *Server) submit(c *call, function string, records ...*record.Record) ([]receipt, error) {
	if !s.Health().Usable() {
		p := fail(kindUnavailable, "no peer can be reached at the moment; nothing was recorded")
		p.retryAfter = ledger.RetryAfter
		return nil, p
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.Wait)
	defer cancel()
	witnesses, err := s.witnesses(ctx, c.caller.Identity.MSPID, records)
	if err != nil {
		return nil, err
	}
	request := capture.Request{
		Owner: c.caller.Name, Identity: c.caller.Name, Function: function, Behaviour: capture.Rollback, Witnesses: witnesses,
	}
	for _, r := range records {
		item := capture.Item{Body: r.Body}
		if r.Event != nil {
			item.EventID = r.Event.Raw.Get("eventID").Text
		}
		request.Items = append(request.Items, item)
	}
	results, err := s.Queue.Record(ctx, request)
	if err != nil {
		return nil, err
	}
	return s.receipts(c.caller.Identity.MSPID, records, results)
}

func (s *Server) receipts(mspID string, records []*record.Record, results []capture.Result) ([]receipt, error) {
	if len(results) != len(records) {
		return nil, fmt.Errorf("the queue gave %d results for %d records", len(results), len(records))
	}
	var problems []record.Problem
	receipts := make([]receipt, len(records))
	for i, result := range results {
		switch result.State {
		case capture.Recorded, capture.Duplicate:
			receipts[i] = receiptOf(records[i], mspID, result)
		case capture.Rejected:
			for _, p := range result.Problems {
				if p.Code == capture.CodeRolledBack && len(results) > 1 {
					continue // another record has the reason
				}
				p.Index = i
				problems = append(problems, p)
			}
		default:
			return nil, fmt.Errorf("the queue left record %d in the state %q", i, result.State)
		}
	}
	if len(problems) > 0 {
		return nil, record.Reject(problems)
	}
	return receipts, nil
}

func receiptOf(r *record.Record, mspID string, result capture.Result) receipt {
	v := receipt{
		ID: r.ID, Noun: r.Noun, MSPID: mspID, Transaction: result.TransactionID, Block: result.Block,
		AlreadyRecorded: result.State == capture.Duplicate,
	}
	switch r.Noun {
	case record.NounEvent:
		v.EventID, v.Hash = r.Event.Raw.Get("eventID").Text, r.Event.Hash
	case record.NounArtifact:
		v.Ref = r.Artifact.ArtifactRef.String()
	}
	return v
}

// recorded answers a synchronous write of anything but an event.
func (c *call) recorded(r receipt) error {
	c.Header("Location", "/v1/records/"+url.PathEscape(string(r.ID)))
	if r.AlreadyRecorded {
		return c.answer(http.StatusOK, r)
	}
	return c.answer(http.StatusCreated, r)
}

// Witnesses finds where on the ledger the things and records lie that records of an organisation refer to, as the queue
// wants it. What is unknown is an error of type *record.Rejection.
func (s *Server) Witnesses(ctx context.Context, mspID string, records []*record.Record) ([]byte, error) {
	return s.witnesses(ctx, mspID, records)
}

// witnesses finds where on the ledger the things and records lie that the records refer to. Artifact versions need none,
// and neither does what stands among the records themselves. What is unknown is refused here, early; the chaincode
// decides anyway.
func (s *Server) witnesses(ctx context.Context, mspID string, records []*record.Record) ([]byte, error) {
	here := map[string]bool{}
	for _, r := range records {
		here[string(r.ID)] = true
		if r.Artifact != nil {
			here[r.Artifact.ArtifactRef.String()] = true
		}
	}
	places := map[string]record.Place{}
	var unknown []record.Problem
	for i, r := range records {
		for _, ref := range r.References() {
			if here[ref.Node] || places[ref.Node] != (record.Place{}) {
				continue
			}
			var place record.Place
			var known bool
			var err error
			s.untilFound(ctx, func() bool {
				place, known, err = s.witness(ctx, ref.Node, witnessOf(r, mspID))
				return known || err != nil || len(unknown) > 0 // one wait is enough for all
			})
			if err != nil {
				return nil, err
			}
			if !known {
				unknown = append(unknown, record.Problem{Index: i, Code: "unknown_reference", Pointer: ref.Pointer,
					Detail: fmt.Sprintf("%s is not on the ledger, as far as this gateway knows; record it first", record.Brief(ref.Node))})
				continue
			}
			if place != (record.Place{}) {
				places[ref.Node] = place
			}
		}
	}
	if len(unknown) > 0 {
		return nil, record.Reject(unknown)
	}
	if circles, err := s.circles(ctx, records, here); err != nil || len(circles) > 0 {
		if err == nil {
			err = record.Reject(circles)
		}
		return nil, err
	}
	if len(places) == 0 {
		return nil, nil
	}
	return json.Marshal(places)
}

// circles finds runs that generate what their own inputs were made of. What is registered together with its run can't be
// of that kind: nothing was made of it yet.
func (s *Server) circles(ctx context.Context, records []*record.Record, here map[string]bool) ([]record.Problem, error) {
	var problems []record.Problem
	for i, r := range records {
		if r.Activity == nil {
			continue
		}
		for j, g := range r.Activity.Generated {
			if here[g.Ref] {
				continue
			}
			way, err := lineage.Circle(ctx, s.Index, g.Ref, r.Activity.Sources(g))
			if err != nil {
				return nil, err
			}
			if way != nil {
				problems = append(problems, record.Problem{Index: i, Code: "circular_lineage", Pointer: canonical.Pointer("generated", j, "ref"),
					Detail: fmt.Sprintf("%s can't be made of %s, which was made of it: %s", g.Ref, way[len(way)-1], strings.Join(way, " → "))})
			}
		}
	}
	return problems, nil
}

// witnessOf says whose recordings to show: the caller's own, where there are any, because many statements are only for
// those who answer for their subject. An approval is not for those, so the first recording is what counts there.
func witnessOf(r *record.Record, mspID string) string {
	if r.Statement != nil && r.Statement.Kind == record.Approval {
		return ""
	}
	return mspID
}
