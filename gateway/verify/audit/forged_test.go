package audit_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/audit"
	"github.com/pedigree-ledger/pedigree/network"
)

func TestASoundChainIsClean(t *testing.T) {
	r := replay(t, memory(chain(t)))
	assert.Empty(t, r.Findings)
	assert.True(t, r.Clean())
	assert.EqualValues(t, len(shared.blocks), r.Blocks)
	// The transaction that was too late; and the organisations introduce themselves at once, so up to two of them find
	// that another has turned the ledger to version 2 meanwhile, and try again.
	assert.GreaterOrEqual(t, r.Invalid, uint64(1))
	assert.LessOrEqual(t, r.Invalid, uint64(3))
	assert.Greater(t, r.Records, uint64(20))
}

func TestSigningAgainAloneIsNotFound(t *testing.T) {
	f := newForger(t)
	f.change("Artifacts:Submit", func(*opened) {})
	r := replay(t, memory(f.blocks))
	// The digest of the state has nothing of signatures, so that even it stays the same.
	assert.Empty(t, r.Findings, "otherwise the forger makes mistakes, and the other tests show nothing")
}

func TestWhatAMajorityForgesIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		forge func(f *forger)
		want  audit.Code
	}{
		"a value that the rules don't write": {func(f *forger) {
			f.change("Statements:Submit", func(t *opened) { t.own.Writes[0].Value = append(t.own.Writes[0].Value, ' ') })
		}, audit.WritesDiffer},
		"a key that the rules don't write": {func(f *forger) {
			f.change("Events:Submit", func(t *opened) {
				t.own.Writes = append(t.own.Writes, &kvrwset.KVWrite{Key: "n/stolen", Value: []byte("HarborMSP")})
			})
		}, audit.WritesDiffer},
		"a key that is missing": {func(f *forger) {
			f.change("Artifacts:Submit", func(t *opened) {
				t.own.Writes = slices.DeleteFunc(t.own.Writes, func(w *kvrwset.KVWrite) bool { return bytes.HasPrefix([]byte(w.Key), []byte("a/")) })
			})
		}, audit.WritesDiffer},
		"a key that is deleted": {func(f *forger) {
			f.change("Artifacts:Submit", func(t *opened) {
				t.own.Writes = append(t.own.Writes, &kvrwset.KVWrite{Key: "n/harbor", IsDelete: true})
			})
		}, audit.WritesDiffer},
		"a pack that isn't one": {func(f *forger) {
			f.change("Events:Submit", func(t *opened) {
				for _, w := range t.own.Writes {
					if header, pack, err := record.ParsePackValue(w.Value); err == nil && len(pack) > 0 {
						w.Value, err = record.PackValue(header, pack[:len(pack)-1])
						require.NoError(f, err)
					}
				}
			})
		}, audit.RulesRefuse},
		"another recorder in the pack's header": {func(f *forger) {
			f.change("Events:Submit", func(t *opened) {
				for _, w := range t.own.Writes {
					if header, pack, err := record.ParsePackValue(w.Value); err == nil && len(pack) > 0 {
						header.MSPID = "MarketMSP"
						w.Value, err = record.PackValue(header, pack)
						require.NoError(f, err)
					}
				}
			})
		}, audit.WritesDiffer},
		"a submitter who may not write into the namespace": {func(f *forger) {
			f.change("Artifacts:Submit", func(t *opened) {
				was := t.id()
				t.creator = f.user("market", network.Submitter)
				f.rename(t, was)
			})
		}, audit.RulesRefuse},
		"another organisation's administrator who speaks for it": {func(f *forger) {
			f.change("Members:Submit", func(t *opened) {
				other := f.user("lab", network.Operator)
				if bytes.Equal(t.creator.creator, other.creator) {
					other = f.user("market", network.Operator)
				}
				was := t.id()
				t.creator = other
				f.rename(t, was)
			})
		}, audit.RulesRefuse},
		"a creator who may not write on the channel": {func(f *forger) {
			f.change("Events:Submit", func(t *opened) {
				was := t.id()
				t.creator = f.peer("lab")
				f.rename(t, was)
			})
		}, audit.NotAWriter},
		"a read that is left out": {func(f *forger) {
			f.change("Artifacts:Submit", func(t *opened) { t.own.Reads = t.own.Reads[1:] })
		}, audit.ReadsDiffer},
		"a list that no submit asks for": {func(f *forger) {
			f.change("Artifacts:Submit", func(t *opened) {
				t.own.RangeQueriesInfo = append(t.own.RangeQueriesInfo, &kvrwset.RangeQueryInfo{StartKey: "zz", EndKey: "zzz", ItrExhausted: true})
			})
		}, audit.ReadsDiffer},
		"an answer that the rules don't give": {func(f *forger) {
			f.change("Events:Submit", func(t *opened) { t.action.Response.Payload = []byte(`{"records":1000}`) })
		}, audit.AnswerDiffers},
		"an event": {func(f *forger) {
			f.change("Events:Submit", func(t *opened) {
				t.action.Events = f.encode(&peer.ChaincodeEvent{ChaincodeId: network.ChaincodeName, EventName: "x"})
			})
		}, audit.AnswerDiffers},
		"writes into the lifecycle": {func(f *forger) {
			f.change("Events:Submit", func(t *opened) { f.write(t, "_lifecycle", "namespaces/fields/pedigree/Sequence") })
		}, audit.ForeignWrites},
		"an endorsement policy for a key": {func(f *forger) {
			f.change("Events:Submit", func(t *opened) {
				t.own.MetadataWrites = append(t.own.MetadataWrites, &kvrwset.KVMetadataWrite{Key: "n/harbor"})
			})
		}, audit.Unjudged},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForger(t)
			c.forge(f)
			r := replay(t, memory(f.blocks))
			require.NotEmpty(t, r.Findings)
			first := r.Findings[0].Block // later ones may depend on what was forged
			here := slices.DeleteFunc(slices.Clone(r.Findings), func(f audit.Finding) bool { return *f.Block != *first })
			assert.Contains(t, codes(&audit.Report{Findings: here}), c.want, "%v", r.Findings)
			assert.NotContains(t, codes(&audit.Report{Findings: here}), audit.FlagDiffers, "by Fabric's rules alone it is valid")
		})
	}
}

