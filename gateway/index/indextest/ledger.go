// Package indextest makes small ledgers for tests: real records, packed as they
// are committed, in blocks that follow from each other. It has no peer and
// no chaincode behind it, so a test can also write what those would refuse.
package indextest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/stores"
)

// Start is the time of the first transaction; each later one is a second later.
var Start = time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC)

// Ledger is a growing list of blocks.
type Ledger struct {
	Blocks []index.Block
	// Follower, if set, gets every new block at once.
	Follower *index.Index

	t            testing.TB
	transactions int
	pending      []index.Transaction
}

// New begins a ledger with block 0, which holds a configuration and no records.
func New(t testing.TB) *Ledger {
	l := &Ledger{t: t}
	l.pending = []index.Transaction{{MSPID: "OrdererMSP", Subject: "CN=genesis"}}
	l.Cut()
	return l
}

// Submit adds a transaction of an organisation to the block under way, and
// returns its id.
func (l *Ledger) Submit(org string, records ...*record.Record) string {
	return l.SubmitAs(org, index.CodeValid, records...)
}

// SubmitAs is Submit with a validation code.
func (l *Ledger) SubmitAs(org string, code int32, records ...*record.Record) string {
	l.t.Helper()
	bodies := make([][]byte, len(records))
	for i, r := range records {
		bodies[i] = r.Body
	}
	return l.SubmitBodies(org, code, bodies...)
}

// SubmitBodies is SubmitAs with any bytes as bodies.
func (l *Ledger) SubmitBodies(org string, code int32, bodies ...[]byte) string {
	l.t.Helper()
	pack, err := record.Pack(bodies)
	if err != nil {
		l.t.Fatal(err)
	}
	l.transactions++
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(l.transactions)))
	id := hex.EncodeToString(sum[:])
	l.pending = append(l.pending, index.Transaction{
		ID: id, Position: len(l.pending), MSPID: org + "MSP", Subject: "CN=submitter,O=" + org,
		Time: Start.Add(time.Duration(l.transactions) * time.Second), Code: code, Packs: [][]byte{pack},
	})
	return id
}

// Cut ends the block under way.
func (l *Ledger) Cut() {
	l.t.Helper()
	b := index.Block{Number: uint64(len(l.Blocks)), Transactions: l.pending}
	if n := len(l.Blocks); n > 0 {
		b.PreviousHash = l.Blocks[n-1].Hash
	}
	digest := sha256.New()
	digest.Write(b.PreviousHash)
	for _, t := range b.Transactions {
		fmt.Fprintf(digest, "%s %d ", t.ID, t.Code)
		for _, pack := range t.Packs {
			digest.Write(pack)
		}
	}
	b.Hash = digest.Sum(nil)
	l.Blocks, l.pending = append(l.Blocks, b), nil
	if l.Follower != nil {
		if err := l.Follower.Apply(l.t.Context(), b); err != nil {
			l.t.Fatal(err)
		}
	}
}

// Put submits records in a block of their own and returns the last one's id.
func (l *Ledger) Put(org string, records ...*record.Record) string {
	l.t.Helper()
	l.Submit(org, records...)
	l.Cut()
	return string(records[len(records)-1].ID)
}

// Height is the number of the newest block.
func (l *Ledger) Height() uint64 { return uint64(len(l.Blocks) - 1) }

func parse(t testing.TB, text string) canonical.Value {
	t.Helper()
	v, err := canonical.Parse([]byte(text), canonical.Limits{})
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

func made(t testing.TB, text string) func(*record.Record, []record.Problem) *record.Record {
	return func(r *record.Record, problems []record.Problem) *record.Record {
		t.Helper()
		if len(problems) > 0 {
			t.Fatalf("%+v in %s", problems, text)
		}
		return r
	}
}

// Event makes the record of an EPCIS event from its JSON. eventTime's offset, if
// missing, is +00:00.
func Event(t testing.TB, text string) *record.Record {
	t.Helper()
	v := parse(t, text)
	if !v.Has("eventTimeZoneOffset") {
		v = v.With("eventTimeZoneOffset", canonical.Str("+00:00"))
	}
	return made(
		t,
		text,
	)(
		record.NewEvent(v, canonical.Str("https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld")),
	)
}

// Artifact makes the record of a version, kind/namespace/name@version, whose
// content is its name. The record is of version 1.
func Artifact(t testing.TB, ref string, derivedFrom ...string) *record.Record {
	t.Helper()
	r, err := record.ParseArtifactRef(ref)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(ref))
	v, err := canonical.From(map[string]any{
		"kind": r.Kind, "namespace": r.Namespace, "name": r.Name, "version": r.Version,
		"digest": map[string]any{"algorithm": "sha-256", "coverage": "full", "value": hex.EncodeToString(sum[:])},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(derivedFrom) > 0 {
		v = v.With("derivedFrom", texts(derivedFrom))
	}
	return made(t, ref)(record.NewArtifact(v.With("record", canonical.Str("artifact/1")), ""))
}

func texts(all []string) canonical.Value {
	items := make([]canonical.Value, len(all))
	for i, s := range all {
		items[i] = canonical.Str(s)
	}
	return canonical.Arr(items...)
}

// Activity makes the record of a run from its JSON, of version 1 unless the JSON says "by".
func Activity(t testing.TB, text string) *record.Record {
	t.Helper()
	v := parse(t, text)
	if !v.Has("by") {
		v = v.With("record", canonical.Str("activity/1"))
	}
	return made(t, text)(record.NewActivity(v, v.Get("by").Text))
}

// Statement makes a claim of a kind about nodes, of version 1; predicate is its JSON.
func Statement(t testing.TB, kind, predicate string, about ...string) *record.Record {
	t.Helper()
	v := canonical.Obj(
		canonical.Member{Name: "kind", Value: canonical.Str(kind)},
		canonical.Member{Name: "subject", Value: texts(about)},
		canonical.Member{Name: "predicate", Value: parse(t, predicate)},
		canonical.Member{Name: "record", Value: canonical.Str("statement/1")},
	)
	return made(t, kind)(record.NewStatement(v, "", nil))
}

// StatementBy makes a claim of version 2, which names the organisation that makes it, such as "Harbor".
func StatementBy(t testing.TB, org, kind, predicate string, about ...string) *record.Record {
	t.Helper()
	v := canonical.Obj(
		canonical.Member{Name: "kind", Value: canonical.Str(kind)},
		canonical.Member{Name: "subject", Value: texts(about)},
		canonical.Member{Name: "predicate", Value: parse(t, predicate)},
	)
	return made(t, kind)(record.NewStatement(v, org+"MSP", nil))
}

// Member makes the record with which an organisation introduces itself, of version 1 unless the JSON says otherwise.
func Member(t testing.TB, text string) *record.Record {
	t.Helper()
	v := parse(t, text)
	if !v.Has("record") {
		v = v.With("record", canonical.Str("member/1"))
	}
	return made(t, text)(record.NewMember(v))
}

// Open opens an empty index of the test's own: a file, or what OnPostgres says.
func Open(t testing.TB) *index.Index {
	t.Helper()
	return OpenAt(t, place(t))
}

// OpenAt opens the index at a place.
func OpenAt(t testing.TB, place string) *index.Index {
	t.Helper()
	ix, err := stores.Open(place)
	if err != nil {
		t.Fatal(err)
	}
	if err := ix.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ix.Close(); err != nil {
			t.Error(err)
		}
	})
	return ix
}
