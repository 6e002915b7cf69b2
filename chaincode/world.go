package chaincode

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// world is what a transaction reads of the ledger, key by exact key. Values
// are fetched many at a time and remembered, and a write of the same
// transaction is not seen: Fabric's reads show the state before it.
type world struct {
	stub   shim.ChaincodeStubInterface
	values map[string][]byte
	packs  map[string]*openPack
	opened int // bytes of all packs, unpacked
}

// openPack is a pack read back from the ledger.
type openPack struct {
	header record.Header
	bodies [][]byte
}

// What one transaction may have read for it. Each pack can be megabytes; a
// record that speaks of more than these is split in two.
const (
	maxWitnessPacks = 256
	maxWitnessBytes = 64 << 20
)

func newWorld(stub shim.ChaincodeStubInterface) *world {
	return &world{stub: stub, values: map[string][]byte{}, packs: map[string]*openPack{}}
}

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

// get reads one key; nil means that it does not exist.
func (w *world) get(key string) ([]byte, error) {
	if err := w.fetch([]string{key}); err != nil {
		return nil, err
	}
	return w.values[key], nil
}

func (w *world) getJSON(key string, into any) (found bool, err error) {
	value, err := w.get(key)
	if err != nil || value == nil {
		return false, err
	}
	if err := json.Unmarshal(value, into); err != nil {
		return false, fmt.Errorf("couldn't read the value of %s: %w", key, err)
	}
	return true, nil
}

// pack reads the pack of a transaction; nil means that there is none.
func (w *world) pack(tx string) (*openPack, error) {
	if p, ok := w.packs[tx]; ok {
		return p, nil
	}
	if len(w.packs) >= maxWitnessPacks || w.opened > maxWitnessBytes {
		return nil, refuse("too_many_witnesses", fmt.Sprintf("the records refer to more than %d transactions or %d MiB that have to be read; submit fewer at a time", maxWitnessPacks, maxWitnessBytes>>20))
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

// errNotRecorded says that a record does not lie where it was said to.
var errNotRecorded = errors.New("the record does not lie there")

// body reads the bytes of the record at a place, and who recorded it there.
// They are not decoded: what once was accepted stays readable, whatever later
// versions of the rules say.
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
	if pack == nil || line < 0 || line >= len(pack.bodies) || record.Sum(pack.bodies[line]) != p.ID {
		return nil, record.Header{}, fmt.Errorf("the pack of transaction %s lacks %s in line %d", p.Tx, p.ID, line)
	}
	return pack.bodies[line], pack.header, nil
}

// at reads and decodes the record at a place.
func (w *world) at(p record.Place) (*record.Record, record.Header, error) {
	body, header, err := w.body(p)
	if err != nil {
		return nil, record.Header{}, err
	}
	r, problems := record.Decode(body)
	if len(problems) > 0 {
		return nil, record.Header{}, fmt.Errorf("the record %s can't be understood: %s", p.ID, problems[0].Detail)
	}
	return r, header, nil
}