// write adds a write in another namespace.
func (f *forger) write(t *opened, namespace, key string) {
	for _, ns := range t.sets.NsRwset {
		if ns.Namespace == namespace {
			var set kvrwset.KVRWSet
			require.NoError(f, proto.Unmarshal(ns.Rwset, &set))
			set.Writes = append(set.Writes, &kvrwset.KVWrite{Key: key, Value: []byte("x")})
			ns.Rwset = f.encode(&set)
			return
		}
	}
	f.Fatalf("the transaction has nothing to do with %s", namespace)
}

func TestATransactionThatIsntValidIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		forge func(f *forger)
		want  peer.TxValidationCode
	}{
		"endorsed by one organisation": {func(f *forger) {
			f.change("Events:Submit", func(t *opened) { t.peers = t.peers[:1] })
		}, peer.TxValidationCode_ENDORSEMENT_POLICY_FAILURE},
		"endorsed by one organisation twice": {func(f *forger) {
			f.change("Events:Submit", func(t *opened) { t.peers = []*signer{t.peers[0], t.peers[0]} })
		}, peer.TxValidationCode_ENDORSEMENT_POLICY_FAILURE},
		"endorsed by a client": {func(f *forger) {
			f.change("Events:Submit", func(t *opened) { t.peers[1] = f.user("lab", network.Submitter) })
		}, peer.TxValidationCode_ENDORSEMENT_POLICY_FAILURE},
		"endorsed by an orderer": {func(f *forger) {
			f.change("Events:Submit", func(t *opened) { t.peers[1] = f.orderer(1) })
		}, peer.TxValidationCode_ENDORSEMENT_POLICY_FAILURE},
		"a key that had changed": {func(f *forger) {
			f.change("Artifacts:Submit", func(t *opened) {
				for _, read := range t.own.Reads {
					if read.Version != nil {
						read.Version.TxNum++
						return
					}
				}
				f.Fatal("it read nothing that was there")
			})
		}, peer.TxValidationCode_MVCC_READ_CONFLICT},
		"a key that was there": {func(f *forger) {
			f.change("Artifacts:Submit", func(t *opened) {
				for _, read := range t.own.Reads {
					read.Version = nil
				}
			})
		}, peer.TxValidationCode_MVCC_READ_CONFLICT},
		"a list of keys that has more": {func(f *forger) {
			f.change("Artifacts:Submit", func(t *opened) {
				t.own.RangeQueriesInfo = append(t.own.RangeQueriesInfo, &kvrwset.RangeQueryInfo{StartKey: "n/", EndKey: "n0", ItrExhausted: true})
			})
		}, peer.TxValidationCode_PHANTOM_READ_CONFLICT},
		"a second set of a namespace": {func(f *forger) {
			f.change("Events:Submit", func(t *opened) {
				t.sets.NsRwset = append(t.sets.NsRwset, &rwset.NsReadWriteSet{Namespace: "_lifecycle"})
			})
		}, peer.TxValidationCode_ILLEGAL_WRITESET},
		"a chaincode that isn't defined": {func(f *forger) {
			f.change("Events:Submit", func(t *opened) {
				t.sets.NsRwset = append(t.sets.NsRwset, &rwset.NsReadWriteSet{Namespace: "nobody",
					Rwset: f.encode(&kvrwset.KVRWSet{Writes: []*kvrwset.KVWrite{{Key: "k", Value: []byte("v")}}})})
			})
		}, peer.TxValidationCode_INVALID_CHAINCODE},
		"another channel": {func(f *forger) {
			f.change("Events:Submit", func(t *opened) { t.channel.ChannelId = "other" })
		}, peer.TxValidationCode_BAD_CREATOR_SIGNATURE},
		"a creator who is an orderer's client": {func(f *forger) {
			f.change("Events:Submit", func(t *opened) {
				t.creator = f.user("harbor", network.Submitter)
				t.creator.creator = bytes.Replace(t.creator.creator, []byte("HarborMSP"), []byte("MarketMSX"), 1)
			})
		}, peer.TxValidationCode_BAD_CREATOR_SIGNATURE},
		"an id of its own": {func(f *forger) {
			f.reseal("Events:Submit", func(t *opened, p *common.Payload) {
				t.channel.TxId = "ab" + t.channel.TxId[2:]
				p.Header.ChannelHeader = f.encode(t.channel)
			})
		}, peer.TxValidationCode_BAD_PROPOSAL_TXID},
		"another time than was endorsed": {func(f *forger) {
			f.reseal("Events:Submit", func(t *opened, p *common.Payload) {
				t.channel.Timestamp.Seconds++
				p.Header.ChannelHeader = f.encode(t.channel)
			})
		}, peer.TxValidationCode_INVALID_ENDORSER_TRANSACTION},
		"the same transaction in a later block": {func(f *forger) {
			block, position := f.find("Events:Submit")
			last := f.blocks[len(f.blocks)-1]
			last.Data.Data = append(last.Data.Data, f.blocks[block].Data.Data[position])
			last.Metadata.Metadata[2] = append(last.Metadata.Metadata[2], 0)
			f.relink(len(f.blocks) - 1)
		}, peer.TxValidationCode_DUPLICATE_TXID},
		"the same transaction in the same block": {func(f *forger) {
			block, position := f.find("Events:Submit")
			b := f.blocks[block]
			b.Data.Data = append(b.Data.Data, b.Data.Data[position])
			b.Metadata.Metadata[2] = append(b.Metadata.Metadata[2], 0)
			f.relink(block)
		}, peer.TxValidationCode_DUPLICATE_TXID},
		"a signature in its other form": {func(f *forger) {
			f.resign("Events:Submit", highS)
		}, peer.TxValidationCode_BAD_CREATOR_SIGNATURE},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForger(t)
			c.forge(f)
			r := replay(t, memory(f.blocks))
			require.NotEmpty(t, r.Findings)
			assert.Equal(t, audit.FlagDiffers, r.Findings[0].Code, "%v", r.Findings)
			assert.Contains(t, r.Findings[0].Detail, "the peer says VALID, and it is "+c.want.String())
		})
	}
}

