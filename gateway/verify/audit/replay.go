package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/blockfile"
	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/state"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// mostKept is how many findings are kept. Without a limit, a hostile chain could fill the disk.
const mostKept = 10_000

// errEnded means that the chain can't be followed any further. A finding says why.
var errEnded = errors.New("the audit can't go on")

// replay takes blocks one after the other, and judges each by those before it. Only one goroutine uses it. The work
// that can be done before a block's turn is in pipeline.go.
type replay struct {
	genesis   []byte
	chaincode string
	rules     *rules
	store     *state.Store
	progress  state.Progress
	found     []Finding

	chain       *proof.Chain
	epoch       *epoch
	definitions map[string]*definition

	run func(func()) // runs a function on another goroutine, as soon as a processor is free
}

// OtherStateError means that the folder has the state of another audit.
type OtherStateError struct{ Have, Want string }

func (e *OtherStateError) Error() string {
	return fmt.Sprintf(
		"the folder has the state of an audit of %s, and this is an audit of %s; use another folder",
		e.Have,
		e.Want,
	)
}

// resume continues an earlier audit. It makes the chain again from the configuration blocks in the state.
func (r *replay) resume() error {
	p := r.store.Progress()
	r.progress = p
	if p.Next == 0 {
		r.progress.Genesis, r.progress.Chaincode = r.genesis, r.chaincode
		return nil
	}
	if !bytes.Equal(p.Genesis, r.genesis) || p.Chaincode != r.chaincode {
		return &OtherStateError{
			fmt.Sprintf("%s on %x", p.Chaincode, p.Genesis),
			fmt.Sprintf("%s on %x", r.chaincode, r.genesis),
		}
	}
	configs, err := r.store.Configs()
	if err != nil {
		return err
	}
	for _, stored := range configs {
		raw, _, err := blockfile.Parse(stored)
		if err == nil {
			var b *proof.Block
			if b, err = proof.OpenBlock(raw); err == nil {
				err = r.follow(b)
			}
		}
		if err != nil {
			return fmt.Errorf("%w: %w", state.ErrDamaged, err)
		}
	}
	if r.chain == nil {
		return state.ErrDamaged
	}
	found, err := r.store.Findings()
	if err != nil {
		return err
	}
	for _, text := range found {
		var f Finding
		if err := json.Unmarshal(text, &f); err != nil {
			return fmt.Errorf("%w: %w", state.ErrDamaged, err)
		}
		r.found = append(r.found, f)
	}
	return nil
}

// first returns the number of the first block to read. If the chain hasn't followed the last audited block, because
// that wasn't a configuration block, it must be read again.
func (r *replay) first() uint64 {
	if next := r.progress.Next; next == 0 || r.chain.Last().Number+1 == next {
		return next
	}
	return r.progress.Next - 1
}

// follow moves the chain on to a block. A configuration block begins a new epoch.
func (r *replay) follow(b *proof.Block) (err error) {
	if r.chain == nil {
		r.chain, err = proof.NewChain(b, r.genesis)
	} else {
		_, err = r.chain.Take(b)
	}
	if err != nil {
		return err
	}
	if r.epoch == nil || r.epoch.config != r.chain.Config() {
		r.epoch = newEpoch(r.chain.Config())
	}
	return nil
}

// again checks that a block is the same as when it was audited.
func (r *replay) again(b *opened) (codes []byte, err error) {
	number := b.raw.GetHeader().GetNumber()
	hash, codes, err := r.store.Block(number)
	if err != nil {
		return nil, err
	}
	if b.err != nil {
		r.note(refused(number, b.err))
		return nil, errEnded
	}
	if !bytes.Equal(hash, b.block.Hash()) {
		r.note(inBlock(number, Fork, "it has the hash %x, and the one that was audited before has %x", b.block.Hash(), hash))
		return nil, errEnded
	}
	if number+1 == r.progress.Next && number > r.chain.Last().Number {
		if err := r.follow(b.block); err != nil {
			r.note(refused(number, err))
			return nil, errEnded
		}
	}
	return codes, nil
}

// note adds a finding that isn't about an audited block. The state doesn't keep it.
func (r *replay) note(f Finding) { r.found = append(r.found, f) }

// take audits the next block. It returns the validation codes of its transactions.
func (r *replay) take(b *opened) ([]byte, error) {
	number := b.raw.GetHeader().GetNumber()
	if number != r.progress.Next {
		r.note(inBlock(number, OutOfOrder, "it came where block %d was expected", r.progress.Next))
		return nil, errEnded
	}
	err := b.err
	if err == nil {
		err = r.follow(b.block)
	}
	if err != nil {
		r.note(refused(number, err))
		return nil, errEnded
	}
	u := newUpdates()
	codes, found, err := r.judge(b, u)
	if err != nil {
		return nil, err
	}
	more, hash := r.checkMetadata(b, codes, u)
	return codes, r.keep(b, u, codes, hash, append(found, more...))
}

