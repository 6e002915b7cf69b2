// Package state keeps what an audit has replayed of a ledger: which transaction wrote each key last and what, which
// transaction ids were used, and how far the audit got. It lies in a folder, so that an audit can be interrupted and go
// on, and is no larger than the audited peer's own.
//
// The folder has a LevelDB database, and values.log for values that are too large to be moved about by one: packs of
// records, above all. Whatever a block changes is written at once; a crash leaves the state after an earlier block.
package state

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/filter"
	"github.com/syndtr/goleveldb/leveldb/opt"
	"github.com/syndtr/goleveldb/leveldb/util"
)

// format names what lies in the folder.
const format = "pedigree-audit-state/1"

// The database's keys begin with what they are.
const (
	progressKey   = "!"
	publicPrefix  = "k" // + namespace, 0, key
	hashedPrefix  = "h" // + namespace, 0, collection, 0, hash of the key
	txPrefix      = "t" // + transaction id
	blockPrefix   = "b" // + number, big-endian: hash, then a validation code for each transaction
	configPrefix  = "c" // + number, big-endian: a configuration block
	findingPrefix = "f" // + number, big-endian: what the audit found
)

// largeValue is from where on values lie in values.log.
const largeValue = 1 << 10

// Version says which transaction wrote a key: the one at a position of a block.
type Version struct{ Block, Tx uint64 }

// Progress is where an audit stands.
type Progress struct {
	Format string `json:"format"`
	// Channel, Chaincode and Genesis, the hash of the first block, say what is audited.
	Channel   string `json:"channel"`
	Chaincode string `json:"chaincode"`
	Genesis   []byte `json:"genesis"`
	// Next is the number of the next block, Last the hash of the one before.
	Next uint64 `json:"next"`
	Last []byte `json:"last"`
	// CommitHash is the last one, empty if the peer keeps none.
	CommitHash []byte `json:"commitHash,omitempty"`
	// Transactions, Invalid and Records are how many there were; Findings how many things were found.
	Transactions uint64 `json:"transactions"`
	Invalid      uint64 `json:"invalid"`
	Records      uint64 `json:"records"`
	Findings     uint64 `json:"findings"`
	// Values is the length of values.log.
	Values int64 `json:"values"`
}

// Store is the state in one folder. Reads may come from several goroutines at once; Commit is called by one at a time,
// while nobody reads.
type Store struct {
	db       *leveldb.DB
	values   *os.File
	progress Progress
	unsynced int64 // bytes written since the disk was last waited for
}

// ErrDamaged says that a state can't be gone on with, and has to be made again from the first block.
var ErrDamaged = errors.New("the state is damaged; remove its folder and start again")

// Open opens a state, or begins one.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("couldn't make the folder of the state: %w", err)
	}
	db, err := leveldb.OpenFile(filepath.Join(dir, "keys"), &opt.Options{
		WriteBuffer: 32 << 20, BlockCacheCapacity: 64 << 20, OpenFilesCacheCapacity: 256, CompactionTableSize: 8 << 20,
		Filter: filter.NewBloomFilter(10), Compression: opt.NoCompression, DisableSeeksCompaction: true,
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't open the state in %s (is another audit using it?): %w", dir, err)
	}
	s := &Store{db: db}
	if err := s.open(dir); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) open(dir string) error {
	text, err := s.db.Get([]byte(progressKey), nil)
	switch {
	case errors.Is(err, leveldb.ErrNotFound):
		s.progress.Format = format
	case err != nil:
		return fmt.Errorf("couldn't read the state: %w", err)
	default:
		if err := json.Unmarshal(text, &s.progress); err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	if s.progress.Format != format {
		return fmt.Errorf("the state in %s has the format %q, and this program's is %q; remove the folder and start again", dir, s.progress.Format, format)
	}
	if s.values, err = os.OpenFile(filepath.Join(dir, "values.log"), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return fmt.Errorf("couldn't open the state: %w", err)
	}
	size, err := s.values.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("couldn't open the state: %w", err)
	}
	if size < s.progress.Values {
		return fmt.Errorf("%w: values.log ends too early", ErrDamaged)
	}
	// What follows was written for a block that never was committed.
	if err := s.values.Truncate(s.progress.Values); err != nil {
		return fmt.Errorf("couldn't open the state: %w", err)
	}
	return nil
}

// Close writes everything to the disk and ends.
func (s *Store) Close() error {
	err := s.sync()
	if s.values != nil {
		err = errors.Join(err, s.values.Close())
	}
	return errors.Join(err, s.db.Close())
}

// Progress is where the audit stands.
func (s *Store) Progress() Progress { return s.progress }

// sync waits until the disk has all that was written.
func (s *Store) sync() error {
	if s.unsynced == 0 {
		return nil
	}
	s.unsynced = 0
	if err := s.values.Sync(); err != nil {
		return fmt.Errorf("couldn't write the state: %w", err)
	}
	text, err := json.Marshal(s.progress)
	if err == nil {
		err = s.db.Put([]byte(progressKey), text, &opt.WriteOptions{Sync: true})
	}
	if err != nil {
		return fmt.Errorf("couldn't write the state: %w", err)
	}
	return nil
}

func publicKey(namespace, key string) []byte {
	return append(append(append([]byte(publicPrefix), namespace...), 0), key...)
}

func hashedKey(namespace, collection string, hash []byte) []byte {
	k := append(append([]byte(hashedPrefix), namespace...), 0)
	return append(append(append(k, collection...), 0), hash...)
}

