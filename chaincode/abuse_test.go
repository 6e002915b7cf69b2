package chaincode_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

func TestArgumentsThatAreNoTextNeverReachThePeer(t *testing.T) {
	l := consortium(t)
	for name, c := range map[string]struct {
		function string
		args     []string
		code     string
	}{
		"a namespace":              {"Members:Namespace", []string{"\xff"}, "bad_id"},
		"a bookmark of members":    {"Members:List", []string{"1", "m/\xff"}, "bad_bookmark"},
		"a bookmark of versions":   {"Artifacts:Versions", []string{"dataset/lab/readings", "1", "a/dataset/lab/readings@\xff"}, "bad_bookmark"},
		"a bookmark of statements": {"Statements:About", []string{lotA, "1", record.AboutPrefix(lotA) + "\xff"}, "bad_bookmark"},
		"an artifact version":      {"Artifacts:Resolve", []string{"dataset/lab/\xff@1"}, "bad_id"},
		"a record id":              {"Events:Read", []string{"ni:///sha-256;\xff"}, "bad_id"},
	} {
		t.Run(name, func(t *testing.T) {
			l.t = t
			_, rejection := l.read(c.function, c.args...)
			require.NotNil(t, rejection)
			assert.Equal(t, c.code, rejection.Problems[0].Code)
		})
	}
}

func TestARejectionFitsAnErrorMessage(t *testing.T) {
	l := consortium(t)
	unknown := make([]canonical.Member, 10_000)
	for i := range unknown {
		unknown[i] = canonical.Member{Name: fmt.Sprintf("unknown%d", i), Value: canonical.Int(0)}
	}
	inner := make([]canonical.Member, 30)
	for i := range inner {
		inner[i] = canonical.Member{Name: fmt.Sprintf("nobody:x%d", i), Value: canonical.Int(0)}
	}
	for name, r := range map[string]canonical.Value{
		"ten thousand unknown fields": canonical.Obj(append(unknown, canonical.Member{Name: "record", Value: canonical.Str("event/1")})...),
		"a long unknown field":        canonical.Obj(canonical.Member{Name: strings.Repeat("<", 1_000_000), Value: canonical.Int(0)}, canonical.Member{Name: "record", Value: canonical.Str("member/1")}),
		"problems below a long name": canonical.Obj(canonical.Member{Name: "record", Value: canonical.Str("event/1")}, canonical.Member{Name: "hash", Value: canonical.Str("x")},
			canonical.Member{Name: "context", Value: canonical.Obj(canonical.Member{Name: "a", Value: canonical.Str("https://example.org/")})},
			canonical.Member{Name: "event", Value: value(t, `{"type":"ObjectEvent"}`).With("a:"+strings.Repeat("x", 500_000), canonical.Obj(inner...))}),
	} {
		t.Run(name, func(t *testing.T) {
			pack, err := record.Pack([][]byte{r.Bytes()})
			require.NoError(t, err)
			response, _ := l.send(harbor, "Events:Submit", pack, nil)
			rejection, ok := record.ParseRejection(response.Message)
			require.True(t, ok)
			assert.LessOrEqual(t, len(rejection.Problems), 50)
			assert.Less(t, len(response.Message), 200_000)
		})
	}
}

func TestWithdrawnConsentHoldsUnderEveryName(t *testing.T) {
	l := consortium(t)
	d := artifact(t, "dataset/lab/readings@1", "a")
	registered := l.accept(lab, "Artifacts:Submit", nil, d)
	withdrawal := statement(t, record.Withdrawal, "dataset/lab/readings@1", `{"reason":"the crew asked"}`, d.Artifact.Digest.Value)
	tx := l.accept(lab, "Statements:Submit", nil, withdrawal)
	use := activity(t, `{"type":"training","used":[{"ref":"`+string(d.ID)+`"}]}`)
	p := l.refuse("consent_withdrawn", lab, "Activities:Submit", at(registered, d), use)
	assert.Equal(t, string(withdrawal.ID), p.Existing)
	l.refuse("consent_withdrawn", lab, "Artifacts:Submit", at(registered, d), artifact(t, "dataset/lab/clean@1", "b", string(d.ID)))
	l.refuse("spelled_otherwise", lab, "Statements:Submit", at(registered, d), statement(t, record.Withdrawal, string(d.ID), `{"reason":"again"}`))
	l.accept(lab, "Statements:Submit", at(tx, withdrawal), statement(t, record.Retraction, string(withdrawal.ID), `{"reason":"a mistake"}`))
	l.accept(lab, "Activities:Submit", at(registered, d), use)
}

