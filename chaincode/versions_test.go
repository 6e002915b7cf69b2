package chaincode_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// again makes of a record of version 1 what an organisation says in version 2.
func again(t *testing.T, by who, r *record.Record) *record.Record {
	t.Helper()
	v, err := canonical.Parse(r.Body, canonical.Limits{Bytes: record.MaxBytes})
	require.NoError(t, err)
	v = v.Without("record")
	switch r.Noun {
	case record.NounArtifact:
		return made(t)(record.NewArtifact(v, by.msp))
	case record.NounActivity:
		return made(t)(record.NewActivity(v, by.msp))
	case record.NounMember:
		return made(t)(record.NewMember(v))
	default:
		return made(t)(record.NewStatement(v, by.msp, nil))
	}
}

// says makes a statement of version 2.
func says(t *testing.T, by who, kind, subject, predicate string, digests ...string) *record.Record {
	t.Helper()
	v := value(t, fmt.Sprintf(`{"kind":%q,"subject":[%q],"predicate":%s}`, kind, subject, predicate))
	return made(t)(record.NewStatement(v, by.msp, func(string) string { return strings.Join(digests, "") }))
}

// newConsortium is consortium on a ledger that has version 2 from its first record on.
func newConsortium(t *testing.T) *ledger {
	l := newLedger(t)
	l.accept(harborAdmin, "Members:Submit", nil, again(t, harbor, member(t, "HarborMSP", "harbor")))
	l.accept(labAdmin, "Members:Submit", nil, again(t, lab, member(t, "LabMSP", "lab", "lab.trials")))
	l.accept(who{msp: "MarketMSP", ou: "admin"}, "Members:Submit", nil, again(t, market, member(t, "MarketMSP", "market")))
	return l
}

func TestNobodyRecordsWhatAnotherSays(t *testing.T) {
	l := newConsortium(t)
	d := artifact(t, "dataset/lab/readings@1", "a")
	digest := d.Artifact.Digest.Value
	run := activity(t, `{"type":"training","used":[{"ref":"dataset/lab/readings@1"}]}`)
	finding := says(t, lab, record.Finding, "dataset/lab/readings@1", `{"detail":"warm"}`, digest)
	p := l.refuse("not_yours", harbor, "Artifacts:Submit", nil, again(t, lab, d))
	assert.Equal(t, "/by", p.Pointer)
	l.accept(lab, "Artifacts:Submit", nil, again(t, lab, d))
	l.refuse("not_yours", harbor, "Activities:Submit", nil, again(t, lab, run))
	l.accept(lab, "Activities:Submit", nil, again(t, lab, run))

	// Another records the pending finding first, to retract it as its own.
	l.refuse("not_yours", harbor, "Statements:Submit", nil, finding)
	tx := l.accept(lab, "Statements:Submit", nil, finding)
	l.refuse("not_yours", harbor, "Statements:Submit", at(tx, finding), says(t, harbor, record.Retraction, string(finding.ID), `{"reason":"mine"}`))
	l.accept(lab, "Statements:Submit", at(tx, finding), says(t, lab, record.Retraction, string(finding.ID), `{"reason":"a mistake"}`))
	l.accept(lab, "Statements:Submit", nil, finding)
}

