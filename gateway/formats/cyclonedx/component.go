package cyclonedx

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
	"github.com/pedigree-ledger/pedigree/gateway/formats/licence"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// types maps kinds of artifact to CycloneDX's types of component.
var types = map[string]cdx.ComponentType{
	"model": cdx.ComponentTypeMachineLearningModel, "dataset": cdx.ComponentTypeData,
	"code": cdx.ComponentTypeApplication, "document": cdx.ComponentTypeFile,
}

// component returns the component for a node.
func (b *bill) component(n lineage.Node) (*cdx.Component, error) {
	c := &cdx.Component{BOMRef: reference(n.ID), Type: cdx.ComponentTypeData, Name: n.ID}
	v := b.versions[n.ID]
	switch {
	case v != nil:
		if err := b.artifact(c, v); err != nil {
			return nil, err
		}
	case n.Kind == "artifact": // a record names it, but it was never registered
		if ref, err := record.ParseArtifactRef(n.ID); err == nil {
			c.Type, c.Group, c.Name, c.Version = types[ref.Kind], ref.Namespace, ref.Name, ref.Version
		}
	default:
		b.recorded(c, n)
	}
	properties := properties(
		"kind",
		n.Kind,
		"ref",
		n.ID,
		"mspId",
		n.MSPID,
		"tx",
		n.Transaction,
		"block",
		strconv.FormatUint(n.Block, 10),
		"recorded",
		stamp(n.Recorded),
		"bizStep",
		n.BizStep,
		"disposition",
		n.Disposition,
		"readPoint",
		n.ReadPoint,
		"bizLocation",
		n.BizLocation,
		"eventID",
		n.EventID,
		"time",
		stamp(n.Time),
	)
	if n.Carrier {
		properties = append(properties, cdx.Property{Name: "pedigree:carrier", Value: "true"})
	}
	for _, flag := range n.Flags {
		properties = append(properties, cdx.Property{Name: "pedigree:status", Value: flag})
	}
	if c.Properties != nil {
		properties = append(properties, *c.Properties...)
	}
	c.Properties = list(properties)
	if v != nil || n.Kind == "event" || n.Kind == "activity" { // whoever names a thing first doesn't supply it
		var err error
		if c.Supplier, err = b.organisation(n.MSPID); err != nil {
			return nil, err
		}
		id := n.ID
		if v != nil {
			id = v.id
		}
		b.refer(
			c,
			cdx.ERTypeAttestation,
			"/v1/records/"+url.PathEscape(id)+"/proof?level=block",
			"proof that the organisations of the ledger recorded it; pedigree verify checks it offline",
			"",
		)
	}
	return c, nil
}

// recorded fills in the component of an event, a run or a thing.
func (b *bill) recorded(c *cdx.Component, n lineage.Node) {
	data := cdx.ComponentData{Type: cdx.ComponentDataTypeOther, Name: n.Kind}
	if n.Type != "" {
		c.Name = n.Type
		if step := n.BizStep[strings.LastIndexAny(n.BizStep, "-/:")+1:]; step != "" {
			c.Name += " " + step
		}
	}
	if id, err := record.ParseID(n.ID); err == nil {
		c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: strings.TrimPrefix(string(id), "ni:///sha-256;")}}
	}
	c.Data = &[]cdx.ComponentData{data}
}

// algorithms maps the names of hash algorithms in records to those in CycloneDX.
var algorithms = map[string]cdx.HashAlgorithm{
	"sha-256": cdx.HashAlgoSHA256, "sha-384": cdx.HashAlgoSHA384, "sha-512": cdx.HashAlgoSHA512,
	"blake2b-512": cdx.HashAlgoBlake2b_512, "blake3": cdx.HashAlgoBlake3,
}

var mediaType = regexp.MustCompile(`^[-+a-z0-9.]+/[-+a-z0-9.]+$`)

