package chaincode_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

var (
	carrier      = who{msp: "CarrierMSP", ou: "client"}
	carrierAdmin = who{msp: "CarrierMSP", ou: "admin"}
)

// claimed is a statement and the transaction that recorded it.
type claimed struct {
	*record.Record
	tx string
}

// claim has an organisation claim a company prefix. note tells claims apart.
func (l *ledger) claim(t *testing.T, admin who, prefix, note string, namespaces ...string) claimed {
	own, tx := l.memberOf(t, admin, namespaces...)
	r := says(t, admin, record.Prefix, string(own.ID), fmt.Sprintf(`{"prefix":%q,"note":%q}`, prefix, "claim "+note))
	return claimed{r, l.accept(who{msp: admin.msp, ou: "client"}, "Statements:Submit", at(tx, own), r)}
}

// memberOf records an organisation's member record again.
func (l *ledger) memberOf(t *testing.T, admin who, namespaces ...string) (*record.Record, string) {
	own := again(t, admin, member(t, admin.msp, namespaces...))
	return own, l.accept(admin, "Members:Submit", nil, own)
}

func (l *ledger) approve(t *testing.T, w who, c claimed) claimed {
	r := says(t, w, record.Approval, string(c.ID), `{}`)
	return claimed{r, l.accept(w, "Statements:Submit", at(c.tx, c.Record), r)}
}

func (l *ledger) retract(t *testing.T, w who, c claimed) claimed {
	r := says(t, w, record.Retraction, string(c.ID), `{"reason":"over"}`)
	return claimed{r, l.accept(w, "Statements:Submit", at(c.tx, c.Record), r)}
}

// ownerOf says whose a company prefix is.
func (l *ledger) ownerOf(prefix string) string { return string(l.state[record.PrefixKey(prefix)]) }

func owns(c claimed, msp string) string { return fmt.Sprintf(`{"id":%q,"mspId":%q}`, c.ID, msp) }

func TestACompanyPrefixCountsOnceAMajorityStandsBehindIt(t *testing.T) {
	l := newConsortium(t)
	l.memberOf(t, carrierAdmin) // four members: three have to stand behind a claim
	c := l.claim(t, harborAdmin, "9520051", "", "harbor")
	assert.Empty(t, l.ownerOf("9520051"), "a claim alone doesn't count")
	l.refuse("own_approval", harbor, "Statements:Submit", at(c.tx, c.Record), says(t, harbor, record.Approval, string(c.ID), `{}`))
	l.approve(t, lab, c)
	assert.Empty(t, l.ownerOf("9520051"), "two of four are no majority")
	l.approve(t, lab, claimed{c.Record, c.tx})
	assert.Empty(t, l.ownerOf("9520051"), "nobody has two votes")
	l.approve(t, who{msp: "StrangerMSP", ou: "client"}, c)
	assert.Empty(t, l.ownerOf("9520051"), "an organisation that isn't a member has no vote")
	l.approve(t, market, c)
	assert.Equal(t, owns(c, "HarborMSP"), l.ownerOf("9520051"))
	l.approve(t, carrier, c)
	assert.Equal(t, owns(c, "HarborMSP"), l.ownerOf("9520051"))

	l.retract(t, market, l.approve(t, market, c))
	assert.Equal(t, owns(c, "HarborMSP"), l.ownerOf("9520051"), "what counts goes on counting")
	l.retract(t, harbor, c)
	assert.Contains(t, l.ownerOf("9520051"), `"ended":true`)
	l.refuse("claim_ended", lab, "Statements:Submit", at(c.tx, c.Record), says(t, lab, record.Approval, string(c.ID), `{"scope":"again"}`))
}

func TestTheOnlyMemberOwnsNoPrefix(t *testing.T) {
	l := newLedger(t)
	c := l.claim(t, harborAdmin, "9520051", "", "harbor")
	assert.Empty(t, l.ownerOf("9520051"))
	l.memberOf(t, labAdmin)
	l.approve(t, lab, c)
	assert.Equal(t, owns(c, "HarborMSP"), l.ownerOf("9520051"))
}

func TestAnApprovalThatWasTakenBackDoesNotCount(t *testing.T) {
	l := newConsortium(t)
	l.memberOf(t, carrierAdmin)
	c := l.claim(t, harborAdmin, "9520051", "", "harbor")
	a := l.approve(t, lab, c)
	l.retract(t, lab, a)
	l.accept(lab, "Statements:Submit", at(c.tx, c.Record), a.Record) // sent again, which changes nothing
	l.approve(t, market, c)
	assert.Empty(t, l.ownerOf("9520051"))
	l.accept(lab, "Statements:Submit", at(c.tx, c.Record), says(t, lab, record.Approval, string(c.ID), `{"scope":"after all"}`))
	assert.Equal(t, owns(c, "HarborMSP"), l.ownerOf("9520051"))
}

