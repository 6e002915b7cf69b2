package chaincode_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

const lotA = "https://id.gs1.org/01/09521321000018/10/A"

func at(tx string, r *record.Record) map[string]record.Place {
	return map[string]record.Place{string(r.ID): {ID: r.ID, Tx: tx}}
}

func TestARecordIsReadAsItWasWritten(t *testing.T) {
	l := consortium(t)
	a, b := event(t, "A"), event(t, "B%3C%26")
	tx := l.accept(harbor, "Events:Submit", nil, a, b)
	for _, r := range []*record.Record{a, b} {
		text, rejection := l.read("Events:Read", string(r.ID))
		require.Nil(t, rejection)
		var reading chaincode.Reading
		require.NoError(t, json.Unmarshal([]byte(text), &reading))
		assert.Equal(t, string(r.Body), string(reading.Record), "byte for byte")
		require.Len(t, reading.Recordings, 1)
		assert.Equal(t, "HarborMSP", reading.Recordings[0].MSPID)
		assert.Equal(t, tx, reading.Recordings[0].Tx)
	}
	text, _ := l.read("Events:Exists", string(a.ID))
	assert.Equal(t, "true", text)
	text, _ = l.read("Events:Exists", string(record.Sum([]byte("{}"))))
	assert.Equal(t, "false", text)
	_, rejection := l.read("Events:Read", "ni:///sha-256;00")
	assert.Equal(t, "bad_id", rejection.Problems[0].Code)
	_, rejection = l.read("Events:Read", string(record.Sum([]byte("{}"))))
	assert.Equal(t, "not_found", rejection.Problems[0].Code)
}

func TestRecordsAreFoundWhereTransactionIdsAreAlikeAsFarAsPointersGo(t *testing.T) {
	l := consortium(t)
	a, b, c := event(t, "A"), event(t, "B"), event(t, "C")
	first, second, third := strings.Repeat("ab", 12)+strings.Repeat("00", 20), strings.Repeat("ab", 12)+strings.Repeat("01", 20), strings.Repeat("ab", 12)+strings.Repeat("02", 20)
	l.tx = first
	l.accept(harbor, "Events:Submit", nil, b, a)
	l.tx = second
	l.accept(market, "Events:Submit", nil, a)
	read := func(r *record.Record) int { return len(l.reading("Events:Read", string(r.ID)).Recordings) }
	assert.Equal(t, []int{2, 1}, []int{read(a), read(b)}, "two are alike")
	pointer := l.state[record.PointerKey(a.ID, first)]
	l.state[record.PointerKey(a.ID, first)] = []byte("x")
	assert.Contains(t, l.fail("Events:Read", string(a.ID)), "couldn't read the pointer")
	assert.Contains(t, l.fail("Events:Exists", string(a.ID)), "couldn't read the pointer")
	l.state[record.PointerKey(a.ID, first)] = pointer
	l.tx = third
	l.accept(lab, "Events:Submit", nil, c)
	recordings := func(id record.ID) (by []string) {
		text, rejection := l.read("Events:Read", string(id))
		require.Nil(t, rejection)
		var reading chaincode.Reading
		require.NoError(t, json.Unmarshal([]byte(text), &reading))
		assert.Equal(t, id, record.Sum(reading.Record))
		for _, r := range reading.Recordings {
			by = append(by, r.MSPID+" in "+r.Tx)
		}
		return by
	}
	assert.Equal(t, []string{"HarborMSP in " + first, "MarketMSP in " + second}, recordings(a.ID))
	assert.Equal(t, []string{"HarborMSP in " + first}, recordings(b.ID))
	assert.Equal(t, []string{"LabMSP in " + third}, recordings(c.ID))
	l.accept(lab, "Statements:Submit", at(first, a), statement(t, record.Approval, string(a.ID), `{}`))
	l.accept(lab, "Statements:Submit", at(second, a), statement(t, record.Finding, string(a.ID), `{"detail":"seen"}`))
}

func TestRecordingAgainLeavesTheFirstRecording(t *testing.T) {
	l := consortium(t)
	r := event(t, "A")
	first := l.accept(harbor, "Events:Submit", nil, r)
	before := string(l.state[record.PointerKey(r.ID, first)]) + string(l.state[record.PackKey(first)])
	second := l.accept(market, "Events:Submit", nil, r)
	assert.Equal(t, before, string(l.state[record.PointerKey(r.ID, first)])+string(l.state[record.PackKey(first)]))
	text, _ := l.read("Events:Read", string(r.ID))
	var reading chaincode.Reading
	require.NoError(t, json.Unmarshal([]byte(text), &reading))
	by := map[string]string{}
	for _, rec := range reading.Recordings {
		by[rec.Tx] = rec.MSPID
	}
	assert.Equal(t, map[string]string{first: "HarborMSP", second: "MarketMSP"}, by)
}

