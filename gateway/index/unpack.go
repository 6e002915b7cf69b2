package index

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// parcel is one pack of a valid transaction, read.
type parcel struct {
	bodies  [][]byte
	entries []entry
}

// portion is some of a block's transactions, unpacked: all of them, if they don't unfold to
// more than mostUnfolded.
type portion struct {
	block   Block
	from    int        // the first transaction's place
	parcels [][]parcel // by transaction and pack
	ends    bool       // with the block's last transaction
}

// mostUnfolded is how many bytes of bodies a portion has, after which it takes no other
// transaction. A small block can unfold to gigabytes, and two portions are in memory at once. A portion is written by itself, so this number is part of the format: see schemaVersion.
const mostUnfolded = 16 << 20

// unpack unpacks blocks, and hands over what it has read until stop is closed.
func (ix *Index) unpack(blocks []Block, portions chan<- portion, stop <-chan struct{}) {
	for _, b := range blocks {
		for p := (portion{block: b}); !p.ends; {
			p = ix.unpackFrom(b, p.from+len(p.parcels))
			select {
			case portions <- p:
			case <-stop:
				return
			}
		}
	}
}

// readers are used again for their memory.
var readers = sync.Pool{New: func() any { return new(reader) }}

// unpackFrom reads the packs of a block's valid transactions from one on, on all
// processors: it is a good part of the work.
func (ix *Index) unpackFrom(b Block, from int) portion {
	type piece struct {
		from *parcel
		a, b int
	}
	var pieces []piece
	all := portion{block: b, from: from}
	size := 0
	for _, t := range b.Transactions[from:] {
		if size > mostUnfolded {
			break
		}
		var parcels []parcel
		if t.Code == CodeValid {
			parcels = make([]parcel, len(t.Packs))
		}
		for k := range parcels {
			p := &parcels[k]
			bodies, err := record.Unpack(t.Packs[k], record.PackLimits{})
			if err != nil {
				// The chaincode unpacked it before; nothing is served from it now.
				ix.log.Error("a committed pack can't be read and is left out of the index", "block", b.Number, "transaction", t.ID, "why", err)
				continue
			}
			p.bodies, p.entries = bodies, make([]entry, len(bodies))
			for _, body := range bodies {
				size += len(body)
			}
			const share = 64
			for a := 0; a < len(bodies); a += share {
				pieces = append(pieces, piece{p, a, min(a+share, len(bodies))})
			}
		}
		all.parcels = append(all.parcels, parcels)
	}
	all.ends = from+len(all.parcels) == len(b.Transactions)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(pieces)) {
		wait.Go(func() {
			reader := readers.Get().(*reader)
			defer readers.Put(reader)
			for {
				n := int(next.Add(1)) - 1
				if n >= len(pieces) {
					return
				}
				p := pieces[n]
				for i := p.a; i < p.b; i++ {
					p.from.entries[i] = reader.read(p.from.bodies[i])
				}
			}
		})
	}
	wait.Wait()
	return all
}
