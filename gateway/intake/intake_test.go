package intake

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
)

// fixture reads documents of Lab into a real queue, beside a real index.
type fixture struct {
	*testing.T
	ledger *indextest.Ledger
	index  *index.Index
	queue  *capture.Queue
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{T: t, ledger: indextest.New(t), index: indextest.Open(t)}
	for _, b := range f.ledger.Blocks {
		require.NoError(t, f.index.Apply(t.Context(), b))
	}
	f.ledger.Follower = f.index
	var err error
	f.queue, err = capture.Open(capture.Config{Folder: t.TempDir(), Identity: func(string) (*ledger.Identity, error) { return new(ledger.Identity), nil }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.queue.Close()) })
	return f
}

// read reads a document and commits it, unless it is refused.
func (f *fixture) read(behaviour capture.Behaviour, limit int, read func(*Intake) error) (capture.Job, error) {
	f.Helper()
	queue, err := f.queue.Begin(capture.Request{Owner: "lab", Identity: "lab", Function: "Events:Submit", Behaviour: behaviour})
	require.NoError(f, err)
	defer queue.Discard()
	in := New(context.Background(), Config{Index: f.index, Sink: queue, MSPID: "LabMSP", Behaviour: behaviour, Limit: limit})
	if err := in.Finish(read(in)); err != nil {
		return capture.Job{}, err
	}
	job, err := queue.Commit(context.Background())
	require.NoError(f, err)
	return job, nil
}

const gs1Context = `"@context":"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"`

func document(events ...string) string {
	return `{` + gs1Context + `,"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-01T09:00:00Z","epcisBody":{"eventList":[` +
		strings.Join(events, ",") + `]}}`
}

func observed(serial string, more ...string) string {
	return `{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","eventTimeZoneOffset":"+00:00","action":"OBSERVE","epcList":["https://id.gs1.org/01/09520051010106/21/` +
		serial + `"]` + strings.Join(more, "") + `}`
}

func whole(text string) func(*Intake) error {
	return func(in *Intake) error { return in.Document(strings.NewReader(text)) }
}

func lines(text ...string) func(*Intake) error {
	return func(in *Intake) error { return in.Lines(strings.NewReader(strings.Join(text, "\n"))) }
}

func TestDocumentsOfEveryShapeBecomeJobs(t *testing.T) {
	for name, test := range map[string]struct {
		read func(*Intake) error
		want int
	}{
		"a document":                      {whole(document(observed("1"), observed("2"))), 2},
		"a bare event":                    {whole(`{` + gs1Context + `,` + observed("1")[1:]), 1},
		"the context after the events":    {whole(`{"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-01T09:00:00Z","epcisBody":{"eventList":[` + observed("1") + `]},` + gs1Context + `}`), 1},
		"lines with a header":             {lines(`{`+gs1Context+`,"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-01T09:00:00Z"}`, observed("1"), observed("2")), 2},
		"lines that bring their contexts": {lines(`{`+gs1Context+`,`+observed("1")[1:], `{`+gs1Context+`,`+observed("2")[1:]), 2},
	} {
		t.Run(name, func(t *testing.T) {
			job, err := newFixture(t).read(capture.Rollback, 10, test.read)
			require.NoError(t, err)
			assert.Equal(t, test.want, job.Total)
			assert.Zero(t, job.Rejected)
		})
	}
}

func TestARefusedDocumentSaysWhereTheFaultIs(t *testing.T) {
	for name, test := range map[string]struct {
		read          func(*Intake) error
		code, pointer string
	}{
		"a document without events":    {whole(document()), "empty_list", "/epcisBody"},
		"an event with a wrong action": {whole(document(observed("1"), strings.Replace(observed("2"), "OBSERVE", "LOOK", 1))), "unknown_word", "/epcisBody/eventList/1/action"},
		"two events under one eventID": {whole(document(observed("1", `,"eventID":"urn:x:1"`), observed("2", `,"eventID":"urn:x:1"`))), epcis.CodeDuplicateEventID, "/epcisBody/eventList/1/eventID"},
		"a query document's list":      {whole(strings.Replace(document(observed("1")), "EPCISDocument", "EPCISQueryDocument", 1)), "", ""},
		"a line without a context":     {lines(observed("1")), epcis.CodeMissingField, "/0/@context"},
		"a header line with a body":    {lines(document(observed("1"))), "unknown_field", "/0/epcisBody"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newFixture(t).read(capture.Rollback, 10, test.read)
			var refusal *Refusal
			require.ErrorAs(t, err, &refusal)
			require.NotEmpty(t, refusal.Problems)
			if test.code != "" {
				assert.Equal(t, test.code, refusal.Problems[0].Code)
				assert.Equal(t, test.pointer, refusal.Problems[0].Pointer)
			}
		})
	}
}

