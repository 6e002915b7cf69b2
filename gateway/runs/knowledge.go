package runs

import (
	"context"
	"errors"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// KnownTo is what a gateway's index knows. ready tells whether the index is at the ledger's tip.
func KnownTo(ix *index.Index, ready func() bool) Index { return knowledge{ix, ready} }

type knowledge struct {
	*index.Index
	ready func() bool
}

func (k knowledge) Ready() bool { return k.ready() }

func (k knowledge) Digest(ctx context.Context, ref string) (digest record.Digest, id string, found bool, err error) {
	a, err := k.Artifact(ctx, ref, index.Latest)
	if errors.Is(err, index.ErrNotFound) {
		return digest, "", false, nil
	}
	if err != nil {
		return digest, "", false, err
	}
	return a.Digest, a.ID, true, nil
}

func (k knowledge) ByDigest(ctx context.Context, kind, namespace, name, digest string) (string, error) {
	return k.NewestOf(ctx, kind, namespace, name, digest)
}