func TestAWithdrawalStandsUntilItIsRetracted(t *testing.T) {
	const ref = "dataset/lab/readings@1"
	d := artifact(t, ref, "a")
	withdrawal := func(reason string) *record.Record {
		return statement(t, record.Withdrawal, ref, `{"reason":"`+reason+`"}`, d.Artifact.Digest.Value)
	}
	retraction := func(of *record.Record) *record.Record {
		return statement(t, record.Retraction, string(of.ID), `{"reason":"a mistake"}`)
	}
	use := activity(t, `{"type":"training","used":[{"ref":"`+ref+`"}]}`)
	first, second := withdrawal("the crew asked"), withdrawal("the owner asked")
	start := func(t *testing.T) *ledger {
		l := consortium(t)
		l.accept(lab, "Artifacts:Submit", nil, d)
		return l
	}

	t.Run("a second one can't take its place", func(t *testing.T) {
		l := start(t)
		l.accept(lab, "Statements:Submit", nil, first)
		p := l.refuse("already_withdrawn", lab, "Statements:Submit", nil, second)
		assert.Equal(t, string(first.ID), p.Existing)
		l.refuse("consent_withdrawn", lab, "Activities:Submit", nil, use)
	})
	t.Run("nor can a second one of the same pack", func(t *testing.T) {
		start(t).refuse("already_withdrawn", lab, "Statements:Submit", nil, first, second)
	})
	t.Run("sent again after its retraction it changes nothing", func(t *testing.T) {
		l := start(t)
		tx := l.accept(lab, "Statements:Submit", nil, first)
		l.accept(lab, "Statements:Submit", at(tx, first), retraction(first))
		l.accept(lab, "Statements:Submit", nil, first)
		l.accept(lab, "Activities:Submit", nil, use)
	})
	t.Run("another one follows a retraction in the same pack", func(t *testing.T) {
		l := start(t)
		tx := l.accept(lab, "Statements:Submit", nil, first)
		l.accept(lab, "Statements:Submit", at(tx, first), retraction(first), second)
		p := l.refuse("consent_withdrawn", lab, "Activities:Submit", nil, use)
		assert.Equal(t, string(second.ID), p.Existing)
	})
	t.Run("it is made and retracted in one pack", func(t *testing.T) {
		l := start(t)
		l.accept(lab, "Statements:Submit", nil, first, retraction(first))
		l.accept(lab, "Activities:Submit", nil, use)
	})
	t.Run("who records it again can't retract it", func(t *testing.T) {
		l := consortium(t)
		e := event(t, "A")
		harbors, markets := l.accept(harbor, "Events:Submit", nil, e), l.accept(market, "Events:Submit", nil, e)
		w := statement(t, record.Withdrawal, string(e.ID), `{"reason":"the crew asked"}`)
		l.accept(harbor, "Statements:Submit", at(harbors, e), w)
		again := l.accept(market, "Statements:Submit", at(markets, e), w)
		l.refuse("not_yours", market, "Statements:Submit", at(again, w), retraction(w))
		l.refuse("consent_withdrawn", lab, "Activities:Submit", at(harbors, e), activity(t, `{"type":"training","used":[{"ref":"`+string(e.ID)+`"}]}`))
	})
}

