package bench

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// Count compares what was sent with what is on the ledger.
type Count struct {
	Sent         int `json:"sent"`         // events that the gateways acknowledged
	Events       int `json:"events"`       // event records in valid transactions
	Distinct     int `json:"distinct"`     // different events among these
	Missing      int `json:"missing"`      // acknowledged, but not on the ledger
	Doubled      int `json:"doubled"`      // on the ledger more than once
	Strange      int `json:"strange"`      // on the ledger, but never sent
	Blocks       int `json:"blocks"`       // blocks that were read
	Transactions int `json:"transactions"` // valid transactions with records
	Invalid      int `json:"invalid"`      // invalid transactions with records
}

// Err returns an error if the ledger doesn't have exactly what was sent.
func (c Count) Err() error {
	if c.Missing > 0 || c.Doubled > 0 || c.Strange > 0 {
		return fmt.Errorf(
			"the ledger doesn't have exactly what was sent: of %d acknowledged events %d are missing and %d are there more than once; %d further events were never sent",
			c.Sent,
			c.Missing,
			c.Doubled,
			c.Strange,
		)
	}
	return nil
}

// digest identifies an event by the content that was sent.
type digest [16]byte

// tally holds the events that were sent and how often each was found. It tells events apart by what their senders
// wrote, so it doesn't rely on any id that the program under test assigns.
type tally struct {
	events map[digest]tallied
	strange,
	blocks, valid, invalid int
}

type tallied struct {
	acknowledged bool
	found        uint16
}

func newTally(events int) *tally { return &tally{events: make(map[digest]tallied, events)} }

// sent adds an event. An event that was sent but not acknowledged may be on the ledger, but only once.
func (t *tally) sent(event []byte, acknowledged bool) error {
	v, err := canonical.Parse(event, canonical.Limits{})
	if err != nil {
		return fmt.Errorf("couldn't read an event that was sent: %w", err)
	}
	d := digestOf(v)
	if _, twice := t.events[d]; twice {
		return fmt.Errorf("the same event was made twice: %s", event)
	}
	t.events[d] = tallied{acknowledged: acknowledged}
	return nil
}

// digestOf returns the digest of an event without the members that the gateway fills in or moves.
func digestOf(event canonical.Value) digest {
	sum := sha256.Sum256(event.Without("eventID").Without("@context").Bytes())
	return digest(sum[:len(digest{})])
}

// read counts the events in the blocks of a peer, from a block to the last one.
func (t *tally) read(ctx context.Context, r *reader, from uint64, progress func(blocks, of uint64)) error {
	height, err := r.height(ctx)
	if err != nil {
		return err
	}
	return r.blocks(ctx, from, height, func(b *common.Block) error {
		t.blocks++
		progress(b.GetHeader().GetNumber()-from+1, height-from)
		valid, invalid, err := records(b, t.found)
		t.valid, t.invalid = t.valid+valid, t.invalid+invalid
		return err
	})
}

func (t *tally) found(_ string, body []byte) error {
	v, err := canonical.Parse(body, canonical.Limits{})
	if err != nil {
		return fmt.Errorf("couldn't read a record: %w", err)
	}
	if v.Get("record").Text != "event/1" {
		return nil
	}
	d := digestOf(v.Get("event"))
	e, known := t.events[d]
	if !known {
		t.strange++
		return nil
	}
	e.found++
	t.events[d] = e
	return nil
}

func (t *tally) count() Count {
	c := Count{
		Strange:      t.strange,
		Events:       t.strange,
		Distinct:     t.strange,
		Blocks:       t.blocks,
		Transactions: t.valid,
		Invalid:      t.invalid,
	}
	for _, e := range t.events {
		c.Events += int(e.found)
		if e.acknowledged {
			c.Sent++
		}
		switch {
		case e.found > 1:
			c.Doubled++
			fallthrough
		case e.found == 1:
			c.Distinct++
		case e.acknowledged:
			c.Missing++
		}
	}
	return c
}