// judge decides which transactions of a block are valid, in order, and collects what these change.
func (r *replay) judge(b *opened, u *updates) (codes []byte, found []Finding, err error) {
	number := b.raw.GetHeader().GetNumber()
	used := map[string]bool{} // ids of the block's transactions that are valid so far
	for _, t := range b.transactions {
		if err := r.decide(b.epoch, t); err != nil {
			return nil, nil, err
		}
		if t.code != valid || t.call == nil {
			continue
		}
		if used[t.id] {
			t.invalid(peer.TxValidationCode_DUPLICATE_TXID, "an earlier transaction of the block has the same id")
		}
		used[t.id] = true
	}
	for _, t := range b.transactions {
		if t.code == valid && t.call != nil {
			code, why, err := conflict(r.store, u, t.call.sets)
			if err != nil {
				return nil, nil, err
			}
			if code != valid {
				t.invalid(code, "%s", why)
			} else {
				u.apply(t.call.sets, state.Version{Block: number, Tx: uint64(t.position)})
			}
		}
		codes = append(codes, byte(t.code))
	}
	found, err = r.checkRules(b, number)
	return codes, found, err
}

// decide makes the checks that Fabric makes before it looks for conflicts of reads.
func (r *replay) decide(e *epoch, t *transaction) error {
	if t.code != valid || t.call == nil {
		return nil
	}
	exists, err := r.store.HasTx(t.id)
	if err != nil {
		return err
	}
	if exists {
		t.invalid(peer.TxValidationCode_DUPLICATE_TXID, "an earlier block has a transaction of the same id")
		return nil
	}
	if t.code, t.why = t.call.code, t.call.why; t.code != valid {
		return nil
	}
	t.code, t.why, err = r.endorsed(e, t.call)
	return err
}

// checkRules makes the checks of valid transactions that Fabric doesn't make. It runs the calls that haven't run again
// yet. They can run at the same time, because valid transactions of a block read only what was there before the block.
func (r *replay) checkRules(b *opened, number uint64) (found []Finding, err error) {
	inForce, err := r.rulesInForce()
	if err != nil {
		return nil, err
	}
	var wait sync.WaitGroup
	for _, t := range b.transactions {
		if t.code != valid || t.call == nil || !r.triable(t) || !r.rules.has(inForce) {
			continue
		}
		if made := t.call.trial; made == nil || made.rules != inForce {
			wait.Add(1)
			r.run(func() {
				defer wait.Done()
				t.call.trial = r.rules.try(t, inForce, r.store)
			})
		}
	}
	wait.Wait()
	for _, t := range b.transactions {
		if t.code != valid || t.call == nil {
			continue
		}
		add := func(code Code, format string, args ...any) {
			found = append(found, inTransaction(number, t, code, format, args...))
		}
		if !bytes.Equal(t.call.proposer, t.creator.Serialized()) {
			add(OtherProposer, "its proposal was made by somebody else than %s", t.creator)
		}
		err := b.epoch.meets(writersPolicy, []*identity{t.creator}, func(list []*proof.Identity) error {
			return b.epoch.config.Meets(writersPolicy, list)
		})
		if err != nil {
			add(NotAWriter, "%s may not write on the channel: %v", t.creator, err)
		}
		if why := r.unjudged(t.call); why != "" {
			add(Unjudged, "%s", why)
		}
		if r.triable(t) && !r.rules.has(inForce) {
			add(Unjudged, "the chaincode's definition puts rules %d in force: %v", inForce, inForce.Known())
			continue
		}
		if made := t.call.trial; r.triable(t) {
			if made.err != nil {
				return nil, made.err
			}
			found = append(found, r.rules.compare(number, t, made)...)
			continue
		}
		for _, s := range t.call.sets {
			if s.namespace == r.chaincode && s.writes() {
				add(ForeignWrites, "it was written into %q through %q", r.chaincode, t.call.chaincode)
			}
		}
	}
	return found, nil
}

// rulesInForce returns the rules that the definition of Pedigree's chaincode puts in force before the block. They are
// the same for all valid transactions of a block: each has read the definition's number, so none is valid that comes
// after a change of the definition.
func (r *replay) rulesInForce() (chaincode.Rules, error) {
	d, err := r.definitionOf(r.chaincode)
	if errors.Is(err, errNotDefined) {
		return chaincode.First, nil // then no transaction of it is valid
	}
	if err != nil {
		return 0, err
	}
	return chaincode.RulesOf(d.version), nil
}

// triable reports whether a transaction is a call of Pedigree's chaincode that changes something.
func (r *replay) triable(t *transaction) bool {
	if t.call.chaincode != r.chaincode {
		return false
	}
	for i := range t.call.sets {
		if t.call.sets[i].writes() {
			return true
		}
	}
	return false
}

