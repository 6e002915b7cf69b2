package audit

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/state"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// judging is a replay over a small state, in an epoch in which a policy was decided on before: that of the chaincode
// other is met, and so is that of writers, unless told otherwise.
func judging(t *testing.T, writer error) (*replay, *opened, *identity) {
	e := newEpoch(&proof.Config{})
	e.blind = true
	id := e.identity(creatorOf(t))
	answer := func(err error) func([]*proof.Identity) error { return func([]*proof.Identity) error { return err } }
	_ = e.meets(writersPolicy, []*identity{id}, answer(writer))
	_ = e.meets("policy", nil, answer(nil))
	r := &replay{chaincode: "pedigree", store: testState(t), definitions: map[string]*definition{
		"other": {plugin: defaultPlugin, policy: []byte("policy")}, "pedigree": {plugin: defaultPlugin, policy: []byte("policy")},
	}}
	return r, &opened{raw: &common.Block{Header: &common.BlockHeader{Number: 5}}, epoch: e}, id
}

func calling(id *identity, txID string, sets ...set) *transaction {
	return &transaction{id: txID, creator: id, call: &call{chaincode: "other", proposer: id.Serialized(), sets: sets}}
}

func TestWhatFabricDoesNotCheckIsFound(t *testing.T) {
	writes := set{namespace: "pedigree", public: &kvrwset.KVRWSet{Writes: []*kvrwset.KVWrite{{Key: "k", Value: []byte("v")}}}}
	reads := set{namespace: "pedigree", public: &kvrwset.KVRWSet{Reads: []*kvrwset.KVRead{read("a", 0)}}}
	for name, c := range map[string]struct {
		set    set
		change func(*transaction)
		writer error
		found  []Code
	}{
		"another chaincode writes to itself": {set{namespace: "other", public: writes.public}, nil, nil, nil},
		"another chaincode reads":            {reads, nil, nil, nil},
		"another chaincode writes":           {writes, nil, nil, []Code{ForeignWrites}},
		"it isn't valid":                     {writes, func(t *transaction) { t.code = peer.TxValidationCode_MVCC_READ_CONFLICT }, nil, nil},
		"it is no call":                      {writes, func(t *transaction) { t.call = nil }, nil, nil},
		"somebody else proposed it":          {reads, func(t *transaction) { t.call.proposer = []byte("x") }, nil, []Code{OtherProposer}},
		"its creator may not write":          {reads, nil, errors.New("no writer"), []Code{NotAWriter}},
	} {
		r, b, id := judging(t, c.writer)
		tx := calling(id, "id", c.set)
		if c.change != nil {
			c.change(tx)
		}
		b.transactions = []*transaction{tx}
		found, err := r.checkRules(b, 5)
		require.NoError(t, err)
		var got []Code
		for _, f := range found {
			got = append(got, f.Code)
		}
		assert.Equal(t, c.found, got, name)
	}
}

func TestOnlyValidTransactionsUseAnIDUp(t *testing.T) {
	r, b, id := judging(t, nil)
	conflicting := set{namespace: ns, public: &kvrwset.KVRWSet{Reads: []*kvrwset.KVRead{read("a", 4)}}}
	writing := set{namespace: "other", public: &kvrwset.KVRWSet{Writes: []*kvrwset.KVWrite{{Key: "k", Value: []byte("v")}}}}
	invalid := calling(id, "one", conflicting)
	invalid.code = peer.TxValidationCode_BAD_CREATOR_SIGNATURE
	b.transactions = []*transaction{
		invalid, calling(id, "one", writing), calling(id, "one", writing), {id: "two"}, calling(id, "two", conflicting), {id: "two"},
	}
	codes, found, err := r.judge(b, newUpdates())
	require.NoError(t, err)
	assert.Empty(t, found)
	want := []peer.TxValidationCode{
		peer.TxValidationCode_BAD_CREATOR_SIGNATURE, valid, peer.TxValidationCode_DUPLICATE_TXID, valid,
		peer.TxValidationCode_MVCC_READ_CONFLICT, valid,
	}
	require.Len(t, codes, len(want))
	for i, code := range codes {
		assert.Equal(t, want[i], peer.TxValidationCode(code), i)
	}
}

func TestMessagesAreInTheEncodingOfFabric(t *testing.T) {
	good := encoded(t, &common.Metadata{Value: []byte("v")})
	assert.True(t, exact(good, new(common.Metadata)))
	assert.True(t, exact(nil, new(common.Metadata)))
	assert.False(t, exact(garbage, new(common.Metadata)))
	assert.False(t, exact(append(good, 0x78, 1), new(common.Metadata)), "a field that is unknown")
	assert.False(t, exact(append(good, good...), new(common.Metadata)), "a field twice")
	assert.Equal(t, "", because(""))
	assert.Equal(t, ": x", because("x"))
}

