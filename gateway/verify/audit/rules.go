package audit

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/queryresult"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/state"
)

// rules runs the chaincode's own code on the arguments of a transaction, to see whether the transaction did what the
// code does. Endorsers sign what a transaction read and wrote. Only their word says that this follows from its
// arguments.
type rules struct {
	name  string
	codes []*contractapi.ContractChaincode // by version of the rules, from the first
}

// keyRange is a range of keys: from start to before end.
type keyRange struct{ start, end string }

func newRules(name string) (*rules, error) {
	r := &rules{name: name}
	for version := chaincode.First; version <= chaincode.Newest(); version++ {
		code, err := chaincode.New(version)
		if err != nil {
			return nil, err
		}
		r.codes = append(r.codes, code)
	}
	return r, nil
}

// has reports whether there is code for a version of the rules.
func (r *rules) has(version chaincode.Rules) bool {
	return version >= chaincode.First && int(version-chaincode.First) < len(r.codes)
}

// trial is what happened when the chaincode's code ran again.
type trial struct {
	rules  chaincode.Rules
	answer *peer.Response
	writes map[string][]byte
	reads  map[string]struct{}
	ranges []keyRange
	err    error // of the state
	// first tells that the ledger has no record of version 2 before the transaction, and that the chaincode asked.
	first bool
}

// try runs a call by a version of the rules, which must be one that it has. Most calls don't read the state, so they
// can run before the block's turn, with a nil state. If such a call does read the state, try returns nil. It must then
// run on the state before the block: that is what a valid transaction read, or it wouldn't be valid.
func (r *rules) try(t *transaction, version chaincode.Rules, s *state.Store) (made *trial) {
	made = &trial{rules: version, writes: map[string][]byte{}, reads: map[string]struct{}{}}
	stub := &stub{store: s, namespace: r.name, t: t, trial: made, pack: r.packOf(t)}
	defer func() {
		switch problem := recover(); problem {
		case nil:
		case errNeedsState:
			made = nil
		default:
			made.answer = shim.Error(fmt.Sprintf("the chaincode panicked: %v", problem))
		}
	}()
	made.answer = r.codes[version-chaincode.First].Invoke(stub)
	return made
}

// packOf returns the pack that a transaction was called with. The endorsers got it as transient data, which isn't in
// the block. But the transaction wrote it, too.
func (r *rules) packOf(t *transaction) []byte {
	for _, s := range t.call.sets {
		if s.namespace != r.name {
			continue
		}
		key := record.PackKey(t.id)
		for _, w := range s.public.GetWrites() {
			if w.GetKey() == key {
				if _, pack, err := record.ParsePackValue(w.GetValue()); err == nil {
					return pack
				}
			}
		}
	}
	return nil
}

// compare lists how a valid transaction differs from its trial.
func (r *rules) compare(block uint64, t *transaction, made *trial) (found []Finding) {
	add := func(code Code, format string, args ...any) {
		found = append(found, inTransaction(block, t, code, format, args...))
	}
	if made.answer.GetStatus() != shim.OK {
		add(RulesRefuse, "the chaincode's rules refuse it: %s", record.Brief(made.answer.GetMessage()))
		return found
	}
	var own set
	for _, s := range t.call.sets {
		switch {
		case s.namespace == r.name:
			own = s
		case s.writes():
			add(ForeignWrites, "the chaincode has written into %q", s.namespace)
		}
	}
	written, read := map[string]struct{}{}, map[string]struct{}{}
	var wrong []string
	for _, w := range own.public.GetWrites() {
		written[w.GetKey()] = struct{}{}
		if value, ok := made.writes[w.GetKey()]; !ok || w.GetIsDelete() || string(value) != string(w.GetValue()) {
			wrong = append(wrong, w.GetKey())
		}
	}
	for key := range made.writes {
		if _, ok := written[key]; !ok {
			wrong = append(wrong, key)
		}
	}
	if len(wrong) > 0 {
		add(WritesDiffer, "%d of its writes aren't what the rules make of it%s", len(wrong), example(wrong))
	}
	for _, one := range own.public.GetReads() {
		read[one.GetKey()] = struct{}{}
	}
	if _, turns := made.writes[record.VersionKey(2)]; made.first && !turns {
		// Releases that knew version 1 alone didn't ask. As long as the ledger has no other, the answer changes nothing.
		if _, asked := read[record.VersionKey(2)]; !asked {
			delete(made.reads, record.VersionKey(2))
		}
	}
	var ranges []keyRange
	for _, query := range own.public.GetRangeQueriesInfo() {
		if query.GetItrExhausted() {
			ranges = append(ranges, keyRange{query.GetStartKey(), query.GetEndKey()})
		} else {
			ranges = append(ranges, keyRange{}) // the chaincode reads ranges to their end
		}
	}
	if !maps.Equal(read, made.reads) || !slices.Equal(ranges, made.ranges) || len(own.collections) > 0 {
		add(ReadsDiffer, "it has read %d keys and %d lists, and by the rules it reads %d keys and %d lists%s",
			len(read), len(ranges), len(made.reads), len(made.ranges),
			example(append(without(read, made.reads), without(made.reads, read)...)))
	}
	if answer := t.call.answer; answer.GetStatus() != made.answer.GetStatus() ||
		string(answer.GetPayload()) != string(made.answer.GetPayload()) ||
		answer.GetMessage() != made.answer.GetMessage() || t.call.event {
		add(AnswerDiffers, "the chaincode answered %q, and it should be %q",
			record.Brief(string(answer.GetPayload())), record.Brief(string(made.answer.GetPayload())))
	}
	return found
}

