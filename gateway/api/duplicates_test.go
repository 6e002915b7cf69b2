package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

const eventID = "urn:uuid:4f2d2f5c-9c0c-4a6c-9a3e-0d1c8f3d0001"

// named is a good event with an eventID, as it stands in a document.
func named(event, id string) string { return swap(event, `"type"`, `"eventID":"`+id+`","type"`) }

// declared says that an event was an error.
func declared(event, at string) string {
	return swap(event, `"type"`, `"errorDeclaration":{"declarationTime":"`+at+`"},"type"`)
}

// bare gives an event of a document a context of its own.
func bare(event string) string {
	return swap(event, `{`, `{"@context":"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",`)
}

// The same event in other words, a Digital Link for the URN, and another event.
var (
	respelled = swap(inDocument, "urn:epc:id:sgtin:952005.0101010.S1", "https://id.gs1.org/01/09520051010106/21/S1")
	another   = swap(inDocument, "S1", "S2")
)

func TestTheSpellingsOfTheTestsAreOneEvent(t *testing.T) {
	require.Equal(t, indextest.Event(t, inDocument).Event.Hash, indextest.Event(t, respelled).Event.Hash)
	require.NotEqual(t, indextest.Event(t, inDocument).ID, indextest.Event(t, respelled).ID)
}

// What can become of an event.
const (
	isNew     = "new"
	duplicate = "duplicate"
	taken     = "taken"
)

var knownCases = []struct {
	name   string
	by     string   // who has recorded
	before []string // what, one block each
	then   []string // and what others have recorded, first
	event  string
	want   string
	naming int // which of before
}{
	{name: "nothing known", event: named(inDocument, eventID), want: isNew},
	{name: "the same bytes", by: "Lab", before: []string{named(inDocument, eventID)}, event: named(inDocument, eventID), want: duplicate},
	{name: "the same event in another spelling", by: "Lab", before: []string{named(inDocument, eventID)}, event: named(respelled, eventID), want: duplicate},
	{name: "the same event in another spelling, without an eventID", by: "Lab", before: []string{inDocument}, event: respelled, want: duplicate},
	{name: "the same event, with its hash for an eventID", by: "Lab", before: []string{inDocument}, event: named(respelled, "HASH"), want: duplicate},
	{name: "another event under a known id", by: "Lab", before: []string{named(inDocument, eventID)}, event: named(another, eventID), want: taken},
	{name: "another event under an id that is a known one's hash", by: "Lab", before: []string{inDocument}, event: named(another, "HASH"), want: taken},
	{name: "the same event under another id", by: "Lab", before: []string{named(inDocument, eventID)}, event: named(inDocument, eventID+"2"), want: isNew},
	{name: "the same event with another organisation", by: "Harbor", before: []string{named(inDocument, eventID)}, event: named(respelled, eventID), want: isNew},
	{name: "another organisation's id for another event", by: "Harbor", before: []string{named(inDocument, eventID)}, event: named(another, eventID), want: isNew},
	{name: "what this organisation recorded after another", by: "Lab", before: []string{named(inDocument, eventID)}, then: []string{named(inDocument, eventID)}, event: named(respelled, eventID), want: duplicate},
	{name: "the declaration that an event was an error", by: "Lab", before: []string{named(inDocument, eventID)}, event: declared(named(inDocument, eventID), "2026-03-02T08:00:00Z"), want: isNew},
	{name: "the same declaration in another spelling", by: "Lab", before: []string{named(inDocument, eventID), declared(named(inDocument, eventID), "2026-03-02T08:00:00Z")},
		event: declared(named(respelled, eventID), "2026-03-02T10:00:00.000+02:00"), want: duplicate, naming: 1},
	{name: "a declaration of another time", by: "Lab", before: []string{named(inDocument, eventID), declared(named(inDocument, eventID), "2026-03-02T08:00:00Z")},
		event: declared(named(inDocument, eventID), "2026-03-02T08:00:01Z"), want: isNew},
	{name: "the event again after it was declared an error", by: "Lab", before: []string{named(inDocument, eventID), declared(named(inDocument, eventID), "2026-03-02T08:00:00Z")},
		event: named(respelled, eventID), want: duplicate},
	{name: "another event after the first was declared an error", by: "Lab", before: []string{named(inDocument, eventID), declared(named(inDocument, eventID), "2026-03-02T08:00:00Z")},
		event: named(another, eventID), want: taken},
	{name: "an event of which only the declaration is known", by: "Lab", before: []string{declared(named(inDocument, eventID), "2026-03-02T08:00:00Z")}, event: named(inDocument, eventID), want: isNew},
}

func TestAnEventIDNamesOneEventOfAnOrganisation(t *testing.T) {
	for _, c := range knownCases {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			f.ledger.Put("Harbor", indextest.Event(t, swap(named(another, eventID), "S2", "S3"))) // somebody squats
			for _, e := range c.then {
				f.ledger.Put("Market", indextest.Event(t, e))
			}
			var ids []string
			for _, e := range c.before {
				ids = append(ids, f.ledger.Put(c.by, indextest.Event(t, e)))
			}
			event := strings.ReplaceAll(c.event, "HASH", indextest.Event(t, inDocument).Event.Hash)
			f.checkSync(event, c.want, ids, c.naming)
			f.checkJobs(event, c.want, ids, c.naming)
		})
	}
}

