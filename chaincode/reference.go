package chaincode

import (
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// prefetch reads, in one round trip, the keys that the checks will need.
func (b *batch) prefetch() error {
	var keys []string
	for _, r := range b.records {
		if r.Noun != record.NounEvent {
			keys = append(keys, record.FirstKey(r.ID))
		}
		switch r.Noun {
		case record.NounArtifact:
			keys = append(keys, record.NamespaceKey(r.Artifact.Namespace), record.ArtifactKey(r.Artifact.ArtifactRef.String()))
		case record.NounMember:
			for _, n := range r.Member.Namespaces {
				keys = append(keys, record.NamespaceKey(n))
			}
		case record.NounActivity:
			for _, u := range r.Activity.Used {
				keys = append(keys, b.consentKeys(u.Ref)...)
			}
			for _, g := range r.Activity.Generated {
				keys = append(keys, record.GeneratorKey(g.Ref))
			}
		}
		for _, ref := range r.References() {
			if a, err := record.ParseArtifactRef(ref.Node); err == nil {
				keys = append(keys, record.ArtifactKey(ref.Node), record.NamespaceKey(a.Namespace))
			} else if place, ok := b.witnesses[ref.Node]; ok {
				keys = append(keys, record.PointerKey(place.ID, place.Tx), record.FirstKey(place.ID))
			}
		}
	}
	return b.world.fetch(keys)
}

// known reports whether a node that the record in the given line refers to
// exists on the ledger or in the batch. Records and things must be in an earlier
// line; artifact versions may be in any other line.
func (b *batch) known(node string, line int) (bool, error) {
	_, kind, err := record.ParseNode(node)
	if err != nil {
		return false, nil
	}
	switch kind {
	case record.NodeArtifact:
		if here, ok := b.artifacts[node]; ok && here.line != line {
			return true, nil
		}
		value, err := b.world.get(record.ArtifactKey(node))
		return value != nil, err
	case record.NodeRecord:
		if at, ok := b.lines[record.ID(node)]; ok && at < line {
			return true, nil
		}
		place := b.witnesses[node]
		if place.ID != record.ID(node) {
			return false, nil
		}
		value, err := b.world.get(record.PointerKey(place.ID, place.Tx))
		return value != nil, err
	default:
		e, err := b.witness(node, line)
		return e != nil, err
	}
}

// witness returns the evidence that a node exists, or nil if there is none. If
// the node is a record, the evidence is that record, from an earlier line of the
// batch or from the ledger. If it is a thing, the evidence is an event on the
// ledger that names it.
//
// The evidence is by the organisation that recorded it first, even if others
// have recorded it again. An event is different: everybody who records one
// reports it in their own name. So its evidence is by the organisation whose
// transaction the witness names.
func (b *batch) witness(node string, line int) (*evidence, error) {
	if at, ok := b.lines[record.ID(node)]; ok && at < line && b.records[at].Noun != record.NounEvent {
		return b.firstBy(evidenceOf(b.records[at], b.caller))
	}
	place, ok := b.witnesses[node]
	if !ok {
		return nil, nil
	}
	e, err := b.world.at(place)
	if e == nil {
		return nil, err
	}
	if _, named := e.things[node]; named || string(e.id) == node {
		return b.firstBy(e)
	}
	return nil, nil
}

func (b *batch) firstBy(e *evidence) (*evidence, error) {
	if e.noun == record.NounEvent {
		return e, nil
	}
	first, err := b.world.get(record.FirstKey(e.id))
	if first != nil {
		e.by = string(first)
	}
	return e, err
}

// checkKnown reports the references of a record to nodes that don't exist.
func (b *batch) checkKnown(line int, r *record.Record) error {
	for _, ref := range r.References() {
		ok, err := b.known(ref.Node, line)
		if err != nil {
			return err
		}
		if !ok {
			b.problem(line, "unknown_reference", ref.Pointer, "%s is not on the ledger; record it first", ref.Node)
		}
	}
	return nil
}

// owner returns the organisation that owns a namespace, or "" if nobody does.
func (b *batch) owner(namespace string) (string, error) {
	value, err := b.world.get(record.NamespaceKey(namespace))
	return string(value), err
}

// checkOwned reports an artifact whose namespace is not the caller's.
func (b *batch) checkOwned(line int, pointer, namespace string) error {
	owner, err := b.owner(namespace)
	if err != nil {
		return err
	}
	switch owner {
	case b.caller:
	case "":
		b.problem(
			line,
			"namespace_unclaimed",
			pointer,
			"nobody has claimed the namespace %q yet; an administrator of %s can, with a member record",
			namespace,
			b.caller,
		)
	default:
		b.problem(line, "namespace_taken", pointer, "the namespace %q belongs to %s, not to %s", namespace, owner, b.caller)
	}
	return nil
}