func TestNobodyApprovesWhatStandsInTheSamePack(t *testing.T) {
	l := consortium(t)
	tx := l.accept(harbor, "Events:Submit", nil, event(t, "A"))
	certificate := statement(t, record.Certificate, lotA, `{"scheme":"MSC","number":"C-1"}`)
	l.refuse("own_approval", harbor, "Statements:Submit", map[string]record.Place{lotA: {ID: event(t, "A").ID, Tx: tx}},
		certificate, statement(t, record.Approval, string(certificate.ID), `{}`))
}

func TestOneOutputHasOneActivityInAPack(t *testing.T) {
	l := consortium(t)
	l.accept(lab, "Artifacts:Submit", nil, artifact(t, "dataset/lab/readings@1", "a"))
	run := func(description string) *record.Record {
		return activity(t, `{"type":"training","description":"`+description+`","used":[{"ref":"dataset/lab/readings@1"}],"generated":[{"ref":"model/lab/spoilage@1"}]}`)
	}
	l.refuse("already_generated", lab, "Activities:Submit", nil, artifact(t, "model/lab/spoilage@1", "m"), run("one"), run("two"))
}

// manyThings makes an event that names n things, and a claim about all of them.
func manyThings(t *testing.T, n int) (*record.Record, *record.Record, map[string]record.Place) {
	e := value(t, `{"type":"ObjectEvent","eventTime":"2026-03-01T06:00:00Z","eventTimeZoneOffset":"+01:00","action":"OBSERVE"}`)
	things := make([]canonical.Value, n)
	for i := range things {
		things[i] = canonical.Str(fmt.Sprintf("https://id.gs1.org/01/09521321000018/21/%d", i+1))
	}
	r := made(t)(record.NewEvent(e.With("epcList", canonical.Arr(things...)), canonical.Str("https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld")))
	witnesses := map[string]record.Place{}
	for _, thing := range things {
		witnesses[thing.Text] = record.Place{ID: r.ID}
	}
	claim := made(t)(statement1(canonical.Obj(canonical.Member{Name: "kind", Value: canonical.Str(record.Recall)}, canonical.Member{Name: "subject", Value: canonical.Arr(things...)},
		canonical.Member{Name: "predicate", Value: canonical.Obj(canonical.Member{Name: "reason", Value: canonical.Str("warm")})}), nil))
	return r, claim, witnesses
}

func TestARecallOfManyThingsReadsTheirEventOnce(t *testing.T) {
	l := consortium(t)
	e, recall, witnesses := manyThings(t, 500)
	tx := l.accept(harbor, "Events:Submit", nil, e)
	for thing := range witnesses {
		witnesses[thing] = record.Place{ID: e.ID, Tx: tx}
	}
	allocated := testing.AllocsPerRun(1, func() { l.accept(harbor, "Statements:Submit", witnesses, recall) })
	assert.Less(t, allocated, 80_000.0, "reading the event for each thing again takes some 25,000 more")
}

func TestAPageEndsEarlyWhereRecordsLieInLargePacks(t *testing.T) {
	l := consortium(t)
	d := artifact(t, "dataset/lab/readings@1", "a")
	l.accept(lab, "Artifacts:Submit", nil, d)
	for i := range 3 {
		var notes []*record.Record
		for j := range 8 {
			notes = append(notes, made(t)(statement1(value(t, fmt.Sprintf(`{"predicateType":"https://example.org/note","subject":["dataset/lab/readings@1"],"predicate":{"n":%d,"a":%q}}`, i*8+j, strings.Repeat("x", 1_000_000))),
				func(string) string { return d.Artifact.Digest.Value })))
		}
		l.accept(market, "Statements:Submit", nil, notes...)
	}
	seen, pages, bookmark := 0, 0, ""
	for {
		text, rejection := l.read("Statements:About", "dataset/lab/readings@1", "100", bookmark)
		require.Nil(t, rejection)
		var page chaincode.Page
		require.NoError(t, json.Unmarshal([]byte(text), &page))
		require.NotEmpty(t, page.Items)
		require.Less(t, len(text), 2<<20)
		seen, pages = seen+len(page.Items), pages+1
		if bookmark = page.Bookmark; bookmark == "" {
			break
		}
	}
	assert.Equal(t, 24, seen)
	assert.Equal(t, 24, pages, "each of them is as long as a page may be")
}

