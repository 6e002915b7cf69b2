package chaincode

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/cid"
	"github.com/hyperledger/fabric-chaincode-go/v2/shim"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// batch is one submit in progress: who submits it, its records, what the ledger
// knows already, and what will be written if there are no problems.
type batch struct {
	rules           ruleSet // of the rules in force
	caller          string  // MSP id
	admin           bool    // is an administrator of the caller's organisation
	tx              string
	reader          *record.Reader // holds the memory of the bodies
	records         []*record.Record
	pack            []byte
	header          record.Header
	witnesses       map[string]record.Place
	world           *world
	artifacts       map[string]*placed // artifact versions that this batch registers
	lines           map[record.ID]int  // the line of each record in the batch
	issuersRequired bool               // the ledger or the batch has records of version 2: see versions.go
	writes          []write
	problems        []record.Problem

	generators  map[string]int       // by artifact version: the line of the activity that generates it
	withdrawals map[string]Withdrawn // by key: the withdrawals that the batch changes
	prefixes    map[string]string    // the company prefixes that begin to count with the batch, and their owners
}

// placed is a record of the batch and its line.
type placed struct {
	record *record.Record
	line   int
}

type write struct {
	key   string
	value []byte
}

// submit checks and records the pack that comes with the proposal. It answers
// {"records":n}.
//
// The pack is transient data. Fabric hands transient data to the endorsers but
// leaves it out of the transaction. The pack is in the transaction's writes
// already, signed by the endorsers and the submitter. As an argument it would be
// in every block a second time. The witnesses are an argument, so that everybody
// who has the ledger can run the submit again.
//
// submit reads both from the stub as bytes. The contract API would check a
// declared string parameter against a JSON schema, which costs more than all the
// checks that matter.
func submit(stub shim.ChaincodeStubInterface, rules Rules, nouns ...record.Noun) (string, error) {
	b, err := open(stub, rules.set())
	if err != nil {
		return "", err
	}
	b.reader = readers.Get().(*record.Reader)
	defer readers.Put(b.reader)
	if err := b.decode(nouns); err != nil {
		return "", err
	}
	if err := b.begin(); err != nil {
		return "", err
	}
	if err := b.prefetch(); err != nil {
		return "", err
	}
	for line, r := range b.records {
		if err := b.check(line, r); err != nil {
			return "", err
		}
		if len(b.problems) > enoughProblems {
			break
		}
	}
	if len(b.problems) > 0 {
		return "", record.Reject(b.problems)
	}
	if err := b.write(stub); err != nil {
		return "", err
	}
	return fmt.Sprintf(`{"records":%d}`, len(b.records)), nil
}

// readers holds readers for reuse, because each has memory for all bodies of a pack.
var readers = sync.Pool{New: func() any { return new(record.Reader) }}

// enoughProblems is the number of problems after which the search for more ends.
// It is far more than a rejection reports.
const enoughProblems = 1_000

func open(stub shim.ChaincodeStubInterface, most ruleSet) (*batch, error) {
	transient, err := stub.GetTransient()
	if err != nil {
		return nil, fmt.Errorf("couldn't read the pack: %w", err)
	}
	pack, args := transient[record.TransientPack], stub.GetArgs()
	if len(pack) == 0 || len(args) > 2 {
		return nil, refuse(
			"bad_arguments",
			`submit takes a pack of records as transient data named "pack" and, where records refer to others, witnesses as its argument`,
		)
	}
	caller, err := cid.New(stub)
	if err != nil {
		return nil, fmt.Errorf("couldn't read who submits: %w", err)
	}
	b := &batch{rules: most, tx: stub.GetTxID(), pack: pack, world: newWorld(stub), artifacts: map[string]*placed{},
		generators: map[string]int{}, withdrawals: map[string]Withdrawn{}, prefixes: map[string]string{}}
	if b.caller, err = caller.GetMSPID(); err != nil {
		return nil, fmt.Errorf("couldn't read whose member submits: %w", err)
	}
	certificate, _ := caller.GetX509Certificate() // nil for an Idemix credential, and never an error
	if certificate == nil {
		return nil, refuse("bad_identity", "the submitter has no X.509 certificate")
	}
	if err := b.checkRole(caller); err != nil {
		return nil, err
	}
	b.admin = slices.Contains(certificate.Subject.OrganizationalUnit, "admin")
	at, err := stub.GetTxTimestamp()
	if err != nil {
		return nil, fmt.Errorf("couldn't read the time of the transaction: %w", err)
	}
	b.header = record.Header{MSPID: b.caller, Subject: certificate.Subject.String(), Time: record.HeaderTime(at.AsTime())}
	if len(args) == 2 && len(args[1]) > 0 {
		witnesses := args[1]
		if len(witnesses) > b.rules.maxWitnessBytes {
			return nil, refuse(
				"too_large",
				fmt.Sprintf("the witnesses have %d bytes, more than the %d allowed", len(witnesses), b.rules.maxWitnessBytes),
			)
		}
		if err := json.Unmarshal(witnesses, &b.witnesses); err != nil {
			return nil, refuse("bad_arguments", "the witnesses are not a JSON object from nodes to places: "+err.Error())
		}
	}
	return b, nil
}