func TestABlockThatIsntTheChannelsEndsTheAudit(t *testing.T) {
	for name, c := range map[string]struct {
		forge func(f *forger)
		want  audit.Code
	}{
		"signed by two of four orderers": {func(f *forger) { f.relink(5, 1, 2) }, "too_few_orderers"},
		"signed by one orderer twice":    {func(f *forger) { f.relink(5, 1, 2, 2) }, "orderer_twice"},
		"left out": {func(f *forger) {
			f.blocks = slices.Delete(f.blocks, 5, 6)
		}, audit.OutOfOrder},
		"left out, and numbered anew": {func(f *forger) {
			f.blocks = slices.Delete(f.blocks, 5, 6)
			f.blocks[5].Header.Number = 5
		}, "bad_block"},
		"other data": {func(f *forger) {
			f.blocks[5].Data.Data[0] = f.blocks[6].Data.Data[0]
		}, "bad_block"},
		"divided into envelopes otherwise": {func(f *forger) {
			b := f.blocks[5]
			first := b.Data.Data[0]
			b.Data.Data = slices.Insert(b.Data.Data, 1, first[len(first)/2:])
			b.Data.Data[0] = first[:len(first)/2]
		}, "split_envelopes"},
		"with a signature in its other form": {func(f *forger) {
			var m common.Metadata
			require.NoError(f, proto.Unmarshal(f.blocks[5].Metadata.Metadata[0], &m))
			m.Signatures[0].Signature = highS(f, m.Signatures[0].Signature)
			f.blocks[5].Metadata.Metadata[0] = f.encode(&m)
		}, "high_s"},
		"of another genesis": {func(f *forger) {
			f.blocks[0].Header.PreviousHash = make([]byte, 32)
		}, "wrong_genesis"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForger(t)
			c.forge(f)
			r := replay(t, memory(f.blocks))
			assert.Equal(t, []audit.Code{c.want}, codes(r), "%v", r.Findings)
			assert.False(t, r.Complete)
		})
	}
}

