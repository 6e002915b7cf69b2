package proof

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// proved makes records that some receipts prove, by name, out of their JSON without what all have. $name is the id of
// an earlier one.
func proved(t *testing.T, texts ...[2]string) map[string]*Proved {
	t.Helper()
	all := map[string]*Proved{}
	for _, one := range texts {
		text := one[1]
		for _, name := range slices.Backward(slices.Sorted(maps.Keys(all))) {
			text = strings.ReplaceAll(text, "$"+name, string(all[name].ID))
		}
		v, err := canonical.Parse([]byte(text), canonical.Limits{})
		require.NoError(t, err, text)
		make := record.NewActivity
		switch {
		case v.Has("kind") && v.Has("version"):
			sum := sha256.Sum256([]byte(text))
			digest, err := canonical.From(map[string]any{"algorithm": "sha-256", "coverage": "full", "value": fmt.Sprintf("%x", sum)})
			require.NoError(t, err)
			v, make = v.With("digest", digest), record.NewArtifact
		case v.Has("eventTime"):
			make = func(v canonical.Value, _ string) (*record.Record, []record.Problem) {
				return record.NewEvent(v, canonical.Str("https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"))
			}
		case v.Has("subject"):
			make = func(v canonical.Value, by string) (*record.Record, []record.Problem) {
				return record.NewStatement(v, by, nil)
			}
		}
		r, problems := make(v, "LabMSP")
		require.Empty(t, problems, text)
		all[one[0]] = &Proved{Attested: Attested{ID: r.ID, Noun: string(r.Noun), Record: r.Body}}
	}
	return all
}

func dataset(name string) [2]string {
	return [2]string{name, fmt.Sprintf(`{"kind":"dataset","namespace":"lab","name":%q,"version":"1"}`, name)}
}

func TestATraceGoesThroughARunAsTheRunSays(t *testing.T) {
	records := proved(t, dataset("x"), dataset("y"), dataset("z"), dataset("ofx"), dataset("ofyz"), dataset("ofnone"), dataset("ofall"),
		[2]string{"run", `{"type":"transformation","used":[{"ref":"dataset/lab/x@1"},{"ref":"dataset/lab/y@1"},{"ref":"$z"}],"about":["https://id.gs1.org/01/09521234543213/10/A"],
			"generated":[{"ref":"dataset/lab/ofx@1","from":["dataset/lab/x@1"]},{"ref":"dataset/lab/ofyz@1","from":["dataset/lab/y@1","$z"]},{"ref":"dataset/lab/ofnone@1","from":[]},{"ref":"dataset/lab/ofall@1"}]}`},
		[2]string{"next", `{"type":"training","used":[{"ref":"$run"}]}`},
		[2]string{"recall", `{"kind":"finding","subject":["$run"],"predicate":{"detail":"slow"}}`})
	const run, next, recall = "run", "next", "recall"
	for _, test := range []struct {
		name, node, direction string
		records               string
		reason                Reason
	}{
		{"down, to what was made of it", "dataset/lab/x@1", Descendants, "x run ofx ofall next recall", ""},
		{"down, to what wasn't", "dataset/lab/x@1", Descendants, "x run ofx ofall next ofyz", BrokenTrace},
		{"down, to what was made of nothing", "dataset/lab/x@1", Descendants, "x run ofx ofall next ofnone", BrokenTrace},
		{"down, without what was made of it", "dataset/lab/x@1", Descendants, "x run ofall next", BrokenTrace},
		{"down, without what was made of all", "dataset/lab/x@1", Descendants, "x run ofx next", BrokenTrace},
		{"down, to what else was used", "dataset/lab/x@1", Descendants, "x run ofx ofall next y", BrokenTrace},
		{"up, to what it was made of", "dataset/lab/ofyz@1", Ancestors, "ofyz run y z recall", ""},
		{"up, to what it wasn't", "dataset/lab/ofyz@1", Ancestors, "ofyz run y z x", BrokenTrace},
		{"up, without what it was made of", "dataset/lab/ofyz@1", Ancestors, "ofyz run y", BrokenTrace},
		{"up, from what was made of nothing", "dataset/lab/ofnone@1", Ancestors, "ofnone run", ""},
		{"up, from what was made of all", "dataset/lab/ofall@1", Ancestors, "ofall run x y z", ""},
		{"up, from what was decided about", "https://id.gs1.org/01/09521234543213/10/A", Ancestors, "run x y z", ""},
		{"down from the run", "$run", Descendants, "run ofx ofyz ofnone ofall next", ""},
		{"down from the run, in part", "$run", Descendants, "run ofx ofall next", BrokenTrace},
		{"up from the run", "$run", Ancestors, "run x y z", ""},
		{"up from what used the run", "$next", Ancestors, "next run x y z", ""},
		{"down from what is said of the run", "$recall", Descendants, "recall run ofx ofyz ofnone ofall next", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			node := test.node
			for _, name := range []string{run, next, recall} {
				node = strings.Replace(node, "$"+name, string(records[name].ID), 1)
			}
			var in []*Proved
			for _, name := range strings.Fields(test.records) {
				in = append(in, records[name])
			}
			// An input that is named by its record's id is there by that.
			_, err := (&Trace{Node: node, Direction: test.direction}).check(in)
			require.Equal(t, test.reason, ReasonOf(err), "%v", err)
		})
	}
}
