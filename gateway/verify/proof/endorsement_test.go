package proof_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

func TestATransactionIsJudgedByWhoEndorsedWhat(t *testing.T) {
	f := newFabricated(t)
	for about, c := range map[string]struct {
		change func(r *recording)
		reason proof.Reason // empty if it is accepted
	}{
		"nothing is changed": {func(*recording) {}, ""},
		"the endorsers have signed something else": {func(r *recording) {
			r.endorsement = func(e *peer.Endorsement) {
				e.Signature = slices.Concat(e.Signature[:len(e.Signature)-1], []byte{e.Signature[len(e.Signature)-1] ^ 1})
			}
		}, proof.PolicyNotMet},
		"an endorser can't be read": {func(r *recording) {
			r.endorsers = r.endorsers[:2]
			r.endorsement = func(e *peer.Endorsement) {
				if bytes.Equal(e.Endorser, r.endorsers[1].serialized) {
					e.Endorser = []byte("nobody")
				}
			}
		}, proof.PolicyNotMet},
		"one endorser is of no organisation of the channel": {func(r *recording) {
			r.endorsers = []*signer{r.endorsers[0], f.member("LabMSP", "ZooMSP", "peer")}
		}, proof.PolicyNotMet},
		"one endorser's certificate is another organisation's": {func(r *recording) {
			r.endorsers = []*signer{r.endorsers[0], f.member("MarketMSP", "LabMSP", "peer")}
		}, proof.PolicyNotMet},
		"the action was proposed by somebody else": {func(r *recording) { r.action = func([]byte) []byte { return []byte("somebody") } }, proof.BadTransaction},
		"the answer is one to another proposal": {func(r *recording) {
			r.proposal = func(hash []byte) []byte { return bytes.Repeat([]byte{7}, len(hash)) }
		}, proof.BadTransaction},
		"the proposal calls another chaincode than answered": {func(r *recording) { r.called = "other" }, proof.BadTransaction},
	} {
		t.Run(about, func(t *testing.T) {
			l := f.ledger()
			c.change(&l.recording)
			want := "accept"
			if c.reason != "" {
				want = "refuse " + string(c.reason)
			}
			assert.Equal(t, want, outcome(l.proof().Bytes(), f.trust(), proof.Wanted{Level: proof.LevelBlock}))
		})
	}
}

func TestWhatALedgerHoldsMustBeReadable(t *testing.T) {
	f := newFabricated(t)
	for about, c := range map[string]struct {
		change func(l *fabricatedLedger)
		reason proof.Reason
	}{
		"the definition's policy": {func(l *fabricatedLedger) { l.definition.info = truncated }, proof.BadTransaction},
		"the definition":          {func(l *fabricatedLedger) { l.definition.value = truncated }, proof.BadTransaction},
		"no pack":                 {func(l *fabricatedLedger) { l.recording.pack = func([]byte) []byte { return nil } }, proof.NotInTransaction},
		"an empty pack":           {func(l *fabricatedLedger) { l.recording.pack = func([]byte) []byte { return []byte{} } }, proof.NotInTransaction},
	} {
		l := f.ledger()
		c.change(l)
		assert.Equal(t, "refuse "+string(c.reason), outcome(l.proof().Bytes(), f.trust(), proof.Wanted{}), about)
	}
}