// refuse rejects a submit as a whole.
func refuse(code, detail string) *record.Rejection {
	return record.Reject([]record.Problem{{Code: code, Detail: detail}})
}

func (b *batch) problem(line int, code, pointer, format string, args ...any) {
	b.problems = append(
		b.problems,
		record.Problem{Index: line, Code: code, Pointer: pointer, Detail: fmt.Sprintf(format, args...)},
	)
}

func (b *batch) conflict(line int, code, pointer string, existing record.ID, format string, args ...any) {
	b.problems = append(
		b.problems,
		record.Problem{
			Index:    line,
			Code:     code,
			Pointer:  pointer,
			Detail:   fmt.Sprintf(format, args...),
			Existing: string(existing),
		},
	)
}

// decode unpacks the records and checks everything that doesn't need the ledger.
func (b *batch) decode(nouns []record.Noun) error {
	bodies, err := b.reader.Unpack(b.pack, record.PackLimits{})
	if err != nil {
		return refuse("bad_pack", err.Error())
	}
	b.records, b.lines = make([]*record.Record, len(bodies)), make(map[record.ID]int, len(bodies))
	for line, body := range bodies {
		if len(b.problems) > enoughProblems {
			break
		}
		r, problems := b.reader.Check(body)
		for _, p := range problems {
			p.Index = line
			b.problems = append(b.problems, p)
		}
		if len(problems) > 0 {
			continue
		}
		if !slices.Contains(nouns, r.Noun) {
			b.problem(line, "wrong_noun", "/record", "this contract takes no records of the noun %s", r.Noun)
			continue
		}
		if first, ok := b.lines[r.ID]; ok {
			b.conflict(line, "duplicate", "", r.ID, "the same record stands in line %d of the pack already", first)
			continue
		}
		b.lines[r.ID] = line
		b.records[line] = r
		b.checkIssuer(line, r)
		if r.Noun == record.NounArtifact {
			ref := r.Artifact.ArtifactRef.String()
			if first, ok := b.artifacts[ref]; ok {
				b.conflict(
					line,
					"version_exists",
					"/version",
					first.record.ID,
					"line %d of the pack registers %s already",
					first.line,
					ref,
				)
				continue
			}
			b.artifacts[ref] = &placed{r, line}
		}
	}
	if len(b.problems) > 0 {
		return record.Reject(b.problems)
	}
	return nil
}

// check applies the rules that need the ledger. There are none for events: an
// event is a claim that its organisation makes in its own name.
func (b *batch) check(line int, r *record.Record) error {
	if r.Outdated() && b.issuersRequired {
		return b.checkOutdated(line, r)
	}
	switch r.Noun {
	case record.NounArtifact:
		return b.checkArtifact(line, r)
	case record.NounActivity:
		return b.checkActivity(line, r)
	case record.NounStatement:
		return b.checkStatement(line, r)
	case record.NounMember:
		return b.checkMember(line, r)
	}
	return nil
}

func (b *batch) put(key string, value []byte) { b.writes = append(b.writes, write{key, value}) }

func (b *batch) putJSON(key string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("couldn't encode the value of %s: %w", key, err)
	}
	b.put(key, text)
	return nil
}

func (b *batch) place(id record.ID) record.Place { return record.Place{ID: id, Tx: b.tx} }

// write writes the pack, a pointer to each record, who recorded it first, and
// the writes of the rules.
func (b *batch) write(stub shim.ChaincodeStubInterface) error {
	value, err := record.PackValue(b.header, b.pack)
	if err != nil {
		return err
	}
	stub.StartWriteBatch()
	put := func(key string, value []byte) error {
		if err := stub.PutState(key, value); err != nil {
			return fmt.Errorf("couldn't write %s: %w", key, err)
		}
		return nil
	}
	if err := put(record.PackKey(b.tx), value); err != nil {
		return err
	}
	for line, r := range b.records {
		if err := put(record.PointerKey(r.ID, b.tx), strconv.AppendInt(nil, int64(line), 10)); err != nil {
			return err
		}
	}
	for _, r := range b.records {
		if r.Noun == record.NounEvent {
			continue
		}
		first, err := b.world.get(record.FirstKey(r.ID))
		if err != nil {
			return err
		}
		if first == nil {
			b.put(record.FirstKey(r.ID), []byte(b.caller))
		}
	}
	for _, w := range b.writes {
		if err := put(w.key, w.value); err != nil {
			return err
		}
	}
	if err := stub.FinishWriteBatch(); err != nil {
		return fmt.Errorf("couldn't write the records: %w", err)
	}
	return nil
}
