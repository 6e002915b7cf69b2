// Package formats defines what all exports of lineage have in common. A [Format] says what an export is and how to
// write it; a [Graph] is what the export is written from. Each export is a package below this one, and package
// catalogue lists them all.
//
// An export is made from the state of the ledger at one height. The same request for the same height gives the same
// bytes, unless the export is signed or contains the time at which it was made.
package formats

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/gateway/verify/attestation"
)

// Format is one way to write lineage.
type Format struct {
	// Name is the value of the query parameter "format".
	Name string
	// MediaType is the value of Content-Type and Accept, without a charset. Text is in UTF-8.
	MediaType string
	// Extension is the extension of a file in this format, with its dot.
	Extension string
	// About describes the format in a few words, for people who choose one.
	About string
	// Kinds are the kinds of node (lineage.Node) that the format can describe. If it is empty, it can describe all
	// kinds.
	Kinds []string
	// Only, if not nil, returns a *Refusal for a node that the format can't describe, judging by the name. Write makes
	// all other checks.
	Only func(node string) error
	// Direction is the direction of the walk that the format needs. It is empty if the format takes either direction.
	Direction lineage.Direction
	// Depth is the number of steps that the walk takes, whatever the caller asks for. If it is 0, the caller decides.
	Depth int
	// Policy is the Content-Security-Policy of an HTML document. It is empty for other formats.
	Policy string
	// Write writes the export. It must not write anything until it knows that it can, so that an error can still be
	// reported to the caller. If reading the index or writing the answer fails after the first byte, the document is
	// cut off. Write is nil for the gateway's own JSON.
	Write func(ctx context.Context, out io.Writer, g *Graph) error
}

// Fits returns nil if the format can describe a node of the given kind, and otherwise a *Refusal.
func (f Format) Fits(node, kind string) error {
	if len(f.Kinds) == 0 || slices.Contains(f.Kinds, kind) {
		if f.Only != nil {
			return f.Only(node)
		}
		return nil
	}
	return Refuse(
		"the format %s is about nodes of the kind %s, and %q is of the kind %s",
		f.Name,
		strings.Join(f.Kinds, " or "),
		record.Brief(node),
		kind,
	)
}

// Refusal is the error that says why a node can't be written in a format. Its text is meant for the caller.
type Refusal struct{ Detail string }

func (r *Refusal) Error() string { return r.Detail }

// Refuse returns a *Refusal.
func Refuse(format string, args ...any) error { return &Refusal{fmt.Sprintf(format, args...)} }

// Source reads the records that the nodes of a graph stand for. *index.Index implements it. If there is no such record
// at that height, the error wraps index.ErrNotFound.
type Source interface {
	Record(ctx context.Context, id string, at uint64) (*index.Record, error)
	Recordings(ctx context.Context, id string, at uint64) ([]index.Recording, error)
	Artifact(ctx context.Context, ref string, at uint64) (*index.Artifact, error)
	Artifacts(ctx context.Context, f index.ArtifactFilter, at uint64, page index.Page) (index.List[index.Artifact],
		error)
	Status(ctx context.Context, node string, at uint64) (index.Status, error)
	Members(ctx context.Context, at uint64) ([]index.Member, error)
}

// Graph is a part of the lineage graph, with everything else that an export may need.
type Graph struct {
	// Answer holds the nodes and edges. The first node is the one that was asked about. If both directions were walked,
	// the ancestors come first.
	Answer *lineage.Answer
	// Directions are the directions that were walked.
	Directions []lineage.Direction
	// Source reads records. The methods of Graph such as Record and Artifact use it with the answer's height.
	Source Source
	// Channel is the name of the ledger's channel, Organisation is the name of the gateway's organisation, and MSPID is
	// the organisation's id on the ledger.
	Channel, Organisation, MSPID string
	// URL is the gateway's address as the caller sees it, without a trailing slash. Program is the program's name and
	// version.
	URL, Program string
	// Signer signs for the caller, like a *ledger.Identity. It is nil if the caller can't sign.
	Signer attestation.Signer
	// Now is the time of the request. Whatever depends on it differs from one export to the next.
	Now time.Time

	members map[string]*record.Member
}

// Start returns the node that was asked about.
func (g *Graph) Start() lineage.Node { return g.Answer.Nodes[0] }

// Record reads a record as it was at the answer's height. It returns the stored record and its parsed content. The
// parsed content of an event lacks the event's own JSON, which is in the body of the stored record.
func (g *Graph) Record(ctx context.Context, id string) (*index.Record, *record.Record, error) {
	found, err := g.Source.Record(ctx, id, g.Answer.Block)
	if err != nil {
		return nil, nil, err
	}
	r, err := understand(found.ID, found.Body)
	return found, r, err
}

// Artifact reads an artifact version from the first record that describes it, as of the answer's height.
func (g *Graph) Artifact(ctx context.Context, ref string) (*index.Artifact, *record.Artifact, error) {
	found, err := g.Source.Artifact(ctx, ref, g.Answer.Block)
	if err != nil {
		return nil, nil, err
	}
	r, err := understand(found.ID, found.Body)
	if err != nil {
		return nil, nil, err
	}
	return found, r.Artifact, nil
}

func understand(id string, body []byte) (*record.Record, error) {
	r, problems := new(record.Reader).Read(body)
	if len(problems) > 0 {
		return nil, fmt.Errorf("this version can't read record %s: %s", id, problems[0].Detail)
	}
	return r, nil
}

// Member returns the latest record in which an organisation introduced itself, or nil if it never did.
func (g *Graph) Member(ctx context.Context, mspID string) (*record.Member, error) {
	if g.members == nil {
		list, err := g.Source.Members(ctx, g.Answer.Block)
		if err != nil {
			return nil, err
		}
		g.members = make(map[string]*record.Member, len(list))
		for _, m := range list {
			r, err := understand(m.ID, m.Body)
			if err != nil {
				return nil, err
			}
			g.members[m.MSPID] = r.Member
		}
	}
	return g.members[mspID], nil
}

// OrganisationURI returns the URI that stands for an organisation in formats that require a URI.
func OrganisationURI(mspID string) string {
	return "https://pedigree-ledger.github.io/organisation/" + mspID
}

// ArtifactURI returns the URI that stands for an artifact version in formats that require a URI.
func ArtifactURI(ref string) string { return "https://pedigree-ledger.github.io/artifact/" + ref }