// artifact fills in the component of an artifact version.
func (b *bill) artifact(c *cdx.Component, v *version) error {
	c.Type, c.Group, c.Name, c.Version, c.Description = types[v.Kind], v.Namespace, v.Name, v.Version, v.Description
	if mediaType.MatchString(v.MediaType) {
		c.MIMEType = v.MediaType
	}
	c.Licenses = licences(v)
	b.digests(c, v)
	if err := b.pedigree(c, v); err != nil {
		return err
	}
	if v.Card.Text != "" {
		b.refer(
			c,
			cardReference(v),
			"/v1/"+artifactPath(v.ArtifactRef)+"/card",
			"the card that it was registered with, byte for byte",
			v.Card.SHA256,
		)
	}
	if v.card != nil {
		for _, address := range v.card.URLs {
			if u, err := url.Parse(address); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
				c.ExternalReferences = list(
					append(
						items(c.ExternalReferences),
						cdx.ExternalReference{Type: cdx.ERTypeWebsite, URL: u.String(), Comment: "named by the card"},
					),
				)
			}
		}
		c.Tags = list(v.card.Keywords)
	}
	switch v.Kind {
	case "dataset":
		data, err := b.data(c, v)
		c.Data = &[]cdx.ComponentData{data}
		return err
	case "model":
		m, err := b.modelCard(v)
		c.ModelCard = m
		if v.card != nil {
			c.Properties = list(append(items(c.Properties), told(v.card)...))
		}
		return err
	}
	return nil
}

func items[T any](l *[]T) []T {
	if l == nil {
		return nil
	}
	return *l
}

func artifactPath(r record.ArtifactRef) string {
	parts := []string{"artifacts", r.Kind, r.Namespace, r.Name, r.Version}
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

func cardReference(v *version) cdx.ExternalReferenceType {
	switch {
	case v.card == nil:
		return cdx.ERTypeDocumentation
	case v.card.Format == about.CycloneDX:
		return cdx.ERTypeBOM
	case v.card.Format == about.ModelCard:
		return cdx.ERTypeModelCard
	}
	return cdx.ERTypeDocumentation
}

func (b *bill) refer(c *cdx.Component, as cdx.ExternalReferenceType, path, comment, sum string) {
	r := cdx.ExternalReference{Type: as, URL: b.graph.URL + path, Comment: comment}
	if sum != "" {
		r.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: sum}}
	}
	c.ExternalReferences = list(append(items(c.ExternalReferences), r))
}

// licences returns the licence in the record, which is an SPDX expression, or else the licences that the card names.
func licences(v *version) *cdx.Licenses {
	if v.Licence != "" {
		return &cdx.Licenses{licenceChoice(v.Licence, "")}
	}
	if v.card == nil {
		return nil
	}
	var all cdx.Licenses
	for _, l := range v.card.Licences {
		switch {
		case licence.Single(l.SPDX) || len(v.card.Licences) == 1 && l.SPDX != "":
			all = append(all, licenceChoice(l.SPDX, ""))
		case l.Text+l.SPDX != "":
			name := l.Text
			if l.SPDX != "" {
				name = l.SPDX
			}
			all = append(all, cdx.LicenseChoice{License: &cdx.License{Name: name, URL: address(l.URL)}})
		}
	}
	if len(all) == 0 {
		return nil
	}
	return &all
}

func licenceChoice(text, link string) cdx.LicenseChoice {
	switch {
	case licence.Single(text):
		return cdx.LicenseChoice{License: &cdx.License{ID: text}}
	case licence.SPDX(text) != "":
		return cdx.LicenseChoice{Expression: licence.SPDX(text)}
	}
	return cdx.LicenseChoice{License: &cdx.License{Name: text, URL: address(link)}}
}

// address returns the text if it is a URL or a relative reference, and "" otherwise.
func address(text string) string {
	if _, err := url.Parse(text); err != nil {
		return ""
	}
	return text
}

// digests adds digests of the whole content as hashes. A digest of less is not a hash of the content, so it becomes a
// property.
func (b *bill) digests(c *cdx.Component, v *version) {
	var hashes []cdx.Hash
	more := properties("size", size(v.Size))
	for i, d := range append([]record.Digest{v.Digest}, v.Aliases...) {
		switch {
		case d.Coverage == "full" && d.Scheme == "":
			hashes = append(hashes, cdx.Hash{Algorithm: algorithms[d.Algorithm], Value: d.Value})
		case i == 0:
			more = append(more, properties("digest", d.Algorithm+":"+d.Value)...)
		default:
			more = append(more, properties("alias", strings.TrimSpace(d.Scheme+" "+d.Algorithm+":"+d.Value+" "+
				d.Coverage))...)
		}
	}
	more = append(more, properties("coverage", v.Digest.Coverage, "record", v.id)...)
	if v.Manifest != nil {
		more = append(more, properties("files", strconv.Itoa(len(v.Manifest.Files)), "hashOf", "manifest")...)
		if v.ArtifactRef.String() == b.graph.Start().ID {
			c.Components = list(files(v.Manifest))
		}
	}
	c.Hashes, c.Properties = list(hashes), list(more)
}

