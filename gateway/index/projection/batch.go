package projection

import (
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/pedigree-ledger/pedigree/gateway/index/cache"
	"github.com/pedigree-ledger/pedigree/gateway/verify/merkle"
)

// Projector makes the rows of one index's blocks, batch by batch. It remembers names and creators from batch to batch,
// so it has to be replaced when somebody else has written to the tables. One goroutine at a time uses it.
type Projector struct {
	log      *slog.Logger
	names    *cache.Cache[string, int64] // ids of nodes that aren't records, by their full names
	creators map[Creator]int64
	output   *output
}

// Creator is who signed a transaction.
type Creator struct{ MSPID, Subject string }

// mostNames is how many names a projector remembers.
const mostNames = 200_000

// NewProjector makes a projector for tables that have some creators already.
func NewProjector(log *slog.Logger, creators map[Creator]int64) *Projector {
	return &Projector{log: log, names: cache.New[string, int64](mostNames), creators: creators, output: newOutput()}
}

// Tip is where the tables are: the last block, and the greatest ids handed out.
type Tip struct {
	Height uint64 // number of blocks
	Hash   []byte // of the last block's header
	Last   int64  // the greatest id of the counter that numbers nodes and repeated recordings
	Tx     int64  // the greatest id of a transaction
	Pack   int64  // the greatest id of a pack
	// Tree is the tree of all recordings. Only who writes needs it.
	Tree merkle.Frontier
}

// Batch writes blocks within one transaction of a store.
type Batch struct {
	*output
	projector *Projector
	tables    Tables
	tip       Tip
	names     *cache.Cache[string, int64]
	versions  map[int64]int64   // the node that each artifact record of this batch describes
	creators  map[Creator]int64 // new in this batch
}

// Begin begins a batch. A batch begun before is abandoned unless it was committed.
func (p *Projector) Begin(tip Tip) *Batch {
	p.output.reset()
	tip.Tree = tip.Tree.Clone() // a batch that isn't committed leaves the old one as it was
	return &Batch{
		output: p.output, projector: p, tip: tip, names: p.names,
		versions: map[int64]int64{}, creators: map[Creator]int64{},
	}
}

// Write writes the rows and the keys of blocks, which follow from the tip. While one portion is written, the next is
// unpacked.
func (b *Batch) Write(tables Tables, blocks []Block) error {
	b.tables = tables
	portions, stop := make(chan portion), make(chan struct{})
	defer close(stop)
	go b.projector.unpack(blocks, portions, stop)
	for _, block := range blocks {
		if err := b.writeBlock(block, portions); err != nil {
			return err
		}
	}
	return tables.AddKeys(b.keys)
}

// Committed is called after the store has committed what Write wrote. It returns the new tip. The names and creators
// of a batch that isn't committed are forgotten.
func (b *Batch) Committed() Tip {
	for full, f := range b.found {
		if full[0] != spaceRecord && len(full) <= mostName { // records are seldom named again
			b.names.Put(full, f.id)
		}
	}
	for c, id := range b.creators {
		b.projector.creators[c] = id
	}
	return b.tip
}

// writeBlock writes a block, portion by portion.
func (b *Batch) writeBlock(block Block, portions <-chan portion) error {
	var earliest, latest Cell // of its events
	for ends := false; !ends; {
		p := <-portions
		if err := b.lookUp(p); err != nil {
			return err
		}
		b.base, b.nodes, b.links = b.tip.Last, b.nodes[:0], b.links[:0]
		for i, packs := range p.packs {
			if err := b.transaction(block.Number, block.Transactions[p.from+i], packs); err != nil {
				return err
			}
		}
		b.packLinks()
		first, last, err := b.flushNodes(b.tables)
		if err != nil {
			return err
		}
		earliest, latest = earlier(earliest, first), later(latest, last)
		if ends = p.ends; !ends {
			if err := b.flush(b.tables); err != nil {
				return err
			}
		}
	}
	b.block.Add(Number(int64(block.Number)), Bytes(block.Hash), Bytes(block.PreviousHash),
		Number(int64(len(block.Transactions))), Number(b.tip.Last), earliest, latest)
	b.tip.Height, b.tip.Hash = block.Number+1, block.Hash
	return b.flush(b.tables)
}

