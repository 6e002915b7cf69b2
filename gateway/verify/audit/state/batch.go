package state

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/cockroachdb/pebble/v2"
)

// syncEvery is how many bytes a crash can lose. The blocks that they came from are audited again.
const syncEvery = 64 << 20

// Batch collects the changes of a block.
type Batch struct {
	keys   *pebble.Batch
	values [][]byte // for values.log
	end    int64    // of values.log with them
	found  uint64
	err    error
}

// NewBatch makes an empty batch.
func (s *Store) NewBatch() *Batch {
	return &Batch{keys: s.db.NewBatch(), end: s.progress.Values, found: s.progress.Findings}
}

func (b *Batch) put(key, value []byte) { b.err = errors.Join(b.err, b.keys.Set(key, value, nil)) }
func (b *Batch) remove(key []byte)     { b.err = errors.Join(b.err, b.keys.Delete(key, nil)) }

// Put writes a key of a namespace.
func (b *Batch) Put(namespace, key string, value []byte, v Version) {
	stored := binary.AppendUvarint(binary.AppendUvarint(make([]byte, 0, 24+min(len(value), largeValue)), v.Block), v.Tx)
	if len(value) < largeValue {
		b.put(publicKey(namespace, key), append(append(stored, inline), value...))
		return
	}
	stored = binary.AppendUvarint(append(stored, logged), uint64(b.end))
	stored = binary.AppendUvarint(stored, uint64(len(value)))
	b.put(publicKey(namespace, key), binary.BigEndian.AppendUint32(stored, crc32.Checksum(value, castagnoli)))
	b.values = append(b.values, value)
	b.end += int64(len(value))
}

// Delete removes a key of a namespace.
func (b *Batch) Delete(namespace, key string) { b.remove(publicKey(namespace, key)) }

// PutHash writes the version of a key of a private collection.
func (b *Batch) PutHash(namespace, collection string, hash []byte, v Version) {
	b.put(hashedKey(namespace, collection, hash), binary.AppendUvarint(binary.AppendUvarint(nil, v.Block), v.Tx))
}

// DeleteHash removes a key of a private collection.
func (b *Batch) DeleteHash(namespace, collection string, hash []byte) {
	b.remove(hashedKey(namespace, collection, hash))
}

// Use records that a transaction id was used.
func (b *Batch) Use(id string) { b.put(append([]byte(txPrefix), id...), nil) }

// Block records an audited block: its hash of 32 bytes, and the validation codes of its transactions.
func (b *Batch) Block(number uint64, hash, codes []byte) {
	b.put(numbered(blockPrefix, number), append(append(make([]byte, 0, 32+len(codes)), hash...), codes...))
}

// Config keeps a configuration block.
func (b *Batch) Config(number uint64, block []byte) {
	b.put(numbered(configPrefix, number), block)
}

// Found keeps a finding.
func (b *Batch) Found(finding []byte) {
	b.put(numbered(findingPrefix, b.found), finding)
	b.found++
}

// Commit writes a batch, and how far the audit has come with it. Commit sets Values and Findings of p itself.
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
	b.put([]byte(progressKey), text)
	size := int64(b.keys.Len())
	if b.err == nil {
		b.err = s.failure.during(func() error { return b.keys.Commit(pebble.NoSync) })
	}
	if b.err != nil {
		return fmt.Errorf("couldn't write the state: %w", b.err)
	}
	s.unsynced += at - s.progress.Values + size
	s.progress = p
	if s.unsynced > syncEvery {
		return s.sync()
	}
	return nil
}