func numbered(prefix string, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte(prefix), n)
}

// get reads a key; nil means that there is none.
func (s *Store) get(key []byte) ([]byte, error) {
	value, err := s.db.Get(key, nil)
	if errors.Is(err, leveldb.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't read the state: %w", err)
	}
	return value, nil
}

// Get reads a key of a namespace: its value and who wrote it. ok is false if there is none.
func (s *Store) Get(namespace, key string) (value []byte, v Version, ok bool, err error) {
	stored, err := s.get(publicKey(namespace, key))
	if err != nil || stored == nil {
		return nil, Version{}, false, err
	}
	v, rest, err := splitVersion(stored)
	if err == nil {
		value, err = s.load(rest)
	}
	return value, v, err == nil, err
}

// Version tells who wrote a key; ok is false if there is none.
func (s *Store) Version(namespace, key string) (v Version, ok bool, err error) {
	return s.version(publicKey(namespace, key))
}

// HashVersion tells who wrote a key of a private collection, of which only the hash is known.
func (s *Store) HashVersion(namespace, collection string, hash []byte) (v Version, ok bool, err error) {
	return s.version(hashedKey(namespace, collection, hash))
}

func (s *Store) version(key []byte) (Version, bool, error) {
	stored, err := s.get(key)
	if err != nil || stored == nil {
		return Version{}, false, err
	}
	v, _, err := splitVersion(stored)
	return v, err == nil, err
}

// Row is a key that a range has, and who wrote it.
type Row struct {
	Key     string
	Version Version
}

// Range hands on the keys of a namespace from start on, in order, until one is not less than end, or until each returns
// false. An empty end is no end.
func (s *Store) Range(namespace, start, end string, each func(Row, func() ([]byte, error)) bool) error {
	limit := publicKey(namespace, end)
	if end == "" {
		limit = append(append([]byte(publicPrefix), namespace...), 1)
	}
	rows := s.db.NewIterator(&util.Range{Start: publicKey(namespace, start), Limit: limit}, nil)
	defer rows.Release()
	skip := len(publicPrefix) + len(namespace) + 1
	for rows.Next() {
		v, rest, err := splitVersion(rows.Value())
		if err != nil {
			return err
		}
		if !each(Row{string(rows.Key()[skip:]), v}, func() ([]byte, error) { return s.load(rest) }) {
			break
		}
	}
	if err := rows.Error(); err != nil {
		return fmt.Errorf("couldn't read the state: %w", err)
	}
	return nil
}

// HasTx tells whether a transaction id was used in an earlier block, by a valid transaction or another.
func (s *Store) HasTx(id string) (bool, error) {
	found, err := s.db.Has(append([]byte(txPrefix), id...), nil)
	if err != nil {
		return false, fmt.Errorf("couldn't read the state: %w", err)
	}
	return found, nil
}

// Block returns the hash of an audited block and the validation codes of its transactions; nil if it isn't audited.
func (s *Store) Block(number uint64) (hash, codes []byte, err error) {
	stored, err := s.get(numbered(blockPrefix, number))
	if err != nil || stored == nil {
		return nil, nil, err
	}
	if len(stored) < 32 {
		return nil, nil, ErrDamaged
	}
	return stored[:32], stored[32:], nil
}

// Configs returns all configuration blocks, as they were put, in order.
func (s *Store) Configs() ([][]byte, error) { return s.all(configPrefix) }

// Findings returns what was found, as it was put, in order.
func (s *Store) Findings() ([][]byte, error) { return s.all(findingPrefix) }

func (s *Store) all(prefix string) (all [][]byte, err error) {
	rows := s.db.NewIterator(util.BytesPrefix([]byte(prefix)), nil)
	defer rows.Release()
	for rows.Next() {
		all = append(all, append([]byte(nil), rows.Value()...))
	}
	if err := rows.Error(); err != nil {
		return nil, fmt.Errorf("couldn't read the state: %w", err)
	}
	return all, nil
}

// How a value is stored, after its version.
const (
	inline = 0 // the value follows
	logged = 1 // place and length in values.log, and CRC-32C
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func splitVersion(stored []byte) (v Version, rest []byte, err error) {
	var n, m int
	v.Block, n = binary.Uvarint(stored)
	if n <= 0 {
		return v, nil, ErrDamaged
	}
	v.Tx, m = binary.Uvarint(stored[n:])
	if m <= 0 {
		return v, nil, ErrDamaged
	}
	return v, stored[n+m:], nil
}

// load finds the value that was stored.
func (s *Store) load(stored []byte) ([]byte, error) {
	if len(stored) == 0 {
		return nil, ErrDamaged
	}
	if stored[0] == inline {
		return append([]byte{}, stored[1:]...), nil
	}
	offset, n := binary.Uvarint(stored[1:])
	if n <= 0 {
		return nil, ErrDamaged
	}
	length, m := binary.Uvarint(stored[1+n:])
	if m <= 0 || len(stored) != 1+n+m+4 || int64(offset+length) > s.progress.Values {
		return nil, ErrDamaged
	}
	value := make([]byte, length)
	if _, err := s.values.ReadAt(value, int64(offset)); err != nil {
		return nil, fmt.Errorf("couldn't read the state: %w", err)
	}
	if crc32.Checksum(value, castagnoli) != binary.BigEndian.Uint32(stored[1+n+m:]) {
		return nil, ErrDamaged
	}
	return value, nil
}