func TestALedgerTurnsToVersionTwoWithItsFirstRecord(t *testing.T) {
	turned := record.VersionKey(2)
	first := map[string]func(l *ledger){
		"a member": func(l *ledger) {
			l.accept(labAdmin, "Members:Submit", nil, again(t, lab, member(t, "LabMSP", "lab", "lab.trials")))
		},
		"an artifact": func(l *ledger) {
			l.accept(lab, "Artifacts:Submit", nil, again(t, lab, artifact(t, "dataset/lab/new@1", "n")))
		},
		"a run": func(l *ledger) {
			l.accept(lab, "Activities:Submit", nil, again(t, lab, activity(t, `{"type":"training","used":[{"ref":"dataset/lab/old@1"}]}`)))
		},
		"a statement": func(l *ledger) {
			old := artifact(t, "dataset/lab/old@1", "o")
			l.accept(lab, "Statements:Submit", nil, says(t, lab, record.Finding, "dataset/lab/old@1", `{"detail":"x"}`, old.Artifact.Digest.Value))
		},
	}
	for _, name := range slices.Sorted(maps.Keys(first)) {
		t.Run(name, func(t *testing.T) {
			l := consortium(t)
			old := artifact(t, "dataset/lab/old@1", "o")
			digest := old.Artifact.Digest.Value
			note := statement(t, record.Finding, "dataset/lab/old@1", `{"detail":"old"}`, digest)
			run := activity(t, `{"type":"evaluation","used":[{"ref":"dataset/lab/old@1"}]}`)
			l.accept(lab, "Artifacts:Submit", nil, old)
			l.accept(lab, "Activities:Submit", nil, run)
			l.accept(lab, "Events:Submit", nil, event(t, "A"))
			l.accept(lab, "Statements:Submit", nil, note)
			require.NotContains(t, l.state, turned)
			first[name](l)
			assert.Equal(t, "LabMSP", string(l.state[turned]))

			// What is on the ledger may be sent again and changes nothing; nothing new of version 1 is taken.
			before := maps.Clone(l.state)
			for function, r := range map[string]*record.Record{"Artifacts:Submit": old, "Activities:Submit": run, "Statements:Submit": note} {
				tx := l.accept(lab, function, nil, r)
				delete(l.state, record.PackKey(tx))
				delete(l.state, record.PointerKey(r.ID, tx))
			}
			assert.Equal(t, before, l.state)
			l.refuse("outdated_version", lab, "Artifacts:Submit", nil, artifact(t, "dataset/lab/newer@1", "n"))
			l.refuse("outdated_version", lab, "Activities:Submit", nil, activity(t, `{"type":"training","used":[{"ref":"dataset/lab/old@1"}]}`))
			l.refuse("outdated_version", lab, "Statements:Submit", nil, statement(t, record.Finding, "dataset/lab/old@1", `{"detail":"new"}`, digest))
			l.refuse("outdated_version", harborAdmin, "Members:Submit", nil, member(t, "HarborMSP", "harbor", "harbor.boats"))
			l.accept(harborAdmin, "Members:Submit", nil, member(t, "HarborMSP", "harbor"))
			l.accept(lab, "Events:Submit", nil, event(t, "B"))
		})
	}
	l := consortium(t)
	l.refuse("outdated_version", lab, "Artifacts:Submit", nil, artifact(t, "dataset/lab/a@1", "a"), again(t, lab, artifact(t, "dataset/lab/b@1", "b")))
}

func TestAWithdrawalOfVersionOneThatWasRetractedStaysRetracted(t *testing.T) {
	l := consortium(t)
	d := artifact(t, "dataset/lab/readings@1", "a")
	digest := d.Artifact.Digest.Value
	l.accept(lab, "Artifacts:Submit", nil, d)
	withdrawal := statement(t, record.Withdrawal, "dataset/lab/readings@1", `{"reason":"the crew asked"}`, digest)
	tx := l.accept(lab, "Statements:Submit", nil, withdrawal)
	l.accept(lab, "Statements:Submit", at(tx, withdrawal), says(t, lab, record.Retraction, string(withdrawal.ID), `{"reason":"a mistake"}`))
	other := says(t, lab, record.Withdrawal, "dataset/lab/readings@1", `{"reason":"again"}`, digest)
	tx = l.accept(lab, "Statements:Submit", nil, other)
	l.accept(lab, "Statements:Submit", at(tx, other), says(t, lab, record.Retraction, string(other.ID), `{"reason":"a mistake"}`))
	l.accept(lab, "Statements:Submit", nil, withdrawal)
	l.accept(lab, "Activities:Submit", nil, again(t, lab, activity(t, `{"type":"training","used":[{"ref":"dataset/lab/readings@1"}]}`)))
}

func TestVersionsAreReadOnlyWhereRecordsHaveSeveral(t *testing.T) {
	l := newConsortium(t)
	pack, err := record.Pack([][]byte{event(t, "A").Body})
	require.NoError(t, err)
	_, s := l.send(lab, "Events:Submit", pack, nil)
	assert.Empty(t, s.fetches, "events conflict with nothing, so they read nothing")
	witnesses, err := json.Marshal(map[string]any{})
	require.NoError(t, err)
	pack, err = record.Pack([][]byte{again(t, lab, artifact(t, "dataset/lab/x@1", fmt.Sprint(1))).Body})
	require.NoError(t, err)
	_, s = l.send(lab, "Artifacts:Submit", pack, witnesses)
	assert.Len(t, s.fetches, 2, "one round trip for the version, and one for all else")
}
