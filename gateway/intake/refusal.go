package intake

import (
	"fmt"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Refusal says why nothing of a document was taken.
type Refusal struct {
	// Problems are what is wrong, at least one. Their pointers are places in the document.
	Problems []record.Problem
	// Several tells that the problems' indexes count events of the document.
	Several bool
	// Detail says it in one sentence. Optional. If empty, the first problem's does.
	Detail string
}

func (r *Refusal) Error() string {
	if r.Detail != "" {
		return r.Detail
	}
	return r.Problems[0].Detail
}

// LimitError says that a document is larger than a limit.
type LimitError struct{ Detail string }

func (e *LimitError) Error() string { return e.Detail }

func tooLarge(format string, args ...any) error { return &LimitError{fmt.Sprintf(format, args...)} }

// mostTold is how many problems are kept of a document whose faultless events are taken all the same: each event's are
// kept with the job.
const mostTold = 50