func TestARecordIsReadHoweverLargeThePacksAroundIt(t *testing.T) {
	l := consortium(t)
	e := event(t, "A")
	large := func(lot string) *record.Record {
		return made(t)(record.NewEvent(value(t, `{"@context":{"own":"https://example.org/"},"type":"ObjectEvent","eventTime":"2026-03-01T06:00:00Z","eventTimeZoneOffset":"+01:00","action":"OBSERVE","epcList":["https://id.gs1.org/01/09521321000018/21/`+lot+`"],"own:x":"`+strings.Repeat("x", 1_000_000)+`"}`), canonical.Value{}))
	}
	pack := []*record.Record{e}
	for i := range 8 {
		pack = append(pack, large(fmt.Sprint(i)))
	}
	for range 16 {
		l.accept(market, "Events:Submit", nil, pack...)
	}
	text, rejection := l.read("Events:Read", string(e.ID))
	require.Nil(t, rejection)
	assert.Equal(t, 16, strings.Count(text, `"tx":`))
}

func TestAWitnessInNoTransactionProvesNothing(t *testing.T) {
	l := consortium(t)
	e := event(t, "A")
	tx := l.accept(harbor, "Events:Submit", nil, e)
	// The key of a pointer contains only the beginning of a transaction id, so this one has the same key.
	nowhere := at(tx[:24]+strings.Repeat("0", 40), e)
	require.Equal(t, record.PointerKey(e.ID, tx), record.PointerKey(e.ID, nowhere[string(e.ID)].Tx))
	for _, r := range []*record.Record{
		statement(t, record.Recall, string(e.ID), `{"reason":"jealousy"}`),
		statement(t, record.Withdrawal, string(e.ID), `{"reason":"jealousy"}`),
		statement(t, record.Approval, string(e.ID), `{}`),
		statement(t, record.Retraction, string(e.ID), `{"reason":"jealousy"}`),
		statement(t, record.Finding, string(e.ID), `{"detail":"smells"}`),
	} {
		p := l.refuse("unknown_reference", market, "Statements:Submit", nowhere, r)
		assert.Equal(t, "/subject/0/name", p.Pointer)
	}
}

func TestAReferenceIsToWhatStandsBeforeIt(t *testing.T) {
	l := consortium(t)
	e, d := event(t, "A"), artifact(t, "dataset/lab/readings@1", "a")
	tx := l.accept(harbor, "Events:Submit", nil, e)
	l.accept(lab, "Artifacts:Submit", nil, d)
	first := statement(t, record.Finding, "dataset/lab/readings@1", `{"detail":"odd"}`, d.Artifact.Digest.Value)
	about := func(node string) *record.Record { return statement(t, record.Finding, node, `{"detail":"indeed"}`) }
	l.accept(market, "Statements:Submit", nil, first, about(string(first.ID)))
	other := statement(t, record.Finding, "dataset/lab/readings@1", `{"detail":"even"}`, d.Artifact.Digest.Value)
	p := l.refuse("unknown_reference", market, "Statements:Submit", nil, about(string(other.ID)), other)
	assert.Equal(t, 0, p.Index)
	p = l.refuse("unknown_reference", market, "Statements:Submit", nil, other, about(string(event(t, "B").ID)))
	assert.Equal(t, 1, p.Index)
	p = l.refuse("unknown_reference", market, "Statements:Submit", nil, other, about("https://id.gs1.org/01/09521321000018/10/B"))
	assert.Equal(t, 1, p.Index)
	p = l.refuse("not_yours", market, "Statements:Submit", at(tx, e), other, statement(t, record.Recall, string(e.ID), `{"reason":"jealousy"}`))
	assert.Equal(t, 1, p.Index, "the statement before it is no evidence about it")
	run := func(node string) *record.Record { return activity(t, `{"type":"inference","about":["`+node+`"]}`) }
	done := run("dataset/lab/readings@1")
	l.accept(lab, "Activities:Submit", nil, done, run(string(done.ID)))
	done = activity(t, `{"type":"evaluation","about":["dataset/lab/readings@1"]}`)
	l.refuse("unknown_reference", lab, "Activities:Submit", nil, run(string(done.ID)), done)
	p = l.refuse("unknown_reference", lab, "Activities:Submit", nil, done, run(string(event(t, "B").ID)))
	assert.Equal(t, 1, p.Index)
	b := event(t, "B")
	tx = l.accept(market, "Events:Submit", nil, b)
	l.refuse("unknown_reference", lab, "Artifacts:Submit", map[string]record.Place{string(event(t, "C").ID): {ID: b.ID, Tx: tx}},
		artifact(t, "dataset/lab/clean@1", "b", string(event(t, "C").ID)))
}