func TestCompanyPrefixesDoNotOverlap(t *testing.T) {
	for _, c := range []struct {
		first, second string
		taken         bool
	}{
		{"9520051", "9520051", true},
		{"9520051", "952005", true},
		{"9520051", "95200512", true},
		{"9520051", "9520", true},
		{"9520051", "952005199999", true},
		{"9520051", "9520052", false},
		{"9520051", "0614141", false},
	} {
		t.Run(c.first+" and "+c.second, func(t *testing.T) {
			l := newConsortium(t)
			early := l.claim(t, labAdmin, c.second, "before", "lab", "lab.trials")
			l.approve(t, lab, l.claim(t, harborAdmin, c.first, "", "harbor"))
			own, tx := l.memberOf(t, labAdmin, "lab", "lab.trials")
			late := says(t, lab, record.Prefix, string(own.ID), fmt.Sprintf(`{"prefix":%q,"note":"after"}`, c.second))
			approval := says(t, market, record.Approval, string(early.ID), `{}`)
			if !c.taken {
				l.accept(lab, "Statements:Submit", at(tx, own), late)
				l.accept(market, "Statements:Submit", at(early.tx, early.Record), approval)
				assert.Equal(t, owns(early, "LabMSP"), l.ownerOf(c.second))
				return
			}
			p := l.refuse("prefix_taken", lab, "Statements:Submit", at(tx, own), late)
			assert.Equal(t, "/predicate/prefix", p.Pointer)
			p = l.refuse("prefix_taken", market, "Statements:Submit", at(early.tx, early.Record), approval)
			assert.Equal(t, "/subject/0/name", p.Pointer)

			// A prefix that nobody owns any more is free, and its owner may claim what overlaps its own.
			c1 := l.claim(t, harborAdmin, c.second, "more", "harbor")
			l.approve(t, market, c1)
			assert.Equal(t, owns(c1, "HarborMSP"), l.ownerOf(c.second))
		})
	}
	l := newConsortium(t)
	c := l.claim(t, harborAdmin, "9520051", "", "harbor")
	l.approve(t, market, c)
	l.retract(t, harbor, c)
	l.approve(t, market, l.claim(t, labAdmin, "95200510", "", "lab", "lab.trials"))
	assert.Contains(t, l.ownerOf("95200510"), "LabMSP")
}

func TestPrefixesThatOverlapDoNotCountTogether(t *testing.T) {
	l := newConsortium(t)
	one, two := l.claim(t, harborAdmin, "9520051", "", "harbor"), l.claim(t, labAdmin, "952005", "", "lab", "lab.trials")
	witnesses := at(one.tx, one.Record)
	witnesses[string(two.ID)] = record.Place{ID: two.ID, Tx: two.tx}
	p := l.refuse("prefix_taken", market, "Statements:Submit", witnesses,
		says(t, market, record.Approval, string(one.ID), `{}`), says(t, market, record.Approval, string(two.ID), `{}`))
	assert.Equal(t, 1, p.Index)
}

func TestRetractingAClaimLeavesALaterOne(t *testing.T) {
	l := newConsortium(t)
	first, second := l.claim(t, harborAdmin, "9520051", "one", "harbor"), l.claim(t, harborAdmin, "9520051", "two", "harbor")
	l.approve(t, lab, first)
	l.approve(t, lab, second)
	l.retract(t, harbor, first)
	assert.Equal(t, owns(second, "HarborMSP"), l.ownerOf("9520051"))
}

func TestAClaimIsAboutOnesOwnMemberRecord(t *testing.T) {
	l := newConsortium(t)
	harbors, tx := l.memberOf(t, harborAdmin, "harbor")
	e := event(t, "A")
	eventTx := l.accept(lab, "Events:Submit", nil, e)
	l.refuse("not_yours", lab, "Statements:Submit", at(tx, harbors), says(t, lab, record.Prefix, string(harbors.ID), `{"prefix":"9520051"}`))
	l.refuse("not_a_member", lab, "Statements:Submit", at(eventTx, e), says(t, lab, record.Prefix, string(e.ID), `{"prefix":"9520051"}`))
	v := value(t, fmt.Sprintf(`{"kind":"prefix","subject":[%q],"predicate":{"prefix":"952"}}`, harbors.ID))
	_, problems := record.NewStatement(v, "HarborMSP", nil)
	require.Len(t, problems, 1)
	assert.Equal(t, "/predicate/prefix", problems[0].Pointer)
	for _, kind := range []string{record.Prefix, record.Warning} {
		predicate := map[string]string{record.Prefix: `{"prefix":"9520051"}`, record.Warning: `{"reason":"x"}`}[kind]
		_, problems := statement1(value(t, fmt.Sprintf(`{"kind":%q,"subject":[%q],"predicate":%s}`, kind, harbors.ID, predicate)), nil)
		require.NotEmpty(t, problems, "version 1 had no such kind, and an audit must find what it found")
		assert.Equal(t, "bad_value", problems[0].Code)
	}
}
