package proof

import (
	"cmp"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/peer/lifecycle"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Wanted says what the caller wants a proof of. A proof of something else is refused, even if it is good. The zero
// value accepts every good proof.
type Wanted struct {
	// Level is the lowest level to accept. Empty accepts any.
	Level Level
	// ID is a record that must be among those proved. Empty accepts any.
	ID record.ID
	// Trace is the lineage that must be proved. Its node must match, and its direction too, unless it is empty here. A
	// trace that was cut is accepted only if Trace.Cut is set. Nil accepts any trace, and proofs without one.
	Trace *Trace
}

// Verdict says what an accepted proof proves.
type Verdict struct {
	Level     Level         `json:"level"`
	Channel   string        `json:"channel"`
	Chaincode string        `json:"chaincode"`
	Agree     int           `json:"agree"`
	Records   []*Proved     `json:"records"`
	Trace     *ProvedTrace  `json:"trace,omitempty"`
	Blocks    []ProvedBlock `json:"blocks,omitempty"`
	// Said are the recalls and other statements among the records, with the standing of who makes them.
	Said []Said `json:"said,omitempty"`
	// NotProved says what the proof leaves open, for people.
	NotProved []string `json:"notProved"`
}

// Proved is a record that was proved.
type Proved struct {
	Attested
	// Ordered is what the record's block proves about the first recording in the receipt. It is nil at level receipt.
	Ordered *Ordered `json:"ordered,omitempty"`
}

// Ordered is what a block proves about a recording.
type Ordered struct {
	Tx string `json:"tx"`
	Version
	// SubmittedBy signed the transaction. EndorsedBy are the organisations that endorsed it. Together they meet Policy.
	SubmittedBy string   `json:"submittedBy"`
	EndorsedBy  []string `json:"endorsedBy"`
	Policy      string   `json:"policy"`
}

// ProvedBlock is a block that is proved to belong to the channel.
type ProvedBlock struct {
	Number uint64 `json:"number"`
	Hash   string `json:"hash"` // of the header, in hexadecimal
	// Orderers are the numbers of the orderers that signed the block.
	Orderers []uint32 `json:"orderers"`
	// Config is the number of the configuration block under which the block was checked.
	Config uint64 `json:"config"`
}

// Verify checks a proof against a trust file. It needs nothing else: no network, no other file and no clock. An error
// is a *Refusal.
func Verify(p *Proof, t *Trust, w Wanted) (*Verdict, error) {
	if p.Channel != t.Channel {
		return nil, refuse(WrongChannel, "the proof is of the channel %q, the trust file of %q", p.Channel, t.Channel)
	}
	if p.Chaincode != t.Chaincode {
		return nil, refuse(WrongChaincode, "the proof is of the chaincode %q, the trust file of %q", p.Chaincode, t.Chaincode)
	}
	if w.Level == LevelBlock && p.Level() != LevelBlock {
		return nil, refuse(LevelTooLow, "the proof is of level %s", p.Level())
	}
	v := &Verdict{Level: p.Level(), Channel: t.Channel, Chaincode: t.Chaincode, Agree: t.Agree}
	for i, r := range p.Receipts {
		a, err := r.check(t)
		if err != nil {
			return nil, At(err, "receipt %d", i)
		}
		if i > 0 && v.Records[i-1].ID >= a.ID {
			return nil, refuse(NotCanonical, "receipts aren't in the order of their records' ids, one of each")
		}
		v.Records = append(v.Records, &Proved{Attested: *a})
	}
	if p.Trace == nil && len(p.Receipts) != 1 {
		return nil, refuse(Malformed, "a proof that is of no trace is of one record, and this is of %d", len(p.Receipts))
	}
	if w.ID != "" && !slices.ContainsFunc(v.Records, func(r *Proved) bool { return r.ID == w.ID }) {
		return nil, refuse(WrongRecord, "the proof is of %s and not of %s", v.Records[0].ID, w.ID)
	}
	if err := p.Trace.fits(w.Trace, v.Records); err != nil {
		return nil, err
	}
	if p.Level() == LevelBlock {
		if err := verifyBlocks(p, t, v); err != nil {
			return nil, err
		}
	}
	if p.Trace != nil {
		var err error
		if v.Trace, err = p.Trace.check(v.Records); err != nil {
			return nil, err
		}
	}
	v.Said = said(v.Records)
	v.NotProved = v.notProved()
	return v, nil
}

// proven holds the blocks of a proof that were checked, the configuration of each, and what was found in them.
type proven struct {
	blocks    map[uint64]*Block
	configs   map[uint64]*Config
	needed    map[uint64]bool
	chaincode string

	recorded map[Version]*recorded
	policies map[Version]*definedPolicy
}

// recorded is a transaction that was checked and that recorded something.
type recorded struct {
	*Transaction
	Ordered
	header record.Header
	bodies [][]byte
}

func verifyBlocks(p *Proof, t *Trust, v *Verdict) error {
	blocks := make([]*Block, len(p.Blocks))
	for i, b := range p.Blocks { // opened again, because the caller may have changed their fields
		blocks[i] = &Block{
			Number: b.Number, PreviousHash: b.PreviousHash, Data: b.Data, Metadata: b.Metadata,
			Signatures: slices.Clone(b.Signatures),
		}
		if err := blocks[i].open(); err != nil {
			return At(err, "block %d", b.Number)
		}
	}
	chain, err := NewChain(blocks[0], t.Genesis)
	if err != nil {
		return err
	}
	if chain.config.Channel != t.Channel {
		return refuse(WrongChannel, "the genesis block is of the channel %q", chain.config.Channel)
	}
	s := &proven{chaincode: t.Chaincode,
		blocks: map[uint64]*Block{}, configs: map[uint64]*Config{}, needed: map[uint64]bool{},
		recorded: map[Version]*recorded{}, policies: map[Version]*definedPolicy{}}
	for _, b := range blocks[1:] {
		before, err := chain.Take(b)
		if err != nil {
			return err
		}
		s.blocks[b.Number], s.configs[b.Number] = b, before
		proved := ProvedBlock{Number: b.Number, Hash: hex.EncodeToString(b.Hash()), Config: before.Block}
		for _, one := range b.Signatures {
			proved.Orderers = append(proved.Orderers, one.orderer)
		}
		v.Blocks = append(v.Blocks, proved)
	}
	for i, r := range v.Records {
		if r.Ordered, err = s.check(&r.Attested); err != nil {
			return At(err, "receipt %d", i)
		}
	}
	var last uint64
	for number := range s.needed {
		last = max(last, number)
	}
	for _, b := range blocks {
		if !s.needed[b.Number] && (b.Number > last || !b.isConfigBlock()) {
			return refuse(NeedlessBlock, "block %d contributes nothing to the proof", b.Number)
		}
	}
	return nil
}

// transaction finds the transaction at a place, and the configuration of its block.
func (s *proven) transaction(v Version) (*Transaction, *Config, error) {
	b := s.blocks[v.Block]
	if b == nil {
		return nil, nil, refuse(MissingBlock, "block %d isn't in the proof", v.Block)
	}
	s.needed[v.Block] = true
	if v.Position >= uint64(len(b.Data)) {
		return nil, nil, refuse(WrongTransaction, "the block has %d transactions", len(b.Data))
	}
	t, err := OpenTransaction(b.Data[v.Position])
	return t, s.configs[v.Block], err
}

// check checks the first recording of a record in its block.
func (s *proven) check(a *Attested) (*Ordered, error) {
	first := a.Recordings[0]
	r, known := s.recorded[first.Version]
	if !known {
		var err error
		if r, err = s.open(first.Version); err != nil {
			return nil, At(err, "%s", first.Version)
		}
		s.recorded[first.Version] = r
	}
	if err := r.holds(a, s.chaincode); err != nil {
		return nil, At(err, "%s", first.Version)
	}
	return &r.Ordered, nil
}

// open finds and checks the transaction at a place, which must have recorded something.
func (s *proven) open(v Version) (*recorded, error) {
	t, config, err := s.transaction(v)
	if err != nil {
		return nil, err
	}
	if t.Action.Chaincode != s.chaincode {
		return nil, refuse(WrongTransaction, "a call of the chaincode %q is there", t.Action.Chaincode)
	}
	policy, err := s.policy(t, v.Block)
	if err != nil {
		return nil, err
	}
	endorsers, err := config.CheckTransaction(t, policy.policy)
	if err != nil {
		return nil, err
	}
	r := &recorded{Transaction: t, Ordered: Ordered{
		Tx: t.ID, Version: v, SubmittedBy: t.Creator.String(), Policy: policy.name,
	}}
	for _, id := range endorsers {
		if !slices.Contains(r.EndorsedBy, id.MSPID) {
			r.EndorsedBy = append(r.EndorsedBy, id.MSPID)
		}
	}
	slices.Sort(r.EndorsedBy)
	value, ok := t.Action.Written(s.chaincode, record.PackKey(t.ID))
	if !ok {
		return nil, refuse(NotInTransaction, "it has recorded nothing")
	}
	var pack []byte
	if r.header, pack, err = record.ParsePackValue(value); err != nil {
		return nil, refuse(NotInTransaction, "%v", err)
	}
	h := r.header
	if h.MSPID != t.Creator.MSPID || h.Subject != t.Creator.Certificate.Subject.String() ||
		h.Time != t.Time.UTC().Format(time.RFC3339Nano) {
		return nil, refuse(NotInTransaction, "it names another submitter, or time, than it was signed by")
	}
	if r.bodies, err = record.Unpack(pack, record.PackLimits{}); err != nil {
		return nil, refuse(NotInTransaction, "%v", err)
	}
	return r, nil
}

// holds checks that a transaction recorded a record, and that it agrees with the receipt.
func (r *recorded) holds(a *Attested, chaincode string) error {
	first := a.Recordings[0]
	if r.Transaction.ID != first.Tx {
		return refuse(WrongTransaction, "the transaction %s is there, not %s", r.Transaction.ID, first.Tx)
	}
	if r.header.MSPID != first.MSPID || r.header.Subject != first.Subject || r.header.Time != first.Time {
		return refuse(NotInTransaction, "it names another submitter, or time, than the receipt")
	}
	line, _ := r.Action.Written(chaincode, record.PointerKey(a.ID, first.Tx))
	n, err := strconv.Atoi(string(line))
	if err != nil {
		return refuse(NotInTransaction, "it has recorded other records")
	}
	if n < 0 || n >= len(r.bodies) || record.Sum(r.bodies[n]) != a.ID {
		return refuse(NotInTransaction, "it has another record, or none, in line %d", n)
	}
	return nil
}

// The keys under which Fabric's lifecycle chaincode keeps the definition of a chaincode.
const (
	lifecycleNamespace = "_lifecycle"
	definitionPrefix   = "namespaces/fields/"
	sequenceField      = "/Sequence"
	validationField    = "/ValidationInfo"
)

// definedPolicy is the endorsement policy in a chaincode's definition (peer.ApplicationPolicy), with a description for
// people.
type definedPolicy struct {
	policy []byte
	name   string
}

// policy finds the endorsement policy that a transaction had to meet. Every call of a chaincode reads the sequence
// number of the chaincode's definition. The version that it read leads to the transaction that defined the chaincode.
// That transaction either wrote the policy, or read the version that leads to an earlier one that did. A transaction
// that read an outdated definition isn't valid, so this finds the definition in force.
func (s *proven) policy(t *Transaction, block uint64) (*definedPolicy, error) {
	key := definitionPrefix + s.chaincode
	version, ok := t.Action.ReadVersion(lifecycleNamespace, key+sequenceField)
	first := version
	for range maxPolicyDepth {
		if !ok || version.Block >= block {
			break
		}
		if known := s.policies[version]; known != nil {
			return known, nil
		}
		definition, err := s.definition(version)
		if err != nil {
			return nil, At(err, "the chaincode's definition in %s", version)
		}
		if written, ok := definition.Action.Written(lifecycleNamespace, key+validationField); ok {
			found, err := readPolicy(written)
			if err == nil {
				s.policies[first] = found
			}
			return found, err
		}
		block = version.Block
		version, ok = definition.Action.ReadVersion(lifecycleNamespace, key+validationField)
	}
	return nil, refuse(BadTransaction, "it doesn't tell which definition of the chaincode it was endorsed under")
}

// definition finds and checks the transaction at a place, which must have defined a chaincode.
func (s *proven) definition(v Version) (*Transaction, error) {
	t, config, err := s.transaction(v)
	if err != nil {
		return nil, err
	}
	if t.Action.Chaincode != lifecycleNamespace {
		return nil, refuse(WrongTransaction, "a call of the chaincode %q is there", t.Action.Chaincode)
	}
	_, err = config.CheckTransaction(t, applicationPolicyReference(lifecycleEndorsement))
	return t, err
}

// readPolicy reads the policy from a field of a chaincode's definition.
func readPolicy(written []byte) (*definedPolicy, error) {
	var data lifecycle.StateData
	var info lifecycle.ChaincodeValidationInfo
	if err := proto.Unmarshal(written, &data); err != nil {
		return nil, refuse(BadTransaction, "the chaincode's definition can't be read: %v", err)
	}
	if err := proto.Unmarshal(data.GetBytes(), &info); err != nil {
		return nil, refuse(BadTransaction, "the chaincode's definition can't be read: %v", err)
	}
	if plugin := cmp.Or(info.GetValidationPlugin(), "vscc"); plugin != "vscc" {
		return nil, refuse(PolicyNotMet, "the chaincode's transactions are validated by the unknown plugin %q", plugin)
	}
	return &definedPolicy{info.GetValidationParameter(), describePolicy(info.GetValidationParameter())}, nil
}
