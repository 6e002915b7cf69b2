// Package mlbom reads CycloneDX bills of materials of models and datasets (ML-BOMs), in JSON, versions 1.5 to 1.7.
// [Read] takes from a bill what it says about its subject.
//
// Bills are stored as they came and are never rewritten. Package cyclonedx writes Pedigree's own bills.
package mlbom

import (
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
	"github.com/pedigree-ledger/pedigree/gateway/formats/licence"
	"github.com/pedigree-ledger/pedigree/gateway/formats/tree"
)

// Is reports whether a JSON document claims to be a CycloneDX bill, and returns the version that it claims.
func Is(doc tree.Node) (version string, ok bool) {
	return doc.Get("specVersion").Scalar(), doc.Get("bomFormat").Scalar() == "CycloneDX"
}

// Read returns what a bill says about its subject. Errors are of type *tree.Error; they say why the text is not a bill.
func Read(text string) (*about.Description, error) {
	doc, err := tree.JSON(text)
	if err != nil {
		return nil, err
	}
	version, ok := Is(doc)
	if !ok {
		return nil, &tree.Error{Line: 1, Message: `the JSON doesn't say "bomFormat": "CycloneDX"; a bill of materials does`}
	}
	d := &about.Description{Format: about.CycloneDX, FormatVersion: about.Cut(version, 16)}
	switch version {
	case "1.5", "1.6", "1.7":
	default:
		d.Note(
			"other_version",
			doc.Get("specVersion"),
			"CycloneDX %q is read as if it were 1.7; versions 1.5 to 1.7 can describe models",
			about.Brief(version),
		)
	}
	r := &reader{Description: d, components: map[string]tree.Node{}}
	r.collect(doc.Get("components"))
	r.collect(doc.Get("metadata").Get("component"))
	subject, ok := r.subject(doc)
	if !ok {
		d.Note(
			"no_subject",
			doc,
			"the bill has neither a metadata.component nor exactly one model, so it isn't clear what it describes",
		)
		return d, nil
	}
	r.general(subject)
	r.Published = about.Cut(doc.Get("metadata").Get("timestamp").Scalar(), 64)
	r.files(subject)
	r.card(subject.Get("modelCard"))
	for _, part := range subject.Get("data").Each() {
		r.data(part)
	}
	for _, ancestor := range subject.Get("pedigree").Get("ancestors").Each() {
		if ref, ok := r.component(ancestor); ok && len(r.BaseModels) < about.MaxList {
			ref.Relation = "ancestor"
			r.BaseModels = append(r.BaseModels, ref)
		}
	}
	return d, nil
}

type reader struct {
	*about.Description
	components map[string]tree.Node // by bom-ref
}

// collect indexes components, including nested ones, by their bom-refs.
func (r *reader) collect(list tree.Node) {
	for _, c := range list.Each() {
		if ref := c.Get("bom-ref").Scalar(); ref != "" {
			r.components[ref] = c
		}
		for _, data := range c.Get("data").Each() {
			if ref := data.Get("bom-ref").Scalar(); ref != "" {
				r.components[ref] = data
			}
		}
		r.collect(c.Get("components"))
	}
}

// subject returns what the bill describes: its main component, or its only model.
func (r *reader) subject(doc tree.Node) (tree.Node, bool) {
	if c := doc.Get("metadata").Get("component"); c.Kind == tree.Object {
		return c, true
	}
	var models []tree.Node
	for _, c := range doc.Get("components").Each() {
		if c.Get("type").Scalar() == "machine-learning-model" {
			models = append(models, c)
		}
	}
	if len(models) != 1 {
		return tree.Node{}, false
	}
	return models[0], true
}