func TestABatchIsAllOrNothing(t *testing.T) {
	l := consortium(t)
	good := artifact(t, "dataset/lab/readings@1", "a")
	bad := artifact(t, "dataset/harbor/readings@1", "a")
	p := l.refuse("namespace_taken", lab, "Artifacts:Submit", nil, good, bad)
	assert.Equal(t, 1, p.Index)
	assert.Equal(t, "/namespace", p.Pointer)
}

func TestSubmitRefusesWhatIsNoPackOfItsNoun(t *testing.T) {
	l := consortium(t)
	pack := func(bodies ...string) []byte {
		var raw [][]byte
		for _, b := range bodies {
			raw = append(raw, []byte(b))
		}
		p, err := record.Pack(raw)
		require.NoError(t, err)
		return p
	}
	ev := string(event(t, "A").Body)
	big := pack(strings.Repeat("x", record.MaxPackBytes+1))
	for name, c := range map[string]struct {
		with [][]byte
		code string
	}{
		"nothing":                    {[][]byte{nil}, "bad_arguments"},
		"text":                       {[][]byte{[]byte("hello")}, "bad_pack"},
		"half a pack":                {[][]byte{pack(ev)[:40]}, "bad_pack"},
		"two frames":                 {[][]byte{append(pack(ev), pack(ev)...)}, "bad_pack"},
		"a bomb":                     {[][]byte{big}, "bad_pack"},
		"too many lines":             {[][]byte{pack(strings.Split(strings.Repeat("1,", record.MaxPackRecords)+"1", ",")...)}, "bad_pack"},
		"a noun of another contract": {[][]byte{pack(string(artifact(t, "dataset/lab/a@1", "a").Body))}, "wrong_noun"},
		"JSON that isn't canonical":  {[][]byte{pack(" " + ev)}, "not_canonical"},
		"the same record twice":      {[][]byte{pack(ev, ev)}, "duplicate"},
		"no JSON":                    {[][]byte{pack("{")}, "not_canonical"},
		"no record":                  {[][]byte{pack(`{"a":1}`)}, "missing_field"},
		"an unknown kind":            {[][]byte{pack(`{"record":"event/2"}`)}, "unknown_record"},
		"witnesses that are none":    {[][]byte{pack(ev), []byte(`[1]`)}, "bad_arguments"},
		"a changed hash":             {[][]byte{pack(strings.Replace(ev, `"hash":"ni:///sha-256;`, `"hash":"ni:///sha-256;0`, 1))}, "wrong_hash"},
	} {
		t.Run(name, func(t *testing.T) {
			response, s := l.send(harbor, "Events:Submit", c.with[0], slices.Concat(c.with[1:]...))
			rejection, ok := record.ParseRejection(response.Message)
			require.True(t, ok, response.Message)
			assert.Equal(t, c.code, rejection.Problems[0].Code, rejection.Error())
			assert.Empty(t, s.writes)
		})
	}
	t.Run("more arguments", func(t *testing.T) {
		response, _ := l.transact(harbor, "Events:Submit", map[string][]byte{record.TransientPack: pack(ev)}, nil, pack(ev))
		rejection, ok := record.ParseRejection(response.Message)
		require.True(t, ok, response.Message)
		assert.Equal(t, "bad_arguments", rejection.Problems[0].Code)
	})
}

func TestMembersSpeakForThemselves(t *testing.T) {
	l := newLedger(t)
	l.refuse("not_admin", harbor, "Members:Submit", nil, member(t, "HarborMSP", "harbor"))
	l.refuse("not_yours", labAdmin, "Members:Submit", nil, member(t, "HarborMSP", "harbor"))
	l.accept(harborAdmin, "Members:Submit", nil, member(t, "HarborMSP", "harbor"))
	l.refuse("namespace_taken", labAdmin, "Members:Submit", nil, member(t, "LabMSP", "lab", "harbor"))
	l.accept(labAdmin, "Members:Submit", nil, member(t, "LabMSP", "lab"))
	l.accept(harborAdmin, "Members:Submit", nil, member(t, "HarborMSP"))
	owner, _ := l.read("Members:Namespace", "harbor")
	assert.Equal(t, `"HarborMSP"`, owner, "a claim stays when it is no longer repeated")
	text, _ := l.read("Members:List", "1", "")
	var page chaincode.Page
	require.NoError(t, json.Unmarshal([]byte(text), &page))
	require.Len(t, page.Items, 1)
	require.NotEmpty(t, page.Bookmark)
	text, _ = l.read("Members:List", "1", page.Bookmark)
	assert.Contains(t, text, `"mspId":"LabMSP"`)
}

