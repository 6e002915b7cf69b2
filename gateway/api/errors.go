package api

import (
	"context"
	"errors"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/admission"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/intake"
	"github.com/pedigree-ledger/pedigree/gateway/kept"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
	"github.com/pedigree-ledger/pedigree/gateway/runs"
)

// problemOf turns the errors of all packages into what callers are told. What it doesn't know is a fault of the
// gateway, whose text goes to the log only.
func (s *Server) problemOf(err error) *problem.Problem {
	var (
		known    *problem.Problem
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
		p := problem.Refused(refusal.Problems, refusal.Several)
		if refusal.Detail != "" {
			p.Detail = refusal.Detail
		}
		return p
	case errors.As(err, &limit):
		return problem.New(problem.TooLarge, "%v", limit)
	case errors.As(err, &token):
		return problem.WrongParameter("pageToken", "%v", token)
	case errors.As(err, &future):
		return problem.WrongParameter("at", "%v", future)
	case errors.As(err, &query):
		return problem.WrongParameter(query.Parameter, "%s %s", query.Parameter, query.Detail)
	case errors.Is(err, index.ErrNotFound):
		return problem.New(problem.NotFound, "%v", err)
	case errors.Is(err, capture.ErrNoJob):
		return problem.New(problem.NotFound, "%v", err)
	case errors.Is(err, capture.ErrTooLarge):
		return problem.New(problem.TooLarge, "%v", err)
	case errors.As(err, &busy):
		p := problem.New(problem.Busy, "%v", busy)
		p.RetryAfter = busy.RetryAfter
		return p
	case errors.As(err, &manyRuns):
		p := problem.New(problem.Busy, "%v", manyRuns)
		p.RetryAfter = manyRuns.RetryAfter
		return p
	case errors.As(err, &large):
		return problem.New(problem.TooLarge, "%v", large)
	case errors.Is(err, runs.ErrNoRun):
		return problem.New(problem.NotFound, "%v", err)
	case errors.Is(err, runs.ErrNotReady):
		p := problem.New(problem.Unavailable, "%v", err)
		p.RetryAfter = ledger.RetryAfter
		return p
	case errors.Is(err, admission.ErrBusy):
		p := problem.New(problem.Busy, "%v", err)
		p.RetryAfter = time.Second
		return p
	case errors.As(err, &pending):
		p := problem.New(problem.Pending, "%v; sending the record again is safe", pending)
		p.Transaction, p.Job, p.RetryAfter, p.Cause = pending.TransactionID, pending.JobID, ledger.RetryAfter, err
		return p
	case errors.As(err, &rejected) && len(rejected.Problems) > 0:
		return problem.Refused(rejected.Problems, false)
	case ledger.KindOf(err) == ledger.Denied:
		p := problem.New(problem.IdentityRefused, "%v", err)
		p.Cause = err
		return p
	case errors.Is(err, ledger.ErrUnavailable):
		p := problem.New(problem.Unavailable, "%v", err)
		p.RetryAfter, p.Cause = ledger.RetryAfter, err
		return p
	case errors.Is(err, kept.ErrUnavailable):
		p := problem.New(problem.Storage, "the gateway's own database can't be used now")
		p.RetryAfter, p.Cause = 10*time.Second, err
		return p
	case errors.Is(err, capture.ErrStorage), errors.Is(err, runs.ErrStorage):
		p := problem.New(problem.Storage, "the gateway's queue can't be written")
		p.RetryAfter, p.Cause = 10*time.Second, err
		return p
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		p := problem.New(problem.Busy, "the request was given up before it was served")
		p.RetryAfter = time.Second
		return p
	}
	if err = s.Index.Diagnose(err); errors.Is(err, index.ErrUnavailable) {
		p := problem.New(problem.Index, "the gateway's index can't be used now; its log says why")
		p.RetryAfter, p.Cause = ledger.RetryAfter, err
		return p
	}
	if errors.Is(err, index.ErrDamaged) {
		s.Rebuild()
		p := problem.New(problem.Unavailable, "the gateway's index is damaged; it is being built again from the ledger")
		p.RetryAfter, p.Cause = ledger.RetryAfter, err
		return p
	}
	p := problem.New(problem.Internal, "the gateway failed at this request; its log says more")
	p.Cause = err
	return p
}