func TestWhatAPeerAddsIsHeldToItsForm(t *testing.T) {
	signatures := encoded(t, &common.Metadata{Value: encoded(t, &common.OrdererBlockMetadata{LastConfig: &common.LastConfig{Index: 1}})})
	u := newUpdates()
	hash := func(before []byte) []byte { return u.commitHash([]byte{0}, before) }
	kept := func(m *common.Metadata) []byte { return encoded(t, m) }
	before := []byte("before")
	genesis := genesisOf(t)
	chain, err := proof.NewChain(genesis, genesis.Hash())
	require.NoError(t, err)
	for name, c := range map[string]struct {
		number uint64
		before []byte
		spoil  func(all [][]byte)
		found  []Code
		hash   []byte
	}{
		"nothing":                            {5, before, nil, nil, hash(before)},
		"no commit hash":                     {5, before, func(all [][]byte) { all[4] = nil }, []Code{CommitHashDiffers}, hash(before)},
		"no commit hash, as before":          {5, nil, func(all [][]byte) { all[4] = nil }, nil, nil},
		"no commit hash, in the first block": {1, before, func(all [][]byte) { all[4] = nil }, nil, nil},
		"another commit hash":                {5, before, func(all [][]byte) { all[4] = kept(&common.Metadata{Value: []byte("x")}) }, []Code{CommitHashDiffers}, []byte("x")},
		"a commit hash that somebody signed": {5, before, func(all [][]byte) {
			all[4] = kept(&common.Metadata{Value: hash(before), Signatures: []*common.MetadataSignature{{}}})
		}, []Code{CommitHashDiffers}, hash(before)},
		"a commit hash in another encoding":   {5, before, func(all [][]byte) { all[4] = append(all[4], 0x78, 1) }, []Code{CommitHashDiffers}, hash(before)},
		"an empty commit hash":                {5, before, func(all [][]byte) { all[4] = kept(&common.Metadata{Signatures: []*common.MetadataSignature{{}}}) }, []Code{CommitHashDiffers}, hash(before)},
		"something in the second place":       {5, before, func(all [][]byte) { all[1] = []byte{1} }, []Code{BadMetadata}, hash(before)},
		"something in the fourth place":       {5, before, func(all [][]byte) { all[3] = []byte{1} }, []Code{BadMetadata}, hash(before)},
		"signatures in another encoding":      {5, before, func(all [][]byte) { all[0] = append(all[0], 0x78, 1) }, []Code{BadMetadata}, hash(before)},
		"what is signed in another encoding":  {5, before, func(all [][]byte) { all[0] = kept(&common.Metadata{Value: []byte{0x78, 1}}) }, []Code{BadMetadata}, hash(before)},
		"no codes":                            {5, before, func(all [][]byte) { all[2] = nil }, []Code{FlagDiffers}, hash(before)},
		"another code":                        {5, before, func(all [][]byte) { all[2] = []byte{11} }, []Code{FlagDiffers}, hash(before)},
		"a code too many":                     {5, before, func(all [][]byte) { all[2] = []byte{0, 0} }, []Code{FlagDiffers}, hash(before)},
		"the genesis block as peers have it":  {0, nil, func(all [][]byte) { all[0], all[2], all[4] = kept(&common.Metadata{Value: genesisMetadata}), nil, nil }, nil, nil},
		"the genesis block with codes":        {0, nil, func(all [][]byte) { all[0], all[4] = nil, nil }, nil, nil},
		"the genesis block with a wrong code": {0, nil, func(all [][]byte) { all[0], all[2], all[4] = nil, []byte{11}, nil }, []Code{FlagDiffers}, nil},
		"the genesis block with an orderer's": {0, nil, func(all [][]byte) { all[4] = nil }, []Code{BadMetadata}, nil},
		"the genesis block with a hash":       {0, nil, func(all [][]byte) { all[0], all[4] = nil, kept(&common.Metadata{Value: []byte("x")}) }, []Code{CommitHashDiffers}, []byte("x")},
	} {
		all := [][]byte{append([]byte{}, signatures...), nil, {0}, nil, kept(&common.Metadata{Value: hash(c.before)})}
		if c.spoil != nil {
			c.spoil(all)
		}
		r := &replay{chain: chain}
		r.progress.CommitHash = c.before
		b := &opened{
			raw:          &common.Block{Header: &common.BlockHeader{Number: c.number}, Metadata: &common.BlockMetadata{Metadata: all}},
			transactions: []*transaction{{id: "id"}},
		}
		found, hash := r.checkMetadata(b, []byte{0}, u)
		var got []Code
		for _, f := range found {
			got = append(got, f.Code)
		}
		assert.Equal(t, c.found, got, name)
		assert.Equal(t, c.hash, hash, name)
	}
}

