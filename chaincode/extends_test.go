package chaincode_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// activity2 makes an activity of version 2.
func activity2(t *testing.T, by who, text string) *record.Record {
	return made(t)(record.NewActivity(value(t, text), by.msp))
}

// artifact2 makes an artifact version of version 2.
func artifact2(t *testing.T, by who, ref, content string) *record.Record {
	old := artifact(t, ref, content)
	return made(t)(record.NewArtifact(value(t, string(old.Body)).Without("record"), by.msp))
}

func TestAnActivityAddsToOneOfItsOwnOrganisation(t *testing.T) {
	l := consortium(t)
	a, b, out := artifact2(t, lab, "dataset/lab/a@1", "a"), artifact2(t, lab, "dataset/lab/b@1", "b"), artifact2(t, lab, "dataset/lab/out@1", "out")
	l.accept(lab, "Artifacts:Submit", nil, a, b, out)
	first := activity2(t, lab, `{"type":"transformation","used":[{"ref":"dataset/lab/a@1"}],"generated":[{"ref":"dataset/lab/out@1"}]}`)
	tx := l.accept(lab, "Activities:Submit", nil, first)
	more := func(by who, extends string) *record.Record {
		return activity2(t, by, fmt.Sprintf(`{"type":"transformation","used":[{"ref":"dataset/lab/b@1"}],`+
			`"generated":[{"ref":"dataset/lab/out@1"}],"extends":[%s]}`, extends))
	}
	p := l.refuse("already_generated", lab, "Activities:Submit", nil, more(lab, ""))
	assert.Equal(t, string(first.ID), p.Existing)
	named := fmt.Sprintf("%q", first.ID)
	l.refuse("unknown_reference", lab, "Activities:Submit", nil, more(lab, named))
	l.refuse("not_yours", market, "Activities:Submit", at(tx, first), more(market, named))
	second := more(lab, named)
	tx2 := l.accept(lab, "Activities:Submit", at(tx, first), second)
	l.accept(lab, "Activities:Submit", at(tx, first), second)

	third := activity2(t, lab, fmt.Sprintf(`{"type":"training","generated":[{"ref":"dataset/lab/out@1"}],"extends":[%q]}`, second.ID))
	l.refuse("already_generated", lab, "Activities:Submit", at(tx2, second), third)
	data := l.accept(lab, "Artifacts:Submit", nil, artifact2(t, lab, "dataset/lab/c@1", "c"))
	p = l.refuse("bad_value", lab, "Activities:Submit", at(data, artifact2(t, lab, "dataset/lab/c@1", "c")),
		more(lab, fmt.Sprintf("%q", artifact2(t, lab, "dataset/lab/c@1", "c").ID)))
	assert.Equal(t, "/extends/0", p.Pointer)
}

func TestAUseAfterAWithdrawalIsRecordedAsABreachAndNotOtherwise(t *testing.T) {
	l := consortium(t)
	d, e := artifact2(t, lab, "dataset/lab/readings@1", "a"), artifact2(t, lab, "dataset/lab/other@1", "e")
	l.accept(lab, "Artifacts:Submit", nil, d, e)
	withdrawal := made(t)(record.NewStatement(value(t, `{"kind":"withdrawal","subject":["dataset/lab/readings@1"],"predicate":{"reason":"the crew asked"}}`),
		lab.msp, func(string) string { return d.Artifact.SubjectDigest() }))
	use := func(ref, statement string) *record.Record {
		return activity2(t, lab, fmt.Sprintf(`{"type":"training","used":[{"ref":"dataset/lab/readings@1"},{"ref":"dataset/lab/other@1"}],`+
			`"breach":[{"ref":%q,"statement":%q}]}`, ref, statement))
	}
	breach := use("dataset/lab/readings@1", string(withdrawal.ID))
	p := l.refuse("no_breach", lab, "Activities:Submit", nil, breach)
	assert.Equal(t, "/breach/0/statement", p.Pointer)

	tx := l.accept(lab, "Statements:Submit", nil, withdrawal)
	plain := activity2(t, lab, `{"type":"training","used":[{"ref":"dataset/lab/readings@1"}]}`)
	p = l.refuse("consent_withdrawn", lab, "Activities:Submit", nil, plain)
	assert.Equal(t, string(withdrawal.ID), p.Existing)
	p = l.refuse("no_breach", lab, "Activities:Submit", nil, use("dataset/lab/readings@1", string(d.ID)))
	assert.Equal(t, string(withdrawal.ID), p.Existing)
	l.refuse("consent_withdrawn", lab, "Activities:Submit", nil, use("dataset/lab/other@1", string(withdrawal.ID)))
	l.accept(lab, "Activities:Submit", nil, breach)

	retraction := made(t)(record.NewStatement(value(t, fmt.Sprintf(`{"kind":"retraction","subject":[%q],"predicate":{"reason":"a mistake"}}`, withdrawal.ID)),
		lab.msp, nil))
	l.accept(lab, "Statements:Submit", at(tx, withdrawal), retraction)
	l.refuse("no_breach", lab, "Activities:Submit", nil, activity2(t, lab, fmt.Sprintf(`{"type":"evaluation","used":[{"ref":"dataset/lab/readings@1"}],`+
		`"breach":[{"ref":"dataset/lab/readings@1","statement":%q}]}`, withdrawal.ID)))
}