func size(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// files returns a component for each file of a manifest.
func files(m *manifest.Manifest) []cdx.Component {
	var all []cdx.Component
	for _, f := range m.Files {
		c := cdx.Component{Type: cdx.ComponentTypeFile, Name: f.Name}
		more := properties("size", strconv.FormatInt(f.Size, 10))
		if f.SHA256 != "" {
			c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: f.SHA256}}
		} else {
			more = append(more, properties("shardSize", strconv.FormatInt(f.ShardSize, 10), "shards",
				strings.Join(f.Shards, " "))...)
		}
		c.Properties = list(more)
		all = append(all, c)
	}
	return all
}

var commit = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

// pedigree adds what a version was made from that is of its own kind and, if it is code, its commit.
func (b *bill) pedigree(c *cdx.Component, v *version) error {
	p := &cdx.Pedigree{}
	seen := map[string]bool{}
	ancestor := func(name, how string) error {
		id, err := b.node(name)
		if err != nil {
			return err
		}
		ref, err := record.ParseArtifactRef(id)
		if err != nil || ref.Kind != v.Kind || seen[id] {
			return nil
		}
		seen[id] = true
		// An ancestor gets no bom-ref. It must be unique, and the ancestor's own component has it.
		a := cdx.Component{
			Type:       types[ref.Kind],
			Group:      ref.Namespace,
			Name:       ref.Name,
			Version:    ref.Version,
			Properties: list(properties("ref", id, "relation", how)),
		}
		if own := b.versions[id]; own != nil && own.Digest.Coverage == "full" {
			a.Hashes = &[]cdx.Hash{{Algorithm: algorithms[own.Digest.Algorithm], Value: own.Digest.Value}}
		}
		p.Ancestors = list(append(items(p.Ancestors), a))
		return nil
	}
	for _, name := range v.DerivedFrom {
		if err := ancestor(name, "derivedFrom"); err != nil {
			return err
		}
	}
	if r := b.runs[b.generated[v.ArtifactRef.String()]]; r != nil {
		for _, use := range b.used(r, v.ArtifactRef.String()) {
			if evaluates[use.Role] {
				continue
			}
			if err := ancestor(use.Ref, strings.TrimSpace(r.Type+" "+use.Role)); err != nil {
				return err
			}
		}
		p.Notes = "Made by the run " + r.id + " (" + r.Type + "); see the formulation."
	}
	if v.Kind == "code" {
		if id, address := commitOf(v); id != "" {
			p.Commits = &[]cdx.Commit{{UID: id, URL: address}}
		}
	}
	if p.Ancestors != nil || p.Commits != nil || p.Notes != "" {
		c.Pedigree = p
	}
	return nil
}

// evaluates holds the roles of inputs that a run only evaluates and doesn't make its outputs from.
var evaluates = map[string]bool{"evaluation": true, "validation": true, "test": true, "testing": true, "holdout": true}

// used returns the inputs of a run that went into one of its outputs. If the run doesn't say which, that is all of
// them.
func (b *bill) used(r *run, ref string) []record.Use {
	for _, output := range r.Generated {
		if output.Ref != ref || !output.Explicit {
			continue
		}
		from := map[string]bool{}
		for _, source := range output.From {
			from[source] = true
		}
		var all []record.Use
		for _, use := range r.Used {
			if from[use.Ref] {
				all = append(all, use)
			}
		}
		return all
	}
	return r.Used
}

// commitOf returns the commit of a code version, from its metadata or from the version itself, and the repository's
// URL.
func commitOf(v *version) (id, address string) {
	for _, m := range []canonical.Value{v.Metadata.Get("git"), v.Metadata} {
		if id == "" && commit.MatchString(m.Get("commit").Text) {
			id = m.Get("commit").Text
		}
		if u, err := url.Parse(m.Get("repository").Text); address == "" && err == nil && u.Host != "" {
			address = u.String()
		}
	}
	if id == "" && commit.MatchString(v.Version) {
		id = v.Version
	}
	return id, address
}
