package proof_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

func TestProofsOfARealNetworkVerify(t *testing.T) {
	h := newHarness(t)
	ids := h.record("proved", 3)
	for _, level := range []proof.Level{proof.LevelReceipt, proof.LevelBlock} {
		t.Run(string(level), func(t *testing.T) {
			made, err := h.maker.Prove(t.Context(), ids[1], level, 0)
			require.NoError(t, err)
			text := made.Bytes()
			t.Logf("%d bytes", len(text))
			read, err := proof.Parse(text)
			require.NoError(t, err)
			assert.Equal(t, string(text), string(read.Bytes()))

			verdict, err := proof.Verify(read, h.trust, proof.Wanted{Level: level, ID: ids[1]})
			require.NoError(t, err)
			require.Len(t, verdict.Records, 1)
			r := verdict.Records[0]
			assert.Equal(t, []string{"HarborMSP", "LabMSP", "MarketMSP"}, r.SignedBy)
			assert.Equal(t, "artifact", r.Noun)
			assert.Equal(t, "HarborMSP", r.Recordings[0].MSPID)
			assert.Equal(t, level, verdict.Level)
			if level == proof.LevelBlock {
				assert.Equal(t, r.Recordings[0].Version, r.Ordered.Version)
				assert.NotEmpty(t, r.Ordered.Policy)
				assert.GreaterOrEqual(t, len(r.Ordered.EndorsedBy), 2)
			}
		})
	}
}
