package pages

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/card"
	"github.com/pedigree-ledger/pedigree/gateway/formats/catalogue"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/web"
)

// What is shown of one artifact. The lineage page and the exports have all.
const (
	mostVersions = 25
	mostRuns     = 10
	mostSources  = 12
	mostFiles    = 50
	mostBehind   = 1000 // nodes that are looked at for recalls
	behindBudget = 50 * time.Millisecond
)

// artifactRoutes are those of the page about one version, and of the list, which artifacts.go has.
func (p *Pages) artifactRoutes() []route {
	return []route{
		{"GET /artifacts", members, p.artifacts},
		{"GET /artifacts/{kind}/{namespace}/{name}", members, p.artifact},
	}
}

// artifact shows a version of an artifact: the one that the address has, or the newest.
func (p *Pages) artifact(v *visit) error {
	name, version, _ := strings.Cut(v.PathValue("name"), "@")
	f := index.ArtifactFilter{Kind: v.PathValue("kind"), Namespace: v.PathValue("namespace"), Name: name}
	versions, err := p.Index.LatestVersions(v.Context(), f, mostVersions)
	if err != nil {
		return err
	}
	series := f.Kind + "/" + f.Namespace + "/" + f.Name
	if len(versions) == 0 {
		return missing("No version of " + record.Brief(series) + " is on the ledger.")
	}
	a := &versions[0]
	if version != "" {
		if a, err = p.Index.Artifact(v.Context(), series+"@"+version, index.Latest); err != nil {
			return err
		}
	}
	page, err := p.artifactPage(v, a)
	if err != nil {
		return err
	}
	if versions[0].Ref != a.Ref {
		page.Newer = p.refer(v.Context(), []string{versions[0].Ref})
	}
	if page.Versions, err = p.artifactRows(v.Context(), versions); err != nil {
		return err
	}
	for i := range page.Versions {
		page.Versions[i].Current = page.Versions[i].Ref == a.Ref
	}
	return v.show(http.StatusOK, "artifact", page)
}

// artifactPage tells what is known of one version.
func (p *Pages) artifactPage(v *visit, a *index.Artifact) (*web.Artifact, error) {
	ctx := v.Context()
	page := &web.Artifact{
		Frame: v.frame(
			"artifacts",
		), Ref: a.Ref, Series: strings.TrimSuffix(a.Ref, "@"+a.Version), Name: a.Name, Version: a.Version, Record: a.ID,
		Kind: web.KindOf("artifact", a.Ref), By: a.MSPID, At: a.Time, Block: a.Block,
		Algorithm: a.Digest.Algorithm, Digest: a.Digest.Value, Coverage: a.Digest.Coverage, Exports: exportsOf(a.Ref),
	}
	page.Cosigners = p.cosigners(v.Context(), "/v1/lineage", url.Values{"node": {a.Ref}, "direction": {"ancestors"}})
	if r, problems := record.Decode(a.Body); len(problems) == 0 && r.Artifact != nil {
		p.describeArtifact(ctx, page, r.Artifact)
	}
	var err error
	if page.Flags, page.Claims, err = p.claims(ctx, a.Ref); err != nil {
		return nil, err
	}
	page.States = p.states(v, a.Ref, a.MSPID, "", page.Flags)
	if page.Made, err = p.runs(ctx, index.ActivityFilter{Generated: a.Ref}, a.Ref); err != nil {
		return nil, err
	}
	if page.Uses, err = p.runs(ctx, index.ActivityFilter{Used: a.Ref}, a.Ref); err != nil {
		return nil, err
	}
	derived, more, err := p.derived(ctx, a.Ref)
	if err != nil {
		return nil, err
	}
	page.Derived, page.MoreDerived = p.refer(ctx, derived), more
	recalled, cut, err := p.recalledBehind(ctx, a.Ref)
	page.Unsure = cut
	recalled, page.MoreRecalled = shorten(recalled, mostSources)
	page.Recalled = p.refer(ctx, recalled)
	return page, err
}

// recalledBehind lists what a node comes from that is recalled, or whose consent is withdrawn. It looks no further back
// than a page can wait for, and tells whether that was all; the lineage page goes all the way.
func (p *Pages) recalledBehind(ctx context.Context, node string) (recalled []string, cut bool, err error) {
	answer, err := lineage.Trace(
		ctx,
		p.Index,
		lineage.Query{Node: node, Direction: lineage.Ancestors, At: index.Latest, Nodes: mostBehind, Budget: behindBudget},
	)
	if err != nil {
		return nil, false, err
	}
	for _, n := range answer.Nodes[1:] {
		if !n.Carrier && slices.ContainsFunc(n.Flags, record.IsWarning) {
			recalled = append(recalled, n.ID)
		}
	}
	return recalled, answer.Truncated != nil, nil
}

