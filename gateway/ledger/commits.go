package ledger

import "sync"

// Commit is what a block says of a transaction.
type Commit struct {
	TransactionID string
	// Code is the validation code (peer.TxValidationCode); 0 is valid.
	Code int32
	// Block is the number of the block, and Position the transaction's place in it, from 0.
	Block    uint64
	Position int
}

// Valid tells whether the transaction took effect.
func (c Commit) Valid() bool { return c.Code == 0 }

// Commits resolves transactions by the blocks that are followed. Waiters survive a restart of the stream: they are tied
// to transaction ids, not to streams.
type Commits struct {
	mu      sync.Mutex
	waiters map[string][]*Waiter
}

// NewCommits makes a set of waiters of its own, for those who feed it themselves by Resolve.
func NewCommits() *Commits { return &Commits{waiters: make(map[string][]*Waiter)} }

// Waiter waits for one transaction.
type Waiter struct {
	commits *Commits
	txID    string
	done    chan Commit
}

// Register begins to wait for a transaction. Register before sending: a block that was handled earlier is not looked at
// again. The waiter must be ended by Done having delivered, or by Cancel.
func (c *Commits) Register(txID string) *Waiter {
	w := &Waiter{commits: c, txID: txID, done: make(chan Commit, 1)}
	c.mu.Lock()
	c.waiters[txID] = append(c.waiters[txID], w)
	c.mu.Unlock()
	return w
}

// Done delivers the commit, once. By then the function given to Follow has returned for its block.
func (w *Waiter) Done() <-chan Commit { return w.done }

// Cancel stops waiting. It is harmless after Done has delivered.
func (w *Waiter) Cancel() {
	c := w.commits
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.waiters[w.txID]
	for i, other := range list {
		if other != w {
			continue
		}
		if len(list) == 1 {
			delete(c.waiters, w.txID)
		} else {
			c.waiters[w.txID] = append(list[:i:i], list[i+1:]...)
		}
		return
	}
}

// Waiting is the number of transactions that are waited for.
func (c *Commits) Waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.waiters)
}

// Resolve delivers what a block says; Follow calls it. A second copy of a transaction says nothing about the first, so
// the first copy in the block is what counts, and a waiter that sees only a copy is told so by its code.
func (c *Commits) Resolve(b *Block) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiters) == 0 {
		return
	}
	for _, t := range b.Transactions {
		list, ok := c.waiters[t.ID]
		if !ok || t.ID == "" {
			continue
		}
		delete(c.waiters, t.ID)
		for _, w := range list {
			w.done <- Commit{TransactionID: t.ID, Code: t.Code, Block: b.Number, Position: t.Position}
		}
	}
}