// next hands out an id.
func (b *Batch) next() int64 {
	b.tip.Last++
	b.nodes = append(b.nodes, nodeRow{})
	return b.tip.Last
}

// node is the row of a node that the present portion made.
func (b *Batch) node(id int64) *nodeRow { return &b.nodes[id-b.base-1] }

// key adds a hash by which a node is found.
func (b *Batch) key(hash uint64, id int64) { b.keys = append(b.keys, Key{hash, id}) }

// transaction writes one transaction. First all its records get their ids, and only then is written what they name, so
// that records of one pack can refer to each other in any order.
func (b *Batch) transaction(block uint64, t Transaction, packs []packEntries) error {
	b.tip.Tx++
	tx, recorded := b.tip.Tx, micros(t.Time)
	b.tx.Add(Number(tx), Text(t.ID), Number(int64(block)), Number(int64(t.Position)),
		Number(b.creatorID(t.MSPID, t.Subject)), Number(recorded), Number(int64(t.Code)), Number(b.tip.Last))
	ids := make([][]int64, len(packs))
	for k := range packs {
		b.tip.Pack++
		b.pack.Add(Number(b.tip.Pack), Bytes(t.Packs[k]))
		ids[k] = make([]int64, len(packs[k].entries))
		for line := range packs[k].entries {
			e := &packs[k].entries[line]
			id := b.record(e, tx, b.tip.Pack, int64(line))
			ids[k][line] = id
			if id == 0 || e.artifact == nil {
				continue
			}
			version, err := b.resolve(e.version, tx)
			if err != nil {
				return err
			}
			b.versions[id] = version
		}
	}
	for k := range packs {
		for line, id := range ids[k] {
			if id == 0 {
				continue
			}
			if err := b.content(id, &packs[k].entries[line], tx, t.MSPID, recorded); err != nil {
				return err
			}
		}
	}
	return nil
}

// record writes that a record was recorded, and returns its id; 0 if it had been recorded before.
func (b *Batch) record(e *entry, tx, pack, line int64) int64 {
	id := b.next()
	b.leaf(id, e.self.text())
	if f, ok := b.found[e.self.Full]; ok {
		b.again.Add(Number(id), Number(f.id), Number(tx), Number(pack), Number(line))
		return 0
	}
	b.found[e.self.Full] = foundNode{id, e.self.Kind}
	b.key(e.self.Hash, id)
	*b.node(id) = nodeRow{kind: e.self.Kind, text: e.self.text(), tx: tx, pack: pack, line: line}
	return id
}

// leaf adds the leaf of a recording to the tree. Of the subtrees that are complete with it, those with 256 leaves, 256²
// and so on become rows.
func (b *Batch) leaf(id int64, digest string) {
	b.tip.Tree.Append(merkle.Leaf([32]byte([]byte(digest))), func(level int, number uint64, hash tlog.Hash) {
		if level%TileHeight == 0 {
			b.tile.Add(Number(int64(level/TileHeight)), Number(int64(number)), Number(id), Bytes(hash[:]))
		}
	})
}

// content writes what a record says.
func (b *Batch) content(id int64, e *entry, tx int64, mspID string, recorded int64) error {
	at := recorded
	if !e.at.IsZero() {
		at = e.at.UnixMicro()
	}
	b.node(id).at = at
	for _, m := range e.mentions {
		node, err := b.resolve(m.node, tx)
		if err != nil {
			return err
		}
		b.links = append(b.links, Link{id, m.role, node, at, m.quantity, m.flow})
	}
	switch e.self.Kind {
	case KindEvent:
		return b.event(id, e.event, tx)
	case KindArtifactRecord:
		a := e.artifact
		b.artifact.Add(Number(id), Number(b.versions[id]), Text(a.Kind), Text(a.Namespace), Text(a.Name),
			Text(a.Version),
			Text(a.Digest.Algorithm), Text(a.Digest.Value), Text(a.Digest.Coverage))
	case KindActivity:
		b.activity.Add(Number(id), Text(e.activity.Type), instant(e.activity.StartedAt), instant(e.activity.EndedAt),
			Number(int64(len(e.activity.Breaches))))
	case KindStatement:
		b.statement.Add(Number(id), Text(e.statement.Kind))
	case KindMember:
		b.member.Add(Number(id), Text(e.member.MSPID), Text(e.member.Name))
		for _, namespace := range e.member.Namespaces {
			b.namespace.Add(Text(namespace), Number(id), Text(mspID))
		}
	}
	return nil
}

