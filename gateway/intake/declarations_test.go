package intake

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

// Who mistypes an eventID would go on believing that the event is withdrawn.
func TestADeclarationThatWithdrawsNothingIsAWarning(t *testing.T) {
	const id, declared = `,"eventID":"urn:x:1"`, `,"errorDeclaration":{"declarationTime":"2026-03-02T08:00:00Z"}`
	event, declaration := observed("1", id), observed("1", id, declared)
	for name, c := range map[string]struct {
		lab, market string // what they have recorded before
		sent        []string
		want        []string // codes
	}{
		"of an unknown event":              {"", "", []string{declaration}, []string{CodeNothingWithdrawn}},
		"of an unknown event without id":   {"", "", []string{observed("1", declared)}, []string{CodeNothingWithdrawn}},
		"of another's event":               {"", event, []string{declaration}, []string{CodeNothingWithdrawn}},
		"of an event of one's own":         {event, "", []string{declaration}, nil},
		"of an event of both":              {event, event, []string{declaration}, nil},
		"of an event of the same content":  {event, "", []string{observed("1", declared)}, nil},
		"of an event of the document":      {"", "", []string{event, declaration}, nil},
		"of one with no id, in a document": {"", "", []string{observed("1"), observed("1", declared)}, nil},
		"made a second time":               {declaration, "", []string{declaration}, nil},
		"made twice, of an unknown event": {declaration, "", []string{observed("1", id,
			`,"errorDeclaration":{"declarationTime":"2026-03-03T08:00:00Z"}`)}, []string{CodeNothingWithdrawn}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			for member, recorded := range map[string]string{"Lab": c.lab, "Market": c.market} {
				if recorded != "" {
					f.ledger.Put(member, indextest.Event(t, recorded))
				}
			}
			job, err := f.read(capture.Rollback, 10, whole(document(c.sent...)))
			require.NoError(t, err)
			var codes []string
			for _, w := range job.Warnings.List {
				codes = append(codes, w.Code)
				assert.Contains(t, w.Detail, "an event that LabMSP hasn't recorded")
			}
			assert.Equal(t, c.want, codes)
		})
	}
}
