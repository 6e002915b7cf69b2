package proof_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
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
		"the action was proposed by somebody else": {func(r *recording) {
			r.action = func([]byte) []byte { return []byte("somebody") }
		}, proof.BadTransaction},
		"the answer is one to another proposal": {func(r *recording) {
			r.proposal = func(hash []byte) []byte { return bytes.Repeat([]byte{7}, len(hash)) }
		}, proof.BadTransaction},
		"the proposal calls another chaincode than answered": {func(r *recording) {
			r.called = "other"
		}, proof.BadTransaction},
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
		"no pack": {func(l *fabricatedLedger) {
			l.recording.pack = func([]byte) []byte { return nil }
		}, proof.NotInTransaction},
		"an empty pack": {func(l *fabricatedLedger) {
			l.recording.pack = func([]byte) []byte { return []byte{} }
		}, proof.NotInTransaction},
	} {
		l := f.ledger()
		c.change(l)
		assert.Equal(t, "refuse "+string(c.reason), outcome(l.proof().Bytes(), f.trust(), proof.Wanted{}), about)
	}
}

func TestATransactionIsRefusedOfWhichAPartCannotBeRead(t *testing.T) {
	f := newFabricated(t)
	trust := f.trust()
	parts := []string{
		"what it wrote", "what it read", "channel header", "signature header", "proposal", "arguments",
		"answer", "chaincode action", "results", "action", "payload", "actions",
	}
	for _, part := range parts {
		t.Run(part, func(t *testing.T) {
			l := f.ledger()
			l.recording.part = func(name string, encoded []byte) []byte {
				if name == part {
					return truncated(encoded)
				}
				return encoded
			}
			// The endorsers and the submitter have signed what can't be read.
			assert.Equal(t, "refuse "+string(proof.BadTransaction), outcome(l.proof().Bytes(), trust, proof.Wanted{}))
		})
	}
	l := f.ledger()
	l.recording.part = func(name string, encoded []byte) []byte {
		assert.Contains(t, parts, name)
		return encoded
	}
	assert.Equal(t, "accept", outcome(l.proof().Bytes(), trust, proof.Wanted{}))
}

func TestATransactionIsOneCallOfOneChaincode(t *testing.T) {
	f := newFabricated(t)
	for about, change := range map[string]func(r *recording){
		"it is a message": func(r *recording) { r.kind = common.HeaderType_CONFIG_UPDATE },
		"it has no action": func(r *recording) {
			r.actions = func([]*peer.TransactionAction) []*peer.TransactionAction { return nil }
		},
		"it has two actions": func(r *recording) {
			r.actions = func(a []*peer.TransactionAction) []*peer.TransactionAction { return append(a, a...) }
		},
		"it has two sets of what it has written": func(r *recording) { r.twice = true },
	} {
		l := f.ledger()
		change(&l.recording)
		assert.Equal(t, "refuse "+string(proof.BadTransaction), outcome(l.proof().Bytes(), f.trust(), proof.Wanted{}), about)
	}
}