// keep writes the outcome of a block into the state.
func (r *replay) keep(b *opened, u *updates, codes, commitHash []byte, found []Finding) error {
	number := b.raw.GetHeader().GetNumber()
	batch := r.store.NewBatch()
	u.store(batch)
	for _, t := range b.transactions {
		if t.id != "" {
			batch.Use(t.id)
		}
		r.progress.Transactions++
		if t.code != valid {
			r.progress.Invalid++
		} else if t.call != nil {
			r.progress.Records += recordsOf(r.chaincode, t)
		}
	}
	batch.Block(number, b.block.Hash(), codes)
	if r.chain.Config().Block == number {
		batch.Config(number, blockfile.Append(nil, b.raw))
	}
	found = found[:min(len(found), max(0, mostKept-len(r.found)))]
	for _, f := range found {
		text, err := json.Marshal(f)
		if err != nil {
			return fmt.Errorf("couldn't write a finding: %w", err)
		}
		batch.Found(text)
	}
	p := r.progress
	p.Channel, p.Next, p.Last, p.CommitHash = r.chain.Config().Channel, number+1, b.block.Hash(), commitHash
	if err := r.store.Commit(batch, p); err != nil {
		return err
	}
	if u.changesDefinitions() {
		clear(r.definitions)
	}
	r.progress = r.store.Progress()
	r.found = append(r.found, found...)
	return nil
}

// checkMetadata checks what a peer added to a block, which nobody signs. It returns the commit hash that the next
// block's is computed from. That is the peer's own, if it has one, so that one difference isn't reported for all later
// blocks.
func (r *replay) checkMetadata(b *opened, codes []byte, u *updates) (found []Finding, hash []byte) {
	number := b.raw.GetHeader().GetNumber()
	all := b.raw.GetMetadata().GetMetadata()
	add := func(code Code, format string, args ...any) {
		found = append(found, inBlock(number, code, format, args...))
	}
	const slots = int(common.BlockMetadataIndex_COMMIT_HASH) + 1
	if len(all) != slots {
		add(BadMetadata, "it has %d metadata instead of %d", len(all), slots)
		all = append(all[:min(len(all), slots):min(len(all), slots)], make([][]byte, max(0, slots-len(all)))...)
	}
	if len(all[ordererSlot]) > 0 {
		add(BadMetadata, "it has metadata number %d, which is out of use", ordererSlot)
	}
	if config := r.chain.Config().Block; !bytes.Equal(all[lastConfigSlot], lastConfig(config)) {
		add(BadMetadata, "its metadata doesn't name block %d as the one of the last configuration", config)
	}
	var signatures, kept common.Metadata
	if !exact(all[common.BlockMetadataIndex_SIGNATURES], &signatures) ||
		!exact(signatures.GetValue(), &common.OrdererBlockMetadata{}) ||
		number == 0 && len(signatures.GetValue()) > 0 && !bytes.Equal(signatures.GetValue(), genesisMetadata) {
		add(BadMetadata, "its signatures aren't in the form that Fabric writes")
	}
	flags := all[common.BlockMetadataIndex_TRANSACTIONS_FILTER]
	switch {
	case len(flags) == 0 && number == 0:
	case len(flags) != len(codes):
		add(FlagDiffers, "it has %d validation codes for %d transactions", len(flags), len(codes))
	default:
		for i, code := range codes {
			if flags[i] != code {
				t := b.transactions[i]
				found = append(found, inTransaction(number, t, FlagDiffers, "the peer says %s, and it is %s%s",
					peer.TxValidationCode(flags[i]), peer.TxValidationCode(code), because(t.why)))
			}
		}
	}
	value := all[common.BlockMetadataIndex_COMMIT_HASH]
	want := u.commitHash(codes, r.progress.CommitHash)
	switch {
	case len(value) == 0 && (number == 1 || len(r.progress.CommitHash) == 0):
		return found, nil // the peer doesn't keep commit hashes
	case !exact(value, &kept) || len(kept.GetSignatures()) > 0 || !bytes.Equal(kept.GetValue(), want):
		add(CommitHashDiffers, "the peer has %x for all changes up to here, and the audit %x", kept.GetValue(), want)
	}
	if len(kept.GetValue()) == 0 {
		return found, want
	}
	return found, kept.GetValue()
}

// Slots of a block's metadata that Fabric no longer uses. Orderers still fill the first, with what they also sign.
const (
	lastConfigSlot = 1
	ordererSlot    = 3
)

// lastConfig is the metadata with which orderers name the block of the last configuration.
func lastConfig(block uint64) []byte {
	value, err := proto.Marshal(&common.LastConfig{Index: block})
	if err != nil {
		panic(err) // a message of one number can always be written
	}
	metadata, err := proto.Marshal(&common.Metadata{Value: value})
	if err != nil {
		panic(err)
	}
	return metadata
}

// genesisMetadata is what configtxgen writes into the genesis block instead of what orderers sign.
var genesisMetadata = []byte{0x0a, 0x00}

// exact reads a message, and reports whether it is in the encoding that Fabric's programs write.
func exact(data []byte, m proto.Message) bool {
	if proto.Unmarshal(data, m) != nil {
		return false
	}
	again, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	return err == nil && len(m.ProtoReflect().GetUnknown()) == 0 && bytes.Equal(again, data)
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}
