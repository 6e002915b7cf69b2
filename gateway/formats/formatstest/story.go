// Package formatstest provides the story that the tests of all exports use: what a small consortium recorded about a
// model, down to the fish whose temperatures it was trained on. [New] builds it. The records, the index and the walks
// are real, but there is no peer and no chaincode behind them.
package formatstest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// Nodes of the story. The ids of records are in the fields of Story.
const (
	Lot          = "https://id.gs1.org/01/09520051012345/10/LOT-1"
	Measurements = "dataset/market/measurements@2026-02"
	Cleaned      = "dataset/lab/cleaned@1"
	Heldout      = "dataset/lab/heldout@1"
	Crawl        = "dataset/lab/crawl@7"
	Synthetic    = "dataset/lab/synthetic@1"
	Users        = "dataset/market/complaints@3" // its digest is only declared
	Base         = "model/lab/base@1"
	Training     = "code/lab/training@9f2"
	Model        = "model/lab/spoilage@3"
	Report       = "document/lab/report@3"
	Alone        = "document/lab/notes@1" // isn't linked to anything
)

// Story is a ledger and its index.
type Story struct {
	Ledger *indextest.Ledger
	Index  *index.Index

	Packing, Reading string // events
	Cleaning, Failed string // runs
	Generation       string
	Run              string // the run that trained the model
	Decision         string
	Recall           string // statements
	Withdrawal       string

	t testing.TB
}

// Text is what an attacker writes to have a reader take text for markup.
const Text = `<script>alert("x")</script> & "quotes" ]]> */ </style>`

// New builds the story on a new ledger.
func New(t testing.TB) *Story {
	t.Helper()
	l := indextest.New(t)
	l.Follower = indextest.Open(t)
	require.NoError(t, l.Follower.Apply(t.Context(), l.Blocks[0]))
	return On(t, l)
}

