package intake

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

// lot commissions an item whose lot is given as a JSON value.
func lot(value string) string {
	return strings.Replace(observed("1", `,"ilmd":{"cbvmda:lotNumber":`+value+`}`), "OBSERVE", "ADD", 1)
}

var sameHash = []struct{ name, one, other string }{
	{"number-like text", lot(`"007"`), lot(`"7"`)},
	{"an exponent", lot(`"1E2"`), lot(`"100"`)},
	{"white space", lot(`" a "`), lot(`"a"`)},
	{"text for a truth value", lot(`"true"`), lot(`true`)},
	{"text for a number", lot(`"7"`), lot(`7`)},
	{"the order of an extension's array", lot(`["a","b"]`), lot(`["b","a"]`)},
	{"a time below the millisecond", strings.Replace(observed("1"), "08:00:00Z", "08:00:00.0001Z", 1), strings.Replace(observed("1"), "08:00:00Z", "08:00:00.0002Z", 1)},
	{"a second certificate", observed("1", `,"certificationInfo":["https://example.com/1"]`), observed("1", `,"certificationInfo":["https://example.com/1","https://example.com/2"]`)},
	{"a lot in the link", observed("1"), strings.Replace(observed("1"), "/21/1", "/10/L/21/1", 1)},
	{"another eventID", observed("1", `,"eventID":"urn:uuid:1"`), observed("1", `,"eventID":"urn:uuid:2"`)},
}

var sameContent = []struct{ name, one, other string }{
	{"the order of identifiers", two(`"a","b"`), two(`"b","a"`)},
	{"the order of members", observed("1"), swapMembers(observed("1"))},
	{"a time zone", observed("1"), strings.Replace(observed("1"), "T08:00:00Z", "T09:00:00.000+01:00", 1)},
	{"a URN", observed("1"), strings.Replace(observed("1"), "https://id.gs1.org/01/09520051010106/21/1", "urn:epc:id:sgtin:952005.0101010.1", 1)},
	{"the bytes", observed("1"), observed("1")},
	{"the bytes, with an eventID", observed("1", `,"eventID":"urn:uuid:1"`), observed("1", `,"eventID":"urn:uuid:1"`)},
}

func two(serials string) string {
	list := strings.ReplaceAll(strings.ReplaceAll(serials, `"a"`, `"urn:x:a"`), `"b"`, `"urn:x:b"`)
	return strings.Replace(observed("1"), `"https://id.gs1.org/01/09520051010106/21/1"`, list, 1)
}

func swapMembers(event string) string {
	return strings.Replace(strings.Replace(event, `"type":"ObjectEvent",`, "", 1), `"action"`, `"type":"ObjectEvent","action"`, 1)
}

func TestEventsOfOneHashAndOtherContentAreAllTaken(t *testing.T) {
	for _, c := range sameHash {
		for _, behaviour := range []capture.Behaviour{capture.Rollback, capture.Proceed} {
			t.Run(c.name+", in one document, "+string(behaviour), func(t *testing.T) {
				f := newFixture(t)
				job, err := f.read(behaviour, 10, whole(document(c.one, c.other)))
				require.NoError(t, err)
				assert.Equal(t, 0, job.Duplicate+job.Rejected)
				require.Len(t, job.Warnings.List, 1)
				w := job.Warnings.List[0]
				assert.Equal(t, []any{1, CodeTwin, "/epcisBody/eventList/1"}, []any{w.Index, w.Code, w.Pointer})
				kept, err := f.queue.Warnings(t.Context(), job.ID)
				require.NoError(t, err)
				assert.Equal(t, job.Warnings, kept, "the warnings are kept with the job")
			})
			t.Run(c.name+", after the other was recorded, "+string(behaviour), func(t *testing.T) {
				f := newFixture(t)
				twin := f.ledger.Put("Lab", indextest.Event(t, c.one))
				f.ledger.Put("Harbor", indextest.Event(t, c.other))
				job, err := f.read(behaviour, 10, whole(document(c.other)))
				require.NoError(t, err)
				assert.Equal(t, 0, job.Duplicate+job.Rejected)
				require.Len(t, job.Warnings.List, 1)
				assert.Equal(t, twin, job.Warnings.List[0].Existing)
				assert.Contains(t, job.Warnings.List[0].Detail, twin)
			})
		}
	}
}

func TestAnEventThatStandsTwiceIsOne(t *testing.T) {
	for _, c := range sameContent {
		for _, behaviour := range []capture.Behaviour{capture.Rollback, capture.Proceed} {
			t.Run(c.name+", "+string(behaviour), func(t *testing.T) {
				f := newFixture(t)
				job, err := f.read(behaviour, 10, whole(document(c.one, observed("2"), c.other)))
				require.NoError(t, err)
				assert.Equal(t, 3, job.Total)
				assert.Zero(t, job.Rejected)
				assert.Empty(t, job.Warnings.List)
				results, _, err := f.queue.Results(t.Context(), job.ID, 0, 10, "")
				require.NoError(t, err)
				assert.Equal(t, results[0].RecordID, results[2].RecordID)
				assert.NotEqual(t, results[0].RecordID, results[1].RecordID)
			})
			t.Run(c.name+", after it was recorded, "+string(behaviour), func(t *testing.T) {
				f := newFixture(t)
				f.ledger.Put("Lab", indextest.Event(t, c.one))
				job, err := f.read(behaviour, 10, whole(document(c.other, c.other)))
				require.NoError(t, err)
				assert.Zero(t, job.Rejected+job.Warnings.Total)
				results, _, err := f.queue.Results(t.Context(), job.ID, 0, 10, "")
				require.NoError(t, err)
				assert.Equal(t, results[0].RecordID, results[1].RecordID)
			})
		}
	}
}