func (r *reader) general(c tree.Node) {
	r.Title = about.Cut(named(c), 512)
	r.Version = about.Cut(c.Get("version").Scalar(), 64)
	r.Description.Description = about.Cut(c.Get("description").Scalar(), about.MaxText)
	r.Keywords = about.Some(c.Get("tags").Texts())
	r.Digests = r.hashes(c)
	for _, l := range c.Get("licenses").Each() {
		found := about.Licence{Text: about.Cut(l.Get("expression").Scalar(), 512)}
		if inner := l.Get("license"); inner.Kind == tree.Object {
			found.Text, found.URL = about.Cut(inner.Get("id").Scalar(), 512), about.Cut(inner.Get("url").Scalar(), 2048)
			if found.Text == "" {
				found.Text = about.Cut(inner.Get("name").Scalar(), 512)
			}
		}
		if found.SPDX = licence.SPDX(found.Text); found.SPDX == "" {
			found.SPDX = licence.SPDX(found.URL)
		}
		if found.Text+found.URL != "" && len(r.Licences) < about.MaxList {
			r.Licences = append(r.Licences, found)
		}
	}
	for _, name := range []string{"manufacturer", "supplier"} {
		if a, ok := organisation(c.Get(name)); ok {
			r.Creators = append(r.Creators, a)
		}
	}
	for _, name := range []string{"authors", "author"} {
		for _, author := range c.Get(name).Each() {
			a := about.Agent{
				Name:  about.Cut(author.Scalar(), 512),
				Type:  "person",
				Email: about.Cut(author.Get("email").Scalar(), 512),
			}
			if a.Name == "" {
				a.Name = about.Cut(author.Get("name").Scalar(), 512)
			}
			if a.Name != "" && len(r.Creators) < about.MaxList {
				r.Creators = append(r.Creators, a)
			}
		}
	}
	if publisher := c.Get("publisher").Scalar(); publisher != "" {
		r.Publisher = &about.Agent{Name: about.Cut(publisher, 512)}
	}
	var addresses []string
	for _, ref := range c.Get("externalReferences").Each() {
		addresses = append(addresses, ref.Get("url").Scalar())
	}
	r.URLs = about.Some(addresses)
}

func named(c tree.Node) string {
	if group := c.Get("group").Scalar(); group != "" {
		return group + "/" + c.Get("name").Scalar()
	}
	return c.Get("name").Scalar()
}

func organisation(o tree.Node) (about.Agent, bool) {
	a := about.Agent{Name: about.Cut(o.Get("name").Scalar(), 512), Type: "organisation"}
	if addresses := o.Get("url").Texts(); len(addresses) > 0 {
		a.URL = about.Cut(addresses[0], 2048)
	}
	return a, a.Name != ""
}

// algorithms maps the names of hash algorithms in CycloneDX to those in records.
var algorithms = map[string]string{
	"MD5": "md5", "SHA-1": "sha-1", "SHA-256": "sha-256", "SHA-384": "sha-384", "SHA-512": "sha-512",
	"BLAKE2b-512": "blake2b-512", "BLAKE3": "blake3",
}

func (r *reader) hashes(c tree.Node) []about.Digest {
	var all []about.Digest
	for _, h := range few(c.Get("hashes")) {
		if digest, ok := r.ReadDigest(algorithms[h.Get("alg").Scalar()], h.Get("content")); ok {
			all = append(all, digest)
		}
	}
	return all
}

// few returns the first items of a list that may be read many times, once for each reference to it. This bounds the
// work.
func few(list tree.Node) []tree.Node {
	all := list.Each()
	return all[:min(len(all), 100)]
}

// files takes those parts of the subject that are files.
func (r *reader) files(c tree.Node) {
	for _, part := range c.Get("components").Each() {
		if part.Get("type").Scalar() == "file" && named(part) != "" && len(r.Files) < about.MaxList {
			r.Files = append(r.Files, about.File{
				Name: about.Cut(
					named(part),
					1024,
				), MediaType: about.Cut(part.Get("mime-type").Scalar(), 256), Digests: r.hashes(part), Path: true,
				Pointer: part.Pointer, Line: part.Line,
			})
		}
	}
}