// On builds the story on a ledger that an index follows.
func On(t testing.TB, l *indextest.Ledger) *Story {
	t.Helper()
	s := &Story{t: t, Ledger: l, Index: l.Follower}
	s.Ledger.Put("Harbor", indextest.Member(t, `{"mspId":"HarborMSP","name":"Harbor Fisheries"}`))
	s.Ledger.Put("Market", indextest.Member(t, `{"mspId":"MarketMSP","name":"Market","namespaces":["market"]}`))
	s.Ledger.Put(
		"Lab",
		indextest.Member(
			t,
			`{"mspId":"LabMSP","name":"Spoilage Lab","description":"Learns how long fish keeps.","url":"https://lab.example/","gln":"9520000000004","namespaces":["lab"]}`,
		),
	)

	s.Packing = s.Ledger.Put(
		"Harbor",
		indextest.Event(t, `{"type":"TransformationEvent","eventTime":"2026-02-01T08:00:00Z","bizStep":"commissioning",
		"inputQuantityList":[{"epcClass":"https://id.gs1.org/01/09520051010006/10/CATCH-1"}],"outputQuantityList":[{"epcClass":"`+Lot+`","quantity":40,"uom":"KGM"}]}`),
	)
	s.Reading = s.Ledger.Put(
		"Market",
		indextest.Event(
			t,
			`{"type":"ObjectEvent","eventTime":"2026-02-01T12:00:00Z","action":"OBSERVE","bizStep":"transporting",
		"quantityList":[{"epcClass":"`+Lot+`"}],"sensorElementList":[{"sensorReport":[{"type":"Temperature","value":2.5,"uom":"CEL"}]}]}`,
		),
	)

	s.artifact(
		"Market",
		Measurements,
		`{"derivedFrom":["`+s.Reading+`"],"licence":"CC-BY-4.0","mediaType":"text/csv","size":123456,
		"description":"Temperatures of chilled fish on the road, once a minute.",
		"metadata":{"openlineage":{"namespace":"s3://market-cold-chain","name":"temperatures/2026-02.csv"}}}`,
		measurementsCard,
	)
	s.artifact(
		"Lab",
		Crawl,
		`{"licence":"LicenseRef-terms","description":"Pages about fish. `+jsonText(Text)+`"}`,
		crawlCard,
	)
	s.artifact(
		"Market",
		Users,
		`{"digest":{"algorithm":"sha-256","coverage":"declared","value":"`+sum(
			Users,
		)+`"},"description":"What customers wrote."}`,
		"",
	)
	s.artifact(
		"Lab",
		Training,
		`{"licence":"Apache-2.0","aliases":[{"algorithm":"sha-512","coverage":"full","value":"`+sum(
			Training,
		)+sum(
			Training,
		)+`"}]}`,
		"",
	)
	s.artifact(
		"Lab",
		Base,
		`{"licence":"Apache-2.0","aliases":[{"algorithm":"sha-256","coverage":"full","value":"`+sum(
			"root",
		)+`","scheme":"openssf-model-signing/1.0"}]}`,
		baseCard,
	)
	s.artifact("Lab", Alone, `{}`, "")

	s.artifact("Lab", Cleaned, `{"metadata":{"openlineage":{"namespace":"s3://lab","name":"clean/temperatures","facets":{
		"schema":{"_producer":"https://lab.example/airflow","_schemaURL":"https://openlineage.io/spec/facets/1-1-1/SchemaDatasetFacet.json","fields":[{"name":"celsius","type":"double"}]}},
		"outputFacets":{"outputStatistics":{"_producer":"https://lab.example/airflow","_schemaURL":"https://openlineage.io/spec/facets/1-0-2/OutputStatisticsOutputDatasetFacet.json","rowCount":1000}}}}}`, "")
	s.put(Heldout)
	s.Cleaning = s.Ledger.Put(
		"Lab",
		indextest.Activity(t, `{"type":"transformation","startedAt":"2026-02-10T07:00:00Z","endedAt":"2026-02-10T07:10:00Z",
		"used":[{"ref":"`+Measurements+`","role":"raw"},{"ref":"`+Users+`"}],
		"generated":[{"ref":"`+Cleaned+`","from":["`+Measurements+`"],"columns":{"celsius":[{"ref":"`+Measurements+`","column":"temp","transformations":[{"type":"DIRECT","subtype":"TRANSFORMATION","masking":false}]}]}},
			{"ref":"`+Heldout+`","from":["`+Measurements+`","`+Users+`"]}],
		"metadata":{"openlineage":{"eventType":"COMPLETE","eventTime":"2026-02-10T07:10:00Z","producer":"https://lab.example/airflow",
			"run":{"runId":"7d1b6b2e-8f0a-4a43-9c0e-7a64c2b3f001","facets":{"nominalTime":{"nominalStartTime":"2026-02-10T07:00:00Z"},"pedigree_ledger":{"mspId":"SomebodyElse"}}},
			"job":{"namespace":"lab-airflow","name":"clean.temperatures"},
			"inputs":[{"namespace":"s3://market-cold-chain","name":"temperatures/2026-02.csv","ref":"`+Measurements+`","facets":{"version":{"_producer":"https://lab.example/airflow","_schemaURL":"https://openlineage.io/x","datasetVersion":"2026-02"}}}],
			"outputs":[{"namespace":"s3://lab","name":"clean/temperatures","ref":"`+Cleaned+`"}]}}}`),
	)
	s.Failed = s.Ledger.Put(
		"Lab",
		indextest.Activity(
			t,
			`{"type":"transformation","endedAt":"2026-02-10T06:00:00Z","used":[{"ref":"`+Measurements+`"}],"outcome":{"state":"FAIL"},
		"metadata":{"openlineage":{"eventType":"FAIL","run":{"runId":"7d1b6b2e-8f0a-4a43-9c0e-7a64c2b3f000"},"job":{"namespace":"lab-airflow","name":"clean.temperatures"},
			"inputs":[{"namespace":"s3://market-cold-chain","name":"temperatures/2026-02.csv","ref":"`+Measurements+`"}],"outputs":[{"namespace":"s3://lab","name":"clean/temperatures"}]}}}`,
		),
	)
	s.put(Synthetic)
	s.Generation = s.Ledger.Put(
		"Lab",
		indextest.Activity(
			t,
			`{"type":"generation","used":[{"ref":"`+Base+`","role":"generator"}],"generated":[{"ref":"`+Synthetic+
				`"}],"endedAt":"2026-02-11T07:00:00Z"}`,
		),
	)

	m := manifest.Manifest{
		Files: []manifest.File{
			{Name: "config.json", Size: 120, SHA256: sum("config")},
			{Name: "weights.bin", Size: 4_000_000, SHA256: sum("weights")},
		},
	}
	model := canonical.Obj(
		canonical.Member{Name: "manifest", Value: m.Value()},
		canonical.Member{Name: "size", Value: canonical.Int(m.Size())},
		canonical.Member{
			Name:  "digest",
			Value: digest(m.Digest()),
		},
		canonical.Member{Name: "licence", Value: canonical.Str("Apache-2.0")},
		canonical.Member{
			Name:  "aliases",
			Value: canonical.Arr(digest(sum("oms")).With("scheme", canonical.Str("openssf-model-signing/1.0"))),
		},
	)
	s.artifact("Lab", Model, string(model.Bytes()), modelCard)
	s.artifact("Lab", Report, `{"mediaType":"application/pdf"}`, "")
	s.Run = s.Ledger.Put(
		"Lab",
		indextest.Activity(
			t,
			`{"type":"training","description":"Third training.","startedAt":"2026-02-12T08:00:00Z","endedAt":"2026-02-12T09:30:00Z",
		"used":[{"ref":"`+Base+`","role":"base"},{"ref":"`+Training+`","role":"code"},{"ref":"`+Cleaned+`","role":"training"},{"ref":"`+Crawl+`","role":"training"},
			{"ref":"`+Synthetic+`","role":"training"},{"ref":"`+Heldout+`","role":"evaluation"}],
		"generated":[{"ref":"`+Model+`","from":["`+Base+`","`+Training+`","`+Cleaned+`","`+Crawl+`","`+Synthetic+`"]},{"ref":"`+Report+`"}],
		"parameters":{"epochs":3,"learningRate":0.001},"outcome":{"accuracy":0.93}}`,
		),
	)
	s.Decision = s.Ledger.Put(
		"Lab",
		indextest.Activity(
			t,
			`{"type":"inference","endedAt":"2026-02-13T08:00:00Z","used":[{"ref":"`+Model+`"}],"about":["`+Lot+
				`"],"outcome":{"days":5}}`,
		),
	)
	s.Ledger.Put("Market", indextest.Statement(t, record.Approval, `{"scope":"chilled fish"}`, Model))
	s.Recall = s.Ledger.Put(
		"Market",
		indextest.Statement(
			t,
			record.Recall,
			`{"reason":"logger 7 read three degrees too low `+jsonText(Text)+`","instructions":"train again"}`,
			Measurements,
		),
	)
	s.Withdrawal = s.Ledger.Put(
		"Lab",
		indextest.Statement(t, record.Withdrawal, `{"reason":"a site asked for it"}`, Crawl),
	)
	return s
}

