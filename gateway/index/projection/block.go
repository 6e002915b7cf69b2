package projection

import "time"

// Block is one block of the ledger, parsed.
type Block struct {
	Number       uint64
	Hash         []byte // of the header
	PreviousHash []byte // of the previous block's header; empty for block 0
	Transactions []Transaction
}

// Transaction is one envelope of a block, valid or not.
type Transaction struct {
	ID       string
	Position int    // in the block, from 0
	MSPID    string // of the creator, as the ledger has it
	Subject  string // of the creator's certificate
	// Time is in the channel header. The submitter claims it, and peers refuse one that is more than a quarter of an
	// hour from their own clocks.
	Time  time.Time
	Code  int32    // Fabric's validation code; 0 is valid
	Packs [][]byte // what the transaction wrote under record.PackKey, without the header line
}

// CodeValid is Fabric's validation code of a valid transaction.
const CodeValid = 0
