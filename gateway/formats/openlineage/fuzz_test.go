package openlineage

import (
	"testing"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

func FuzzEventsNeverPanicAndStrictIsNarrower(f *testing.F) {
	f.Add([]byte(complete))
	f.Add([]byte(`{"eventTime":"2026-03-01T08:05","producer":"","dataset":{"namespace":"pedigree","name":"dataset/a/b@1","facets":{"lineage":{"inputs":[{"type":"JOB"}],"fields":{"a":{"inputs":[]}}}}}}`))
	f.Add([]byte(`{"eventTime":"2026-03-01T08:05:00Z","producer":"p","job":{"namespace":"a","name":"b","facets":{"lineage":{"entries":[{"type":"DATASET","namespace":"a","name":"b"}]},"tags":{"tags":[1]}}},"x":1e999}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		limits := canonical.Limits{Depth: MaxDepth}
		v, err := Parse(text, Lenient, limits)
		if err != nil {
			if _, err := Parse(text, Strict, limits); err == nil {
				t.Fatal("strict reads what lenient doesn't")
			}
			return
		}
		e, problems := Read(v, Lenient)
		if (e == nil) == (len(problems) == 0) {
			t.Fatal("neither an event nor a problem, or both")
		}
		if strict, _ := Read(v, Strict); strict != nil && e == nil {
			t.Fatalf("strict takes what lenient refuses: %v", problems)
		}
		if e == nil {
			return
		}
		for _, list := range [][]Dataset{e.Inputs, e.Outputs, {e.Dataset}} {
			for _, d := range list {
				p := PlaceOf(d.Identity, d.Facets, "lab")
				version := p.Version
				if version == "" {
					version = "1"
				}
				if _, err := record.ParseArtifactRef(p.Ref("dataset", version)); err != nil {
					t.Fatalf("%v has no name on the ledger: %v", d.Identity, err)
				}
				DerivationIn(d.Facets).Sources()
			}
		}
		JobLineage(e.Job.Facets)
		ActivityOf(e.Run.Facets, e.Job.Facets)
	})
}
