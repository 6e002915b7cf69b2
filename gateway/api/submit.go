package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
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
	if s.Health().Usable() == 0 {
		p := problem.New(problem.Unavailable, "no peer can be reached at the moment; nothing was recorded")
		p.RetryAfter = ledger.RetryAfter
		return nil, p
	}
	if err := s.know(c); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.Wait)
	defer cancel()
	if err := s.useEarlier(ctx, c.caller.Identity.MSPID, records); err != nil {
		return nil, err
	}
	witnesses, err := s.Witnesses(ctx, c.caller.Identity.MSPID, records)
	if err != nil {
		return nil, err
	}
	request := capture.Request{
		Owner: c.caller.ID, Identity: c.caller.Signer, Function: function, Behaviour: capture.Rollback,
		Witnesses: witnesses,
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

// useEarlier replaces each record that the organisation has recorded in version 1 by that record, which says the same.
// So what was recorded before records named their issuer is still recognised when it is sent again.
func (s *Server) useEarlier(ctx context.Context, mspID string, records []*record.Record) error {
	for i, r := range records {
		earlier := r.Earlier()
		if earlier == nil {
			continue
		}
		known, err := s.Index.Record(ctx, string(earlier.ID), index.Latest)
		switch {
		case errors.Is(err, index.ErrNotFound):
		case err != nil:
			return err
		case known.MSPID == mspID:
			records[i] = earlier
		}
	}
	return nil
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
	v := receiptAt(r, mspID, result.TransactionID, result.Block)
	v.AlreadyRecorded = result.State == capture.Duplicate
	return v
}

// receiptAt is the receipt of a record that an organisation has recorded in a transaction.
func receiptAt(r *record.Record, mspID, tx string, block uint64) receipt {
	v := receipt{ID: r.ID, Noun: r.Noun, MSPID: mspID, Transaction: tx, Block: block}
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
