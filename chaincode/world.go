package chaincode

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// world reads the ledger for one transaction. It fetches the values of many keys
// at once and remembers them. It doesn't see the writes of its own transaction,
// because Fabric's reads return the state before it.
type world struct {
	stub   shim.ChaincodeStubInterface
	values map[string][]byte
	packs  map[string]*openPack
	shown  map[record.Place]*evidence
	opened int // bytes of all packs in packs, unpacked
}

// openPack is an unpacked pack from the ledger.
type openPack struct {
	header record.Header
	bodies [][]byte
}

// Limits of what is read for one transaction, because a pack can have megabytes.
// Records that refer to more have to be split over several transactions.
const (
	maxWitnessPacks = 256
	maxWitnessBytes = 64 << 20
)

func newWorld(stub shim.ChaincodeStubInterface) *world {
	return &world{
		stub:   stub,
		values: map[string][]byte{},
		packs:  map[string]*openPack{},
		shown:  map[record.Place]*evidence{},
	}
}

// full reports whether the limits are reached, so that no more packs may be read.
func (w *world) full() bool { return len(w.packs) >= maxWitnessPacks || w.opened > maxWitnessBytes }

// fetch reads keys in one round trip.
func (w *world) fetch(keys []string) error {
	var missing []string
	for _, key := range keys {
		if _, ok := w.values[key]; !ok {
			w.values[key] = nil
			missing = append(missing, key)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	values, err := w.stub.GetMultipleStates(missing...)
	if err != nil {
		return fmt.Errorf("couldn't read %d keys of the ledger: %w", len(missing), err)
	}
	for i, key := range missing {
		w.values[key] = values[i]
	}
	return nil
}

// get reads one key. It returns nil if the key doesn't exist.
func (w *world) get(key string) ([]byte, error) {
	if err := w.fetch([]string{key}); err != nil {
		return nil, err
	}
	return w.values[key], nil
}

func (w *world) getJSON(key string, into any) (found bool, err error) {
	value, err := w.get(key)
	if value == nil {
		return false, err
	}
	if err := json.Unmarshal(value, into); err != nil {
		return false, fmt.Errorf("couldn't read the value of %s: %w", key, err)
	}
	return true, nil
}

// mostRows is the most keys that one range may have.
const mostRows = 10_000

// each calls f with every key that begins with a prefix, and its value.
func (w *world) each(prefix string, f func(key string, value []byte) error) error {
	rows, err := w.stub.GetStateByRange(prefix, after(prefix))
	if err != nil {
		return fmt.Errorf("couldn't read the keys that begin with %s: %w", prefix, err)
	}
	defer rows.Close()
	for n := 0; rows.HasNext(); n++ {
		row, err := rows.Next()
		if err != nil {
			return fmt.Errorf("couldn't read the keys that begin with %s: %w", prefix, err)
		}
		if n == mostRows {
			return refuse("too_many", fmt.Sprintf("more than %d keys begin with %s", mostRows, prefix))
		}
		if err := f(row.GetKey(), row.GetValue()); err != nil {
			return err
		}
	}
	return nil
}

// after returns the end of the range of keys that begin with a prefix. The last
// byte of the prefix is ASCII.
func after(prefix string) string {
	return prefix[:len(prefix)-1] + string(prefix[len(prefix)-1]+1)
}

// pack reads the pack of a transaction. It returns nil if there is none.
func (w *world) pack(tx string) (*openPack, error) {
	if p, ok := w.packs[tx]; ok {
		return p, nil
	}
	if w.full() {
		return nil, refuse(
			"too_many_witnesses",
			fmt.Sprintf(
				"the records refer to more than %d transactions or %d MiB that have to be read; submit fewer at a time",
				maxWitnessPacks,
				maxWitnessBytes>>20,
			),
		)
	}
	value, err := w.stub.GetState(record.PackKey(tx))
	if err != nil {
		return nil, fmt.Errorf("couldn't read the pack of transaction %s: %w", tx, err)
	}
	if value == nil {
		w.packs[tx] = nil
		return nil, nil
	}
	header, packed, err := record.ParsePackValue(value)
	if err != nil {
		return nil, err
	}
	bodies, err := record.Unpack(packed, record.PackLimits{})
	if err != nil {
		return nil, err
	}
	for _, b := range bodies {
		w.opened += len(b)
	}
	w.packs[tx] = &openPack{header, bodies}
	return w.packs[tx], nil
}

// errNotRecorded says that a record isn't at the given place.
var errNotRecorded = errors.New("the record does not lie there")

// body reads the bytes of the record at a place and the header of its
// transaction. It doesn't decode the bytes: what was accepted once stays
// readable, even if later versions of the rules would refuse it.
func (w *world) body(p record.Place) ([]byte, record.Header, error) {
	value, err := w.get(record.PointerKey(p.ID, p.Tx))
	if err != nil {
		return nil, record.Header{}, err
	}
	if value == nil {
		return nil, record.Header{}, errNotRecorded
	}
	line, err := strconv.Atoi(string(value))
	if err != nil {
		return nil, record.Header{}, fmt.Errorf("couldn't read the pointer of %s: %w", p.ID, err)
	}
	pack, err := w.pack(p.Tx)
	if err != nil {
		return nil, record.Header{}, err
	}
	if pack == nil {
		return nil, record.Header{}, errNotRecorded
	}
	if line >= 0 && line < len(pack.bodies) && record.Sum(pack.bodies[line]) == p.ID {
		return pack.bodies[line], pack.header, nil
	}
	// Pointers are shortened, so this one may belong to another record or transaction that begins alike.
	for _, body := range pack.bodies {
		if record.Sum(body) == p.ID {
			return body, pack.header, nil
		}
	}
	return nil, record.Header{}, errNotRecorded
}

// header reads the header of a transaction without unpacking its pack.
func (w *world) header(tx string) (record.Header, error) {
	if p := w.packs[tx]; p != nil {
		return p.header, nil
	}
	value, err := w.stub.GetState(record.PackKey(tx))
	if err != nil {
		return record.Header{}, fmt.Errorf("couldn't read the pack of transaction %s: %w", tx, err)
	}
	header, _, err := record.ParsePackValue(value)
	return header, err
}

// evidence is what the rules need to know about a record that others refer to.
// It is remembered, because thousands of subjects may refer to one event. It is
// small, because they may refer to thousands of records.
type evidence struct {
	id       record.ID
	noun     record.Noun
	by       string // MSP id of the organisation that recorded it there
	version  int
	things   map[string]bool  // for an event: the things that it names, and whether it made or received them
	kind     string           // for a statement
	subjects []record.Subject // for a statement
	prefix   string           // for a claim to a company prefix: the prefix
	artifact string           // for an artifact: kind/namespace/name@version
}

func evidenceOf(r *record.Record, by string) *evidence {
	e := &evidence{id: r.ID, noun: r.Noun, by: by, version: r.Version}
	switch r.Noun {
	case record.NounEvent:
		event := r.Event.Event
		e.things = make(map[string]bool, len(event.Mentions))
		tell := func(thing, field string) {
			e.things[thing] = e.things[thing] || event.Takes(field) || event.Makes(field)
		}
		for i := range event.Mentions {
			tell(event.Mentions[i].URI, event.Mentions[i].Field)
		}
		for _, o := range event.OfLots { // a lot may be named by its items alone
			tell(o.Lot, o.Field)
		}
	case record.NounStatement:
		e.kind, e.subjects = r.Statement.Kind, r.Statement.Subjects
		if e.kind == record.Prefix {
			e.prefix = r.Statement.Predicate.Get("prefix").Text
		}
	case record.NounArtifact:
		e.artifact = r.Artifact.ArtifactRef.String()
	}
	return e
}

// at reads the record at a place and remembers it. It returns nil if there is none.
func (w *world) at(p record.Place) (*evidence, error) {
	if e, ok := w.shown[p]; ok {
		return e, nil
	}
	body, header, err := w.body(p)
	if errors.Is(err, errNotRecorded) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, problems := record.Decode(body)
	if len(problems) > 0 {
		return nil, fmt.Errorf("the record %s can't be understood: %s", p.ID, problems[0].Detail)
	}
	w.shown[p] = evidenceOf(r, header.MSPID)
	return w.shown[p], nil
}