func TestAVersionBelongsToOneDigestForEver(t *testing.T) {
	l := consortium(t)
	first := artifact(t, "dataset/lab/readings@1", "a")
	l.accept(lab, "Artifacts:Submit", nil, first)
	l.accept(lab, "Artifacts:Submit", nil, first)
	p := l.refuse("version_exists", lab, "Artifacts:Submit", nil, artifact(t, "dataset/lab/readings@1", "b"))
	assert.Equal(t, string(first.ID), p.Existing)
	l.refuse("version_exists", lab, "Artifacts:Submit", nil, artifact(t, "dataset/lab/x@1", "a"), artifact(t, "dataset/lab/x@1", "b"))
	l.refuse("namespace_unclaimed", market, "Artifacts:Submit", nil, artifact(t, "dataset/market/x@1", "a"))
	l.accept(lab, "Artifacts:Submit", nil, artifact(t, "dataset/lab/readings@10", "b"))
	l.accept(lab, "Artifacts:Submit", nil, artifact(t, "dataset/lab/readings-2@1", "b"))
	text, _ := l.read("Artifacts:Versions", "dataset/lab/readings", "100", "")
	assert.Equal(t, 2, strings.Count(text, `"record":{`), "versions of another name are not among them")
	text, _ = l.read("Artifacts:Resolve", "dataset/lab/readings@1")
	assert.Contains(t, text, string(first.ID))
	_, rejection := l.read("Artifacts:Versions", "dataset/lab/readings", "101", "")
	assert.Equal(t, "bad_page", rejection.Problems[0].Code)
}

func TestADatasetIsDerivedFromWhatExists(t *testing.T) {
	l := consortium(t)
	e := event(t, "A")
	tx := l.accept(harbor, "Events:Submit", nil, e)
	derived := artifact(t, "dataset/lab/readings@1", "a", string(e.ID))
	p := l.refuse("unknown_reference", lab, "Artifacts:Submit", nil, derived)
	assert.Equal(t, "/derivedFrom/0", p.Pointer)
	l.refuse("unknown_reference", lab, "Artifacts:Submit", map[string]record.Place{string(e.ID): {ID: e.ID, Tx: strings.Repeat("0", 64)}}, derived)
	l.refuse("unknown_reference", lab, "Artifacts:Submit", map[string]record.Place{string(e.ID): {ID: event(t, "B").ID, Tx: tx}}, derived)
	l.accept(lab, "Artifacts:Submit", at(tx, e), derived)
	second := artifact(t, "dataset/lab/clean@1", "b", "dataset/lab/readings@1")
	l.accept(lab, "Artifacts:Submit", nil, second, artifact(t, "dataset/lab/split@1", "c", "dataset/lab/clean@1"))
	l.refuse("unknown_reference", lab, "Artifacts:Submit", nil, artifact(t, "dataset/lab/y@1", "c", "dataset/lab/z@1"), artifact(t, "dataset/lab/z@1", "c"))
}

func TestARunFreezesTheInputsOfWhatItGenerates(t *testing.T) {
	l := consortium(t)
	l.accept(lab, "Artifacts:Submit", nil, artifact(t, "dataset/lab/readings@1", "a"), artifact(t, "dataset/lab/other@1", "b"))
	run := activity(t, `{"type":"training","used":[{"ref":"dataset/lab/readings@1","role":"training"}],"generated":[{"ref":"model/lab/spoilage@1"}]}`)
	p := l.refuse("unknown_reference", lab, "Activities:Submit", nil, run)
	assert.Equal(t, "/generated/0/ref", p.Pointer)
	l.accept(lab, "Activities:Submit", nil, run, artifact(t, "model/lab/spoilage@1", "m"))
	p = l.refuse("already_generated", lab, "Activities:Submit", nil,
		activity(t, `{"type":"training","used":[{"ref":"dataset/lab/other@1"}],"generated":[{"ref":"model/lab/spoilage@1"}]}`))
	assert.Equal(t, string(run.ID), p.Existing)
	l.refuse("namespace_taken", harbor, "Activities:Submit", nil,
		activity(t, `{"type":"training","used":[{"ref":"dataset/lab/readings@1"}],"generated":[{"ref":"dataset/lab/other@1"}]}`))
	l.accept(lab, "Activities:Submit", nil, run)
}

