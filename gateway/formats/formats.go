// Package formats is what the exports of lineage have in common: what each is given, and what it says of itself. Each
// export is a package below this one; package catalogue lists them all.
//
// An export is made of what the ledger says at one height. Asked again for that height it gives the same bytes, unless
// it bears a signature or says when it was made.
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

// Format is one way to write lineage down.
type Format struct {
	// Name is what the parameter "format" calls it.
	Name string
	// MediaType is how it answers, and what "Accept" calls it. Those of text come in UTF-8.
	MediaType string
	// Extension is that of a file's name, with its dot.
	Extension string
	// About says in a few words what it is, for people who choose.
	About string
	// Kinds are the kinds of node (lineage.Node) that it can be about. Empty: all.
	Kinds []string
	// Only, if it isn't nil, refuses nodes by their names, with a *Refusal. What else the format asks of a node it says
	// when it is written.
	Only func(node string) error
	// Direction is the way of the walk that it is made of, for a format that makes sense one way only; empty if it takes
	// any.
	Direction lineage.Direction
	// Depth is how many steps of the walk it is made of, whatever was asked for; 0 means as many as were asked for.
	Depth int
	// Policy is the content security policy that a document in HTML needs; empty for other formats.
	Policy string
	// Write writes it. It writes nothing before it knows that it can, so that errors can be told; a failure after the
	// first byte, of the index or of the reader, leaves a document that is cut off. Nil: the gateway's own JSON, which
	// needs none.
	Write func(ctx context.Context, out io.Writer, g *Graph) error
}

// Fits tells whether the format can be about a kind of node; the error is a *Refusal.
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

// Refusal says why a node can't be written in a format. It is for who asked.
type Refusal struct{ Detail string }

func (r *Refusal) Error() string { return r.Detail }

// Refuse makes a *Refusal.
func Refuse(format string, args ...any) error { return &Refusal{fmt.Sprintf(format, args...)} }

// Source has the records that the nodes of a graph stand for. *index.Index is one. Errors wrap index.ErrNotFound where
// there is no such record at that height.
type Source interface {
	Record(ctx context.Context, id string, at uint64) (*index.Record, error)
	Recordings(ctx context.Context, id string, at uint64) ([]index.Recording, error)
	Artifact(ctx context.Context, ref string, at uint64) (*index.Artifact, error)
	Artifacts(ctx context.Context, f index.ArtifactFilter, at uint64, page index.Page) (index.List[index.Artifact], error)
	Status(ctx context.Context, node string, at uint64) (index.Status, error)
	Members(ctx context.Context, at uint64) ([]index.Member, error)
}

// Graph is a part of the lineage graph and everything else that an export may need.
type Graph struct {
	// Answer has the nodes and edges; the first node is the one asked about. If both ways were walked, what was reached
	// upwards comes first.
	Answer *lineage.Answer
	// Directions are the ways that were walked.
	Directions []lineage.Direction
	// Source has the records. The methods Record, Artifact and so on ask it for the height of the answer.
	Source Source
	// Channel is the name of the ledger, Organisation that of the gateway's organisation and MSPID its name on the ledger.
	Channel, Organisation, MSPID string
	// URL is the address of the gateway as its caller sees it, without a slash at its end; Program the program's name and
	// version.
	URL, Program string
	// Signer signs for the caller, such as a *ledger.Identity; nil if nobody can.
	Signer attestation.Signer
	// Now is when the export was asked for. Whatever depends on it differs each time.
	Now time.Time

	members map[string]*record.Member
}

// Start is the node asked about.
func (g *Graph) Start() lineage.Node { return g.Answer.Nodes[0] }

// Record reads a record that lies on the ledger at the answer's height, and what it says. Of an event, what it says has
// not the event's own JSON; that is in the body.
func (g *Graph) Record(ctx context.Context, id string) (*index.Record, *record.Record, error) {
	found, err := g.Source.Record(ctx, id, g.Answer.Block)
	if err != nil {
		return nil, nil, err
	}
	r, err := understand(found.ID, found.Body)
	return found, r, err
}

// Artifact reads an artifact version as the first record that describes it has it.
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

// Member is how an organisation introduced itself last; nil if it hasn't.
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

// OrganisationURI names an organisation where a format wants a URI.
func OrganisationURI(mspID string) string {
	return "https://pedigree-ledger.github.io/organisation/" + mspID
}

// ArtifactURI names an artifact version where a format wants a URI.
func ArtifactURI(ref string) string { return "https://pedigree-ledger.github.io/artifact/" + ref }
