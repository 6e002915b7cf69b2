package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/gateway/verify/scitt"
)

// proofPending is the answer while organisations lag behind.
type proofPending struct {
	State string   `json:"state"`
	Have  []string `json:"have"`
	Lack  []string `json:"lack"`
}

// recordProof proves one record.
func (s *Server) recordProof(c *call) error {
	id, err := c.recordID()
	if err != nil {
		return err
	}
	// What the index doesn't know needn't be asked of everybody's peers.
	known, err := s.Index.Record(c.Request.Context(), id, c.at())
	if err != nil {
		return err
	}
	if format := c.value("format"); format == "scitt" || format == "" && c.accept == scitt.MediaType {
		return s.transparent(c, known)
	}
	p, err := s.Prover.Prove(c.Request.Context(), record.ID(id), proof.Level(c.value("level")),
		c.number("organisations"))
	return c.proved(p, err)
}

// transparent answers with a transparent statement of a record, with receipts.
func (s *Server) transparent(c *call, known *index.Record) error {
	if c.params["level"] != nil {
		return problem.WrongParameter("level", "a statement with receipts has no level; leave it out, or the format")
	}
	trust, err := s.Prover.Trust(c.Request.Context())
	if err != nil {
		return err
	}
	want := c.number("organisations")
	if want == 0 {
		want = trust.Agree
	}
	roots, err := s.Cosigner.Receipts(c.Request.Context(), c.caller.ID, want, s.signable)
	if err != nil {
		return cosignProblem(err)
	}
	var have []string
	for _, one := range roots.Signatures {
		have = append(have, one.MSPID)
	}
	leaf, path, err := s.Index.Inclusion(c.Request.Context(), known.ID, roots.Checkpoint.Block)
	if errors.Is(err, index.ErrNotFound) || err == nil && len(have) < want { // others haven't come as far
		return c.pending(have, roots.Lack)
	}
	if err != nil {
		return err
	}
	statement, err := s.Cosigner.State(roots.Checkpoint.Ledger, known.Body)
	if err != nil {
		return cosignProblem(err)
	}
	for _, one := range roots.Signatures {
		statement.Receipts = append(statement.Receipts,
			scitt.Receipt{Signature: one, Place: scitt.Place{Size: roots.Checkpoint.Size, Leaf: leaf, Path: path}})
	}
	c.Header("Cache-Control", "private, max-age=0, must-revalidate")
	c.send(http.StatusOK, scitt.MediaType, statement.Bytes())
	return nil
}

// pending answers that organisations lag behind.
func (c *call) pending(have, lack []string) error {
	c.Header("Retry-After", strconv.Itoa(int(ledger.RetryAfter.Seconds())))
	return c.answer(http.StatusAccepted, proofPending{"pending", notNil(have), notNil(lack)})
}

// lineageProof proves the records of a walk.
func (s *Server) lineageProof(c *call) error {
	node, err := c.node("node")
	if err != nil {
		return err
	}
	q := lineage.Query{
		Node:      node,
		At:        c.at(),
		Depth:     c.number("depth"),
		Direction: lineage.Direction(c.value("direction")),
	}
	answer, err := lineage.Trace(c.Request.Context(), s.Index, q)
	if err != nil {
		return unknownNode(err)
	}
	ids, err := s.recordsOf(c, answer)
	if err != nil {
		return err
	}
	if limit := c.number("limit"); len(ids) > limit {
		return problem.WrongParameter(
			"limit",
			"the walk comes to %d records, more than %d; walk fewer steps, or allow more",
			len(ids),
			limit,
		)
	}
	t := proof.Trace{Node: answer.Node, Direction: string(answer.Direction), Cut: answer.Truncated != nil}
	p, err := s.Prover.ProveTrace(c.Request.Context(), t, ids, proof.Level(c.value("level")), c.number("organisations"))
	return c.proved(p, err)
}

// recordsOf lists the records that prove a walk.
func (s *Server) recordsOf(c *call, a *lineage.Answer) ([]record.ID, error) {
	var walk proof.Walk
	for _, n := range a.Nodes {
		w := proof.WalkedNode{Node: n.ID, Missing: n.Kind == "missing"}
		for _, one := range n.Errors {
			w.Errors = append(w.Errors, one.Event)
		}
		w.Claims = claimIDs(n.Claims)
		walk.Nodes = append(walk.Nodes, w)
	}
	for _, e := range a.Edges {
		walk.Through = append(walk.Through, e.Record)
	}
	ids, err := walk.Records(c.Request.Context(), indexedAt{s.Index, a.Block})
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, problem.New(problem.NotFound, "no record stands between %q and what it has to do with",
			record.Brief(a.Node))
	}
	return ids, nil
}

// indexedAt is what the index knows of a ledger up to a block.
type indexedAt struct {
	*index.Index
	block uint64
}

func (x indexedAt) ArtifactRecord(ctx context.Context, ref string) (string, error) {
	found, err := x.Artifact(ctx, ref, x.block)
	if err != nil {
		return "", err
	}
	return found.ID, nil
}

func (x indexedAt) ClaimsAbout(ctx context.Context, statement string) ([]string, error) {
	return x.Index.ClaimsAbout(ctx, statement, x.block) // not their standing: a proof takes all of them
}

func claimIDs(claims []index.Claim) []string {
	ids := make([]string, len(claims))
	for i, c := range claims {
		ids[i] = c.ID
	}
	return ids
}

// proved answers with a proof, or with why there is none yet.
func (c *call) proved(p *proof.Proof, err error) error {
	var later *proof.NotYet
	var few *proof.TooFew
	var wrong *proof.Refusal
	switch {
	case errors.As(err, &later):
		return c.pending(later.Have, later.Lack)
	case errors.Is(err, proof.ErrNotFound): // the index was ahead of all peers that could be reached
		return c.pending(nil, nil)
	case errors.As(err, &few):
		p := problem.New(problem.Unavailable, "%v", few)
		p.RetryAfter, p.Cause = ledger.RetryAfter, err
		return p
	case proof.ReasonOf(err) == proof.BrokenTrace: // the walk isn't the one that a verifier makes, which is this gateway's fault
		return err
	case errors.As(err, &wrong):
		p := problem.New(problem.Unavailable, "what the organisations' peers gave doesn't make a proof: %v", wrong)
		p.RetryAfter, p.Cause = ledger.RetryAfter, err
		return p
	case err != nil:
		return err
	}
	c.Header("Cache-Control", "private, max-age=0, must-revalidate")
	c.send(http.StatusOK, "application/json", p.Bytes())
	return nil
}

func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
