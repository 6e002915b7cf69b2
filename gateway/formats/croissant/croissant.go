// Package croissant reads Croissant metadata of datasets (MLCommons, versions 1.0 and 1.1), which is JSON-LD based on
// schema.org. [Read] reads a document.
//
// It uses no JSON-LD processor and fetches no context. A name means what the document's own context says. A name that
// the context doesn't define has its meaning in Croissant's standard context.
package croissant

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
	"github.com/pedigree-ledger/pedigree/gateway/formats/licence"
	"github.com/pedigree-ledger/pedigree/gateway/formats/tree"
)

// Conforms is the start of a document's conformsTo. The version follows it.
const Conforms = "http://mlcommons.org/croissant/"

var versions = regexp.MustCompile(`^https?://(?:www\.)?mlcommons\.org/croissant/(\d+\.\d+)/?$`)

// Find returns the dataset that a JSON document describes in the terms of Croissant or schema.org. version is the
// Croissant version that the document claims to conform to; it may be empty.
func Find(doc tree.Node) (dataset Node, version string, ok bool) {
	if doc.Kind != tree.Object || !doc.Has("@context") && !doc.Has("conformsTo") && !doc.Has("dct:conformsTo") {
		return Node{}, "", false
	}
	names := namesOf(doc.Get("@context"))
	candidates := []tree.Node{doc}
	if graph := doc.Get("@graph"); graph.Kind != tree.Null {
		candidates = graph.Each()
	}
	for _, c := range candidates {
		n := Node{c, names}
		if !n.is("sc:Dataset") {
			continue
		}
		for _, v := range n.all("dct:conformsTo") {
			if m := versions.FindStringSubmatch(v.text()); m != nil {
				version = m[1]
			}
		}
		return n, version, true
	}
	return Node{}, "", false
}

// Read returns what a document says about its dataset. Errors are of type *tree.Error; they say why the text is not
// Croissant metadata.
func Read(text string) (*about.Description, error) {
	doc, err := tree.JSON(text)
	if err != nil {
		return nil, err
	}
	n, version, ok := Find(doc)
	if !ok {
		return nil, &tree.Error{
			Line:    1,
			Message: `the JSON has no node of "@type": "sc:Dataset" under an "@context", so it is not Croissant metadata`,
		}
	}
	d := &about.Description{Format: about.Croissant, FormatVersion: version}
	if version == "" {
		d.Note(
			"no_version",
			n.first("dct:conformsTo").Node,
			"conformsTo doesn't say which version of Croissant this is; it should be %s1.1 or %s1.0",
			Conforms,
			Conforms,
		)
	} else if version != "1.0" && version != "1.1" {
		d.Note("other_version", n.first("dct:conformsTo").Node, "version %s of Croissant is read as if it were 1.1",
			version)
	}
	r := &reader{d}
	r.general(n)
	r.people(n)
	r.files(n)
	r.sources(n)
	r.usage(n)
	r.responsible(n)
	for _, needed := range []struct{ name, called string }{
		{"sc:name", "name"}, {"sc:description", "description"}, {"sc:license", "license"}, {"sc:url", "url"},
		{"sc:creator", "creator"}, {"sc:datePublished", "datePublished"},
	} {
		if len(n.all(needed.name)) == 0 {
			d.Note("missing", n.Node, "Croissant requires %s, which is missing", needed.called)
		}
	}
	return d, nil
}

type reader struct{ *about.Description }

func (r *reader) general(n Node) {
	r.Title = about.Cut(n.first("sc:name").text(), 512)
	r.Description.Description = about.Cut(n.first("sc:description").text(), about.MaxText)
	r.Version = about.Cut(n.first("sc:version").text(), 64)
	r.Published = about.Cut(n.first("sc:datePublished").text(), 64)
	r.Modified = about.Cut(n.first("sc:dateModified").text(), 64)
	r.Citation = about.Cut(n.first("cr:citeAs", "sc:citation").text(), about.MaxText)
	r.URLs = about.Some(append(n.texts("sc:url"), n.texts("sc:sameAs")...))
	r.Keywords = about.Some(n.texts("sc:keywords"))
	r.Languages = about.Some(n.texts("sc:inLanguage"))
	for _, v := range n.all("sc:license") {
		l := about.Licence{Text: about.Cut(v.text(), 512)}
		if v.Kind == tree.Object {
			l.Text, l.URL = about.Cut(v.first("sc:name").text(), 512), about.Cut(v.first("sc:url").text(), 2048)
			if l.URL == "" {
				l.URL = about.Cut(v.Get("@id").Scalar(), 2048)
			}
		}
		if strings.Contains(l.Text, "://") {
			l.URL = l.Text
		}
		if l.SPDX = licence.SPDX(l.Text); l.SPDX == "" {
			l.SPDX = licence.SPDX(l.URL)
		}
		if l.Text+l.URL != "" && len(r.Licences) < about.MaxList {
			r.Licences = append(r.Licences, l)
		}
	}
}

