package cyclonedx

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/formats"
	"github.com/pedigree-ledger/pedigree/gateway/formats/cyclonedx/cyclonedxtest"
	"github.com/pedigree-ledger/pedigree/gateway/formats/formatstest"
	"github.com/pedigree-ledger/pedigree/gateway/formats/mlbom"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

var update = flag.Bool("update", false, "write the golden files anew")

func write(t *testing.T, g *formats.Graph) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, Write(t.Context(), &out, g))
	return out.Bytes()
}

func decode(t *testing.T, text []byte) *cdx.BOM {
	t.Helper()
	bom := new(cdx.BOM)
	require.NoError(t, cdx.NewBOMDecoder(bytes.NewReader(text), cdx.BOMFileFormatJSON).Decode(bom))
	return bom
}

// starts maps the names of golden files to the nodes that the bills are about.
func starts(s *formatstest.Story) map[string]string {
	return map[string]string{
		"model": formatstest.Model, "dataset": formatstest.Cleaned, "code": formatstest.Training,
		"document": formatstest.Report, "declared": formatstest.Users,
		"lot": formatstest.Lot, "event": s.Reading, "run": s.Run, "alone": formatstest.Alone,
	}
}

func TestBillsAreAsTheyWere(t *testing.T) {
	s := formatstest.New(t)
	for name, node := range starts(s) {
		t.Run(name, func(t *testing.T) {
			got := write(t, s.Graph(node, lineage.Ancestors))
			golden := filepath.Join("testdata", name+".cdx.json")
			if *update {
				require.NoError(t, os.WriteFile(golden, got, 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), string(got))
		})
	}
}

func TestBillsAreValid(t *testing.T) {
	check := cyclonedxtest.Valid(t, filepath.Join("..", "..", "..", "..", "shared", "data", "schema"))
	s := formatstest.New(t)
	for name, node := range starts(s) {
		check(name, write(t, s.Graph(node, lineage.Ancestors)))
		check(name+", both ways", write(t, s.Graph(node)))
	}
	check("sampled", write(t, s.Graph(s.Sampled(t), lineage.Ancestors)))
}

// This test needs no schema: each reference has a target, and nothing is listed twice.
func TestBillsHoldTogether(t *testing.T) {
	s := formatstest.New(t)
	for name, node := range starts(s) {
		t.Run(name, func(t *testing.T) {
			bom := decode(t, write(t, s.Graph(node)))
			refs := map[string]bool{}
			add := func(ref string) {
				require.NotEmpty(t, ref)
				require.False(t, refs[ref], "%s stands twice", ref)
				refs[ref] = true
			}
			require.Equal(t, node, bom.Metadata.Component.BOMRef)
			add(bom.Metadata.Component.BOMRef)
			for _, c := range items(bom.Components) {
				add(c.BOMRef)
			}
			components := len(refs)
			depend := map[string]bool{}
			for _, d := range items(bom.Dependencies) {
				require.True(t, refs[d.Ref])
				depend[d.Ref] = true
				for _, on := range items(d.Dependencies) {
					require.True(t, refs[on], "%s depends on %s", d.Ref, on)
				}
			}
			require.Len(t, depend, components, "every component says what it was made of, if it is of nothing")
			composed := 0
			for _, c := range items(bom.Compositions) {
				composed += len(items(c.Dependencies))
				for _, ref := range items(c.Dependencies) {
					require.True(t, refs[string(ref)])
				}
			}
			require.Equal(t, components, composed, "every component says how complete that is")
			for _, f := range items(bom.Formulation) {
				for _, w := range items(f.Workflows) {
					add(w.BOMRef)
					for _, in := range items(w.Inputs) {
						require.True(t, in.Resource == nil || in.Resource.ExternalReference != nil ||
							refs[in.Resource.Ref])
					}
					for _, out := range items(w.Outputs) {
						require.True(t, out.Resource.ExternalReference != nil || refs[out.Resource.Ref])
					}
				}
			}
			for _, v := range items(bom.Vulnerabilities) {
				add(v.BOMRef)
				for _, a := range items(v.Affects) {
					require.True(t, refs[a.Ref])
				}
			}
		})
	}
}

func property(list *[]cdx.Property, name string) []string {
	var all []string
	for _, p := range items(list) {
		if p.Name == "pedigree:"+name {
			all = append(all, p.Value)
		}
	}
	return all
}

func find(t *testing.T, bom *cdx.BOM, ref string) cdx.Component {
	t.Helper()
	for _, c := range append(items(bom.Components), *bom.Metadata.Component) {
		if c.BOMRef == ref {
			return c
		}
	}
	t.Fatalf("%s is no component", ref)
	return cdx.Component{}
}

func TestABillOfAModelTellsWhatItWasMadeOf(t *testing.T) {
	s := formatstest.New(t)
	bom := decode(t, write(t, s.Graph(formatstest.Model, lineage.Ancestors)))
	model := bom.Metadata.Component
	require.Equal(t, cdx.ComponentTypeMachineLearningModel, model.Type)
	require.Equal(t, []string{"lab", "spoilage", "3"}, []string{model.Group, model.Name, model.Version})
	require.Equal(t, "Apache-2.0", (*model.Licenses)[0].License.ID)
	require.Equal(t, "Spoilage Lab", model.Supplier.Name)
	require.Len(t, *model.Hashes, 1, "another scheme's root digest is no hash of the content")
	require.Len(t, *model.Components, 2, "the files of its manifest")

	var ancestors []string
	for _, a := range *model.Pedigree.Ancestors {
		ancestors = append(ancestors, property(a.Properties, "ref")...)
	}
	require.Equal(t, []string{formatstest.Base}, ancestors)

	var datasets []string
	for _, d := range *model.ModelCard.ModelParameters.Datasets {
		if d.Ref != "" {
			datasets = append(datasets, d.Ref)
		}
	}
	require.Equal(t, []string{formatstest.Cleaned, formatstest.Crawl, formatstest.Synthetic}, datasets)
	all := *model.ModelCard.ModelParameters.Datasets
	outside := all[len(all)-1].ComponentData
	require.Equal(t, "acme/fish-prices", outside.Name, "its card alone names it")
	require.Equal(t, []string{"card"}, property(outside.Contents.Properties, "namedBy"))
	require.Equal(t, "tabular-regression", model.ModelCard.ModelParameters.Task)
	require.Contains(t, (*model.ModelCard.Considerations.UseCases)[0], "Sorting of chilled fish")
	require.Equal(t, "0.93", (*model.ModelCard.QuantitativeAnalysis.PerformanceMetrics)[0].Value)

	for _, d := range *bom.Dependencies {
		if d.Ref == formatstest.Model {
			require.Equal(t, []string{formatstest.Training, formatstest.Cleaned, formatstest.Crawl,
				formatstest.Synthetic, formatstest.Base}, *d.Dependencies, "of what its run says that it was made of")
		}
		if d.Ref == formatstest.Measurements {
			require.Equal(t, []string{s.Reading}, *d.Dependencies, "down to the event")
		}
	}

	data := (*find(t, bom, formatstest.Measurements).Data)[0]
	require.Equal(t, []string{"None: loggers know no people."}, *data.SensitiveData)
	require.Equal(t, "Market", (*data.Governance.Owners)[0].Organization.Name)

	reading := find(t, bom, s.Reading)
	require.Equal(t, cdx.ComponentTypeData, reading.Type)
	require.Equal(t, strings.TrimPrefix(s.Reading, "ni:///sha-256;"), (*reading.Hashes)[0].Value,
		"the hash of an event is that of its record")
}

func TestARunIsAWorkflow(t *testing.T) {
	s := formatstest.New(t)
	bom := decode(t, write(t, s.Graph(formatstest.Model, lineage.Ancestors)))
	var run *cdx.Workflow
	for _, w := range *(*bom.Formulation)[0].Workflows {
		if w.UID == s.Run {
			run = &w
		}
	}
	require.NotNil(t, run)
	require.Equal(t, []cdx.TaskType{cdx.TaskTypeBuild}, *run.TaskTypes)
	require.Equal(t, "2026-02-12T08:00:00Z", run.TimeStart)
	inputs := map[string][]string{}
	var parameters []cdx.Parameter
	for _, in := range *run.Inputs {
		switch {
		case in.Resource == nil:
			parameters = *in.Parameters
		case in.Resource.Ref != "":
			inputs[in.Resource.Ref] = property(in.Properties, "role")
		default:
			require.Equal(t, formats.ArtifactURI(formatstest.Heldout), in.Resource.ExternalReference.URL,
				"what the model was only tested with")
		}
	}
	require.Equal(t, []string{"base"}, inputs[formatstest.Base])
	require.Equal(t, []cdx.Parameter{{Name: "epochs", Value: "3", DataType: "number"},
		{Name: "learningRate", Value: "0.001", DataType: "number"}}, parameters)
	require.Equal(t, []string{`{"accuracy":0.93}`}, property(run.Properties, "outcome"))
}

func TestWhatIsRecalledIsAVulnerabilityOfAllThatWasMadeOfIt(t *testing.T) {
	s := formatstest.New(t)
	bom := decode(t, write(t, s.Graph(formatstest.Model, lineage.Ancestors)))
	affected := map[string][]string{}
	for _, v := range *bom.Vulnerabilities {
		for _, a := range *v.Affects {
			affected[v.ID] = append(affected[v.ID], a.Ref)
		}
		if v.ID == s.Recall {
			require.Contains(t, v.Description, "recall: logger 7 read three degrees too low")
			require.Equal(t, "train again", v.Recommendation)
			require.Equal(t, "Market", v.Source.Name)
			require.Equal(t, []string{formatstest.Measurements}, property(v.Properties, "subject"))
		}
	}
	require.Equal(t, []string{formatstest.Cleaned, formatstest.Measurements, formatstest.Model}, affected[s.Recall])
	require.Equal(t, []string{formatstest.Crawl, formatstest.Model}, affected[s.Withdrawal])
	require.Equal(t, []string{"recalled"}, property(find(t, bom, formatstest.Measurements).Properties, "status"))

	before := s.Graph(formatstest.Base, lineage.Ancestors)
	require.Empty(t, items(decode(t, write(t, before)).Vulnerabilities))
}

func TestABillSaysHowCompleteItIs(t *testing.T) {
	s := formatstest.New(t)
	sampled := s.Sampled(t)
	as := func(bom *cdx.BOM, ref string) string {
		for _, c := range items(bom.Compositions) {
			if slices.Contains(items(c.Dependencies), cdx.BOMReference(ref)) {
				return string(c.Aggregate)
			}
		}
		return ""
	}
	bom := decode(t, write(t, s.Graph(formatstest.Model, lineage.Ancestors)))
	require.Equal(t, "complete", as(bom, formatstest.Model), "a run froze its inputs")
	require.Equal(t, "incomplete", as(bom, formatstest.Measurements), "it names a source, and no run")
	require.Equal(t, "unknown", as(bom, formatstest.Crawl), "it names nothing")
	require.Equal(t, "complete", as(bom, s.Reading), "a record is what it is")
	require.Equal(t, "unknown", as(decode(t, write(t, s.Graph(formatstest.Users, lineage.Ancestors))),
		formatstest.Users), "its digest is somebody's word")
	bom = decode(t, write(t, s.Graph(sampled, lineage.Ancestors)))
	require.Equal(t, "incomplete", as(bom, sampled), "not all of it was hashed")
	require.Empty(t, items(bom.Metadata.Component.Hashes), "and what was is no hash of it")
	require.Equal(t, []string{"sampled"}, property(bom.Metadata.Component.Properties, "coverage"))

	// The walk ends at an artifact version, or at the run that made it.
	for depth, frontier := range map[int]string{2: formatstest.Cleaned, 3: s.Cleaning} {
		g := s.Graph(formatstest.Model, lineage.Ancestors)
		cut, err := lineage.Trace(t.Context(), s.Index,
			lineage.Query{Node: formatstest.Model, Direction: lineage.Ancestors, At: g.Answer.Block, Depth: depth})
		require.NoError(t, err)
		require.NotNil(t, cut.Truncated)
		require.Contains(t, cut.Truncated.Frontier, frontier)
		g.Answer = cut
		bom = decode(t, write(t, g))
		require.Equal(t, []string{"depth"}, property(bom.Metadata.Properties, "truncated"))
		require.Equal(t, "incomplete", as(bom, formatstest.Cleaned), "there is more behind it")
		require.Equal(t, "complete", as(bom, formatstest.Model), "and nothing more right behind this")
	}
}

func TestEqualAnswersGiveEqualBytesAndOthersOtherSerialNumbers(t *testing.T) {
	s := formatstest.New(t)
	first := write(t, s.Graph(formatstest.Model, lineage.Ancestors))
	for range 10 {
		require.Equal(t, first, write(t, s.Graph(formatstest.Model, lineage.Ancestors)))
	}
	one, two := decode(t, first), decode(t, write(t, s.Graph(formatstest.Base, lineage.Ancestors)))
	require.Regexp(t, `^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
		one.SerialNumber)
	require.NotEqual(t, one.SerialNumber, two.SerialNumber)
	require.NotEqual(t, "2026-03-01T12:00:00Z", one.Metadata.Timestamp, "not when it was asked for")
}

// A bill that Pedigree writes can be read as a card, and keeps the names of what is on the ledger.
func TestOwnBillsAreCards(t *testing.T) {
	s := formatstest.New(t)
	d, err := mlbom.Read(string(write(t, s.Graph(formatstest.Model, lineage.Ancestors))))
	require.NoError(t, err)
	require.Empty(t, d.Problems)
	require.Equal(t, "Apache-2.0", d.Licence())
	var named []string
	for _, source := range d.Sources() {
		named = append(named, cmp.Or(source.Ref, source.Name))
	}
	require.Equal(t, []string{formatstest.Base, formatstest.Cleaned, formatstest.Crawl, formatstest.Synthetic,
		formatstest.Heldout, "acme/fish-prices"}, named)
	require.Len(t, d.Files, 2)
}

// Text that people wrote stays text: it can't break out of its JSON string.
func TestHostileTextStaysText(t *testing.T) {
	s := formatstest.New(t)
	text := write(t, s.Graph(formatstest.Model, lineage.Ancestors))
	require.True(t, json.Valid(text))
	require.Contains(t, find(t, decode(t, text), formatstest.Crawl).Description, formatstest.Text)
}
