package audit

import (
	"testing"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer/lifecycle"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/state"
)

// Notes is a contract that only a second version of the rules has.
type Notes struct{ contractapi.Contract }

func (*Notes) Submit(ctx contractapi.TransactionContextInterface) (string, error) {
	return "noted", ctx.GetStub().PutState("k", []byte("v"))
}

// A transaction is judged by the rules that the definition of its time put in force, whatever its peers say and however
// many versions the program has.
func TestTheRulesAreThoseOfTheDefinitionInForce(t *testing.T) {
	writes := set{namespace: "pedigree", public: &kvrwset.KVRWSet{Writes: []*kvrwset.KVWrite{{Key: "k", Value: []byte("v")}}}}
	for name, c := range map[string]struct {
		committed, said string
		found           []Code
	}{
		"a version of before there were rules": {"1", "1", []Code{RulesRefuse}},
		"a version of one's own":               {"2.1", "2.1", []Code{RulesRefuse}},
		"no version":                           {"", "", []Code{RulesRefuse}},
		"the second version":                   {"rules-2", "rules-2", nil},
		"peers that say it is the first":       {"rules-2", "1", nil},
		"peers that say it is the second":      {"1", "rules-2", []Code{RulesRefuse}},
		"a version that the program lacks":     {"rules-3", "rules-3", []Code{Unjudged}},
		"peers that say what no program has":   {"rules-2", "rules-9", nil},
	} {
		t.Run(name, func(t *testing.T) {
			r, b, id := judging(t, nil)
			r.definitions, r.run = map[string]*definition{}, func(f func()) { f() }
			batch := r.store.NewBatch()
			put := func(key string, value []byte) {
				batch.Put(lifecycleNamespace, "namespaces/"+key, value, state.Version{})
			}
			field := func(value []byte) []byte {
				return encoded(t, &lifecycle.StateData{Type: &lifecycle.StateData_Bytes{Bytes: value}})
			}
			put("metadata/pedigree", encoded(t, &lifecycle.StateMetadata{Datatype: definitionType}))
			put("fields/pedigree/ValidationInfo", field(encoded(t, &lifecycle.ChaincodeValidationInfo{
				ValidationPlugin: defaultPlugin, ValidationParameter: []byte("policy")})))
			put("fields/pedigree/EndorsementInfo", field(encoded(t, &lifecycle.ChaincodeEndorsementInfo{Version: c.committed})))
			require.NoError(t, r.store.Commit(batch, state.Progress{}))

			rules, err := newRules("pedigree")
			require.NoError(t, err)
			second, err := contractapi.NewChaincode(new(Notes))
			require.NoError(t, err)
			rules.codes = append(rules.codes[:1], second)
			r.rules = rules

			tx := calling(id, "id", writes)
			tx.call.chaincode, tx.call.version, tx.call.args = "pedigree", c.said, [][]byte{[]byte("Notes:Submit")}
			tx.call.answer = shim.Success([]byte("noted"))
			(&Auditor{replay: r}).early(tx)
			b.transactions = append(b.transactions, tx)
			found, err := r.checkRules(b, 5)
			require.NoError(t, err)
			var got []Code
			for _, f := range found {
				got = append(got, f.Code)
			}
			assert.Equal(t, c.found, got, "%v", found)
		})
	}
}