func (r *reader) people(n Node) {
	for _, v := range n.all("sc:creator") {
		if a, ok := agent(v); ok && len(r.Creators) < about.MaxList {
			r.Creators = append(r.Creators, a)
		}
	}
	if a, ok := agent(n.first("sc:publisher")); ok {
		r.Publisher = &a
	}
}

func agent(v Node) (about.Agent, bool) {
	a := about.Agent{
		Name:  about.Cut(v.first("sc:name").text(), 512),
		URL:   about.Cut(v.first("sc:url").text(), 2048),
		Email: about.Cut(v.first("sc:email").text(), 512),
	}
	switch {
	case v.is("sc:Organization"):
		a.Type = "organisation"
	case v.is("sc:Person"):
		a.Type = "person"
	}
	if a.Name == "" {
		a.Name = about.Cut(v.text(), 512)
	}
	return a, a.Name != ""
}

var digestNames = []struct{ name, algorithm string }{{"sc:sha256", "sha-256"}, {"cr:md5", "md5"}}

func (r *reader) files(n Node) {
	for i, v := range n.all("sc:distribution") {
		if i == about.MaxList {
			r.Note("too_many", v.Node, "only the first %d entries of distribution are shown", about.MaxList)
			return
		}
		if v.is("cr:FileSet") {
			continue // a pattern for several files, not a file
		}
		f := about.File{
			Name: about.Cut(
				v.first("sc:name").text(),
				1024,
			), URL: about.Cut(v.first("sc:contentUrl").text(), 2048),
			MediaType: about.Cut(v.first("sc:encodingFormat").text(), 256),
			Size:      size(v.first("sc:contentSize").text()), Pointer: v.Pointer, Line: v.Line,
		}
		if f.Name == "" {
			f.Name = about.Cut(v.Get("@id").Scalar(), 1024)
		}
		if p, ok := local(f.URL); ok && len(v.all("cr:containedIn")) == 0 {
			f.Name, f.Path = p, true
		}
		for _, h := range digestNames {
			if at := v.first(h.name); at.Kind != tree.Null {
				if digest, ok := r.ReadDigest(h.algorithm, at.Node); ok {
					f.Digests = append(f.Digests, digest)
				}
			}
		}
		if f.Name != "" {
			r.Files = append(r.Files, f)
		}
	}
}

// local reports whether a contentUrl is a path relative to the card, and returns the path.
func local(address string) (string, bool) {
	u, err := url.Parse(address)
	if err != nil || address == "" || u.Scheme != "" || u.Host != "" || u.Path == "" || strings.HasPrefix(u.Path, "/") {
		return "", false
	}
	p := path.Clean(u.Path)
	return p, p != "." && p != ".." && !strings.HasPrefix(p, "../")
}

var sizes = regexp.MustCompile(`^(\d{1,15})\s*(?i:b|bytes?)?$`)

