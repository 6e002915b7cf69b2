package audit

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/state"
)

// recorded is a transaction that did what its trial made of it.
func recorded() (*call, *trial) {
	answer := func() *peer.Response { return &peer.Response{Status: 200, Message: "m", Payload: []byte("p")} }
	c := &call{chaincode: "cc", answer: answer(), sets: []set{
		{namespace: "_lifecycle", public: &kvrwset.KVRWSet{Reads: []*kvrwset.KVRead{read("x", 0)}}},
		{namespace: "cc", public: &kvrwset.KVRWSet{
			Writes: []*kvrwset.KVWrite{{Key: "k", Value: []byte("v")}}, Reads: []*kvrwset.KVRead{read("a", 0)},
			RangeQueriesInfo: []*kvrwset.RangeQueryInfo{{StartKey: "s", EndKey: "t", ItrExhausted: true}},
		}},
	}}
	return c, &trial{
		answer: answer(), writes: map[string][]byte{"k": []byte("v")}, reads: map[string]struct{}{"a": {}}, ranges: []keyRange{{"s", "t"}},
	}
}

func TestATransactionIsComparedWithItsTrial(t *testing.T) {
	own := func(c *call) *kvrwset.KVRWSet { return c.sets[1].public }
	for name, c := range map[string]struct {
		differ func(c *call, made *trial)
		found  []Code
	}{
		"nothing":               {func(*call, *trial) {}, nil},
		"the rules refuse it":   {func(_ *call, made *trial) { made.answer.Status = 500 }, []Code{RulesRefuse}},
		"writes somewhere else": {func(c *call, _ *trial) { c.sets[0].public.Writes = own(c).Writes }, []Code{ForeignWrites}},
		"another value":         {func(c *call, _ *trial) { own(c).Writes[0].Value = []byte("w") }, []Code{WritesDiffer}},
		"a key deleted":         {func(c *call, _ *trial) { own(c).Writes[0].IsDelete = true }, []Code{WritesDiffer}},
		"an empty value more":   {func(c *call, _ *trial) { own(c).Writes = append(own(c).Writes, &kvrwset.KVWrite{Key: "l"}) }, []Code{WritesDiffer}},
		"a key less":            {func(_ *call, made *trial) { made.writes["l"] = []byte("v") }, []Code{WritesDiffer}},
		"a read more":           {func(c *call, _ *trial) { own(c).Reads = append(own(c).Reads, read("b", 0)) }, []Code{ReadsDiffer}},
		"a read less":           {func(c *call, _ *trial) { own(c).Reads = nil }, []Code{ReadsDiffer}},
		"another list":          {func(c *call, _ *trial) { own(c).RangeQueriesInfo[0].EndKey = "u" }, []Code{ReadsDiffer}},
		"a list that stopped":   {func(c *call, _ *trial) { own(c).RangeQueriesInfo[0].ItrExhausted = false }, []Code{ReadsDiffer}},
		"a list more, that stopped": {func(c *call, _ *trial) {
			own(c).RangeQueriesInfo = append(own(c).RangeQueriesInfo, &kvrwset.RangeQueryInfo{StartKey: "u", EndKey: "v"})
		}, []Code{ReadsDiffer}},
		"a list less":                 {func(c *call, _ *trial) { own(c).RangeQueriesInfo = nil }, []Code{ReadsDiffer}},
		"private data":                {func(c *call, _ *trial) { c.sets[1].collections = []collection{{name: "c"}} }, []Code{ReadsDiffer}},
		"another status":              {func(c *call, _ *trial) { c.answer.Status = 201 }, []Code{AnswerDiffers}},
		"another payload":             {func(c *call, _ *trial) { c.answer.Payload = nil }, []Code{AnswerDiffers}},
		"another message":             {func(c *call, _ *trial) { c.answer.Message = "" }, []Code{AnswerDiffers}},
		"an event":                    {func(c *call, _ *trial) { c.event = true }, []Code{AnswerDiffers}},
		"no set of its own":           {func(c *call, _ *trial) { c.sets = c.sets[:1] }, []Code{WritesDiffer, ReadsDiffer}},
		"an earlier release, unasked": {func(_ *call, made *trial) { made.first, made.reads[record.VersionKey(2)] = true, struct{}{} }, nil},
		"a later release, unasked":    {func(_ *call, made *trial) { made.reads[record.VersionKey(2)] = struct{}{} }, []Code{ReadsDiffer}},
	} {
		done, made := recorded()
		c.differ(done, made)
		var found []Code
		for _, f := range (&rules{name: "cc"}).compare(7, &transaction{id: "id", call: done}, made) {
			found = append(found, f.Code)
			assert.EqualValues(t, 7, *f.Block, name)
		}
		assert.Equal(t, c.found, found, name)
	}
}

func TestThePackIsTheOneThatTheTransactionWrote(t *testing.T) {
	id := "ab"
	value, err := record.PackValue(record.Header{}, []byte("pack"))
	require.NoError(t, err)
	write := func(key string, value []byte) *kvrwset.KVWrite { return &kvrwset.KVWrite{Key: key, Value: value} }
	for name, c := range map[string]struct {
		namespace string
		write     *kvrwset.KVWrite
		want      []byte
	}{
		"its own":               {"cc", write(record.PackKey(id), value), []byte("pack")},
		"another chaincode's":   {"other", write(record.PackKey(id), value), nil},
		"another transaction's": {"cc", write(record.PackKey("cd"), value), nil},
		"one that is none":      {"cc", write(record.PackKey(id), []byte("x")), nil},
	} {
		tx := &transaction{id: id, call: &call{sets: []set{{namespace: c.namespace, public: &kvrwset.KVRWSet{Writes: []*kvrwset.KVWrite{c.write}}}}}}
		assert.Equal(t, c.want, (&rules{name: "cc"}).packOf(tx), name)
	}
}

