package api

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/intake"
)

// What a check says and what the capture after it says are the same, with either error behaviour: the status of what
// can't be read, the fate of each event, its problems, and the warnings. A check queues nothing.
func TestACheckSaysWhatTheCaptureSays(t *testing.T) {
	const recordedID = eventID + "9"
	bad := swap(another, `"action"`, `"bizStep":"shiping","action"`)
	mistyped := swap(another, `"action"`,
		`"quantityList":[{"epcClass":"urn:epc:class:lgtin:952005.0101010.A","quantity":1,"uom":"FURLONG"}],"action"`)
	for name, text := range map[string]string{
		"good events":                  document(inDocument, another),
		"a bad one among good ones":    document(inDocument, bad),
		"an unknown unit":              document(mistyped),
		"what isn't kept":              swap(document(inDocument), `"type":"EPCISDocument"`, `"type":"EPCISDocument","sender":"a"`),
		"recorded in another spelling": document(named(respelled, recordedID), another),
		"recorded to the byte":         document(named(inDocument, recordedID)),
		"the eventID of another":       document(named(another, recordedID)),
		"one event twice":              document(another, another),
		"an eventID twice":             document(named(inDocument, eventID), named(another, eventID)),
		"no events":                    document(),
		"more than rollback takes":     document(inDocument, another, swap(another, "S2", "S3"), swap(another, "S2", "S4")),
		"broken off":                   document(inDocument)[:300],
		"no JSON":                      "eventTime;action",
	} {
		for _, behaviour := range []string{"rollback", "proceed"} {
			t.Run(name+", "+behaviour, func(t *testing.T) {
				f := newFixture(t, capture.Config{RollbackRecords: 3})
				f.ledger.Put("Lab", indextest.Event(t, named(inDocument, recordedID)))
				header := map[string]string{"GS1-Capture-Error-Behaviour": behaviour}
				checked := f.do(request{path: "/v1/capture/check", body: text, header: header})
				require.Zero(t, f.queued())
				captured := f.do(request{path: "/epcis/v2/capture", body: text, header: header})
				if checked.status != http.StatusOK {
					require.Equal(t, captured.status, checked.status, checked.body)
					assert.Equal(t, captured.problem(t).Problems, checked.problem(t).Problems)
					assert.Equal(t, captured.problem(t).Detail, checked.problem(t).Detail)
					return
				}
				var check checkView
				checked.json(t, &check)
				assert.Equal(t, captured.status == http.StatusAccepted, check.Taken, captured.body)
				assert.Equal(t, behaviour, check.Behaviour)
				if !check.Taken {
					var told []any
					for _, r := range check.Results {
						for _, p := range r.Problems {
							told = append(told, p)
						}
					}
					var want []any
					for _, p := range captured.problem(t).Problems {
						want = append(want, p)
					}
					assert.Equal(t, want, told)
					return
				}
				var job jobView
				f.do(request{path: captured.header.Get("Location")}).json(t, &job)
				assert.Equal(t, job.Warnings, check.Warnings)
				assert.Equal(t, job.Counts.Total, check.Counts.Total)
				assert.Equal(t, job.Counts.Rejected, check.Counts.Rejected)
				require.Len(t, check.Results, len(job.Results))
				for i, r := range job.Results {
					c := check.Results[i]
					assert.Equal(t, r.Problems, c.Problems)
					if r.State != string(capture.Pending) {
						assert.Equal(t, r.State, c.State)
						assert.Equal(t, r.ID, c.ID)
					} else { // what is recorded to the byte, or repeated, ends as a duplicate
						assert.NotEqual(t, string(capture.Rejected), c.State)
					}
				}
			})
		}
	}
}

func TestACheckKnowsWhatIsRecordedToTheByte(t *testing.T) {
	f := newFixture(t)
	id := f.ledger.Put("Lab", indextest.Event(t, inDocument))
	var check checkView
	f.do(request{path: "/v1/capture/check", body: document(inDocument, another)}).json(t, &check)
	require.Len(t, check.Results, 2)
	assert.Equal(t, "duplicate", check.Results[0].State)
	assert.Equal(t, id, string(check.Results[0].ID))
	assert.Equal(t, "new", check.Results[1].State)
}

// The answer is bounded, whatever the document, and counts what it doesn't list.
func TestACheckListsSoManyResults(t *testing.T) {
	f := newFixture(t)
	bad := swap(another, `"action"`, `"bizStep":"shiping","action"`)
	events := make([]string, 0, 2*mostChecked+2)
	for range mostChecked + 1 {
		events = append(events, inDocument, bad)
	}
	var check checkView
	f.do(request{path: "/v1/capture/check", body: document(events...), header: proceed}).json(t, &check)
	assert.Len(t, check.Results, 2*mostChecked)
	assert.Equal(t, 2*mostChecked+2, check.Counts.Total)
	assert.Equal(t, mostChecked+1, check.Counts.Rejected)
}

func TestLinesAreCheckedToo(t *testing.T) {
	f := newFixture(t)
	header := map[string]string{"Content-Type": "application/x-ndjson"}
	var check checkView
	f.do(request{path: "/v1/capture/check", body: strings.Join([]string{goodEvent, "{}"}, "\n"), header: header}).json(t, &check)
	assert.False(t, check.Taken)
	assert.Equal(t, 1, check.Counts.Rejected)
	assert.Equal(t, http.StatusForbidden, f.do(request{path: "/v1/capture/check", role: "auditor", body: document(inDocument)}).status)
}

// The description and docs/rest.md name every code that a warning can have.
func TestEveryCodeOfAWarningIsDescribed(t *testing.T) {
	guide, err := os.ReadFile("../../docs/rest.md")
	require.NoError(t, err)
	f := newFixture(t)
	var description struct {
		Components struct {
			Schemas struct {
				CaptureWarning struct {
					Properties struct{ Code struct{ Description string } }
				}
			}
		}
	}
	f.do(request{path: "/openapi.json"}).json(t, &description)
	codes := []string{
		intake.CodeTwin, intake.CodeNotKept, epcis.CodeWrongCheckDigit, epcis.CodeNotAKey, epcis.CodeNotALot,
		epcis.CodeLotNotJoined, epcis.CodeUnknownUnit, epcis.CodeNegative, intake.CodeNothingWithdrawn,
		intake.CodeFuture, intake.CodeHashDiffers,
	}
	said := strings.NewReplacer("Such as ", "", " or ", ", ", ".", "").
		Replace(description.Components.Schemas.CaptureWarning.Properties.Code.Description)
	assert.ElementsMatch(t, codes, strings.Split(said, ", "))
	for _, code := range codes {
		assert.Contains(t, string(guide), "| `"+code+"` |")
	}
}
