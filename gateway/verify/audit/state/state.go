// Package state stores the state of a ledger that an audit has replayed: the value of each key and the transaction that
// wrote it last, the transaction ids that were used, and how far the audit has come. An interrupted audit continues
// from it. A state has a folder of its own, and takes no more space than the audited peer's.
//
// The folder has a Pebble database, and a file values.log. The file has the values that are too large for a database to
// move about, above all packs of records. All changes of a block are one [Batch]. After a crash, the state is that of
// an earlier block, and never that of half a block.
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

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// format is the format of the folder. States of format 1 had a LevelDB database, in the folder formerKeys.
const (
	format     = "pedigree-audit-state/2"
	former     = "pedigree-audit-state/1"
	formerKeys = "keys"
)

// Prefixes of the database's keys.
const (
	progressKey   = "!"
	publicPrefix  = "k" // + namespace, 0, key
	hashedPrefix  = "h" // + namespace, 0, collection, 0, hash of the key
	txPrefix      = "t" // + transaction id
	blockPrefix   = "b" // + number, big-endian: hash, then a validation code for each transaction
	configPrefix  = "c" // + number, big-endian: a configuration block
	findingPrefix = "f" // + number, big-endian: what the audit found
)

// largeValue is the size in bytes from which values are in values.log.
const largeValue = 1 << 10

// Version is the version of a key: the block of the transaction that wrote the key, and its position there.
type Version struct{ Block, Tx uint64 }

// Progress says how far an audit has come.
type Progress struct {
	Format string `json:"format"`
	// Channel, Chaincode and Genesis (the hash of the first block) say what is audited.
	Channel   string `json:"channel"`
	Chaincode string `json:"chaincode"`
	Genesis   []byte `json:"genesis"`
	// Next is the number of the next block. Last is the hash of the block before it.
	Next uint64 `json:"next"`
	Last []byte `json:"last"`
	// CommitHash is the commit hash of the last block. It is empty if the peer doesn't keep commit hashes.
	CommitHash []byte `json:"commitHash,omitempty"`
	// Transactions, Invalid, Records and Findings are the numbers so far.
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
	db       *pebble.DB
	values   *os.File
	progress Progress
	failure  *failure
	unsynced int64 // bytes written since the last sync
}

// ErrDamaged means that an audit can't continue from a state, and must start again from the first block.
var ErrDamaged = errors.New("the state is damaged; remove its folder and start again")

// Open opens the state in a folder, or begins one there. It refuses a state that a former version of this program
// wrote: to read it again costs as much as a new audit.
func Open(dir string) (*Store, error) { return open(dir, vfs.Default) }

func open(dir string, fs vfs.FS) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("couldn't make the folder of the state: %w", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, formerKeys)); err == nil {
		return nil, otherFormat(dir, former)
	}
	db, failed, err := openKeys(filepath.Join(dir, "pebble"), fs)
	if err != nil {
		return nil, fmt.Errorf("couldn't open the state in %s (is another audit using it?): %w", dir, err)
	}
	s := &Store{db: db, failure: failed}
	if err := s.open(dir); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func otherFormat(dir, its string) error {
	return fmt.Errorf(
		"the state in %s has the format %q, and this program reads %q only; remove the folder and start again",
		dir,
		its,
		format,
	)
}

func (s *Store) open(dir string) error {
	text, err := s.get([]byte(progressKey))
	if err != nil {
		return err
	}
	s.progress.Format = format
	if text != nil {
		if err := json.Unmarshal(text, &s.progress); err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	if s.progress.Format != format {
		return otherFormat(dir, s.progress.Format)
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
	// What follows was written for a block that was not committed.
	if err := s.values.Truncate(s.progress.Values); err != nil {
		return fmt.Errorf("couldn't open the state: %w", err)
	}
	return nil
}

// Close writes everything to the disk and closes the state.
func (s *Store) Close() error {
	err := s.sync()
	if s.values != nil {
		err = errors.Join(err, s.values.Close())
	}
	return errors.Join(err, s.failure.during(s.db.Close))
}

// Progress returns how far the audit has come.
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
	if err := s.failure.during(s.db.Flush); err != nil {
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

// get reads a key. It returns nil if the key doesn't exist.
func (s *Store) get(key []byte) ([]byte, error) {
	lent, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("couldn't read the state: %w", err)
	}
	value := append([]byte{}, lent...)
	if err := closer.Close(); err != nil {
		return nil, fmt.Errorf("couldn't read the state: %w", err)
	}
	return value, nil
}

// Get reads the value and the version of a key. ok is false if the key doesn't exist.
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

// Version returns the version of a key. ok is false if the key doesn't exist.
func (s *Store) Version(namespace, key string) (v Version, ok bool, err error) {
	return s.version(publicKey(namespace, key))
}

// HashVersion returns the version of a key of a private collection. Only the key's hash is known.
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

// Row is a key in a range, and its version.
type Row struct {
	Key     string
	Version Version
}

// Range passes the keys of a namespace to each, in order. It begins at start, and stops before end or when each returns
// false. If end is empty, the range has no end.
func (s *Store) Range(namespace, start, end string, each func(Row, func() ([]byte, error)) bool) error {
	limit := publicKey(namespace, end)
	if end == "" {
		limit = append(append([]byte(publicPrefix), namespace...), 1)
	}
	skip := len(publicPrefix) + len(namespace) + 1
	return s.scan(publicKey(namespace, start), limit, func(key, stored []byte) (bool, error) {
		v, rest, err := splitVersion(stored)
		if err != nil {
			return false, err
		}
		return each(Row{string(key[skip:]), v}, func() ([]byte, error) { return s.load(rest) }), nil
	})
}

// scan passes the rows from start to before limit to each, until it returns false, which it must with an error. A row is
// valid during the call only.
func (s *Store) scan(start, limit []byte, each func(key, stored []byte) (bool, error)) error {
	rows, err := s.db.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: limit})
	if err != nil {
		return fmt.Errorf("couldn't read the state: %w", err)
	}
	for more := rows.First(); more; {
		if more, err = each(rows.Key(), rows.Value()); more {
			more = rows.Next()
		}
	}
	if closed := rows.Close(); err == nil && closed != nil {
		return fmt.Errorf("couldn't read the state: %w", closed)
	}
	return err
}

// HasTx reports whether an earlier block has a transaction with an id, valid or not.
func (s *Store) HasTx(id string) (bool, error) {
	found, err := s.get(append([]byte(txPrefix), id...))
	return found != nil, err
}

// Block returns the hash of an audited block and the validation codes of its transactions. Both are nil if the block
// wasn't audited.
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
	err = s.scan([]byte(prefix), []byte{prefix[0] + 1}, func(_, stored []byte) (bool, error) {
		all = append(all, append([]byte(nil), stored...))
		return true, nil
	})
	return all, err
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
	if end := uint64(s.progress.Values); m <= 0 || len(stored) != 1+n+m+4 || offset > end || length > end-offset {
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