func TestWhatAPeerAddsIsComputedAnew(t *testing.T) {
	for name, c := range map[string]struct {
		forge func(blocks []*common.Block)
		want  []audit.Code
	}{
		"an invalid transaction called valid": {func(blocks []*common.Block) {
			for _, b := range blocks {
				for i := range b.Metadata.Metadata[2] {
					b.Metadata.Metadata[2][i] = 0
				}
			}
		}, []audit.Code{audit.FlagDiffers}},
		"a valid transaction called invalid": {func(blocks []*common.Block) { blocks[6].Metadata.Metadata[2][0] = 10 }, []audit.Code{audit.FlagDiffers}},
		"a code too many": {func(blocks []*common.Block) {
			blocks[6].Metadata.Metadata[2] = append(blocks[6].Metadata.Metadata[2], 0)
		}, []audit.Code{audit.FlagDiffers}},
		"another digest of the state": {func(blocks []*common.Block) {
			m := blocks[6].Metadata.Metadata[4]
			m[len(m)-1] ^= 1
		}, []audit.Code{audit.CommitHashDiffers}},
		"no digest of the state": {func(blocks []*common.Block) { blocks[6].Metadata.Metadata[4] = nil }, []audit.Code{audit.CommitHashDiffers}},
		"metadata out of use":    {func(blocks []*common.Block) { blocks[6].Metadata.Metadata[3] = []byte{1} }, []audit.Code{audit.BadMetadata}},
		"another block as that of the last configuration": {func(blocks []*common.Block) {
			blocks[6].Metadata.Metadata[1] = []byte{0x0a, 2, 0x08, 3}
		}, []audit.Code{audit.BadMetadata}},
		"more metadata": {func(blocks []*common.Block) {
			blocks[6].Metadata.Metadata = append(blocks[6].Metadata.Metadata, []byte{1})
		}, []audit.Code{audit.BadMetadata}},
	} {
		t.Run(name, func(t *testing.T) {
			blocks := chain(t)
			c.forge(blocks)
			r := replay(t, memory(blocks))
			assert.Subset(t, codes(r), c.want)
			for _, code := range codes(r) {
				// A digest that is wrong once shows in the next block, too, which goes on from it.
				assert.Contains(t, append(c.want, audit.CommitHashDiffers), code)
			}
			assert.True(t, r.Complete)
		})
	}
}
