package audit

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/state"
)

// A release that knew version 1 alone never read whether the ledger has version 2. Its transactions are sound as long
// as the ledger hasn't.
func TestATransactionOfAnEarlierReleaseIsSound(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	creator, err := proto.Marshal(&msp.SerializedIdentity{Mspid: "LabMSP",
		IdBytes: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})})
	require.NoError(t, err)
	r, err := newRules("pedigree")
	require.NoError(t, err)

	for _, c := range []struct {
		name    string
		version int
		turned  bool // the ledger has version 2
		reads   bool // the transaction read whether it has
		found   []Code
	}{
		{"version 1 of an earlier release", 1, false, false, nil},
		{"version 1 of this release", 1, false, true, nil},
		{"the first of version 2", 2, false, true, nil},
		{"the first of version 2, unread", 2, false, false, []Code{ReadsDiffer}},
		{"a later one of version 2", 2, true, true, nil},
		{"a later one of version 2, unread", 2, true, false, []Code{ReadsDiffer}},
		{"version 1 after version 2", 1, true, false, []Code{RulesRefuse}},
	} {
		t.Run(c.name, func(t *testing.T) {
			store, err := state.Open(t.TempDir())
			require.NoError(t, err)
			defer store.Close()
			b := store.NewBatch()
			b.Put("pedigree", record.NamespaceKey("lab"), []byte("LabMSP"), state.Version{})
			if c.turned {
				b.Put("pedigree", record.VersionKey(2), []byte("LabMSP"), state.Version{})
			}
			require.NoError(t, store.Commit(b, state.Progress{}))
			v, err := canonical.From(map[string]any{"record": fmt.Sprint("artifact/", c.version),
				"kind": "dataset", "namespace": "lab", "name": "x", "version": "1",
				"digest": map[string]any{"algorithm": "sha-256", "value": strings.Repeat("ab", 32), "coverage": "full"}})
			require.NoError(t, err)
			one, problems := record.NewArtifact(v, "LabMSP")
			require.Empty(t, problems)
			pack, err := record.Pack([][]byte{one.Body})
			require.NoError(t, err)

			tx := &transaction{id: strings.Repeat("cd", 32), time: time.Unix(1_700_000_000, 0),
				call: &call{proposer: creator, args: [][]byte{[]byte("Artifacts:Submit")}}}
			value, err := record.PackValue(record.Header{MSPID: "LabMSP", Time: record.HeaderTime(tx.time)}, pack)
			require.NoError(t, err)
			own := &kvrwset.KVRWSet{Writes: []*kvrwset.KVWrite{{Key: record.PackKey(tx.id), Value: value}}}
			tx.call.sets = []set{{namespace: "pedigree", public: own}}
			tx.call.answer = r.try(tx, chaincode.First, store).answer
			made := r.try(tx, chaincode.First, store)
			own.Writes = nil
			for _, key := range slices.Sorted(maps.Keys(made.writes)) {
				own.Writes = append(own.Writes, &kvrwset.KVWrite{Key: key, Value: made.writes[key]})
			}
			for key := range made.reads {
				if key != record.VersionKey(2) || c.reads {
					own.Reads = append(own.Reads, &kvrwset.KVRead{Key: key})
				}
			}
			var found []Code
			for _, f := range r.compare(1, tx, made) {
				found = append(found, f.Code)
			}
			assert.Equal(t, c.found, found)
		})
	}
}
