package epcis

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/stretchr/testify/require"
)

// FuzzDocument reads anything that is JSON as a document and as an event.
func FuzzDocument(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join("testdata", "*.jsonld"))
	require.NoError(f, err)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(data)
	}
	for _, r := range replacements {
		f.Add([]byte(good[:len(good)-1] + `,"bizStep":` + r + `}`))
		f.Add([]byte(`{"@context":{},"type":"EPCISDocument","epcisBody":{"eventList":[` + r + `]}}`))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := canonical.Parse(data, canonical.Limits{})
		if err != nil {
			return
		}
		events, problems := Document(doc)
		checkProblems(t, problems)
		for _, e := range append(events, DocumentEvent{Event: doc, Context: ownContext}) {
			event, problems := Decode(e.Event, e.Context)
			checkProblems(t, problems)
			if (event == nil) != (len(problems) > 0) {
				t.Fatalf("an event and problems: %+v, %+v", event, problems)
			}
			hash, err := HashID(e.Event, e.Context, CBV20)
			if event != nil && (err != nil || hash != event.Hash) {
				t.Fatalf("hash %q or %q, %v", hash, event.Hash, err)
			}
			if event != nil {
				if _, err := HashID(e.Event, e.Context, CBV21); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func checkProblems(t *testing.T, problems []Problem) {
	if len(problems) > maxProblems {
		t.Fatalf("%d problems", len(problems))
	}
	for _, p := range problems {
		if p.Code == "" || p.Detail == "" || p.Pointer != "" && p.Pointer[0] != '/' {
			t.Fatalf("a problem that says nothing: %+v", p)
		}
	}
}
