package chaincode

import (
	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Withdrawn is the value under a node's record.WithdrawalKey.
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
	w, found, err := b.withdrawal(node)
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
	return b.setWithdrawal(node, Withdrawn{Place: b.place(r.ID)})
}

// lift ends a withdrawal that its author retracts.
func (b *batch) lift(about *evidence) error {
	for _, s := range about.subjects {
		w, _, err := b.withdrawal(s.Node)
		if err != nil {
			return err
		}
		if w.ID != about.id || w.Retracted {
			continue
		}
		w.Retracted = true
		if err := b.setWithdrawal(s.Node, w); err != nil {
			return err
		}
	}
	return nil
}

// withdrawal reads the withdrawal of a node. It sees the changes of earlier
// lines of the batch.
func (b *batch) withdrawal(node string) (Withdrawn, bool, error) {
	if w, ok := b.withdrawals[node]; ok {
		return w, true, nil
	}
	var w Withdrawn
	found, err := b.world.getJSON(record.WithdrawalKey(node), &w)
	return w, found, err
}

// setWithdrawal writes the withdrawal of a node. If the node is an artifact
// version, it also writes it under the id of its record, because activities may
// use the artifact by that id.
func (b *batch) setWithdrawal(node string, w Withdrawn) error {
	b.withdrawals[node] = w
	if err := b.putJSON(record.WithdrawalKey(node), w); err != nil {
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
		var w Withdrawn
		found, err := b.world.getJSON(record.WithdrawalKey(u.Ref), &w)
		if err != nil {
			return err
		}
		switch pointer := canonical.Pointer("breach", at, "statement"); {
		case !found || w.Retracted:
			b.problem(line, "no_breach", pointer, "consent to use %s is not withdrawn", u.Ref)
		case string(w.ID) != a.Breaches[at].Statement:
			b.conflict(line, "no_breach", pointer, w.ID, "consent to use %s is withdrawn by another statement, %s", u.Ref, w.ID)
		}
	}
	return nil
}
