package cyclonedx

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats"
	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
)

var approaches = []string{"supervised", "unsupervised", "reinforcement-learning", "semi-supervised", "self-supervised"}

// modelCard returns what a model's card says about it, with the data that the ledger says it was made with.
func (b *bill) modelCard(v *version) (*cdx.MLModelCard, error) {
	d := v.card
	if d == nil {
		d = new(about.Description)
	}
	p := &cdx.MLModelParameters{Task: strings.Join(d.Tasks, ", ")}
	if slices.Contains(approaches, d.Approach) {
		p.Approach = &cdx.MLModelParametersApproach{Type: cdx.MLModelParametersApproachType(d.Approach)}
	}
	if len(d.Architecture) > 0 {
		p.ArchitectureFamily, p.ModelArchitecture = d.Architecture[0], strings.Join(d.Architecture[1:], ", ")
	}
	datasets, err := b.datasets(v)
	if err != nil {
		return nil, err
	}
	p.Datasets = list(datasets)
	m := &cdx.MLModelCard{ModelParameters: p, Considerations: considerations(d)}
	var metrics []cdx.MLPerformanceMetric
	for _, result := range d.Metrics {
		if result.Value != "" {
			metrics = append(
				metrics,
				cdx.MLPerformanceMetric{
					Type:  result.Type,
					Value: result.Value,
					Slice: strings.TrimSpace(result.Dataset + " " + result.Slice),
				},
			)
		}
	}
	if r := b.runs[b.generated[v.ArtifactRef.String()]]; r != nil {
		for _, outcome := range r.Outcome.Members {
			if outcome.Value.Kind == canonical.Number {
				metrics = append(
					metrics,
					cdx.MLPerformanceMetric{Type: outcome.Name, Value: outcome.Value.Text, Slice: "outcome of the run"},
				)
			}
		}
	}
	if len(metrics) > 0 {
		m.QuantitativeAnalysis = &cdx.MLQuantitativeAnalysis{PerformanceMetrics: &metrics}
	}
	return m, nil
}

// datasets returns the datasets that the model's run used for training or evaluation, those that the model was derived
// from, and further ones that its card names.
func (b *bill) datasets(v *version) ([]cdx.MLDatasetChoice, error) {
	var names []record.Use
	if r := b.runs[b.generated[v.ArtifactRef.String()]]; r != nil {
		names = append(names, r.Used...)
	}
	for _, source := range v.DerivedFrom {
		names = append(names, record.Use{Ref: source})
	}
	var all []cdx.MLDatasetChoice
	seen := map[string]bool{}
	for _, use := range names {
		id, err := b.node(use.Ref)
		if err != nil {
			return nil, err
		}
		ref, err := record.ParseArtifactRef(id)
		switch {
		case err != nil || ref.Kind != "dataset" || seen[id]:
		case b.isComponent(id):
			all = append(all, cdx.MLDatasetChoice{Ref: reference(id)})
		default: // only looked at, so it is not a component of the model
			all = append(all, cdx.MLDatasetChoice{ComponentData: &cdx.ComponentData{
				Type: cdx.ComponentDataTypeDataset, Name: id,
				Contents: &cdx.ComponentDataContents{URL: formats.ArtifactURI(id),
					Properties: list(properties("ref", id, "role", use.Role))},
			}})
		}
		seen[id] = true
	}
	return append(all, named(v.card, seen)...), nil
}

// named returns the datasets that a card names but that nothing on the ledger leads to.
func named(card *about.Description, seen map[string]bool) []cdx.MLDatasetChoice {
	if card == nil {
		return nil
	}
	var all []cdx.MLDatasetChoice
	for _, d := range card.Datasets {
		name := strings.TrimSpace(cmp.Or(d.Name, d.URL) + " " + d.Version)
		if name == "" || seen[name] || d.Ref != "" && seen[d.Ref] {
			continue
		}
		seen[name] = true
		all = append(all, cdx.MLDatasetChoice{ComponentData: &cdx.ComponentData{
			Type: cdx.ComponentDataTypeDataset,
			Name: name,
			Contents: &cdx.ComponentDataContents{
				URL: webAddress(d.URL), Properties: list(properties("ref", d.Ref, "role", d.Role, "namedBy", "card")),
			},
		}})
	}
	return all
}

