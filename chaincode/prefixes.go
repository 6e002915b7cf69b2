package chaincode

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// An organisation claims a GS1 Company Prefix with a statement about its own
// member record, and others approve the claim. It counts once more than half of
// the registered members, the claimant among them, stand behind it, and at least
// one other is among these. Then the prefix is the claimant's until it retracts
// the claim. No two organisations own prefixes that overlap: prefixes of which
// one is the beginning of the other.

// checkClaim checks a claim to a company prefix.
func (b *batch) checkClaim(line int, pointer string, r *record.Record, subject record.Subject, about *evidence) error {
	if about == nil || about.noun != record.NounMember {
		b.problem(line, "not_a_member", pointer,
			"a company prefix is claimed in a statement about your own member record; %s is none", subject.Node)
		return nil
	}
	return b.checkOverlap(line, r.Statement.Predicate.Get("prefix").Text, b.caller)
}

// checkOverlap refuses a prefix that overlaps one of another organisation.
func (b *batch) checkOverlap(line int, prefix, owner string) error {
	var keys []string
	for n := epcis.ShortestPrefix; n < len(prefix); n++ {
		keys = append(keys, record.PrefixKey(prefix[:n]))
	}
	if err := b.world.fetch(keys); err != nil {
		return err
	}
	found := map[string][]byte{}
	for _, key := range keys {
		if value, err := b.world.get(key); err != nil {
			return err
		} else if value != nil {
			found[key] = value
		}
	}
	err := b.world.each(record.PrefixKey(prefix), func(key string, value []byte) error {
		found[key] = value
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(found)) {
		var other record.ClaimedPrefix
		if err := json.Unmarshal(found[key], &other); err != nil {
			return fmt.Errorf("couldn't read the value of %s: %w", key, err)
		}
		if !other.Ended && other.MSPID != owner {
			b.conflict(line, "prefix_taken", "/predicate/prefix", other.ID,
				"the company prefix %s overlaps %s, which is %s's", prefix, strings.TrimPrefix(key, record.PrefixKey("")), other.MSPID)
			return nil
		}
	}
	for other, its := range b.prefixes {
		if its != owner && (strings.HasPrefix(other, prefix) || strings.HasPrefix(prefix, other)) {
			b.problem(line, "prefix_taken", "/predicate/prefix",
				"the company prefix %s overlaps another that an earlier line gives to %s", prefix, its)
			return nil
		}
	}
	return nil
}

// approveClaim notes an approval of a claim to a company prefix, with which the claim may begin to count.
func (b *batch) approveClaim(line int, pointer string, r *record.Record, claim *evidence) error {
	ended, err := b.world.get(record.EndedClaimKey(claim.id))
	if err != nil {
		return err
	}
	if ended != nil {
		b.conflict(line, "claim_ended", pointer, record.ID(ended),
			"the claim %s has been retracted by %s; %s has to claim the prefix again", claim.id, ended, claim.by)
		return nil
	}
	own := record.ApprovalKey(claim.id, b.caller)
	before, err := b.world.get(own)
	if err != nil {
		return err
	}
	if string(before) == string(r.ID) || string(before) == record.RetractedApproval(r.ID) {
		return nil // recorded again, which changes nothing
	}
	b.put(own, []byte(r.ID))
	counts, err := b.counts(claim)
	if err != nil || !counts {
		return err
	}
	var owner record.ClaimedPrefix
	found, err := b.world.getJSON(record.PrefixKey(claim.prefix), &owner)
	if err != nil || found && !owner.Ended && owner.ID == claim.id {
		return err
	}
	problems := len(b.problems)
	if err := b.checkOverlap(line, claim.prefix, claim.by); err != nil || len(b.problems) > problems {
		for i := range b.problems[problems:] {
			b.problems[problems+i].Pointer = pointer
		}
		return err
	}
	b.prefixes[claim.prefix] = claim.by
	return b.putJSON(record.PrefixKey(claim.prefix), record.ClaimedPrefix{ID: claim.id, MSPID: claim.by})
}

// counts reports whether enough members stand behind a claim now that the caller approves it.
func (b *batch) counts(claim *evidence) (bool, error) {
	members, behind := map[string]bool{}, map[string]bool{claim.by: true, b.caller: true}
	err := b.world.each(record.MemberPrefix, func(key string, _ []byte) error {
		members[strings.TrimPrefix(key, record.MemberPrefix)] = true
		return nil
	})
	if err != nil {
		return false, err
	}
	approvals := record.ApprovalsPrefix(claim.id)
	err = b.world.each(approvals, func(key string, value []byte) error {
		if !strings.HasSuffix(string(value), record.RetractedApproval("")) {
			behind[strings.TrimPrefix(key, approvals)] = true
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	return record.ClaimCounts(claim.by, members, behind), nil
}

// endClaim ends a claim that its author retracts, for ever.
func (b *batch) endClaim(r *record.Record, claim *evidence) error {
	ended, err := b.world.get(record.EndedClaimKey(claim.id))
	if err != nil || ended != nil {
		return err
	}
	b.put(record.EndedClaimKey(claim.id), []byte(r.ID))
	var owner record.ClaimedPrefix
	found, err := b.world.getJSON(record.PrefixKey(claim.prefix), &owner)
	if err != nil || !found || owner.ID != claim.id {
		return err
	}
	owner.Ended = true
	return b.putJSON(record.PrefixKey(claim.prefix), owner)
}

// endApproval takes back an approval of claims to company prefixes. A claim that counts already goes on counting.
func (b *batch) endApproval(approval *evidence) error {
	for _, s := range approval.subjects {
		id, err := record.ParseID(s.Node)
		if err != nil {
			continue
		}
		key := record.ApprovalKey(id, b.caller)
		value, err := b.world.get(key)
		if err != nil {
			return err
		}
		if string(value) == string(approval.id) {
			b.put(key, []byte(record.RetractedApproval(approval.id)))
		}
	}
	return nil
}

// prefixOwner returns the organisation whose company prefix a thing's key begins with, or "" if there is none.
func (b *batch) prefixOwner(thing string) (string, error) {
	for _, prefix := range epcis.CompanyPrefixes(thing) {
		var owner record.ClaimedPrefix
		found, err := b.world.getJSON(record.PrefixKey(prefix), &owner)
		if err != nil {
			return "", err
		}
		if found && !owner.Ended {
			return owner.MSPID, nil
		}
	}
	return "", nil
}

// fetchPrefixes reads, in one round trip, what prefixOwner needs to know of the things that a statement is about.
func (b *batch) fetchPrefixes(s *record.Statement) error {
	seen := map[string]bool{}
	var keys []string
	for _, subject := range s.Subjects {
		for _, prefix := range epcis.CompanyPrefixes(subject.Node) {
			if !seen[prefix] {
				seen[prefix] = true
				keys = append(keys, record.PrefixKey(prefix))
			}
		}
	}
	return b.world.fetch(keys)
}

// checkThing holds a statement about a thing to those who answer for the thing:
// the owner of its company prefix, and an organisation that made, received or used it up,
// by the event that the witness names. Who of these comes first is decided by
// readers, who know all events about the thing.
func (b *batch) checkThing(line, position int, kind record.StatementKind, thing string, event *evidence) error {
	owner, err := b.prefixOwner(thing)
	if err != nil || owner == b.caller {
		return err
	}
	if event.by == b.caller && event.things[thing] {
		return nil
	}
	whose := "nobody's"
	if owner != "" {
		whose = owner + "'s"
	}
	b.problem(line, "not_yours", canonical.Pointer("subject", position, "name"),
		"a %s of %s is for the owner of its company prefix, which is %s, and for who has recorded that it made, received or used up "+
			"the thing; %s can state a %s instead", kind.Name, thing, whose, b.caller, record.Warning)
	return nil
}