// describeArtifact says what the record of an artifact says.
func (p *Pages) describeArtifact(ctx context.Context, page *web.Artifact, a *record.Artifact) {
	page.Description, page.Licence, page.MediaType, page.Size = a.Description, a.Licence, a.MediaType, a.Size
	sources, more := shorten(a.DerivedFrom, mostSources)
	page.DerivedFrom, page.MoreSources = p.refer(ctx, sources), more
	for _, d := range a.Aliases {
		page.Aliases = append(
			page.Aliases,
			web.Alias{Algorithm: d.Algorithm, Value: d.Value, Coverage: d.Coverage, Scheme: d.Scheme},
		)
	}
	if a.Manifest != nil {
		for _, f := range a.Manifest.Files[:min(len(a.Manifest.Files), mostFiles)] {
			page.Files = append(
				page.Files,
				web.ArtifactFile{Name: f.Name, Size: f.Size, SHA256: f.SHA256, Shards: len(f.Shards)},
			)
		}
		page.MoreFiles = len(a.Manifest.Files) - len(page.Files)
	}
	if a.Card.Text != "" {
		page.Card = card.Describe(a.Card)
	}
}

// shorten gives the beginning of a list, and how many there are beside.
func shorten(list []string, most int) ([]string, int) {
	n := min(len(list), most)
	return list[:n], len(list) - n
}

// runs lists activities, and the part that an artifact played in each.
func (p *Pages) runs(ctx context.Context, f index.ActivityFilter, ref string) ([]web.Run, error) {
	list, err := p.Index.Activities(ctx, f, index.Latest, index.Page{Size: mostRuns})
	if err != nil {
		return nil, err
	}
	var runs []web.Run
	for _, a := range list.Items {
		run := web.Run{ID: a.ID, Type: a.Type, By: a.MSPID, At: a.EndedAt}
		if run.At.IsZero() {
			run.At = a.Time
		}
		r, problems := record.Decode(a.Body)
		if len(problems) > 0 || r.Activity == nil {
			runs = append(runs, run)
			continue
		}
		run.Description = r.Activity.Description
		var used, generated []string
		for _, u := range r.Activity.Used {
			used = append(used, u.Ref)
			if u.Ref == ref {
				run.Role = u.Role
			}
		}
		for _, o := range r.Activity.Generated {
			generated = append(generated, o.Ref)
			if o.Ref == ref && o.Explicit {
				used = o.From // it was made of these alone
			}
		}
		used, run.MoreUsed = shorten(used, mostSources)
		generated, run.MoreGenerated = shorten(generated, mostSources)
		about, _ := shorten(r.Activity.About, mostSources)
		run.Used, run.Generated, run.About = p.refer(ctx, used), p.refer(ctx, generated), p.refer(ctx, about)
		runs = append(runs, run)
	}
	return runs, nil
}

// derived lists what names an artifact version as its source.
func (p *Pages) derived(ctx context.Context, ref string) (refs []string, more int, err error) {
	snap, err := p.Index.Snapshot(ctx, index.Latest)
	if err != nil {
		return nil, 0, err
	}
	node, err := p.Index.Find(ctx, ref, snap)
	if err != nil || node.ID == 0 {
		return nil, 0, err
	}
	links, err := p.Index.LinksTo(ctx, []int64{node.ID}, snap)
	if err != nil {
		return nil, 0, err
	}
	var records []int64
	for _, l := range links {
		if l.Role == index.RoleSource && !slices.Contains(records, l.Record) {
			if len(records) == mostSources {
				more++
				continue
			}
			records = append(records, l.Record)
		}
	}
	slices.Sort(records)
	names, err := p.Index.Names(ctx, records)
	if err != nil {
		return nil, 0, err
	}
	for _, id := range records {
		r, err := p.Index.Record(ctx, names[id], index.Latest)
		if err != nil {
			return nil, 0, err
		}
		if described, problems := record.Decode(r.Body); len(problems) == 0 && described.Artifact != nil {
			refs = append(refs, described.Artifact.String())
		}
	}
	return refs, more, nil
}

// exportsOf are the formats in which the lineage of an artifact can be taken along.
func exportsOf(ref string) []web.Export {
	var exports []web.Export
	for _, f := range catalogue.Formats {
		if f.Fits(ref, "artifact") != nil {
			continue
		}
		direction := f.Direction
		if direction == "" {
			direction = lineage.Ancestors
		}
		query := url.Values{"node": {ref}, "format": {f.Name}, "direction": {string(direction)}}
		exports = append(exports, web.Export{Name: f.Name, About: f.About, Path: "/lineage/export?" + query.Encode()})
	}
	return exports
}