// checkSync sends an event by the route that waits. No network is there, so what is new ends with 503.
func (f *fixture) checkSync(event, want string, ids []string, naming int) {
	f.t.Helper()
	a := f.do(request{path: "/epcis/v2/events", body: bare(event)})
	p := a.problem(f.t)
	if want == isNew || a.status != http.StatusConflict && string(indextest.Event(f.t, event).ID) == ids[naming] { // the queue would find the same bytes
		assert.Equal(f.t, http.StatusServiceUnavailable, a.status, a.body)
		return
	}
	assert.Equal(f.t, http.StatusConflict, a.status, a.body)
	assert.Equal(f.t, "epcisException:ResourceAlreadyExistsException", p.Type)
	assert.Equal(f.t, ids[naming], p.Existing)
	if want == taken {
		require.Len(f.t, p.Problems, 1)
		assert.Equal(f.t, "event_id_taken", p.Problems[0].Code)
		assert.Equal(f.t, "/eventID", p.Problems[0].Pointer)
		assert.Contains(f.t, p.Detail, "errorDeclaration")
		return
	}
	assert.Equal(f.t, "already_recorded", p.Code)
	assert.NotEmpty(f.t, p.Tx)
}

// checkJobs captures an event with a new one, with both behaviours.
func (f *fixture) checkJobs(event, want string, ids []string, naming int) {
	f.t.Helper()
	fresh := swap(inDocument, "S1", "FRESH")
	for _, behaviour := range []string{"proceed", "rollback"} {
		a := f.do(request{path: "/epcis/v2/capture", body: document(fresh, event),
			header: map[string]string{"GS1-Capture-Error-Behaviour": behaviour}})
		if want == taken && behaviour == "rollback" {
			p := a.problem(f.t)
			assert.Equal(f.t, http.StatusConflict, a.status, a.body)
			assert.Equal(f.t, "epcisException:ResourceAlreadyExistsException", p.Type)
			assert.Equal(f.t, ids[naming], p.Existing)
			require.Len(f.t, p.Problems, 1)
			assert.Equal(f.t, "event_id_taken", p.Problems[0].Code)
			assert.Equal(f.t, "/epcisBody/eventList/1/eventID", p.Problems[0].Pointer)
			continue
		}
		require.Equal(f.t, http.StatusAccepted, a.status, a.body)
		var job struct {
			Errors []struct {
				Type   string
				Status int
			}
			Results []resultView
		}
		f.do(request{path: a.header.Get("Location")}).json(f.t, &job)
		require.Len(f.t, job.Results, 2)
		assert.Equal(f.t, "pending", job.Results[0].State)
		r := job.Results[1]
		switch {
		case want == isNew || string(indextest.Event(f.t, event).ID) == ids[naming]:
			assert.Equal(f.t, "pending", r.State)
		case want == duplicate:
			assert.Equal(f.t, "duplicate", r.State)
			assert.Equal(f.t, ids[naming], string(r.ID))
			assert.NotEmpty(f.t, r.Transaction)
			require.NotNil(f.t, r.Block)
		case want == taken:
			assert.Equal(f.t, "rejected", r.State)
			require.Len(f.t, r.Problems, 1)
			assert.Equal(f.t, "event_id_taken", r.Problems[0].Code)
			assert.Equal(f.t, ids[naming], r.Problems[0].Existing)
			require.Len(f.t, job.Errors, 1)
			assert.Equal(f.t, "epcisException:ResourceAlreadyExistsException", job.Errors[0].Type)
			assert.Equal(f.t, http.StatusConflict, job.Errors[0].Status)
		}
	}
}

func TestAnEventStandsOnceInADocument(t *testing.T) {
	hash := indextest.Event(t, inDocument).Event.Hash
	declaration := declared(named(inDocument, eventID), "2026-03-02T08:00:00Z")
	for _, c := range []struct {
		name   string
		events []string
		code   string // of what is wrong with the last; "" if nothing
	}{
		{"the same bytes", []string{another, inDocument, inDocument}, ""},
		{"two spellings without an eventID", []string{another, inDocument, respelled}, ""},
		{"a spelling with its hash for an eventID", []string{named(inDocument, hash), respelled}, ""},
		{"another event with the hash of the first for an eventID", []string{inDocument, named(another, hash)}, "duplicate_event_id"},
		{"an eventID twice", []string{named(inDocument, eventID), named(another, eventID)}, "duplicate_event_id"},
		{"a declaration twice", []string{declaration, declared(named(respelled, eventID), "2026-03-02T08:00:00.0Z")}, ""},
		{"an event and the declaration that it was an error", []string{named(inDocument, eventID), declaration}, ""},
		{"two declarations of different times", []string{declaration, declared(named(inDocument, eventID), "2026-03-02T09:00:00Z")}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			a := f.do(request{path: "/epcis/v2/capture", body: document(c.events...)})
			if c.code == "" {
				assert.Equal(t, http.StatusAccepted, a.status, a.body)
				return
			}
			p := a.problem(t)
			assert.Equal(t, http.StatusBadRequest, a.status, a.body)
			require.Len(t, p.Problems, 1)
			assert.Equal(t, c.code, p.Problems[0].Code)
			assert.Equal(t, len(c.events)-1, *p.Problems[0].Index)
			assert.Contains(t, p.Problems[0].Pointer, "/epcisBody/eventList/")
			assert.Zero(t, f.queued())
		})
	}
}