func TestMetadataAreAsManyAsFabricHas(t *testing.T) {
	u := newUpdates()
	genesis := genesisOf(t)
	chain, err := proof.NewChain(genesis, genesis.Hash())
	require.NoError(t, err)
	whole := [][]byte{
		encoded(t, &common.Metadata{Value: encoded(t, &common.OrdererBlockMetadata{})}), nil, {0}, nil,
		encoded(t, &common.Metadata{Value: u.commitHash([]byte{0}, []byte("before"))}),
	}
	for name, c := range map[string]struct {
		all   [][]byte
		found []Code
	}{
		"as many":  {whole, nil},
		"one less": {whole[:4], []Code{BadMetadata, CommitHashDiffers}},
		"none":     {nil, []Code{BadMetadata, FlagDiffers, CommitHashDiffers}},
		"one more": {append(slices.Clone(whole), []byte("x")), []Code{BadMetadata}},
	} {
		t.Run(name, func(t *testing.T) {
			r := &replay{chain: chain, progress: state.Progress{CommitHash: []byte("before")}}
			b := &opened{raw: &common.Block{Header: &common.BlockHeader{Number: 5}, Metadata: &common.BlockMetadata{Metadata: c.all}},
				transactions: []*transaction{{id: "id"}}}
			found, _ := r.checkMetadata(b, []byte{0}, u)
			var got []Code
			for _, f := range found {
				got = append(got, f.Code)
			}
			assert.Equal(t, c.found, got, "%v", found)
		})
	}
}

func TestWhatABlockChangesIsKept(t *testing.T) {
	genesis := genesisOf(t)
	changing := func(namespace string) *updates {
		u := newUpdates()
		u.apply([]set{{namespace: namespace, public: &kvrwset.KVRWSet{Writes: []*kvrwset.KVWrite{{Key: "new", Value: []byte("v")}}}}}, state.Version{})
		return u
	}
	for name, c := range map[string]struct {
		number  uint64
		changes string // the namespace
		before  int    // findings that were kept before
		found   int
		kept    int // findings
		configs int // configuration blocks that were kept
	}{
		"a configuration block":                    {number: 0, changes: ns, configs: 1},
		"another block":                            {number: 5, changes: ns},
		"a change of definitions":                  {number: 5, changes: lifecycleNamespace},
		"findings":                                 {number: 5, changes: ns, found: 3, kept: 3},
		"more findings than are kept":              {number: 5, changes: ns, before: mostKept - 1, found: 3, kept: 1},
		"findings when as many as may be are kept": {number: 5, changes: ns, before: mostKept, found: 3},
	} {
		t.Run(name, func(t *testing.T) {
			r, b, id := judging(t, nil)
			chain, err := proof.NewChain(genesis, genesis.Hash())
			require.NoError(t, err)
			r.chain, r.found = chain, make([]Finding, c.before)
			b.raw.Header.Number, b.block = c.number, genesis
			invalid := calling(id, "invalid")
			invalid.code = peer.TxValidationCode_MVCC_READ_CONFLICT
			b.transactions = []*transaction{calling(id, "valid"), invalid, {}}
			codes := []byte{0, byte(invalid.code), 0}
			require.NoError(t, r.keep(b, changing(c.changes), codes, []byte("commit"), make([]Finding, c.found)))

			assert.Equal(t, c.changes == lifecycleNamespace, len(r.definitions) == 0, "definitions are forgotten when they may have changed")
			assert.Equal(t, r.store.Progress(), r.progress)
			assert.Equal(t, []any{c.number + 1, uint64(3), uint64(1), "commit"},
				[]any{r.progress.Next, r.progress.Transactions, r.progress.Invalid, string(r.progress.CommitHash)})
			assert.Len(t, r.found, c.before+c.kept)
			for id, want := range map[string]bool{"valid": true, "invalid": true, "": false} {
				used, err := r.store.HasTx(id)
				require.NoError(t, err)
				assert.Equal(t, want, used, "%q", id)
			}
			_, ok, err := r.store.Version(c.changes, "new")
			require.NoError(t, err)
			assert.True(t, ok)
			hash, kept, err := r.store.Block(c.number)
			require.NoError(t, err)
			assert.Equal(t, []any{genesis.Hash(), codes}, []any{hash, kept})
			configs, err := r.store.Configs()
			require.NoError(t, err)
			assert.Len(t, configs, c.configs)
			found, err := r.store.Findings()
			require.NoError(t, err)
			assert.Len(t, found, c.kept)
		})
	}
}

