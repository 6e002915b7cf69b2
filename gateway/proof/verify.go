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

// Wanted says what a proof must be to be accepted, besides being right. The zero value asks for nothing.
type Wanted struct {
	// Level is the least level. Empty: any.
	Level Level
	// ID is a record that must be proved. Empty: any.
	ID record.ID
}

// Verdict is what an accepted proof proves.
type Verdict struct {
	Level     Level         `json:"level"`
	Channel   string        `json:"channel"`
	Chaincode string        `json:"chaincode"`
	Agree     int           `json:"agree"`
	Records   []*Proved     `json:"records"`
	Trace     *ProvedTrace  `json:"trace,omitempty"`
	Blocks    []ProvedBlock `json:"blocks,omitempty"`
}

// Proved is a record that was proved.
type Proved struct {
	Attested
	// Ordered is the first recording of those that the receipt tells of, as its block proves it; nil at level receipt.
	Ordered *Ordered `json:"ordered,omitempty"`
}

// Ordered is what a block proves of a record.
type Ordered struct {
	Tx string `json:"tx"`
	Version
	// SubmittedBy is who signed the transaction, and EndorsedBy the organisations whose endorsements meet Policy.
	SubmittedBy string   `json:"submittedBy"`
	EndorsedBy  []string `json:"endorsedBy"`
	Policy      string   `json:"policy"`
}

// ProvedBlock is a block that was proved to be of the channel.
type ProvedBlock struct {
	Number uint64 `json:"number"`
	Hash   string `json:"hash"` // of the header, in hexadecimal
	// Orderers are the numbers of those who signed it.
	Orderers []uint32 `json:"orderers"`
	// Config is the number of the configuration block that it was checked by.
	Config uint64 `json:"config"`
}

// Verify checks a proof against what is trusted. It needs nothing else: no network, no files, no clock. An error is a
// *Refusal.
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
			return nil, at(err, "receipt %d", i)
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
	return v, nil
}

// proven are blocks that were proved, with the configuration that each was made under.
type proven struct {
	blocks    map[uint64]*Block
	configs   map[uint64]*Config
	needed    map[uint64]bool
	chaincode string
}

func verifyBlocks(p *Proof, t *Trust, v *Verdict) error {
	chain, err := NewChain(p.Blocks[0], t.Genesis)
	if err != nil {
		return err
	}
	if chain.config.Channel != t.Channel {
		return refuse(WrongChannel, "the genesis block is of the channel %q", chain.config.Channel)
	}
	s := &proven{blocks: map[uint64]*Block{}, configs: map[uint64]*Config{}, needed: map[uint64]bool{0: true}, chaincode: t.Chaincode}
	for _, b := range p.Blocks[1:] {
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
			return at(err, "receipt %d", i)
		}
	}
	last := uint64(0)
	for number := range s.needed {
		last = max(last, number)
	}
	for _, b := range p.Blocks[1:] {
		if !s.needed[b.Number] && (b.Number > last || !b.isConfigBlock()) {
			return refuse(NeedlessBlock, "block %d has nothing that is proved here", b.Number)
		}
	}
	return nil
}

// transaction finds the transaction at a place, with the configuration that it was made under.
func (s *proven) transaction(v Version) (*Transaction, *Config, error) {
	b := s.blocks[v.Block]
	if b == nil {
		return nil, nil, refuse(MissingBlock, "block %d isn't in the proof", v.Block)
	}
	s.needed[v.Block] = true
	if v.Position >= uint64(len(b.Data)) {
		return nil, nil, at(refuse(WrongTransaction, "it has %d transactions", len(b.Data)), "%s", v)
	}
	t, err := OpenTransaction(b.Data[v.Position])
	return t, s.configs[v.Block], at(err, "%s", v)
}

// check proves the first recording of a record by its block.
func (s *proven) check(a *Attested) (*Ordered, error) {
	first := a.Recordings[0]
	t, config, err := s.transaction(first.Version)
	if err != nil {
		return nil, err
	}
	if t.ID != first.Tx || t.Action.Chaincode != s.chaincode {
		return nil, at(refuse(WrongTransaction, "the transaction %s is there, not %s", t.ID, first.Tx), "%s", first.Version)
	}
	policy, name, err := s.policy(t, first.Block)
	if err != nil {
		return nil, err
	}
	endorsers, err := config.CheckTransaction(t, policy)
	if err != nil {
		return nil, at(err, "%s", first.Version)
	}
	if err := s.holds(t, a); err != nil {
		return nil, at(err, "%s", first.Version)
	}
	o := &Ordered{Tx: t.ID, Version: first.Version, SubmittedBy: t.Creator.String(), Policy: name}
	for _, id := range endorsers {
		if !slices.Contains(o.EndorsedBy, id.MSPID) {
			o.EndorsedBy = append(o.EndorsedBy, id.MSPID)
		}
	}
	slices.Sort(o.EndorsedBy)
	return o, nil
}