func without(a, b map[string]struct{}) (rest []string) {
	for key := range a {
		if _, ok := b[key]; !ok {
			rest = append(rest, key)
		}
	}
	slices.Sort(rest)
	return rest
}

func example(keys []string) string {
	if len(keys) == 0 {
		return ""
	}
	return fmt.Sprintf(" (%q, for one)", record.Brief(keys[0]))
}

// errNeedsState ends a trial that has no state and reads it.
var errNeedsState = errors.New("the call depends on the state")

// stub is the ledger as the chaincode sees it during a trial. It implements only what the chaincode uses when it
// submits records; everything else panics.
type stub struct {
	shim.ChaincodeStubInterface
	store     *state.Store
	namespace string
	t         *transaction
	trial     *trial
	pack      []byte
}

func (s *stub) GetArgs() [][]byte { return s.t.call.args }

func (s *stub) GetFunctionAndParameters() (string, []string) {
	if len(s.t.call.args) == 0 {
		return "", nil
	}
	parameters := make([]string, len(s.t.call.args)-1)
	for i, arg := range s.t.call.args[1:] {
		parameters[i] = string(arg)
	}
	return string(s.t.call.args[0]), parameters
}

func (s *stub) GetTransient() (map[string][]byte, error) {
	return map[string][]byte{record.TransientPack: s.pack}, nil
}

func (s *stub) GetTxID() string             { return s.t.id }
func (s *stub) GetCreator() ([]byte, error) { return s.t.call.proposer, nil }

func (s *stub) GetTxTimestamp() (*timestamppb.Timestamp, error) {
	return timestamppb.New(s.t.time), nil
}

func (s *stub) GetState(key string) ([]byte, error) {
	if s.store == nil {
		panic(errNeedsState)
	}
	s.trial.reads[key] = struct{}{}
	value, _, _, err := s.store.Get(s.namespace, key)
	if err != nil {
		s.trial.err = err
	}
	s.trial.first = s.trial.first || key == record.VersionKey(2) && value == nil
	return value, err
}

func (s *stub) GetMultipleStates(keys ...string) ([][]byte, error) {
	values := make([][]byte, len(keys))
	for i, key := range keys {
		var err error
		if values[i], err = s.GetState(key); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func (s *stub) GetStateByRange(start, end string) (shim.StateQueryIteratorInterface, error) {
	if s.store == nil {
		panic(errNeedsState)
	}
	s.trial.ranges = append(s.trial.ranges, keyRange{start, end})
	found := new(rows)
	var broken error
	err := s.store.Range(s.namespace, start, end, func(r state.Row, value func() ([]byte, error)) bool {
		text, err := value()
		if err != nil {
			broken = err
			return false
		}
		found.left = append(found.left, &queryresult.KV{Namespace: s.namespace, Key: r.Key, Value: bytes.Clone(text)})
		return len(found.left) <= mostRows
	})
	if err == nil {
		err = broken
	}
	if err != nil {
		s.trial.err = err
	}
	return found, err
}

// mostRows bounds the rows of a range. The chaincode refuses to read as many.
const mostRows = 100_000

// rows are the keys of a range and their values.
type rows struct {
	shim.StateQueryIteratorInterface
	left []*queryresult.KV
}

func (r *rows) HasNext() bool { return len(r.left) > 0 }
func (r *rows) Close() error  { return nil }
func (r *rows) Next() (*queryresult.KV, error) {
	kv := r.left[0]
	r.left = r.left[1:]
	return kv, nil
}

func (s *stub) StartWriteBatch()        {}
func (s *stub) FinishWriteBatch() error { return nil }

func (s *stub) PutState(key string, value []byte) error {
	s.trial.writes[key] = value
	return nil
}