func jsonText(s string) string {
	quoted := string(canonical.Str(s).Bytes())
	return quoted[1 : len(quoted)-1]
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

func digest(value string) canonical.Value {
	return canonical.Obj(
		canonical.Member{Name: "algorithm", Value: canonical.Str("sha-256")},
		canonical.Member{Name: "coverage", Value: canonical.Str("full")},
		canonical.Member{Name: "value", Value: canonical.Str(value)},
	)
}

func (s *Story) put(refs ...string) {
	for _, ref := range refs {
		s.artifact("Lab", ref, `{}`, "")
	}
}

// artifact registers a version with further members and, if card isn't empty, a card. If the members have no digest, it
// is derived from the name.
func (s *Story) artifact(org, ref, members, card string) {
	s.t.Helper()
	r, err := record.ParseArtifactRef(ref)
	require.NoError(s.t, err)
	v, err := canonical.Parse([]byte(members), canonical.Limits{})
	require.NoError(s.t, err, members)
	for name, text := range map[string]string{"kind": r.Kind, "namespace": r.Namespace, "name": r.Name,
		"version": r.Version} {
		v = v.With(name, canonical.Str(text))
	}
	if !v.Has("digest") {
		v = v.With("digest", digest(sum(ref)))
	}
	if card != "" {
		media := "text/markdown"
		if card[0] == '{' {
			media = `application/ld+json; profile="http://mlcommons.org/croissant/1.1"`
		}
		v = v.With(
			"card",
			canonical.Obj(
				canonical.Member{Name: "mediaType", Value: canonical.Str(media)},
				canonical.Member{Name: "sha256", Value: canonical.Str(sum(card))},
				canonical.Member{Name: "text", Value: canonical.Str(card)},
			),
		)
	}
	made, problems := record.NewArtifact(v.With("record", canonical.Str("artifact/1")), "")
	require.Empty(s.t, problems, "%s: %+v", ref, problems)
	s.Ledger.Put(org, made)
}

// Graph returns the graph for an export of a node at the current height. Without directions both are walked.
func (s *Story) Graph(node string, directions ...lineage.Direction) *formats.Graph {
	s.t.Helper()
	if len(directions) == 0 {
		directions = []lineage.Direction{lineage.Ancestors, lineage.Descendants}
	}
	g := &formats.Graph{
		Directions: directions, Source: s.Index, Channel: "pedigree", Organisation: "market", MSPID: "MarketMSP",
		URL: "https://gateway.market.example", Program: "pedigree/test", Now: time.Date(2026, 3, 1, 12, 0, 0, 0,
			time.UTC),
	}
	for _, d := range directions {
		a, err := lineage.Trace(s.t.Context(), s.Index, lineage.Query{Node: node, Direction: d, At: index.Latest})
		require.NoError(s.t, err, fmt.Sprint(d, " of ", node))
		if g.Answer == nil {
			g.Answer = a
			continue
		}
		g.Answer = lineage.Join(g.Answer, a)
	}
	return g
}

// Sampled adds a dataset that a run made. Only some of its bytes were hashed.
func (s *Story) Sampled(t testing.TB) string {
	t.Helper()
	const ref = "dataset/lab/sampled@1"
	s.artifact("Lab", ref, `{"digest":{"algorithm":"sha-256","coverage":"sampled","value":"`+sum(ref)+`"}}`, "")
	s.Ledger.Put(
		"Lab",
		indextest.Activity(
			t,
			`{"type":"transformation","used":[{"ref":"`+Measurements+`"}],"generated":[{"ref":"`+ref+`"}]}`,
		),
	)
	return ref
}

// Transformation adds two events of one transformation: the first has the input and the second the output.
func (s *Story) Transformation(t testing.TB) (first, second string) {
	t.Helper()
	event := func(at, list string) string {
		return s.Ledger.Put(
			"Harbor",
			indextest.Event(
				t,
				`{"type":"TransformationEvent","eventTime":"2026-02-03T0`+at+
					`:00:00Z","transformationID":"urn:uuid:7d1b6b2e-0000-4a43-9c0e-7a64c2b3f001",`+list+`}`,
			),
		)
	}
	return event(
			"1",
			`"inputQuantityList":[{"epcClass":"`+Lot+`"}]`,
		), event(
			"5",
			`"outputQuantityList":[{"epcClass":"https://id.gs1.org/01/09520051012345/10/LOT-2"}]`,
		)
}

// Unreadable adds a dataset that is derived from a record which isn't in the index.
func (s *Story) Unreadable(t testing.TB) (ref, unreadable string) {
	t.Helper()
	ref, unreadable = "dataset/lab/future@1", "ni:///sha-256;"+sum("a record of another version of this program")
	s.Ledger.Put("Lab", indextest.Artifact(t, ref, unreadable))
	return ref, unreadable
}
