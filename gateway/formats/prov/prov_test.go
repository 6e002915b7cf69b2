package prov

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/formats"
	"github.com/pedigree-ledger/pedigree/gateway/formats/formatstest"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

const (
	catch   = "https://id.gs1.org/01/09520051010106/10/CATCH-1"
	packing = "ni:///sha-256;aa00000000000000000000000000000000000000000000000000000000000000"
	run     = "ni:///sha-256;bb00000000000000000000000000000000000000000000000000000000000000"
	recall  = "ni:///sha-256;cc00000000000000000000000000000000000000000000000000000000000000"
	data    = "dataset/lab/readings@1"
	model   = "model/lab/spoilage@1"
	box     = "urn:uuid:8f3b9a52-93ef-4d3f-8d4c-111111111111"
)

// answer is a lineage answer with a node and an edge of each kind.
var answer = &lineage.Answer{
	Node: model,
	Nodes: []lineage.Node{
		{ID: model, Kind: "artifact", MSPID: "LabMSP", Transaction: "01", Block: 4, Digest: "sha-256:00"},
		{ID: run, Kind: "activity", MSPID: "LabMSP", Type: "training", Time: time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)},
		{ID: data, Kind: "artifact", MSPID: "LabMSP", Flags: []string{"withdrawn"}, Claims: []index.Claim{{ID: recall, Kind: "withdrawal", MSPID: "LabMSP"}, {ID: recall, Kind: "withdrawal", Retracted: true}}},
		{ID: packing, Kind: "event", MSPID: "HarborMSP", Type: "TransformationEvent", BizStep: "https://ref.gs1.org/cbv/BizStep-packing"},
		{ID: catch, Kind: "class", MSPID: "HarborMSP"},
		{ID: box, Kind: "thing", MSPID: "MarketMSP"},
	},
	Edges: []lineage.Edge{
		{From: run, To: model, Kind: lineage.EdgeGenerated, Record: run},
		{From: data, To: run, Kind: lineage.EdgeUsed, Record: run},
		{From: data, To: model, Kind: lineage.EdgeDerived, Record: run},
		{From: packing, To: data, Kind: lineage.EdgeDerived, Record: packing},
		{From: catch, To: packing, Kind: lineage.EdgeInput, Record: packing},
		{From: packing, To: box, Kind: lineage.EdgeOutput, Record: packing},
		{From: box, To: catch, Kind: lineage.EdgeContains, Record: packing},
		{From: run, To: box, Kind: lineage.EdgeAbout, Record: run},
		{From: packing, To: run, Kind: lineage.EdgeUsed, Record: run},
	},
}

// read joins prefixes and names again, so that tests can look things up by Pedigree's own names.
type read struct {
	t   *testing.T
	doc map[string]map[string]any
}

func write(t *testing.T) (read, []byte) {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, Write(t.Context(), &b, &formats.Graph{Answer: answer, Source: formatstest.New(t).Index}))
	return parse(t, b.Bytes()), b.Bytes()
}

func parse(t *testing.T, text []byte) read {
	t.Helper()
	r := read{t: t}
	require.NoError(t, json.Unmarshal(text, &r.doc))
	return r
}

func (r read) expand(name string) string {
	r.t.Helper()
	for i, c := range name {
		if c == ':' {
			uri, ok := r.doc["prefix"][name[:i]].(string)
			require.True(r.t, ok, "the prefix of %s is declared", name)
			return uri + name[i+1:]
		}
	}
	r.t.Fatalf("%s has no prefix", name)
	return ""
}

// has reports whether there is a relation between two nodes.
func (r read) has(section, a, nameOfA, b, nameOfB string) bool {
	for _, v := range r.doc[section] {
		m := v.(map[string]any)
		if r.expand(m[nameOfA].(string)) == a && r.expand(m[nameOfB].(string)) == b {
			return true
		}
	}
	return false
}

func artifact(ref string) string { return "https://pedigree-ledger.github.io/artifact/" + ref }

func TestEveryNodeIsThereUnderItsOwnName(t *testing.T) {
	r, _ := write(t)
	names := func(section string) (all []string) {
		for name := range r.doc[section] {
			all = append(all, r.expand(name))
		}
		return all
	}
	assert.ElementsMatch(t, []string{artifact(model), artifact(data), catch, box}, names("entity"))
	assert.ElementsMatch(t, []string{run, packing, recall}, names("activity"))
	assert.Len(t, r.doc["agent"], 2, "who only named a thing is no agent of it")
}