func TestAProblemSaysInWhichLineItIs(t *testing.T) {
	l := consortium(t)
	first, second := artifact(t, "dataset/lab/a@1", "a"), artifact(t, "dataset/lab/b@1", "a")
	l.accept(lab, "Artifacts:Submit", nil, second)
	p := l.refuse("version_exists", lab, "Artifacts:Submit", nil, first, artifact(t, "dataset/lab/b@1", "b"))
	assert.Equal(t, 1, p.Index)
	pack, err := record.Pack([][]byte{first.Body, []byte("{}")})
	require.NoError(t, err)
	response, _ := l.send(lab, "Artifacts:Submit", pack, nil)
	rejection, ok := record.ParseRejection(response.Message)
	require.True(t, ok, response.Message)
	assert.Equal(t, 1, rejection.Problems[0].Index)
}

func TestAnUnknownSubjectIsTheOnlyProblemOfItsStatement(t *testing.T) {
	l := consortium(t)
	rejection, _ := l.submit(market, "Statements:Submit", nil, statement(t, record.Recall, "dataset/lab/readings@1", `{"reason":"x"}`))
	require.NotNil(t, rejection)
	assert.Len(t, rejection.Problems, 1, "nothing is said about who owns what doesn't exist")
}

func TestASearchForProblemsEnds(t *testing.T) {
	l := consortium(t)
	bodies := make([][]byte, 1_100)
	for i := range bodies {
		bodies[i] = []byte("{")
	}
	pack, err := record.Pack(bodies)
	require.NoError(t, err)
	response, _ := l.send(harbor, "Events:Submit", pack, nil)
	rejection, ok := record.ParseRejection(response.Message)
	require.True(t, ok, response.Message)
	assert.Equal(t, 1_001, len(rejection.Problems)+rejection.More, "in what the bytes alone can tell")

	statements := make([]*record.Record, 1_100)
	for i := range statements {
		statements[i] = statement(t, record.Finding, string(event(t, fmt.Sprint(i)).ID), `{"detail":"x"}`)
	}
	rejection, _ = l.submit(market, "Statements:Submit", nil, statements...)
	require.NotNil(t, rejection)
	assert.Equal(t, 1_001, len(rejection.Problems)+rejection.More, "in what needs the ledger")
}

func TestWitnessesAreBounded(t *testing.T) {
	l := consortium(t)
	e := event(t, "A")
	pack, err := record.Pack([][]byte{e.Body})
	require.NoError(t, err)
	const most = 4 << 20
	for name, c := range map[string]struct {
		witnesses string
		code      string
	}{
		"as many as there may be": {strings.Repeat(" ", most-2) + "{}", ""},
		"one byte more":           {strings.Repeat(" ", most-1) + "{}", "too_large"},
		"one byte":                {"x", "bad_arguments"},
	} {
		t.Run(name, func(t *testing.T) {
			response, _ := l.send(harbor, "Events:Submit", pack, []byte(c.witnesses))
			if c.code == "" {
				require.EqualValues(t, 200, response.Status, response.Message)
				return
			}
			rejection, ok := record.ParseRejection(response.Message)
			require.True(t, ok, response.Message)
			assert.Equal(t, c.code, rejection.Problems[0].Code)
			assert.NotEmpty(t, rejection.Problems[0].Detail)
		})
	}
	response, _ := l.transact(harbor, "Events:Submit", map[string][]byte{record.TransientPack: pack})
	require.EqualValues(t, 200, response.Status, response.Message, "no witnesses")
}

