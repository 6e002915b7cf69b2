package chaincode_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// step makes an object event about the lot A.
func step(t *testing.T, action, bizStep, time string) *record.Record {
	return made(t)(record.NewEvent(value(t, fmt.Sprintf(`{"type":"ObjectEvent","eventTime":"2026-03-01T%s:00Z","eventTimeZoneOffset":"+01:00",
		"action":%q,"bizStep":%q,"quantityList":[{"epcClass":%q}]}`, time, action, bizStep, lotA)), canonical.Str(epcis.StandardContext)))
}

func witnessed(thing, tx string, e *record.Record) map[string]record.Place {
	return map[string]record.Place{thing: {ID: e.ID, Tx: tx}}
}

func TestWhoMaySpeakForAThing(t *testing.T) {
	l := newConsortium(t)
	l.memberOf(t, carrierAdmin)
	making, seeing, receiving := step(t, "ADD", "commissioning", "06:00"), step(t, "OBSERVE", "holding", "07:00"), step(t, "OBSERVE", "receiving", "08:00")
	made := l.accept(harbor, "Events:Submit", nil, making)
	repeated := l.accept(carrier, "Events:Submit", nil, making)
	seen := l.accept(lab, "Events:Submit", nil, seeing)
	received := l.accept(market, "Events:Submit", nil, receiving)
	recall := `{"reason":"warm"}`
	for _, kind := range []string{record.Recall, record.Withdrawal, record.Licence} {
		predicate := recall
		if kind == record.Licence {
			predicate = `{"licence":"MIT"}`
		}
		l.accept(harbor, "Statements:Submit", witnessed(lotA, made, making), says(t, harbor, kind, lotA, predicate))
		l.accept(market, "Statements:Submit", witnessed(lotA, received, receiving), says(t, market, kind, lotA, predicate))
		for name, c := range map[string]struct {
			who who
			w   map[string]record.Place
		}{
			"by another's event":         {lab, witnessed(lotA, made, making)},
			"by an event that only sees": {lab, witnessed(lotA, seen, seeing)},
			"by another's receipt":       {harbor, witnessed(lotA, received, receiving)},
		} {
			p := l.refuse("not_yours", c.who, "Statements:Submit", c.w, says(t, c.who, kind, lotA, predicate))
			assert.Contains(t, p.Detail, "can state a warning instead", name)
			assert.Equal(t, "/subject/0/name", p.Pointer, name)
		}
	}
	l.accept(lab, "Statements:Submit", witnessed(lotA, made, making), says(t, lab, record.Warning, lotA, recall))
	// The chaincode can't know who made it first. Readers do, and show the recall of who repeats the event as a warning.
	l.accept(carrier, "Statements:Submit", witnessed(lotA, repeated, making), says(t, carrier, record.Recall, lotA, recall))

	c := l.claim(t, labAdmin, "952132", "", "lab", "lab.trials")
	l.approve(t, harbor, c)
	p := l.refuse("not_yours", lab, "Statements:Submit", witnessed(lotA, made, making), says(t, lab, record.Recall, lotA, recall))
	assert.Contains(t, p.Detail, "which is nobody's")
	l.approve(t, market, c)
	l.accept(lab, "Statements:Submit", witnessed(lotA, made, making), says(t, lab, record.Recall, lotA, recall))
	p = l.refuse("not_yours", carrier, "Statements:Submit", witnessed(lotA, made, making), says(t, carrier, record.Recall, lotA, `{"reason":"x"}`))
	assert.Contains(t, p.Detail, "LabMSP's")
	l.retract(t, lab, c)
	l.refuse("not_yours", lab, "Statements:Submit", witnessed(lotA, made, making), says(t, lab, record.Recall, lotA, `{"reason":"again"}`))
}

func TestAnOrganisationSpeaksForItsOwnReportOfAnEvent(t *testing.T) {
	l := newConsortium(t)
	e := step(t, "OBSERVE", "holding", "06:00")
	harbors, markets := l.accept(harbor, "Events:Submit", nil, e), l.accept(market, "Events:Submit", nil, e)
	use := func(n int) *record.Record {
		return again(t, lab, activity(t, fmt.Sprintf(`{"type":"training","used":[{"ref":%q}],"description":"run %d"}`, e.ID, n)))
	}
	derived := func(n int) *record.Record {
		return again(t, lab, artifact(t, fmt.Sprintf("dataset/lab/d@%d", n), "d", string(e.ID)))
	}
	withdrawal := says(t, market, record.Withdrawal, string(e.ID), `{"reason":"no"}`)
	l.refuse("not_yours", market, "Statements:Submit", at(harbors, e), says(t, market, record.Recall, string(e.ID), `{"reason":"no"}`))
	withdrew := l.accept(market, "Statements:Submit", at(markets, e), withdrawal)
	require.NotContains(t, l.state, record.WithdrawalKey(string(e.ID)))

	// Market's consent is Market's. Harbor's report may be used, and Harbor may withdraw its own.
	l.accept(lab, "Activities:Submit", at(harbors, e), use(1))
	l.accept(lab, "Artifacts:Submit", at(harbors, e), derived(1))
	p := l.refuse("consent_withdrawn", lab, "Activities:Submit", at(markets, e), use(2))
	assert.Equal(t, string(withdrawal.ID), p.Existing)
	l.refuse("consent_withdrawn", lab, "Artifacts:Submit", at(markets, e), derived(2))
	p = l.refuse("already_withdrawn", market, "Statements:Submit", at(markets, e), says(t, market, record.Withdrawal, string(e.ID), `{"reason":"never"}`))
	assert.Equal(t, string(withdrawal.ID), p.Existing)
	own := says(t, harbor, record.Withdrawal, string(e.ID), `{"reason":"ours"}`)
	ownTx := l.accept(harbor, "Statements:Submit", at(harbors, e), own)
	l.refuse("consent_withdrawn", lab, "Activities:Submit", at(harbors, e), use(3))
	l.retract(t, market, claimed{withdrawal, withdrew})
	l.accept(lab, "Activities:Submit", at(markets, e), use(4))
	l.refuse("consent_withdrawn", lab, "Activities:Submit", at(harbors, e), use(5))
	l.retract(t, harbor, claimed{own, ownTx})
	l.accept(lab, "Activities:Submit", at(harbors, e), use(6))
	l.accept(harbor, "Statements:Submit", at(harbors, e), own) // sent again, which changes nothing
	l.accept(lab, "Activities:Submit", at(harbors, e), use(7))
}

func TestAWithdrawalOfVersionOneHoldsForEveryReport(t *testing.T) {
	l := consortium(t)
	e := step(t, "OBSERVE", "holding", "06:00")
	harbors, markets := l.accept(harbor, "Events:Submit", nil, e), l.accept(market, "Events:Submit", nil, e)
	withdrawal := statement(t, record.Withdrawal, string(e.ID), `{"reason":"no"}`)
	tx := l.accept(harbor, "Statements:Submit", at(harbors, e), withdrawal)
	use := again(t, lab, activity(t, fmt.Sprintf(`{"type":"training","used":[{"ref":%q}]}`, e.ID)))
	l.refuse("consent_withdrawn", lab, "Activities:Submit", at(harbors, e), use)
	l.refuse("consent_withdrawn", lab, "Activities:Submit", at(markets, e), use)
	l.retract(t, harbor, claimed{withdrawal, tx})
	l.accept(lab, "Activities:Submit", at(harbors, e), use)
}