// holds checks that a transaction writes a record as the receipt says that it did.
func (s *proven) holds(t *Transaction, a *Attested) error {
	value, ok := t.Action.Written(s.chaincode, record.PackKey(t.ID))
	if !ok {
		return refuse(NotInTransaction, "it has recorded nothing")
	}
	header, pack, err := record.ParsePackValue(value)
	if err != nil {
		return refuse(NotInTransaction, "%v", err)
	}
	first := a.Recordings[0]
	if header.MSPID != first.MSPID || header.Subject != first.Subject || header.Time != first.Time {
		return refuse(NotInTransaction, "it names another submitter, or time, than the receipt")
	}
	if header.MSPID != t.Creator.MSPID || header.Subject != t.Creator.Certificate.Subject.String() || header.Time != t.Time.UTC().Format(time.RFC3339Nano) {
		return refuse(NotInTransaction, "it names another submitter, or time, than it was signed by")
	}
	line, _ := t.Action.Written(s.chaincode, record.PointerKey(a.ID, t.ID))
	n, err := strconv.Atoi(string(line))
	if err != nil {
		return refuse(NotInTransaction, "it has recorded other records")
	}
	bodies, err := record.Unpack(pack, record.PackLimits{})
	if err != nil {
		return refuse(NotInTransaction, "%v", err)
	}
	if n < 0 || n >= len(bodies) || record.Sum(bodies[n]) != a.ID {
		return refuse(NotInTransaction, "it has another record, or none, in line %d", n)
	}
	return nil
}

// The keys under which Fabric's lifecycle keeps a chaincode's definition.
const (
	lifecycleNamespace = "_lifecycle"
	definitionPrefix   = "namespaces/fields/"
	sequenceField      = "/Sequence"
	validationField    = "/ValidationInfo"
)

// policy finds the endorsement policy that a transaction had to meet. Every endorsed call reads the sequence number of the
// chaincode's definition, and so tells which transaction defined it; that one writes the policy, or has read which one
// wrote it before. Only what is in force can be read so: a transaction that read something else would not be valid.
func (s *proven) policy(t *Transaction, block uint64) (policy []byte, name string, err error) {
	key := definitionPrefix + s.chaincode
	version, ok := t.Action.ReadVersion(lifecycleNamespace, key+sequenceField)
	for range maxPolicyDepth {
		if !ok || version.Block >= block {
			break
		}
		definition, config, err := s.transaction(version)
		if err != nil {
			return nil, "", at(err, "the chaincode's definition")
		}
		reference := applicationPolicyReference(lifecycleEndorsement)
		if definition.Action.Chaincode != lifecycleNamespace {
			return nil, "", at(refuse(WrongTransaction, "it is a call of %q", definition.Action.Chaincode), "the chaincode's definition, %s", version)
		}
		if _, err := config.CheckTransaction(definition, reference); err != nil {
			return nil, "", at(err, "the chaincode's definition, %s", version)
		}
		if written, ok := definition.Action.Written(lifecycleNamespace, key+validationField); ok {
			return readPolicy(written)
		}
		block = version.Block
		version, ok = definition.Action.ReadVersion(lifecycleNamespace, key+validationField)
	}
	return nil, "", refuse(BadTransaction, "the transaction doesn't tell which definition of the chaincode it was endorsed under")
}

// readPolicy reads the value of a definition's field.
func readPolicy(written []byte) ([]byte, string, error) {
	var data lifecycle.StateData
	var info lifecycle.ChaincodeValidationInfo
	if err := proto.Unmarshal(written, &data); err != nil {
		return nil, "", refuse(BadTransaction, "the chaincode's definition can't be read: %v", err)
	}
	if err := proto.Unmarshal(data.GetBytes(), &info); err != nil {
		return nil, "", refuse(BadTransaction, "the chaincode's definition can't be read: %v", err)
	}
	if plugin := cmp.Or(info.GetValidationPlugin(), "vscc"); plugin != "vscc" {
		return nil, "", refuse(PolicyNotMet, "the chaincode's transactions are judged by %q, of which nothing is known here", plugin)
	}
	return info.GetValidationParameter(), describePolicy(info.GetValidationParameter()), nil
}