func (b *Batch) event(id int64, e *eventEntry, tx int64) error {
	shape, err := b.resolveShape(e.shape, tx)
	if err != nil {
		return err
	}
	node := b.node(id)
	node.shape, node.hash = shape, packEventHash(e.hash)
	hash := hashPacked(node.hash)
	b.key(hash, id)
	eventID := hash
	if e.eventID != e.hash {
		node.eventID, eventID = e.eventID, EventHash(e.eventID)
		b.key(eventID, id)
	}
	if e.declared {
		b.declaration.Add(Number(id), Number(int64(hash)), Number(int64(eventID)), Number(micros(e.declaredAt)),
			Text(e.reason), Text(e.corrective))
	}
	return nil
}

// resolveShape finds the node of a shape, and makes it if there is none.
func (b *Batch) resolveShape(s *shape, tx int64) (int64, error) {
	if id, ok := b.known(s.name); ok {
		return id, nil
	}
	var words [4]Cell
	for i, word := range s.words {
		if word.Full == "" {
			continue
		}
		id, err := b.resolve(word, tx)
		if err != nil {
			return 0, err
		}
		words[i] = Number(id)
	}
	id, err := b.resolve(s.name, tx)
	b.shape.Add(Number(id), Number(int64(s.kind)), Number(int64(s.action)), words[0], words[1], words[2], words[3])
	return id, err
}

// known is the id of a node that isn't an artifact record, if there is one.
func (b *Batch) known(n Name) (int64, bool) {
	if f, ok := b.found[n.Full]; ok {
		return f.id, true
	}
	return b.names.Get(n.Full)
}

// resolve finds the node that a name means, and makes it if there is none.
func (b *Batch) resolve(n Name, tx int64) (int64, error) {
	if f, ok := b.found[n.Full]; ok && f.kind == KindArtifactRecord {
		return b.version(f.id)
	}
	if id, ok := b.known(n); ok {
		return id, nil
	}
	if n.Kind == KindMissing {
		n = MissingName(n)
		if id, ok := b.known(n); ok {
			return id, nil
		}
	}
	id := b.next()
	b.found[n.Full] = foundNode{id, n.Kind}
	b.key(n.Hash, id)
	*b.node(id) = nodeRow{kind: n.Kind, text: n.text(), tx: tx}
	return id, nil
}

// version is the artifact version that an artifact record describes. In the graph the record's id is only another name
// of the version.
func (b *Batch) version(artifact int64) (int64, error) {
	if node, ok := b.versions[artifact]; ok {
		return node, nil
	}
	node, err := b.tables.ArtifactVersion(artifact)
	if err != nil {
		return 0, fmt.Errorf("couldn't find the version of artifact record %d: %w", artifact, err)
	}
	if node == 0 {
		return 0, fmt.Errorf("artifact record %d has no version: the index is damaged; run pedigree reindex", artifact)
	}
	b.versions[artifact] = node
	return node, nil
}

func (b *Batch) creatorID(mspID, subject string) int64 {
	c := Creator{mspID, subject}
	if id, ok := b.projector.creators[c]; ok {
		return id
	}
	id, ok := b.creators[c]
	if !ok {
		id = int64(len(b.projector.creators) + len(b.creators) + 1)
		b.creators[c] = id
		b.creator.Add(Number(id), Text(mspID), Text(subject))
	}
	return id
}

// micros is a time as it is stored, 0 for none.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// instant is a time as it is stored where it may be null.
func instant(t time.Time) Cell {
	if t.IsZero() {
		return null
	}
	return Number(t.UnixMicro())
}