func TestAStatementIsAboutRecordsOfSoManyTransactions(t *testing.T) {
	l := consortium(t)
	about := func(n int) *record.Record {
		subjects := make([]canonical.Value, n)
		for i := range subjects {
			subjects[i] = canonical.Str(string(event(t, fmt.Sprint(i)).ID))
		}
		return made(t)(statement1(canonical.Obj(canonical.Member{Name: "kind", Value: canonical.Str(record.Finding)},
			canonical.Member{Name: "subject", Value: canonical.Arr(subjects...)},
			canonical.Member{Name: "predicate", Value: canonical.Obj(canonical.Member{Name: "detail", Value: canonical.Str("x")})}), nil))
	}
	witnesses := map[string]record.Place{}
	for i := range 257 {
		e := event(t, fmt.Sprint(i))
		witnesses[string(e.ID)] = record.Place{ID: e.ID, Tx: l.accept(harbor, "Events:Submit", nil, e)}
	}
	l.accept(market, "Statements:Submit", witnesses, about(256))
	l.refuse("too_many_witnesses", market, "Statements:Submit", witnesses, about(257))
}

func TestARetractionLiftsItsOwnWithdrawalAlone(t *testing.T) {
	l := consortium(t)
	d := artifact(t, "dataset/lab/readings@1", "a")
	withdrawal := func(reason string) *record.Record {
		return statement(t, record.Withdrawal, "dataset/lab/readings@1", `{"reason":"`+reason+`"}`, d.Artifact.Digest.Value)
	}
	first, second := withdrawal("the crew asked"), withdrawal("the owner asked")
	l.accept(lab, "Artifacts:Submit", nil, d)
	tx := l.accept(lab, "Statements:Submit", nil, first)
	l.accept(lab, "Statements:Submit", at(tx, first), statement(t, record.Retraction, string(first.ID), `{"reason":"a mistake"}`))
	l.accept(lab, "Statements:Submit", nil, second)
	l.accept(lab, "Statements:Submit", at(tx, first), statement(t, record.Retraction, string(first.ID), `{"reason":"the same mistake"}`))
	p := l.refuse("consent_withdrawn", lab, "Activities:Submit", nil, activity(t, `{"type":"training","used":[{"ref":"dataset/lab/readings@1"}]}`))
	assert.Equal(t, string(second.ID), p.Existing)
}

func TestNothingStandsInItsOwnPlaceAndNoArtifactIsRetracted(t *testing.T) {
	l := consortium(t)
	d := artifact(t, "dataset/lab/readings@1", "a")
	digest := d.Artifact.Digest.Value
	l.accept(lab, "Artifacts:Submit", nil, d)
	p := l.refuse("cycle", lab, "Statements:Submit", nil,
		statement(t, record.Correction, "dataset/lab/readings@1", `{"reason":"typo","replacedBy":"dataset/lab/readings@1"}`, digest))
	assert.Equal(t, "/predicate/replacedBy", p.Pointer)
	note := made(t)(statement1(value(t, `{"predicateType":"https://example.org/note","subject":["dataset/lab/readings@1"],"predicate":{"replacedBy":"dataset/lab/readings@1"}}`),
		func(string) string { return digest }))
	l.accept(lab, "Statements:Submit", nil, note)
	for _, kind := range []string{record.Retraction, record.Acknowledgement} {
		predicate := map[string]string{record.Retraction: `{"reason":"x"}`, record.Acknowledgement: `{}`}[kind]
		l.refuse("not_a_statement", lab, "Statements:Submit", nil, statement(t, kind, "dataset/lab/readings@1", predicate, digest))
	}
}

func TestNobodyIsAnonymous(t *testing.T) {
	l := consortium(t)
	l.refuse("bad_identity", who{msp: "HarborMSP", ou: "idemix"}, "Events:Submit", nil, event(t, "A"))
}
