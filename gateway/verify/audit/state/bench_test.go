package state_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/state"
)

// What a busy ledger has in a block.
const (
	transactionsPerBlock  = 10
	recordsPerTransaction = 100
)

// hexID stands for a record's id or a transaction's: 64 hexadecimal digits without any order.
func hexID(n uint64) string {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, n))
	return hex.EncodeToString(sum[:])
}

// BenchmarkReplay does to a state what the replay of a ledger does: for each transaction it asks whether the id is new
// and reads who wrote four of the keys of earlier transactions; for each block it commits a pack and a key for each
// record. Run it with at least -benchtime 1000x, a million records, so that the state outgrows its buffers.
func BenchmarkReplay(b *testing.B) {
	s, err := state.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	pack := bytes.Repeat([]byte("pack"), 5000)
	record := uint64(0)
	for b.Loop() {
		block := s.Progress().Next
		batch := s.NewBatch()
		for tx := range uint64(transactionsPerBlock) {
			id := hexID(1<<32 + block*transactionsPerBlock + tx)
			if used, err := s.HasTx(id); err != nil || used {
				b.Fatal(used, err)
			}
			committed := block * transactionsPerBlock * recordsPerTransaction
			for i := range min(4, committed) {
				if _, ok, err := s.Version("pedigree", "r"+hexID((record*31+i*7919)%committed)); err != nil || !ok {
					b.Fatal(ok, err)
				}
			}
			batch.Use(id)
			v := state.Version{Block: block, Tx: tx}
			batch.Put("pedigree", "p"+id, pack, v)
			for range recordsPerTransaction {
				batch.Put("pedigree", "r"+hexID(record), []byte(id), v)
				record++
			}
		}
		batch.Block(block, pack[:32], make([]byte, transactionsPerBlock))
		if err := s.Commit(batch, state.Progress{Next: block + 1}); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(record), "ns/record")
}
