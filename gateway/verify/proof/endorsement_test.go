package proof_test

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

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

// changing changes the part of a transaction of that name.
func changing[M proto.Message](t testing.TB, part string, m M, change func(m M)) func(string, []byte) []byte {
	return func(name string, encoded []byte) []byte {
		if name != part {
			return encoded
		}
		require.NoError(t, proto.Unmarshal(encoded, m))
		change(m)
		return marshal(t, m)
	}
}

func TestATransactionIsJudgedByEachOfItsParts(t *testing.T) {
	f := newFabricated(t)
	harbor, harbor2 := f.member("HarborMSP", "HarborMSP", "peer"), f.member("HarborMSP", "HarborMSP", "peer")
	isPeer := roleOf(t, "HarborMSP", msp.MSPRole_PEER)
	twice := ownPolicy(t, outOf(2, by(0), by(0)), isPeer)
	for about, one := range map[string]struct {
		change func(l *fabricatedLedger)
		reason proof.Reason
	}{
		"two peers, where it takes two": {func(l *fabricatedLedger) {
			l.definition.policy, l.recording.endorsers = twice, []*signer{harbor, harbor2}
		}, ""},
		"one peer twice, where it takes two": {func(l *fabricatedLedger) {
			l.definition.policy, l.recording.endorsers = twice, []*signer{harbor, harbor}
		}, proof.PolicyNotMet},
		"the endorsed answer is one to a proposal of somebody else": {func(l *fabricatedLedger) {
			parts := map[string][]byte{}
			l.recording.part = func(name string, encoded []byte) []byte {
				parts[name] = encoded
				return encoded
			}
			somebody := []byte("somebody")
			l.recording.action = func([]byte) []byte { return somebody }
			l.recording.proposal = func([]byte) []byte {
				sum := sha256.Sum256(slices.Concat(parts["channel header"], somebody, parts["proposal"]))
				return sum[:]
			}
		}, proof.BadTransaction},
		"it deletes what it has recorded": {func(l *fabricatedLedger) {
			l.recording.part = changing(t, "what it wrote", new(kvrwset.KVRWSet), func(set *kvrwset.KVRWSet) {
				for _, w := range set.Writes {
					w.IsDelete = true
				}
			})
		}, proof.NotInTransaction},
		"it read a definition that wasn't there": {func(l *fabricatedLedger) {
			l.recording.part = changing(t, "what it read", new(kvrwset.KVRWSet), func(set *kvrwset.KVRWSet) {
				for _, r := range set.Reads {
					r.Version = nil
				}
			})
		}, proof.BadTransaction},
		"the definition isn't the first of its block": {func(l *fabricatedLedger) {
			l.recording.reads = map[string]proof.Version{definedKey + "Sequence": {Block: 1, Position: 1}}
			l.changed = func(blocks []*proof.Block) []*proof.Block {
				other := f.envelope(common.HeaderType_MESSAGE, nil, harbor)
				blocks[0].Data = slices.Insert(blocks[0].Data, 0, other)
				return blocks
			}
		}, ""},
	} {
		l := f.ledger()
		one.change(l)
		_, err := verify(t, f.trust(), l.proof())
		assert.Equal(t, one.reason, proof.ReasonOf(err), "%s: %v", about, err)
	}
}

func TestWhoEndorsedInAnothersNameIsNotNamed(t *testing.T) {
	f := newFabricated(t)
	l := f.ledger()
	l.definition.policy = ownPolicy(t, by(0), roleOf(t, "HarborMSP", msp.MSPRole_PEER))
	l.recording.endorsers = []*signer{f.member("HarborMSP", "HarborMSP", "peer"), f.member("MarketMSP", "LabMSP", "peer")}
	v, err := verify(t, f.trust(), l.proof())
	require.NoError(t, err)
	assert.Equal(t, []string{"HarborMSP"}, v.Records[0].Ordered.EndorsedBy)
	assert.Equal(t, "the chaincode's own", v.Records[0].Ordered.Policy)
}

func TestATransactionTellsItsArgumentsAndItsCreator(t *testing.T) {
	f := newFabricated(t)
	l := f.ledger()
	_, envelope := l.transaction(l.recording.call, func(string) map[string][]byte { return nil })
	opened, err := proof.OpenTransaction(envelope)
	require.NoError(t, err)
	assert.Equal(t, [][]byte{[]byte("Artifacts:Submit")}, opened.Arguments)
	assert.Equal(t, l.recording.creator.serialized, opened.Creator.Serialized())
	l.recording.creator = &signer{[]byte("nobody"), l.recording.creator.key}
	_, envelope = l.transaction(l.recording.call, func(string) map[string][]byte { return nil })
	_, err = proof.OpenTransaction(envelope)
	assert.Equal(t, proof.BadIdentity, proof.ReasonOf(err), "%v", err)
}