func (r *reader) card(m tree.Node) {
	p := m.Get("modelParameters")
	r.Approach = about.Cut(p.Get("approach").Get("type").Scalar(), 64)
	r.Tasks = about.Some(p.Get("task").Texts())
	r.Architecture = about.Some(append(p.Get("architectureFamily").Texts(), p.Get("modelArchitecture").Texts()...))
	for _, name := range []string{"inputs", "outputs"} {
		for _, format := range p.Get(name).Each() {
			r.Modalities = append(r.Modalities, format.Get("format").Scalar())
		}
	}
	r.Modalities = about.Some(r.Modalities)
	for _, d := range p.Get("datasets").Each() {
		r.dataset(d)
	}
	for _, metric := range m.Get("quantitativeAnalysis").Get("performanceMetrics").Each() {
		found := about.Metric{
			Type:  about.Cut(metric.Get("type").Scalar(), 128),
			Value: about.Cut(metric.Get("value").Scalar(), 512),
			Slice: about.Cut(metric.Get("slice").Scalar(), 128),
		}
		if found.Type != "" && len(r.Metrics) < about.MaxList {
			r.Metrics = append(r.Metrics, found)
		}
	}
	c := m.Get("considerations")
	for _, p := range []struct{ name, topic string }{
		{"users", about.TopicUsers}, {"useCases", about.TopicUses}, {"technicalLimitations", about.TopicLimits},
		{"performanceTradeoffs", about.TopicLimits},
	} {
		r.Say(p.topic, p.name, strings.Join(c.Get(p.name).Texts(), "\n"))
	}
	for _, risk := range c.Get("ethicalConsiderations").Each() {
		r.Say(about.TopicEthics, "ethicalConsiderations", sentence(risk.Get("name"), risk.Get("mitigationStrategy")))
	}
	for _, f := range c.Get("fairnessAssessments").Each() {
		r.Say(
			about.TopicBias,
			"fairnessAssessments",
			sentence(f.Get("groupAtRisk"), f.Get("benefits"), f.Get("harms"), f.Get("mitigationStrategy")),
		)
	}
	for _, e := range c.Get("environmentalConsiderations").Get("energyConsumptions").Each() {
		cost := e.Get("activityEnergyCost")
		r.Say(
			about.TopicEnvironment,
			"energyConsumptions",
			strings.TrimSpace(e.Get("activity").Scalar()+" "+cost.Get("value").Scalar()+" "+cost.Get("unit").Scalar()),
		)
	}
}

func sentence(parts ...tree.Node) string {
	var words []string
	for _, p := range parts {
		if text := p.Scalar(); text != "" {
			words = append(words, text)
		}
	}
	return strings.Join(words, "; ")
}

// dataset reads an entry of modelParameters.datasets, which is a reference to a component or the data itself.
func (r *reader) dataset(d tree.Node) {
	if len(r.Datasets) == about.MaxList {
		return
	}
	target := d
	if ref := d.Get("ref").Scalar(); ref != "" {
		found, ok := r.components[ref]
		if !ok {
			found := about.Find(d, ref, "")
			found.Role = about.RoleTraining
			r.Datasets = append(r.Datasets, found)
			return
		}
		target = found
	}
	if ref, ok := r.component(target); ok {
		ref.Role = about.RoleTraining
		if ref.Ref == "" && about.OnLedger(d.Get("ref").Scalar()) {
			ref.Ref = d.Get("ref").Scalar()
		}
		r.Datasets = append(r.Datasets, ref)
	}
}

// component returns a reference to a component, or to data in a component.
func (r *reader) component(c tree.Node) (about.Reference, bool) {
	address := c.Get("contents").Get("url").Scalar()
	for _, name := range []string{"distribution", "website", "vcs"} {
		for _, ref := range few(c.Get("externalReferences")) {
			if address == "" && ref.Get("type").Scalar() == name {
				address = ref.Get("url").Scalar()
			}
		}
	}
	ref := about.Find(c, named(c), address)
	if ref.Ref == "" && about.OnLedger(c.Get("bom-ref").Scalar()) {
		ref.Ref = c.Get("bom-ref").Scalar()
	}
	// Package cyclonedx writes the ref as a property of either of them.
	for _, properties := range []tree.Node{c.Get("properties"), c.Get("contents").Get("properties")} {
		for _, p := range few(properties) {
			if name := p.Get("value").Scalar(); ref.Ref == "" && p.Get("name").Scalar() == "pedigree:ref" &&
				about.OnLedger(name) {
				ref.Ref = name
			}
		}
	}
	ref.Version = about.Cut(c.Get("version").Scalar(), 64)
	ref.Digests = r.hashes(c)
	return ref, ref.Name != ""
}

// data reads what a component of the type data says about that data.
func (r *reader) data(part tree.Node) {
	name := about.Cut(part.Get("name").Scalar(), 256)
	r.Say(about.TopicSensitive, name, strings.Join(part.Get("sensitiveData").Texts(), "\n"))
	r.Say(about.TopicSensitive, "classification", part.Get("classification").Scalar())
	if r.Description.Description == "" {
		r.Description.Description = about.Cut(part.Get("description").Scalar(), about.MaxText)
	}
	for _, role := range []string{"owners", "stewards", "custodians"} {
		for _, p := range part.Get("governance").Get(role).Each() {
			a, ok := organisation(p.Get("organization"))
			if !ok {
				a, ok = about.Agent{
					Name: about.Cut(p.Get("contact").Get("name").Scalar(), 512),
					Type: "person",
				}, p.Get("contact").
					Get("name").
					Scalar() !=
					""
			}
			if ok && len(r.Creators) < about.MaxList {
				r.Creators = append(r.Creators, a)
			}
		}
	}
}
