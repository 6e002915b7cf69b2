package cosign

import (
	"context"
	"crypto/elliptic"
	"encoding/base64"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/verify/checkpoint"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/gateway/verify/scitt"
)

// body is the one record of the tree.
const body = `{"record":"statement/2"}`

// checkpoints has a member answer with the checkpoint as of a block, with this root.
func (c *consortium) checkpoints(m *member, root [32]byte) Answerer {
	return func(ctx context.Context, _ cosigned.Question, block uint64) (*cosigned.Answer, error) {
		hash, err := m.blocks.BlockHash(ctx, block)
		require.NoError(c.t, err)
		of := checkpoint.Checkpoint{
			Ledger: cosigned.Ledger{Channel: c.Trust.Channel, Genesis: [32]byte(c.Trust.Genesis)},
			Height: cosigned.Height{Block: block, Hash: [32]byte(hash)}, Size: 1, Root: root,
		}
		a := of.Answer()
		return &a, nil
	}
}

// tell has a member answer other gateways with a root, after a change of its reply.
func (c *consortium) tell(m *member, root [32]byte, change func(canonical.Value) canonical.Value) {
	m.serve = func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		assert.NoError(c.t, err)
		v, err := canonical.Parse(text, canonical.Limits{})
		if err == nil {
			v, err = m.Reply(r.Context(), shownBy(r), v, c.checkpoints(m, root))
		}
		if err != nil {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if change != nil {
			v = change(v)
		}
		_, _ = w.Write(v.Bytes())
	}
}

func TestReceiptsAreOfThoseWhoSignTheSameRoot(t *testing.T) {
	place := scitt.Place{Size: 1}
	root, ok := place.Root([]byte(body))
	require.True(t, ok)
	text := func(s string) func(canonical.Value) canonical.Value {
		return func(v canonical.Value) canonical.Value { return v.Without("receipt").With("receipt", canonical.Str(s)) }
	}
	for about, lab := range map[string]func(c *consortium){
		"": func(c *consortium) { c.tell(c.lab, root, nil) },
		"a gateway of an older program": func(c *consortium) {
			c.tell(c.lab, root, func(v canonical.Value) canonical.Value { return v.Without("receipt") })
		},
		"another root":                  func(c *consortium) { c.tell(c.lab, [32]byte{1}, nil) },
		"a signature of nothing":        func(c *consortium) { c.tell(c.lab, root, text("")) },
		"a signature that isn't base64": func(c *consortium) { c.tell(c.lab, root, text("!")) },
		"a signature of zeros":          func(c *consortium) { c.tell(c.lab, root, text(base64.StdEncoding.EncodeToString(make([]byte, 64)))) },
		"a signature that is too short": func(c *consortium) { c.tell(c.lab, root, text("AAAA")) },
		"a key of another kind": func(c *consortium) {
			c.lab.signer = c.MemberWith("LabMSP", "admin", elliptic.P384(), time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC))
			c.tell(c.lab, root, nil)
		},
		"a gateway that is down": func(c *consortium) { c.lab.server.Close() },
	} {
		t.Run(about, func(t *testing.T) {
			c := newConsortium(t)
			lab(c)
			c.tell(c.market, root, nil)
			roots, err := c.harbor.Receipts(t.Context(), "somebody", 3, c.checkpoints(c.harbor, root))
			require.NoError(t, err)
			want, lack := []string{"HarborMSP", "MarketMSP"}, []string{"LabMSP"}
			if about == "" {
				want, lack = []string{"HarborMSP", "LabMSP", "MarketMSP"}, nil
			}
			var have []string
			for _, one := range roots.Signatures {
				have = append(have, one.MSPID)
			}
			assert.ElementsMatch(t, want, have)
			assert.Equal(t, lack, roots.Lack)
			assert.EqualValues(t, 9, roots.Checkpoint.Block)

			s, err := c.harbor.State(roots.Checkpoint.Ledger, []byte(body))
			require.NoError(t, err)
			for _, one := range roots.Signatures {
				s.Receipts = append(s.Receipts, scitt.Receipt{Signature: one, Place: place})
			}
			v, err := scitt.Verify(s.Bytes(), c.Trust, scitt.Wanted{})
			require.NoError(t, err, "whatever one of them sends, it doesn't spoil the proof")
			assert.Len(t, v.Receipts, len(want))
		})
	}
}

func TestNoRootIsSignedForAnotherQuestion(t *testing.T) {
	c := newConsortium(t)
	_, _, receipt, err := c.harbor.sign(t.Context(), cosigned.Ledger{Channel: c.Trust.Channel, Genesis: [32]byte(c.Trust.Genesis)},
		question, 9, c.harbor.answer)
	require.NoError(t, err)
	assert.Nil(t, receipt)
	_, err = c.harbor.Receipts(t.Context(), "somebody", 1, c.harbor.answer)
	assert.Equal(t, proof.Malformed, proof.ReasonOf(err), "an answer that is no checkpoint: %v", err)
	c.harbor.signer = nil
	_, err = c.harbor.State(cosigned.Ledger{}, []byte(body))
	assert.ErrorIs(t, err, ErrCantSign)
	_, err = c.harbor.Receipts(t.Context(), "somebody", 1, c.harbor.answer)
	assert.ErrorIs(t, err, ErrCantSign)
}