func TestADecisionIsAboutAThingThatEventsKnow(t *testing.T) {
	l := consortium(t)
	e := event(t, "A")
	tx := l.accept(harbor, "Events:Submit", nil, e)
	l.accept(lab, "Artifacts:Submit", nil, artifact(t, "model/lab/spoilage@1", "m"))
	decision := activity(t, `{"type":"inference","used":[{"ref":"model/lab/spoilage@1"}],"about":["urn:epc:class:lgtin:9521321.000001.A"],"outcome":{"decision":"hold","score":"0.93"}}`)
	assert.Equal(t, []string{lotA}, decision.Activity.About, "a thing has one spelling")
	l.refuse("unknown_reference", lab, "Activities:Submit", nil, decision)
	l.refuse("unknown_reference", lab, "Activities:Submit", map[string]record.Place{lotA: {ID: event(t, "B").ID, Tx: tx}}, decision)
	l.accept(lab, "Activities:Submit", map[string]record.Place{lotA: {ID: e.ID, Tx: tx}}, decision)
}

func TestWithdrawnConsentStopsNewUse(t *testing.T) {
	l := consortium(t)
	d := artifact(t, "dataset/lab/readings@1", "a")
	digest := d.Artifact.Digest.Value
	l.accept(lab, "Artifacts:Submit", nil, d)
	withdrawal := statement(t, record.Withdrawal, "dataset/lab/readings@1", `{"reason":"the crew asked"}`, digest)
	l.refuse("not_yours", harbor, "Statements:Submit", nil, withdrawal)
	tx := l.accept(lab, "Statements:Submit", nil, withdrawal)
	use := activity(t, `{"type":"training","used":[{"ref":"dataset/lab/readings@1"}]}`)
	p := l.refuse("consent_withdrawn", lab, "Activities:Submit", nil, use)
	assert.Equal(t, "/used/0/ref", p.Pointer)
	assert.Equal(t, string(withdrawal.ID), p.Existing)
	l.refuse("consent_withdrawn", lab, "Artifacts:Submit", nil, artifact(t, "dataset/lab/clean@1", "b", "dataset/lab/readings@1"))
	retraction := statement(t, record.Retraction, string(withdrawal.ID), `{"reason":"a mistake"}`)
	l.refuse("not_yours", harbor, "Statements:Submit", at(tx, withdrawal), retraction)
	l.accept(lab, "Statements:Submit", at(tx, withdrawal), retraction)
	l.accept(lab, "Activities:Submit", nil, use)
}

