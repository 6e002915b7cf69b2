package runs

import (
	"context"
	"errors"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// IndexedBy is what a gateway's index tells of the ledger. ready tells whether the index is at the ledger's tip.
func IndexedBy(ix *index.Index, ready func() bool) Index { return indexed{ix, ready} }

type indexed struct {
	*index.Index
	ready func() bool
}

func (x indexed) Ready() bool { return x.ready() }

func (x indexed) Digest(ctx context.Context, ref string) (digest record.Digest, id string, found bool, err error) {
	a, err := x.Artifact(ctx, ref, index.Latest)
	if errors.Is(err, index.ErrNotFound) {
		return digest, "", false, nil
	}
	if err != nil {
		return digest, "", false, err
	}
	return a.Digest, a.ID, true, nil
}

func (x indexed) ByDigest(ctx context.Context, kind, namespace, name, digest string) (string, error) {
	return x.NewestVersionOf(ctx, kind, namespace, name, digest)
}
