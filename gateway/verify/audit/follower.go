package audit

import (
	"context"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// A Follower makes something from the blocks of a ledger while they are audited, such as an index.
type Follower interface {
	// Height is the number of the next block that the follower needs. The audit reads the source from there, even if
	// it has audited more before.
	Height() uint64
	// Follow takes blocks in the order of their numbers, from Height on, until the channel is closed. A block is sent to
	// the channel as soon as it was audited, even if something is wrong with it.
	Follow(ctx context.Context, blocks <-chan Block) error
}

// Block is an audited block, as a follower gets it.
type Block struct {
	Number       uint64
	Hash         []byte // of the header
	PreviousHash []byte // of the header before; empty for block 0
	Transactions []Transaction
}

// Transaction is one envelope of a block, valid or not.
type Transaction struct {
	ID       string
	Position int       // in the block, from 0
	MSPID    string    // of the creator
	Subject  string    // of the creator's certificate
	Time     time.Time // from the channel header; the submitter's claim
	Code     int32     // Fabric's validation code, as the audit computed it; 0 is valid
	Packs    [][]byte  // the values under record.PackKey, without their header lines; nil if the transaction is invalid
}

// blockOf makes the block that a follower gets.
func blockOf(b *opened, codes []byte, chaincode string) Block {
	made := Block{
		Number: b.block.Number, Hash: b.block.Hash(), PreviousHash: b.block.PreviousHash,
		Transactions: make([]Transaction, len(b.transactions)),
	}
	for i, t := range b.transactions {
		it := Transaction{ID: t.id, Position: i, Time: t.time, Code: int32(codes[i])}
		if t.creator != nil && t.creator.Identity != nil {
			it.MSPID, it.Subject = t.creator.MSPID, t.creator.subject
		}
		if codes[i] == byte(valid) && t.call != nil {
			it.Packs = packsOf(chaincode, t)
		}
		made.Transactions[i] = it
	}
	return made
}

// packsOf lists the packs that a transaction wrote, without their headers.
func packsOf(chaincode string, t *transaction) (packs [][]byte) {
	for _, s := range t.call.sets {
		if s.namespace != chaincode {
			continue
		}
		for _, w := range s.public.GetWrites() {
			if _, ok := record.ParsePackKey(w.GetKey()); ok && !w.GetIsDelete() {
				if _, pack, err := record.ParsePackValue(w.GetValue()); err == nil {
					packs = append(packs, pack)
				}
			}
		}
	}
	return packs
}