func TestNamespacesAreJudgedInTheirOrder(t *testing.T) {
	r, b, id := judging(t, nil)
	undefined := set{namespace: "a", public: &kvrwset.KVRWSet{Writes: []*kvrwset.KVWrite{{Key: "k"}}}}
	tx := calling(id, "id", undefined)
	refused := errors.New("too few endorsers")
	b.epoch.met = map[string]error{"policy\x00": refused}
	code, _, err := r.endorsed(b.epoch, tx.call)
	require.NoError(t, err)
	assert.Equal(t, peer.TxValidationCode_INVALID_CHAINCODE, code)
	tx.call.sets[0].namespace = "z"
	code, _, err = r.endorsed(b.epoch, tx.call)
	require.NoError(t, err)
	assert.Equal(t, peer.TxValidationCode_ENDORSEMENT_POLICY_FAILURE, code)
}

// rawGenesis is the genesis block of a channel.
func rawGenesis(t *testing.T) *common.Block {
	text, err := os.ReadFile("../testdata/genesis.block")
	require.NoError(t, err)
	raw := new(common.Block)
	require.NoError(t, proto.Unmarshal(text, raw))
	return raw
}

// genesisOf is that block, opened.
func genesisOf(t *testing.T) *proof.Block {
	b, err := proof.OpenBlock(rawGenesis(t))
	require.NoError(t, err)
	return b
}

func TestAStateIsOfOneAudit(t *testing.T) {
	s, err := state.Open(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Commit(s.NewBatch(), state.Progress{Next: 2, Genesis: []byte("g"), Chaincode: "cc"}))
	for _, r := range []*replay{{genesis: []byte("g"), chaincode: "other"}, {genesis: []byte("h"), chaincode: "cc"}} {
		r.store = s
		var other *OtherStateError
		require.ErrorAs(t, r.resume(), &other)
		assert.Equal(t, "the folder has the state of an audit of cc on 67, and this is an audit of "+
			fmt.Sprintf("%s on %x; use another folder", r.chaincode, r.genesis), other.Error())
	}
	r := &replay{store: s, genesis: []byte("g"), chaincode: "cc"}
	assert.ErrorIs(t, r.resume(), state.ErrDamaged, "it has no configuration")
}

func TestAnAuditGoesOnAtTheFirstBlockThatItsChainNeeds(t *testing.T) {
	genesis := genesisOf(t)
	chain, err := proof.NewChain(genesis, genesis.Hash()) // it has followed block 0 only
	require.NoError(t, err)
	for next, want := range map[uint64]uint64{0: 0, 1: 1, 2: 1, 3: 2, 9: 8} {
		r := &replay{chain: chain, progress: state.Progress{Next: next}}
		assert.Equal(t, want, r.first(), "after %d blocks", next)
	}
}

func TestABlockThatWasAuditedIsTheSame(t *testing.T) {
	genesis := genesisOf(t)
	chain, err := proof.NewChain(genesis, genesis.Hash())
	require.NoError(t, err)
	b := &opened{raw: &common.Block{Header: &common.BlockHeader{Number: 0}}, block: genesis}
	again := func(b *opened, hash []byte) ([]byte, []Finding, error) {
		s, err := state.Open(t.TempDir())
		require.NoError(t, err)
		defer s.Close()
		batch := s.NewBatch()
		batch.Block(0, hash, []byte{7})
		require.NoError(t, s.Commit(batch, state.Progress{Next: 1}))
		r := &replay{store: s, chain: chain, progress: s.Progress()}
		codes, err := r.again(b)
		return codes, r.found, err
	}
	codes, found, err := again(b, genesis.Hash())
	require.NoError(t, err)
	assert.Equal(t, []byte{7}, codes)
	assert.Empty(t, found)
	_, found, err = again(b, make([]byte, 32))
	assert.ErrorIs(t, err, errEnded)
	assert.Equal(t, Fork, found[0].Code)
	_, found, err = again(&opened{raw: b.raw, err: errors.New("it can't be read")}, genesis.Hash())
	assert.ErrorIs(t, err, errEnded)
	assert.Len(t, found, 1)
}