func TestOnlyWhatChangesSomethingIsTriedAgain(t *testing.T) {
	r := &replay{chaincode: "cc"}
	done, _ := recorded()
	assert.True(t, r.triable(&transaction{call: done}))
	assert.False(t, r.triable(&transaction{call: &call{chaincode: "other", sets: done.sets}}))
	assert.False(t, r.triable(&transaction{call: &call{chaincode: "cc", sets: done.sets[:1]}}))
}

func TestTheChaincodeSeesTheStateBeforeTheBlock(t *testing.T) {
	s := testState(t)
	made := &trial{reads: map[string]struct{}{}, writes: map[string][]byte{}}
	seen := &stub{store: s, namespace: ns, trial: made, t: &transaction{call: &call{args: [][]byte{[]byte("f"), []byte("x"), []byte("y")}}}}
	values, err := seen.GetMultipleStates("a", "z")
	require.NoError(t, err)
	assert.Equal(t, [][]byte{[]byte("v"), nil}, values)
	assert.Equal(t, map[string]struct{}{"a": {}, "z": {}}, made.reads)
	assert.False(t, made.first)
	_, err = seen.GetState(record.VersionKey(2))
	require.NoError(t, err)
	assert.True(t, made.first)
	_, err = seen.GetState("a")
	require.NoError(t, err)
	assert.True(t, made.first, "it stays so")

	rows, err := seen.GetStateByRange("b", "d")
	require.NoError(t, err)
	var keys []string
	for rows.HasNext() {
		kv, err := rows.Next()
		require.NoError(t, err)
		assert.Equal(t, ns, kv.Namespace)
		assert.Equal(t, "v", string(kv.Value))
		keys = append(keys, kv.Key)
	}
	assert.Equal(t, []string{"b", "c"}, keys)
	assert.Equal(t, []keyRange{{"b", "d"}}, made.ranges)

	function, parameters := seen.GetFunctionAndParameters()
	assert.Equal(t, "f", function)
	assert.Equal(t, []string{"x", "y"}, parameters)
	function, parameters = (&stub{t: &transaction{call: new(call)}}).GetFunctionAndParameters()
	assert.Empty(t, function)
	assert.Empty(t, parameters)

	without := &stub{namespace: ns, trial: made}
	assert.PanicsWithValue(t, errNeedsState, func() { _, _ = without.GetState("a") })
	assert.PanicsWithValue(t, errNeedsState, func() { _, _ = without.GetStateByRange("a", "b") })
}

func TestAnUnknownFunctionIsRefused(t *testing.T) {
	r, err := newRules("pedigree")
	require.NoError(t, err)
	made := r.try(&transaction{call: &call{args: [][]byte{[]byte("Nothing:AtAll")}}}, chaincode.First, testState(t))
	assert.NotEqualValues(t, 200, made.answer.GetStatus())
	assert.NoError(t, made.err)
}

func TestTheFirstKeyThatDiffersIsNamed(t *testing.T) {
	done, made := recorded()
	done.sets[1].public.Reads = nil
	made.reads = map[string]struct{}{"c": {}, "b": {}, "a": {}}
	found := (&rules{name: "cc"}).compare(7, &transaction{id: "id", position: 3, call: done}, made)
	require.Len(t, found, 1)
	assert.Equal(t, `reads_differ: block 7, transaction 3 (id): it has read 0 keys and 1 lists, `+
		`and by the rules it reads 3 keys and 1 lists ("a", for one)`, found[0].String())
	done.sets[1].public.Reads = []*kvrwset.KVRead{read("a", 0), read("d", 0), read("b", 0), read("c", 0)}
	found = (&rules{name: "cc"}).compare(7, &transaction{id: "id", call: done}, made)
	require.Len(t, found, 1)
	assert.Contains(t, found[0].Detail, `("d", for one)`, "the keys that both have aren't named")
}

func TestThereIsCodeForTheVersionsThatTheProgramHas(t *testing.T) {
	r, err := newRules("pedigree")
	require.NoError(t, err)
	assert.False(t, r.has(chaincode.First-1))
	assert.True(t, r.has(chaincode.First))
	assert.True(t, r.has(chaincode.Newest()))
	assert.False(t, r.has(chaincode.Newest()+1))
}

func TestAChaincodeThatPanicsHasRefused(t *testing.T) {
	r := &rules{codes: []*contractapi.ContractChaincode{nil}}
	made := r.try(&transaction{call: new(call)}, chaincode.First, testState(t))
	assert.EqualValues(t, 500, made.answer.GetStatus())
	assert.Contains(t, made.answer.GetMessage(), "the chaincode panicked: ")
}

func TestATrialTellsOfAStateThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	s, err := state.Open(dir)
	require.NoError(t, err)
	defer s.Close()
	b := s.NewBatch()
	large := make([]byte, 10_000)
	b.Put(ns, "k", large, state.Version{})
	require.NoError(t, s.Commit(b, state.Progress{}))
	large[1] = 1
	require.NoError(t, os.WriteFile(filepath.Join(dir, "values.log"), large, 0o600))
	for name, read := range map[string]func(*stub) error{
		"a key":  func(s *stub) error { _, err := s.GetState("k"); return err },
		"keys":   func(s *stub) error { _, err := s.GetMultipleStates("a", "k"); return err },
		"a list": func(s *stub) error { _, err := s.GetStateByRange("a", "z"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			made := &trial{reads: map[string]struct{}{}}
			assert.ErrorIs(t, read(&stub{store: s, namespace: ns, trial: made}), state.ErrDamaged)
			assert.ErrorIs(t, made.err, state.ErrDamaged)
		})
	}
}
