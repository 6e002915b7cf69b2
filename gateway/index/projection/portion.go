package projection

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// packEntries are the entries of one pack of a valid transaction.
type packEntries struct {
	bodies  [][]byte
	entries []entry
}

// portion is a part of a block's transactions, unpacked. It is all of them unless they unfold to more than
// mostUnfolded.
type portion struct {
	from  int             // position of the first transaction
	packs [][]packEntries // by transaction and pack
	ends  bool            // with the block's last transaction
}

// mostUnfolded is the number of bytes of bodies after which a portion takes no further transaction. A small block can
// unfold to gigabytes, and two portions are in memory at once. Where a block is divided decides where links are
// stored, so a change needs a new Version.
const mostUnfolded = 16 << 20

// unpack unpacks blocks, and hands over portions until stop is closed.
func (p *Projector) unpack(blocks []Block, portions chan<- portion, stop <-chan struct{}) {
	for _, b := range blocks {
		for next := (portion{}); !next.ends; {
			next = p.unpackFrom(b, next.from+len(next.packs))
			select {
			case portions <- next:
			case <-stop:
				return
			}
		}
	}
}

// bodyReaders are kept for their memory.
var bodyReaders = sync.Pool{New: func() any { return new(bodyReader) }}

// unpackFrom reads the packs of a block's valid transactions, beginning with one. It uses all processors, because this
// is a good part of the work.
func (p *Projector) unpackFrom(b Block, from int) portion {
	type piece struct {
		pack     *packEntries
		from, to int
	}
	var pieces []piece
	all := portion{from: from}
	size := 0
	for _, t := range b.Transactions[from:] {
		if size > mostUnfolded {
			break
		}
		var packs []packEntries
		if t.Code == CodeValid {
			packs = make([]packEntries, len(t.Packs))
		}
		for k := range packs {
			bodies, err := record.Unpack(t.Packs[k], record.PackLimits{})
			if err != nil {
				// The chaincode unpacked it before it was committed.
				p.log.Error("a committed pack can't be read and is left out of the index",
					"block", b.Number, "transaction", t.ID, "why", err)
				continue
			}
			packs[k] = packEntries{bodies, make([]entry, len(bodies))}
			for _, body := range bodies {
				size += len(body)
			}
			const share = 64
			for i := 0; i < len(bodies); i += share {
				pieces = append(pieces, piece{&packs[k], i, min(i+share, len(bodies))})
			}
		}
		all.packs = append(all.packs, packs)
	}
	all.ends = from+len(all.packs) == len(b.Transactions)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(pieces)) {
		wait.Go(func() {
			reader := bodyReaders.Get().(*bodyReader)
			defer bodyReaders.Put(reader)
			for {
				n := int(next.Add(1)) - 1
				if n >= len(pieces) {
					return
				}
				for i := pieces[n].from; i < pieces[n].to; i++ {
					pieces[n].pack.entries[i] = reader.read(pieces[n].pack.bodies[i])
				}
			}
		})
	}
	wait.Wait()
	return all
}
