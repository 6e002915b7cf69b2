package intake

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

// What a check says and what the capture after it says are the same: the warnings, the refused events, and the error
// that a document ends with.
func TestACheckSaysWhatACaptureSays(t *testing.T) {
	recorded := strings.Replace(observed("9"), "{", `{`+gs1Context+`,"eventID":"urn:x:9",`, 1)
	mistyped := strings.Replace(observed("1"), "09520051010106", "09520051010100", 1)
	bad := strings.Replace(observed("3"), "2026-03-01T08:00:00Z", "noon", 1)
	for name, text := range map[string]string{
		"good events":               document(observed("1"), observed("2")),
		"a bad one among good ones": document(observed("1"), bad, observed("2")),
		"a mistyped one":            document(mistyped),
		"packed in nothing":         document(packed("ADD", ""), observed("1")),
		"one that is recorded":      document(observed("9", `,"eventID":"urn:x:9"`), observed("1")),
		"the eventID of another":    document(observed("8", `,"eventID":"urn:x:9"`)),
		"a twin of a recorded one":  document(observed("9", `,"eventID":"urn:x:10"`)),
		"twins":                     document(observed("1"), observed("1")),
		"one event hash":            document(observed("1", `,"eventID":"urn:x:1"`), observed("1", `,"eventID":"urn:x:2"`)),
		"what isn't kept":           with(`"sender":"a"`, document(observed("1"))),
		"a context with other meanings": strings.Replace(document(observed("1")), gs1Context,
			`"@context":[{"epcList":"https://else.example/o"}]`, 1),
		"a bad document with a bad event": with(`"ex:a":1`, document(bad)),
		"no events":                       document(),
		"more events than allowed":        document(observed("1"), observed("2"), observed("3"), observed("4")),
		"broken off":                      document(observed("1"), observed("2"))[:400],
		"nothing":                         "",
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.ledger.Put("Lab", indextest.Event(t, recorded))
			checked, failed := Check(t.Context(), f.index, "LabMSP", 3, whole(text))
			job, err := f.read(capture.Proceed, 3, whole(text))
			if err != nil {
				require.EqualError(t, failed, err.Error())
				var said, says *Refusal
				if errors.As(err, &said) {
					require.ErrorAs(t, failed, &says)
					assert.Equal(t, said.Problems, says.Problems)
				}
				return
			}
			require.NoError(t, failed)
			require.Len(t, checked.Items, job.Total)
			results, _, err := f.queue.Results(context.Background(), job.ID, 0, job.Total, "")
			require.NoError(t, err)
			warnings := capture.Warnings{}
			for i, item := range checked.Items {
				switch {
				case len(item.Problems) > 0:
					assert.Equal(t, capture.Rejected, results[i].State)
					assert.Equal(t, item.Problems, results[i].Problems)
				case item.Existing != nil:
					assert.Equal(t, capture.Duplicate, results[i].State)
					assert.Equal(t, item.Existing.RecordID, results[i].RecordID)
				default:
					assert.Equal(t, capture.Pending, results[i].State)
				}
				for _, w := range item.Warnings {
					w.Index = i
					warnings.List = append(warnings.List, w)
				}
			}
			for _, w := range checked.Warnings {
				w.Index = -1
				warnings.List = append(warnings.List, w)
			}
			assert.Equal(t, append([]record.Problem(nil), job.Warnings.List...), warnings.List)
		})
	}
}
