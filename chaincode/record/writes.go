package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Writes knows what a transaction that submits a pack may write. Submitters
// check a transaction with it before they sign: endorsing peers might have
// written something else, and the signature would vouch for that.
//
// The pack and the pointers to its records are known exactly and must all be
// there. The other writes depend on what the ledger holds already. Writes
// checks that each of them follows from a record of the pack, and that none
// speaks for another organisation. There are things that it can't check, because
// the pack has only the id of another statement: which node becomes free when a
// withdrawal is retracted, and which company prefix a claim is about that is
// approved or retracted.
type Writes struct {
	header   Header
	tx       string
	bodies   [][]byte
	expected map[string][]byte // the pack and the pointers
	rules    *ruleWrites       // made when first needed: packs of events need none
}

// ruleWrites are the writes, beside pack and pointers, that the records of a pack allow.
type ruleWrites struct {
	exact       map[string]string // key to value
	withdrawals map[ID][]string   // by withdrawal in the pack: the nodes it is about
	retracted   map[string]bool   // ids of the statements that the pack retracts
	approved    map[string]bool   // ids of what the pack approves
}

// SubmitWrites returns the writes that are allowed when the submitter in the
// header submits the pack in the transaction tx. It fails if the pack can't be
// read.
func SubmitWrites(h Header, tx string, pack []byte) (*Writes, error) {
	bodies, err := Unpack(pack, PackLimits{})
	if err != nil {
		return nil, err
	}
	value, err := PackValue(h, pack)
	if err != nil {
		return nil, err
	}
	w := &Writes{header: h, tx: tx, bodies: bodies, expected: make(map[string][]byte, len(bodies)+1)}
	w.expected[PackKey(tx)] = value
	for line, body := range bodies {
		w.expected[PointerKey(Sum(body), tx)] = strconv.AppendInt(nil, int64(line), 10)
	}
	return w, nil
}

// Write is one key that a transaction writes.
type Write struct {
	Key    string
	Value  []byte
	Delete bool
}

// Check returns an error if a write doesn't belong to the submit, or if one is
// missing. The error names the first such write.
func (w *Writes) Check(writes []Write) error {
	found := 0
	seen := make(map[string]bool, len(writes))
	for _, one := range writes {
		if seen[one.Key] {
			return fmt.Errorf("it writes %q twice", one.Key)
		}
		seen[one.Key] = true
		if one.Delete {
			return fmt.Errorf("it deletes %q, and no submit deletes", one.Key)
		}
		if value, ok := w.expected[one.Key]; ok {
			if string(value) != string(one.Value) {
				return fmt.Errorf("it writes something else under %q", one.Key)
			}
			found++
			continue
		}
		if err := w.checkRule(one); err != nil {
			return err
		}
	}
	if found != len(w.expected) {
		return fmt.Errorf("it writes %d of the %d keys that hold the pack and its records", found, len(w.expected))
	}
	return nil
}

func (w *Writes) checkRule(one Write) error {
	if w.rules == nil {
		if err := w.readRules(); err != nil {
			return err
		}
	}
	if value, ok := w.rules.exact[one.Key]; ok {
		if value != string(one.Value) {
			return fmt.Errorf("it writes something else under %q", one.Key)
		}
		return nil
	}
	if digits, ok := strings.CutPrefix(one.Key, claimedPrefix); ok {
		return w.checkPrefix(one, digits)
	}
	if strings.HasPrefix(one.Key, approvalPrefix) {
		id, retracted := strings.CutSuffix(string(one.Value), RetractedApproval(""))
		if !retracted || !w.rules.retracted[id] || !strings.HasSuffix(one.Key, "/"+w.header.MSPID) {
			return fmt.Errorf("it writes something else under %q", one.Key)
		}
		return nil
	}
	node, ok := strings.CutPrefix(one.Key, withdrawalPrefix)
	if !ok {
		node, ok = strings.CutPrefix(one.Key, OwnWithdrawalKey(w.header.MSPID, ""))
	}
	if !ok {
		return fmt.Errorf("it writes %q, which no record of the pack asks for", one.Key)
	}
	var value struct {
		Place
		Retracted bool `json:"retracted"`
	}
	if err := json.Unmarshal(one.Value, &value); err != nil {
		return fmt.Errorf("the value under %q can't be read: %w", one.Key, err)
	}
	if !w.mayWithdraw(node, value.Place, value.Retracted) {
		return fmt.Errorf("it writes something else under %q", one.Key)
	}
	return nil
}