func TestStatementsComeFromThoseWhoMayMakeThem(t *testing.T) {
	l := consortium(t)
	e := event(t, "A")
	tx := l.accept(harbor, "Events:Submit", nil, e)
	d := artifact(t, "dataset/lab/readings@1", "a")
	digest := d.Artifact.Digest.Value
	l.accept(lab, "Artifacts:Submit", nil, d)
	lot := map[string]record.Place{lotA: {ID: e.ID, Tx: tx}}
	recall := statement(t, record.Recall, lotA, `{"reason":"the logger read 4 degrees low"}`)
	recallTx := ""

	for _, c := range []struct {
		name      string
		code      string // "" if accepted
		who       who
		witnesses map[string]record.Place
		r         *record.Record
	}{
		{"a lot that no event names can't be recalled", "unknown_reference", harbor, nil, recall},
		{"an organisation without events about the lot can't recall it", "not_yours", market, lot, recall},
		{"one with events can", "", harbor, lot, recall},
		{"the recorder of an event can recall it", "", harbor, at(tx, e), statement(t, record.Recall, string(e.ID), `{"reason":"wrong sensor"}`)},
		{"others can't", "not_yours", market, at(tx, e), statement(t, record.Recall, string(e.ID), `{"reason":"jealousy"}`)},
		{"an artifact is recalled by its owner", "", lab, nil, statement(t, record.Recall, "dataset/lab/readings@1", `{"reason":"poisoned"}`, digest)},
		{"and by no other", "not_yours", harbor, nil, statement(t, record.Recall, "dataset/lab/readings@1", `{"reason":"poisoned"}`, digest)},
		{"a digest must be the artifact's", "wrong_digest", lab, nil, statement(t, record.Recall, "dataset/lab/readings@1", `{"reason":"poisoned"}`)},
		{"nobody approves his own", "own_approval", lab, nil, statement(t, record.Approval, "dataset/lab/readings@1", `{}`, digest)},
		{"others may approve", "", harbor, nil, statement(t, record.Approval, "dataset/lab/readings@1", `{"scope":"training"}`, digest)},
		{"a certificate is anybody's", "", market, lot, statement(t, record.Certificate, lotA, `{"scheme":"MSC","number":"C-1"}`)},
		{"a finding is anybody's", "", market, lot, statement(t, record.Finding, lotA, `{"detail":"smells","severity":"low"}`)},
		{"a licence is the owner's", "not_yours", market, nil, statement(t, record.Licence, "dataset/lab/readings@1", `{"licence":"MIT"}`, digest)},
		{"a correction needs its replacement", "unknown_reference", harbor, at(tx, e), statement(t, record.Correction, string(e.ID), `{"reason":"typo","replacedBy":"dataset/lab/nothing@1"}`)},
		{"an acknowledgement is about a statement", "not_a_statement", market, at(tx, e), statement(t, record.Acknowledgement, string(e.ID), `{}`)},
	} {
		t.Run(c.name, func(t *testing.T) {
			l.t = t
			if c.code != "" {
				l.refuse(c.code, c.who, "Statements:Submit", c.witnesses, c.r)
				return
			}
			done := l.accept(c.who, "Statements:Submit", c.witnesses, c.r)
			if c.r == recall {
				recallTx = done
			}
		})
	}
	l.t = t
	l.accept(market, "Statements:Submit", at(recallTx, recall), statement(t, record.Acknowledgement, string(recall.ID), `{"action":"withdrawn from sale"}`))
	text, _ := l.read("Statements:About", "urn:epc:class:lgtin:9521321.000001.A", "10", "")
	assert.Equal(t, 3, strings.Count(text, `"record":{`), text)
}

func TestFunctionsThatChangeOrDeleteDoNotExist(t *testing.T) {
	l := consortium(t)
	for _, contract := range []string{"Events", "Artifacts", "Activities", "Statements", "Members"} {
		for _, function := range []string{"Update", "Delete", "Put", "Init", "GetEvaluateTransactions"} {
			response, _ := l.invoke(harborAdmin, contract+":"+function, []byte("x"))
			assert.Contains(t, response.Message, "not found in contract", fmt.Sprint(contract, function))
		}
	}
}

func TestLowerCaseFunctionNamesGetTheSameChecks(t *testing.T) {
	// The contract API skips its schema check for such names. The chaincode's own checks don't depend on that one.
	l := consortium(t)
	pack, err := record.Pack([][]byte{[]byte(`{"record":"event/1"}`)})
	require.NoError(t, err)
	response, _ := l.send(harbor, "Events:submit", pack, nil)
	rejection, ok := record.ParseRejection(response.Message)
	require.True(t, ok, response.Message)
	assert.Equal(t, "missing_field", rejection.Problems[0].Code)
}

func TestRecordingAStatementAgainMakesItNobodyElses(t *testing.T) {
	l := consortium(t)
	harbors, markets := event(t, "A"), made(t)(record.NewEvent(value(t, `{"type":"ObjectEvent","eventTime":"2026-03-02T06:00:00Z","eventTimeZoneOffset":"+01:00","action":"OBSERVE","quantityList":[{"epcClass":"`+lotA+`"}]}`), canonical.Str(epcis.StandardContext)))
	tx := l.accept(harbor, "Events:Submit", nil, harbors)
	marketsTx := l.accept(market, "Events:Submit", nil, markets)
	recall := statement(t, record.Recall, lotA, `{"reason":"thawed"}`)
	recallTx := l.accept(harbor, "Statements:Submit", map[string]record.Place{lotA: {ID: harbors.ID, Tx: tx}}, recall)

	again := l.accept(market, "Statements:Submit", map[string]record.Place{lotA: {ID: markets.ID, Tx: marketsTx}}, recall)
	retraction := statement(t, record.Retraction, string(recall.ID), `{"reason":"we would rather sell"}`)
	l.refuse("not_yours", market, "Statements:Submit", at(again, recall), retraction)
	l.refuse("own_approval", harbor, "Statements:Submit", at(again, recall), statement(t, record.Approval, string(recall.ID), `{}`))
	l.accept(harbor, "Statements:Submit", at(recallTx, recall), retraction)
}