func TestFaultlessEventsAreTakenWhereTheSenderWantsThat(t *testing.T) {
	job, err := newFixture(t).read(capture.Proceed, 10, whole(document(observed("1"), strings.Replace(observed("2"), "OBSERVE", "LOOK", 1))))
	require.NoError(t, err)
	assert.Equal(t, 2, job.Total)
	assert.Equal(t, 1, job.Rejected)
}

func TestAnEventThatNoRecordCanKeepTakesNoOtherWithIt(t *testing.T) {
	good := observed("2")
	for name, bad := range map[string]string{
		"a number that no double holds": observed("1", `,"x:n":12345678901234567890.5`),
		"a member that stands twice":    observed("1", `,"action":"ADD"`),
		"half a character":              observed("1", `,"x:s":"\ud800"`),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			job, err := f.read(capture.Proceed, 10, whole(document(bad, good)))
			require.NoError(t, err)
			assert.Equal(t, []int{2, 1}, []int{job.Total, job.Rejected})
			results, _, err := f.queue.Results(context.Background(), job.ID, 0, job.Total, "")
			require.NoError(t, err)
			require.Len(t, results[0].Problems, 1)
			p := results[0].Problems[0]
			assert.Equal(t, "malformed_json", p.Code)
			assert.Equal(t, 0, p.Index)
			assert.Regexp(t, `^/epcisBody/eventList/0`, p.Pointer)
			assert.Regexp(t, `^line 1, column \d+: `, p.Detail)

			_, err = newFixture(t).read(capture.Rollback, 10, whole(document(bad, good)))
			var syntax *canonical.SyntaxError
			require.ErrorAs(t, err, &syntax)
		})
	}
}

func TestMoreEventsThanAllowedAreTooMany(t *testing.T) {
	_, err := newFixture(t).read(capture.Rollback, 1, whole(document(observed("1"), observed("2"))))
	var limit *LimitError
	require.ErrorAs(t, err, &limit)
	assert.Contains(t, limit.Error(), "more than the 1 events allowed")
}

func TestBrokenTextIsASyntaxError(t *testing.T) {
	_, err := newFixture(t).read(capture.Rollback, 10, whole(document(observed("1"))[:200]))
	var syntax *canonical.SyntaxError
	require.ErrorAs(t, err, &syntax)
}

func TestAnEventThatTheOrganisationRecordedInAnotherSpellingIsKnown(t *testing.T) {
	f := newFixture(t)
	event := epcis.DocumentEvent{Event: mustParse(t, observed("1")), Context: canonical.Str("https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld")}
	r, known, _, err := Single(t.Context(), f.index, "LabMSP", event)
	require.NoError(t, err)
	require.Nil(t, known)
	f.ledger.Put("Lab", r)

	respelled := event
	respelled.Event = mustParse(t, strings.Replace(observed("1"), "https://id.gs1.org/01/09520051010106/21/1", "urn:epc:id:sgtin:9520051.001010.1", 1))
	_, known, _, err = Single(t.Context(), f.index, "LabMSP", respelled)
	require.NoError(t, err)
	require.NotNil(t, known)
	assert.Equal(t, r.ID, known.RecordID)

	_, known, _, err = Single(t.Context(), f.index, "MarketMSP", respelled)
	require.NoError(t, err)
	assert.Nil(t, known, "what another organisation recorded doesn't count")
}

func TestAnEventIDIsNotTakenFromAnotherEvent(t *testing.T) {
	f := newFixture(t)
	context := canonical.Str("https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld")
	first, _, _, err := Single(t.Context(), f.index, "LabMSP", epcis.DocumentEvent{Event: mustParse(t, observed("1", `,"eventID":"urn:x:1"`)), Context: context})
	require.NoError(t, err)
	f.ledger.Put("Lab", first)
	_, _, _, err = Single(t.Context(), f.index, "LabMSP", epcis.DocumentEvent{Event: mustParse(t, observed("2", `,"eventID":"urn:x:1"`)), Context: context})
	var refusal *Refusal
	require.ErrorAs(t, err, &refusal)
	assert.Equal(t, CodeEventIDTaken, refusal.Problems[0].Code)
	assert.Equal(t, string(first.ID), refusal.Problems[0].Existing)
	assert.Equal(t, "/eventID", refusal.Problems[0].Pointer)
}

func mustParse(t *testing.T, text string) canonical.Value {
	t.Helper()
	v, err := canonical.Parse([]byte(text), canonical.Limits{})
	require.NoError(t, err)
	return v
}