func TestEveryEdgeIsARelationOfPROV(t *testing.T) {
	r, _ := write(t)
	assert.True(t, r.has("wasGeneratedBy", artifact(model), "prov:entity", run, "prov:activity"))
	assert.True(t, r.has("used", run, "prov:activity", artifact(data), "prov:entity"))
	assert.True(t, r.has("wasDerivedFrom", artifact(model), "prov:generatedEntity", artifact(data), "prov:usedEntity"))
	assert.True(t, r.has("wasInfluencedBy", artifact(data), "prov:influencee", packing, "prov:influencer"),
		"derived from an event, which is an activity")
	assert.True(t, r.has("used", packing, "prov:activity", catch, "prov:entity"))
	assert.True(t, r.has("wasGeneratedBy", box, "prov:entity", packing, "prov:activity"))
	assert.True(t, r.has("hadMember", box, "prov:collection", catch, "prov:entity"))
	assert.True(t, r.has("wasInfluencedBy", box, "prov:influencee", run, "prov:influencer"))
	assert.True(t, r.has("wasInformedBy", run, "prov:informed", packing, "prov:informant"))
	assert.True(t, r.has("wasInvalidatedBy", artifact(data), "prov:entity", recall, "prov:activity"))
	assert.Len(t, r.doc["wasInvalidatedBy"], 1, "what was retracted invalidates nothing")
}

var update = flag.Bool("update", false, "write the golden files anew")

// told returns the PROV document of a model on a real ledger, with everything around it.
func told(t *testing.T) (*formatstest.Story, read) {
	t.Helper()
	s := formatstest.New(t)
	var b bytes.Buffer
	require.NoError(t, Write(t.Context(), &b, s.Graph(formatstest.Model)))
	path := filepath.Join("testdata", "model.prov.json")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o750))
		require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), b.String())
	return s, parse(t, b.Bytes())
}

func TestRolesAndTimesAreThoseOfTheRecords(t *testing.T) {
	s, r := told(t)
	role := func(section, entity string) any {
		for _, v := range r.doc[section] {
			m := v.(map[string]any)
			if r.expand(m["prov:entity"].(string)) == artifact(entity) &&
				r.expand(m["prov:activity"].(string)) == s.Run {
				return m["prov:role"]
			}
		}
		return "none"
	}
	assert.Equal(t, "base", role("used", formatstest.Base))
	assert.Equal(t, "training", role("used", formatstest.Cleaned))
	for name, v := range r.doc["activity"] {
		if r.expand(name) == s.Run {
			assert.Equal(t, "2026-02-12T08:00:00Z", v.(map[string]any)["prov:startTime"])
			assert.Equal(t, "2026-02-12T09:30:00Z", v.(map[string]any)["prov:endTime"])
		}
	}
}

func TestWhatWentIntoWhatIsADerivation(t *testing.T) {
	s, r := told(t)
	columns := map[string]any{}
	for _, v := range r.doc["wasDerivedFrom"] {
		m := v.(map[string]any)
		if run, ok := m["prov:activity"].(string); ok && r.expand(run) == s.Cleaning {
			columns[r.expand(m["prov:generatedEntity"].(string))+" "+r.expand(m["prov:usedEntity"].(string))] = m["ped:columns"]
		}
	}
	assert.Equal(t, map[string]any{artifact(formatstest.Cleaned) + " " +
		artifact(formatstest.Measurements): []any{"celsius: temp"}}, columns)
	assert.True(t, r.has("wasDerivedFrom", artifact(formatstest.Model), "prov:generatedEntity",
		artifact(formatstest.Synthetic), "prov:usedEntity"))
	assert.False(t, r.has("wasDerivedFrom", artifact(formatstest.Model), "prov:generatedEntity",
		artifact(formatstest.Heldout), "prov:usedEntity"))
	assert.False(t, r.has("wasDerivedFrom", artifact(formatstest.Synthetic), "prov:generatedEntity",
		artifact(formatstest.Base), "prov:usedEntity"), "its run doesn't say so")
}

func TestRecallsAndWithdrawalsInvalidate(t *testing.T) {
	s, r := told(t)
	assert.True(t, r.has("wasInvalidatedBy", artifact(formatstest.Measurements), "prov:entity", s.Recall,
		"prov:activity"))
	assert.True(t, r.has("wasInvalidatedBy", artifact(formatstest.Crawl), "prov:entity", s.Withdrawal, "prov:activity"))
	assert.True(t, r.has("wasAssociatedWith", s.Recall, "prov:activity",
		"https://pedigree-ledger.github.io/organisation/MarketMSP", "prov:agent"))
	for name, v := range r.doc["activity"] {
		if r.expand(name) == s.Withdrawal {
			assert.Equal(t, "a site asked for it", v.(map[string]any)["ped:reason"])
		}
	}
	for _, v := range r.doc["wasInvalidatedBy"] {
		assert.NotEmpty(t, v.(map[string]any)["prov:time"])
	}
}

func TestEqualAnswersGiveEqualBytes(t *testing.T) {
	_, first := write(t)
	for range 5 {
		_, again := write(t)
		require.Equal(t, first, again)
	}
}
