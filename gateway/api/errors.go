package api

import (
	"context"
	"errors"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/intake"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/runs"
)

// problemOf turns the errors of all packages into what callers are told. What it doesn't know is a fault of the
// gateway, whose text goes to the log only.
func (s *Server) problemOf(err error) *problem {
	var (
		known    *problem
		token    *index.TokenError
		future   *index.FutureError
		query    *index.QueryError
		busy     *capture.BusyError
		pending  *capture.PendingError
		rejected *record.Rejection
		manyRuns *runs.BusyError
		large    *runs.LimitError
		refusal  *intake.Refusal
		limit    *intake.LimitError
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &refusal):
		p := refused(refusal.Problems, refusal.Several)
		if refusal.Detail != "" {
			p.detail = refusal.Detail
		}
		return p
	case errors.As(err, &limit):
		return fail(kindTooLarge, "%v", limit)
	case errors.As(err, &token):
		return badParameter("pageToken", "%v", token)
	case errors.As(err, &future):
		return badParameter("at", "%v", future)
	case errors.As(err, &query):
		return badParameter(query.Parameter, "%s %s", query.Parameter, query.Detail)
	case errors.Is(err, index.ErrNotFound):
		return fail(kindNotFound, "%v", err)
	case errors.Is(err, capture.ErrNoJob):
		return fail(kindNotFound, "%v", err)
	case errors.Is(err, capture.ErrTooLarge):
		return fail(kindTooLarge, "%v", err)
	case errors.As(err, &busy):
		p := fail(kindBusy, "%v", busy)
		p.retryAfter = busy.RetryAfter
		return p
	case errors.As(err, &manyRuns):
		p := fail(kindBusy, "%v", manyRuns)
		p.retryAfter = manyRuns.RetryAfter
		return p
	case errors.As(err, &large):
		return fail(kindTooLarge, "%v", large)
	case errors.Is(err, runs.ErrNoRun):
		return fail(kindNotFound, "%v", err)
	case errors.Is(err, runs.ErrNotReady):
		p := fail(kindUnavailable, "%v", err)
		p.retryAfter = ledger.RetryAfter
		return p
	case errors.Is(err, errBusy):
		p := fail(kindBusy, "%v", err)
		p.retryAfter = time.Second
		return p
	case errors.As(err, &pending):
		p := fail(kindPending, "%v; sending the record again is safe", pending)
		p.transaction, p.job, p.retryAfter, p.cause = pending.TransactionID, pending.JobID, ledger.RetryAfter, err
		return p
	case errors.As(err, &rejected) && len(rejected.Problems) > 0:
		return refused(rejected.Problems, false)
	case errors.Is(err, ledger.ErrUnavailable):
		p := fail(kindUnavailable, "%v", err)
		p.retryAfter, p.cause = ledger.RetryAfter, err
		return p
	case errors.Is(err, capture.ErrStorage), errors.Is(err, runs.ErrStorage):
		p := fail(kindStorage, "the gateway's queue can't be written")
		p.retryAfter, p.cause = 10*time.Second, err
		return p
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		p := fail(kindBusy, "the request was given up before it was served")
		p.retryAfter = time.Second
		return p
	}
	if err = s.Index.Diagnose(err); errors.Is(err, index.ErrUnavailable) {
		p := fail(kindIndex, "the gateway's index can't be used now; its log says why")
		p.retryAfter, p.cause = ledger.RetryAfter, err
		return p
	}
	if errors.Is(err, index.ErrDamaged) {
		s.Rebuild()
		p := fail(kindUnavailable, "the gateway's index is damaged; it is being built again from the ledger")
		p.retryAfter, p.cause = ledger.RetryAfter, err
		return p
	}
	p := fail(kindInternal, "the gateway failed at this request; its log says more")
	p.cause = err
	return p
}
