package state

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"

	"github.com/syndtr/goleveldb/leveldb"
)

// syncEvery is how many bytes may be lost by a power cut, and be audited again.
const syncEvery = 64 << 20

// Batch is what one block changes.
type Batch struct {
	store  *Store
	keys   leveldb.Batch
	values [][]byte // for values.log
	end    int64    // of values.log with them
	found  uint64
}

// NewBatch begins with the changes of a block.
func (s *Store) NewBatch() *Batch {
	return &Batch{store: s, end: s.progress.Values, found: s.progress.Findings}
}

// Put writes a key of a namespace.
func (b *Batch) Put(namespace, key string, value []byte, v Version) {
	stored := binary.AppendUvarint(binary.AppendUvarint(make([]byte, 0, 24+min(len(value), largeValue)), v.Block), v.Tx)
	if len(value) < largeValue {
		b.keys.Put(publicKey(namespace, key), append(append(stored, inline), value...))
		return
	}
	stored = binary.AppendUvarint(append(stored, logged), uint64(b.end))
	stored = binary.AppendUvarint(stored, uint64(len(value)))
	b.keys.Put(publicKey(namespace, key), binary.BigEndian.AppendUint32(stored, crc32.Checksum(value, castagnoli)))
	b.values = append(b.values, value)
	b.end += int64(len(value))
}

// Delete removes a key of a namespace.
func (b *Batch) Delete(namespace, key string) { b.keys.Delete(publicKey(namespace, key)) }

// PutHash notes who wrote a key of a private collection.
func (b *Batch) PutHash(namespace, collection string, hash []byte, v Version) {
	b.keys.Put(hashedKey(namespace, collection, hash), binary.AppendUvarint(binary.AppendUvarint(nil, v.Block), v.Tx))
}

// DeleteHash removes a key of a private collection.
func (b *Batch) DeleteHash(namespace, collection string, hash []byte) {
	b.keys.Delete(hashedKey(namespace, collection, hash))
}

// Use notes that a transaction id was used.
func (b *Batch) Use(id string) { b.keys.Put(append([]byte(txPrefix), id...), nil) }

// Block notes an audited block: its hash of 32 bytes, and the validation codes of its transactions.
func (b *Batch) Block(number uint64, hash, codes []byte) {
	b.keys.Put(numbered(blockPrefix, number), append(append(make([]byte, 0, 32+len(codes)), hash...), codes...))
}

// Config keeps a configuration block.
func (b *Batch) Config(number uint64, block []byte) {
	b.keys.Put(numbered(configPrefix, number), block)
}

// Found keeps what was found.
func (b *Batch) Found(finding []byte) {
	b.keys.Put(numbered(findingPrefix, b.found), finding)
	b.found++
}

// Commit writes the changes and where the audit stands after them. Values and Findings of p are filled in.
func (s *Store) Commit(b *Batch, p Progress) error {
	p.Format, p.Values, p.Findings = format, b.end, b.found
	at := s.progress.Values
	for _, value := range b.values {
		if _, err := s.values.WriteAt(value, at); err != nil {
			return fmt.Errorf("couldn't write the state: %w", err)
		}
		at += int64(len(value))
	}
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("couldn't write the state: %w", err)
	}
	b.keys.Put([]byte(progressKey), text)
	if err := s.db.Write(&b.keys, nil); err != nil {
		return fmt.Errorf("couldn't write the state: %w", err)
	}
	s.unsynced += at - s.progress.Values + int64(len(b.keys.Dump()))
	s.progress = p
	if s.unsynced > syncEvery {
		return s.sync()
	}
	return nil
}
