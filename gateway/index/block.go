package index

import "time"

// Block is one block of the ledger, parsed.
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
	MSPID    string    // of the creator: the ledger's word
	Subject  string    // of the creator's certificate
	Time     time.Time // of the channel header: the submitter's claim, which peers bound to a quarter of an hour
	Code     int32     // Fabric's validation code; 0 is valid
	Packs    [][]byte  // what the transaction wrote under record.PackKey, the header line taken off
}

// CodeValid is Fabric's validation code of a transaction that counts.
const CodeValid = 0
