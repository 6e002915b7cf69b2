package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/verify/signing"
)

// Tries of what can be done again. What the ledger found invalid is prepared anew; what may have been recorded is
// submitted again.
const (
	mostTransactions = 5
	mostSubmits      = 6
	submitPause      = time.Second
)

// RecordSigned records what a person means, signed with the person's key here, and returns when the ledger has it. The
// gateway never has the key, and gets nothing else signed: an answer that isn't what was asked for is an error of type
// *signing.RefusedError.
func (c *Client) RecordSigned(ctx context.Context, key *signing.Key, intent signing.Intent) (*Answer, *Receipt, error) {
	for try := 1; ; try++ {
		answer, receipt, err := c.recordOnce(ctx, key, intent)
		if try < mostTransactions && hasCode(err, "not_committed") {
			continue
		}
		var refused *signing.RefusedError
		if errors.As(err, &refused) {
			err = exit.Refusedf("%w", err)
		}
		return answer, receipt, err
	}
}

func (c *Client) recordOnce(ctx context.Context, key *signing.Key, intent signing.Intent) (*Answer, *Receipt, error) {
	s, err := signing.Begin(key, intent)
	if err != nil {
		return nil, nil, exit.With(exit.Usage, err)
	}
	var made signing.Preparation
	var told struct {
		Warnings []Warning `json:"warnings"`
	}
	prepared, err := c.Post(ctx, "/v1/prepare", s.Request(), &made)
	if err != nil {
		return nil, nil, err
	}
	if err := prepared.Decode(&told); err != nil {
		return nil, nil, err
	}
	if made.Recorded != nil {
		if err := s.Recorded(made); err != nil {
			return nil, nil, err
		}
		receipt := new(Receipt)
		if err := json.Unmarshal(made.Recorded, receipt); err != nil || receipt.ID != string(s.ID()) {
			return nil, nil, exit.Refusedf("the gateway says that it recorded something else: %.200q", made.Recorded)
		}
		return &Answer{Status: http.StatusOK, Body: made.Recorded}, receipt, nil
	}
	first, err := s.Proposal(made)
	if err != nil {
		return nil, nil, err
	}
	var endorsed signing.Endorsed
	body := map[string]any{"proposal": first.Bytes, "signature": first.Signature}
	if _, err := c.Post(ctx, "/v1/endorse", body, &endorsed); err != nil {
		return nil, nil, err
	}
	second, err := s.Transaction(endorsed)
	if err != nil {
		return nil, nil, err
	}
	answer, receipt, err := c.submit(ctx, second)
	if err != nil {
		return nil, nil, err
	}
	if receipt.ID != string(s.ID()) || receipt.Tx != s.TransactionID() {
		return nil, nil, exit.Refusedf("the gateway says that it recorded something else than %s in transaction %s; `show` "+
			"and `proof` tell what the ledger has", s.ID(), s.TransactionID())
	}
	receipt.Warnings = append(receipt.Warnings, told.Warnings...)
	return answer, receipt, nil
}

// submit sends a transaction until its fate is known.
func (c *Client) submit(ctx context.Context, signed *signing.Signed) (*Answer, *Receipt, error) {
	body := map[string]any{"payload": signed.Bytes, "signature": signed.Signature}
	for try := 1; ; try++ {
		answer, receipt, err := c.Record(ctx, "/v1/submit", body)
		var p *Problem
		if err == nil || try == mostSubmits || errors.As(err, &p) && p.Status != http.StatusGatewayTimeout {
			return answer, receipt, err
		}
		select {
		case <-ctx.Done():
			return nil, nil, err
		case <-time.After(submitPause):
		}
	}
}

func hasCode(err error, code string) bool {
	var p *Problem
	return errors.As(err, &p) && slices.ContainsFunc(p.Problems, func(d ProblemDetail) bool { return d.Code == code })
}