// webAddress returns the text as a URL if it is an HTTP or HTTPS address, and "" otherwise. The schema of a bill
// requires a URI reference.
func webAddress(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.String()
}

// considerations returns the passages of a card for which CycloneDX has fields.
func considerations(d *about.Description) *cdx.MLModelCardConsiderations {
	texts := func(topics ...string) []string {
		var all []string
		for _, topic := range topics {
			for _, p := range d.About(topic) {
				all = append(all, p.Text)
			}
		}
		return all
	}
	c := &cdx.MLModelCardConsiderations{
		Users: list(
			texts(about.TopicUsers),
		), UseCases: list(texts(about.TopicUses)),
		TechnicalLimitations: list(texts(about.TopicLimits, about.TopicMisuses)),
	}
	for _, text := range texts(about.TopicEthics, about.TopicImpact, about.TopicSensitive) {
		c.EthicalConsiderations = list(
			append(items(c.EthicalConsiderations), cdx.MLModelCardEthicalConsideration{Name: text}),
		)
	}
	for _, text := range texts(about.TopicBias) {
		c.FairnessAssessments = list(append(items(c.FairnessAssessments),
			cdx.MLModelCardFairnessAssessment{Harms: text}))
	}
	if *c == (cdx.MLModelCardConsiderations{}) {
		return nil
	}
	return c
}

// told returns what a model's card says and CycloneDX has no fields for.
func told(d *about.Description) []cdx.Property {
	all := properties("library", d.Library, "languages", strings.Join(d.Languages, ", "))
	for _, topic := range []string{about.TopicTraining, about.TopicEvaluation, about.TopicEnvironment} {
		for _, p := range d.About(topic) {
			all = append(all, properties(topic, p.Text)...)
		}
	}
	return all
}

// data returns what a dataset's card says about it, and which organisation owns it.
func (b *bill) data(c *cdx.Component, v *version) (cdx.ComponentData, error) {
	data := cdx.ComponentData{Type: cdx.ComponentDataTypeDataset, Name: v.Namespace + "/" + v.Name}
	owner, err := b.organisation(b.nodes[v.ArtifactRef.String()].MSPID)
	if err != nil {
		return data, err
	}
	data.Governance = &cdx.DataGovernance{Owners: &[]cdx.ComponentDataGovernanceResponsibleParty{{Organization: owner}}}
	if d := v.card; d != nil {
		data.Description = d.Description
		var sensitive []string
		for _, p := range d.About(about.TopicSensitive) {
			sensitive = append(sensitive, p.Text)
		}
		data.SensitiveData = list(sensitive)
		var stewards []cdx.ComponentDataGovernanceResponsibleParty
		for _, a := range d.Creators {
			if a.Type == "organisation" {
				stewards = append(
					stewards,
					cdx.ComponentDataGovernanceResponsibleParty{Organization: &cdx.OrganizationalEntity{Name: a.Name}},
				)
			} else {
				stewards = append(stewards, cdx.ComponentDataGovernanceResponsibleParty{Contact: &cdx.OrganizationalContact{Name: a.Name}})
			}
		}
		data.Governance.Stewards = list(stewards)
		if d.Publisher != nil {
			data.Governance.Custodians = &[]cdx.ComponentDataGovernanceResponsibleParty{
				{Organization: &cdx.OrganizationalEntity{Name: d.Publisher.Name}},
			}
		}
		contents := properties(
			"languages",
			strings.Join(d.Languages, ", "),
			"sizes",
			strings.Join(d.Sizes, ", "),
			"tasks",
			strings.Join(d.Tasks, ", "),
		)
		for _, t := range d.Usage {
			contents = append(
				contents,
				properties(
					"usage",
					strings.Join(
						append([]string{strings.TrimSpace(t.Kind + " " + t.Scheme + " " + t.Code + " " + t.Text)},
							t.Constraints...),
						"; ",
					),
				)...)
		}
		for _, topic := range []string{about.TopicCollection, about.TopicPreparation, about.TopicAnnotation,
			about.TopicLimits, about.TopicBias} {
			for _, p := range d.About(topic) {
				contents = append(contents, properties(topic, p.Text)...)
			}
		}
		if len(contents) > 0 {
			data.Contents = &cdx.ComponentDataContents{Properties: &contents}
		}
	}
	return data, nil
}
