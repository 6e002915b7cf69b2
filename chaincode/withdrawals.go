package chaincode

import (
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// A withdrawal of version 1 is that of the whole node. In version 2, this is so
// for an artifact version, which has one owner. Several organisations may report
// the same event, and speak of the same thing. Each withdraws consent to its own
// report alone.

// Withdrawn is the value under a node's record.WithdrawalKey, and under an organisation's record.OwnWithdrawalKey.
type Withdrawn struct {
	record.Place
	Retracted bool `json:"retracted,omitempty"`
}

// withdraw withdraws consent to use a node. A node has at most one withdrawal in
// force, so that retracting it really lifts it. Recording the same withdrawal
// again changes nothing, even if it has been retracted.
func (b *batch) withdraw(line int, pointer string, r *record.Record, node string, about *evidence) error {
	if about != nil && about.artifact != "" {
		b.problem(
			line,
			"spelled_otherwise",
			pointer,
			"%s is an artifact version; withdraw consent to it under its name, %s",
			node,
			about.artifact,
		)
		return nil
	}
	key := record.WithdrawalKey(node)
	if _, err := record.ParseArtifactRef(node); err != nil && r.Version >= 2 {
		key = record.OwnWithdrawalKey(b.caller, node)
		b.put(record.ConsentKey(node), []byte(record.ConsentValue))
	}
	w, found, err := b.withdrawal(key)
	if err != nil {
		return err
	}
	if w.ID == r.ID {
		return nil
	}
	if found && !w.Retracted {
		b.conflict(
			line,
			"already_withdrawn",
			pointer,
			w.ID,
			"consent to use %s is withdrawn already, by statement %s; retract that one first",
			node,
			w.ID,
		)
		return nil
	}
	return b.setWithdrawal(node, key, Withdrawn{Place: b.place(r.ID)})
}

// lift ends a withdrawal that its author retracts.
func (b *batch) lift(about *evidence) error {
	for _, s := range about.subjects {
		keys := []string{record.WithdrawalKey(s.Node)}
		if about.version >= 2 {
			keys = append(keys, record.OwnWithdrawalKey(about.by, s.Node))
		}
		for _, key := range keys {
			w, _, err := b.withdrawal(key)
			if err != nil {
				return err
			}
			if w.ID != about.id || w.Retracted {
				continue
			}
			w.Retracted = true
			if err := b.setWithdrawal(s.Node, key, w); err != nil {
				return err
			}
		}
	}
	return nil
}

// withdrawal reads the withdrawal under a key. It sees the changes of earlier
// lines of the batch.
func (b *batch) withdrawal(key string) (Withdrawn, bool, error) {
	if w, ok := b.withdrawals[key]; ok {
		return w, true, nil
	}
	var w Withdrawn
	found, err := b.world.getJSON(key, &w)
	return w, found, err
}

// setWithdrawal writes the withdrawal of a node under a key. If the node is an artifact
// version, it also writes it under the id of its record, because activities may
// use the artifact by that id.
func (b *batch) setWithdrawal(node, key string, w Withdrawn) error {
	b.withdrawals[key] = w
	if err := b.putJSON(key, w); err != nil {
		return err
	}
	if _, err := record.ParseArtifactRef(node); err != nil {
		return nil
	}
	var place record.ArtifactPlace
	if _, err := b.world.getJSON(record.ArtifactKey(node), &place); err != nil {
		return err
	}
	return b.putJSON(record.WithdrawalKey(string(place.ID)), w)
}

// consentKeys are the keys that inForce reads of most nodes.
func (b *batch) consentKeys(node string) []string {
	if !b.issuersRequired {
		return []string{record.WithdrawalKey(node)}
	}
	return []string{record.WithdrawalKey(node), record.ConsentKey(node)}
}

// inForce finds the withdrawals of consent that bind the record in the given
// line when it uses a node: that of the whole node, and that of the organisation
// through whose report the record uses it.
func (b *batch) inForce(line int, node string) ([]Withdrawn, error) {
	keys := []string{record.WithdrawalKey(node)}
	if b.issuersRequired {
		withdrawn, err := b.world.get(record.ConsentKey(node))
		if err != nil {
			return nil, err
		}
		if withdrawn != nil { // only now it is worth the reading of a whole pack
			report, err := b.witness(node, line)
			if err != nil {
				return nil, err
			}
			if report != nil {
				keys = append(keys, record.OwnWithdrawalKey(report.by, node))
			}
		}
	}
	var all []Withdrawn
	for _, key := range keys {
		var w Withdrawn
		found, err := b.world.getJSON(key, &w)
		if err != nil {
			return nil, err
		}
		if found && !w.Retracted {
			all = append(all, w)
		}
	}
	return all, nil
}

// checkConsent refuses to use a node if consent to that is withdrawn.
func (b *batch) checkConsent(line int, ref record.Reference) error {
	all, err := b.inForce(line, ref.Node)
	if err != nil || len(all) == 0 {
		return err
	}
	b.conflict(
		line,
		"consent_withdrawn",
		ref.Pointer,
		all[0].ID,
		"consent to use %s has been withdrawn by statement %s; a run that has used it all the same says so in breach",
		ref.Node,
		all[0].ID,
	)
	return nil
}

// checkUses refuses an activity that uses something to which consent is
// withdrawn, unless it says so in breach. Then the use has happened, and the
// ledger has to know of it. The ledger decides what a breach is: an activity can
// neither leave one out nor make one up.
func (b *batch) checkUses(line int, a *record.Activity) error {
	said := make(map[string]int, len(a.Breaches))
	for i, breach := range a.Breaches {
		said[breach.Ref] = i
	}
	for i, u := range a.Used {
		at, declared := said[u.Ref]
		if !declared {
			ref := record.Reference{Pointer: canonical.Pointer("used", i, "ref"), Node: u.Ref}
			if err := b.checkConsent(line, ref); err != nil {
				return err
			}
			continue
		}
		all, err := b.inForce(line, u.Ref)
		if err != nil {
			return err
		}
		is := func(w Withdrawn) bool { return string(w.ID) == a.Breaches[at].Statement }
		switch pointer := canonical.Pointer("breach", at, "statement"); {
		case len(all) == 0:
			b.problem(line, "no_breach", pointer, "consent to use %s is not withdrawn", u.Ref)
		case !slices.ContainsFunc(all, is):
			b.conflict(line, "no_breach", pointer, all[0].ID,
				"consent to use %s is withdrawn by another statement, %s", u.Ref, all[0].ID)
		}
	}
	return nil
}