// checkPrefix checks that a company prefix becomes somebody's by a claim that the pack approves, or nobody's by one
// that it retracts.
func (w *Writes) checkPrefix(one Write, digits string) error {
	var value ClaimedPrefix
	if err := json.Unmarshal(one.Value, &value); err != nil {
		return fmt.Errorf("the value under %q can't be read: %w", one.Key, err)
	}
	allowed := w.rules.approved[string(value.ID)] && value.MSPID != w.header.MSPID
	if value.Ended {
		allowed = w.rules.retracted[string(value.ID)] && value.MSPID == w.header.MSPID
	}
	if !allowed || prefixRule(digits) != "" {
		return fmt.Errorf("it writes something else under %q", one.Key)
	}
	return nil
}

// mayWithdraw reports whether the pack allows a write under a node's
// [WithdrawalKey]: it contains the withdrawal at that place, or it retracts that
// withdrawal. A withdrawal of an artifact version is also written under the id
// of the artifact's record.
func (w *Writes) mayWithdraw(node string, p Place, retracted bool) bool {
	if retracted {
		return w.rules.retracted[string(p.ID)]
	}
	if p.Tx != w.tx {
		return false
	}
	for _, n := range w.rules.withdrawals[p.ID] {
		_, err := ParseArtifactRef(n)
		_, notRecord := ParseID(node)
		if n == node || err == nil && notRecord == nil {
			return true
		}
	}
	return false
}

func (w *Writes) readRules() error {
	r := &ruleWrites{
		exact: map[string]string{}, withdrawals: map[ID][]string{},
		retracted: map[string]bool{}, approved: map[string]bool{},
	}
	for line, body := range w.bodies {
		one, problems := Decode(body)
		if len(problems) > 0 {
			return errors.New("the pack holds a record that the ledger refuses: " + problems[0].Detail)
		}
		place := Place{ID: one.ID, Tx: w.tx}
		placeText, err := json.Marshal(place)
		if err != nil {
			return err
		}
		if one.Noun != NounEvent {
			r.exact[FirstKey(one.ID)] = w.header.MSPID
		}
		if one.Version > 1 {
			r.exact[VersionKey(one.Version)] = w.header.MSPID
		}
		switch one.Noun {
		case NounArtifact:
			value, err := json.Marshal(ArtifactPlace{place, one.Artifact.SubjectDigest()})
			if err != nil {
				return err
			}
			r.exact[ArtifactKey(one.Artifact.ArtifactRef.String())] = string(value)
		case NounActivity:
			for _, g := range one.Activity.Generated {
				r.exact[GeneratorKey(g.Ref)] = string(placeText)
			}
		case NounStatement:
			r.addStatement(w.header.MSPID, w.tx, line, one)
		case NounMember:
			r.exact[MemberKey(w.header.MSPID)] = string(placeText)
			for _, n := range one.Member.Namespaces {
				r.exact[NamespaceKey(n)] = w.header.MSPID
			}
		}
	}
	w.rules = r
	return nil
}

func (r *ruleWrites) addStatement(mspID, tx string, line int, one *Record) {
	for position, s := range one.Statement.Subjects {
		r.exact[AboutKey(s.Node, tx, line, position)] = string(one.ID)
		switch one.Statement.Kind {
		case Withdrawal:
			r.withdrawals[one.ID] = append(r.withdrawals[one.ID], s.Node)
			if one.Version >= 2 {
				r.exact[ConsentKey(s.Node)] = ConsentValue
			}
		case Retraction:
			r.retracted[s.Node] = true
			if id, err := ParseID(s.Node); err == nil {
				r.exact[EndedClaimKey(id)] = string(one.ID)
			}
		case Approval:
			r.approved[s.Node] = true
			if id, err := ParseID(s.Node); err == nil {
				r.exact[ApprovalKey(id, mspID)] = string(one.ID)
			}
		}
	}
}