// size parses a contentSize in bytes. It returns 0 for a size in rounded units such as "2 GB", because that isn't
// exact.
func size(text string) int64 {
	m := sizes.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (r *reader) sources(n Node) {
	for _, name := range []string{"prov:wasDerivedFrom", "sc:isBasedOn"} {
		for _, v := range n.all(name) {
			called := v.first("sc:name", "prov:label").text()
			address := v.first("sc:url").text()
			if address == "" {
				address = v.Get("@id").Scalar()
			}
			if v.Kind == tree.String {
				called, address = v.text(), ""
			}
			if ref := about.Find(v.Node, called, address); ref.Name != "" && len(r.Datasets) < about.MaxList {
				ref.Role = about.RoleSource
				ref.Version = about.Cut(v.first("sc:version").text(), 64)
				if digest, ok := r.ReadDigest("sha-256", v.first("sc:sha256").Node); ok {
					ref.Digests = append(ref.Digests, digest)
				}
				r.Datasets = append(r.Datasets, ref)
			}
		}
	}
	for _, v := range n.all("prov:wasGeneratedBy") {
		text := v.first("sc:description", "prov:label", "sc:name").text()
		if text == "" {
			text = v.text()
		}
		r.Say(about.TopicPreparation, "wasGeneratedBy", text)
	}
}

var duo = regexp.MustCompile(`DUO[_:]\d{7}`)

func (r *reader) usage(n Node) {
	for _, v := range n.all("sc:usageInfo") {
		if len(r.Usage) >= about.MaxList {
			return
		}
		if v.Has("entries") {
			r.Mining(v.Node)
			continue
		}
		if v.has("odrl:permission", "odrl:prohibition", "odrl:obligation", "odrl:duty") {
			for _, rule := range []struct{ name, kind string }{
				{"odrl:permission", "permission"}, {"odrl:prohibition", "prohibition"}, {"odrl:obligation", "obligation"},
				{"odrl:duty", "obligation"},
			} {
				for _, p := range v.all(rule.name) {
					if len(r.Usage) < about.MaxList {
						r.Usage = append(r.Usage, policy(p, rule.kind))
					}
				}
			}
			continue
		}
		t := about.Term{Kind: "condition", Text: about.Cut(v.first("sc:name", "sc:description").text(), about.MaxText)}
		t.Code = about.Cut(v.first("sc:termCode").text(), 256)
		id := v.text()
		if t.Code == "" {
			t.Code = duo.FindString(id + " " + v.first("sc:url").text())
		}
		if duo.MatchString(t.Code) || strings.Contains(strings.ToLower(v.first("sc:inDefinedTermSet").text()), "duo") {
			t.Scheme = "DUO"
			t.Code = strings.Replace(t.Code, "DUO:", "DUO_", 1)
		}
		if t.Text == "" && t.Code == "" {
			t.Text = about.Cut(id, about.MaxText)
		}
		if t.Text+t.Code != "" {
			r.Usage = append(r.Usage, t)
		}
	}
}

// policy reads one rule of an ODRL policy.
func policy(p Node, kind string) about.Term {
	t := about.Term{
		Scheme: "ODRL",
		Kind:   kind,
		Text:   about.Cut(p.first("sc:description", "sc:name").text(), about.MaxText),
	}
	var actions []string
	for _, a := range p.all("odrl:action") {
		action := a.text()
		if action == "" {
			action = a.first("rdf:value").text()
		}
		actions = append(actions, action)
	}
	t.Code = strings.Join(about.Some(actions), ", ")
	for _, c := range p.all("odrl:constraint") {
		words := []string{
			c.first("odrl:leftOperand").text(),
			c.first("odrl:operator").text(),
			strings.Join(c.texts("odrl:rightOperand"), ", "),
		}
		if text := strings.TrimSpace(strings.Join(words, " ")); text != "" {
			t.Constraints = append(t.Constraints, about.Cut(text, 512))
		}
	}
	t.Constraints = about.Some(t.Constraints)
	return t
}

// responsible maps the properties of Croissant's vocabulary for responsible AI to topics.
var responsible = []struct{ name, topic string }{
	{
		"dataCollection",
		about.TopicCollection,
	}, {"dataCollectionType", about.TopicCollection}, {"dataCollectionMissingData", about.TopicCollection},
	{"dataCollectionRawData", about.TopicCollection}, {"dataCollectionTimeframe", about.TopicCollection},
	{
		"dataImputationProtocol",
		about.TopicPreparation,
	}, {"dataPreprocessingProtocol", about.TopicPreparation}, {"dataManipulationProtocol", about.TopicPreparation},
	{
		"dataAnnotationProtocol",
		about.TopicAnnotation,
	}, {"dataAnnotationPlatform", about.TopicAnnotation}, {"dataAnnotationAnalysis", about.TopicAnnotation},
	{
		"annotationsPerItem",
		about.TopicAnnotation,
	}, {"annotatorDemographics", about.TopicAnnotation}, {"machineAnnotationTools", about.TopicAnnotation},
	{
		"personalSensitiveInformation",
		about.TopicSensitive,
	}, {"dataUseCases", about.TopicUses}, {"dataLimitations", about.TopicLimits}, {"dataBiases", about.TopicBias},
	{
		"dataSocialImpact",
		about.TopicImpact,
	}, {"dataReleaseMaintenancePlan", about.TopicMaintenance}, {"dataReleaseMaintenance", about.TopicMaintenance},
}

func (r *reader) responsible(n Node) {
	for _, p := range responsible {
		for _, text := range append(n.texts("rai:"+p.name), n.texts("cr:"+p.name)...) {
			r.Say(p.topic, p.name, text)
		}
	}
	if n.first("cr:isLiveDataset").text() == "true" {
		r.Say(
			about.TopicMaintenance,
			"isLiveDataset",
			fmt.Sprintf("The dataset is live: it changes after version %s was described.", r.Version),
		)
	}
}
