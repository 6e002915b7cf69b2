package api

import (
	"context"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// recordArtifact registers an artifact version.
func (s *Server) recordArtifact(c *call) error {
	body, err := c.json(canonical.Limits{Depth: record.MaxDepth})
	if err != nil {
		return err
	}
	a, problems := describe(body, c.caller.Identity.MSPID)
	if len(problems) > 0 {
		return problem.Refused(problems, false)
	}
	warnings, err := s.warnings(c.Request.Context(), a, a.sources())
	if err != nil {
		return err
	}
	receipts, err := s.submit(c, "Artifacts:Submit", a.Record)
	if err != nil {
		return err
	}
	receipts[0].Warnings = warnings
	return c.recorded(receipts[0])
}

// recordOne records what a body says, alone in a transaction.
func (s *Server) recordOne(
	c *call,
	function string,
	build func(canonical.Value) (*record.Record, []record.Problem),
) error {
	body, err := c.json(canonical.Limits{Depth: record.MaxDepth})
	if err != nil {
		return err
	}
	r, problems := build(body)
	if len(problems) > 0 {
		return problem.Refused(problems, false)
	}
	receipts, err := s.submit(c, function, r)
	if err != nil {
		return err
	}
	return c.recorded(receipts[0])
}

// listArtifacts lists artifact versions.
func (s *Server) listArtifacts(c *call) error {
	return s.artifacts(
		c,
		index.ArtifactFilter{
			Kind:      c.value("kind"),
			Namespace: c.value("namespace"),
			Name:      c.value("name"),
			Digest:    c.value("digest"),
		},
	)
}

// artifactVersions lists the versions of one artifact; an artifact without any is not there.
func (s *Server) artifactVersions(c *call) error {
	f := index.ArtifactFilter{Kind: c.value("kind"), Namespace: c.value("namespace"), Name: c.value("name")}
	if c.value("pageToken") == "" {
		first, err := s.Index.Artifacts(c.Request.Context(), f, c.at(), index.Page{Size: 1})
		if err != nil {
			return err
		}
		if len(first.Items) == 0 {
			return problem.New(
				problem.NotFound,
				"%s/%s/%s has no version on the ledger, up to block %d",
				record.Brief(f.Kind),
				record.Brief(f.Namespace),
				record.Brief(f.Name),
				first.Block,
			)
		}
	}
	return s.artifacts(c, f)
}

func (s *Server) artifacts(c *call, f index.ArtifactFilter) error {
	list, err := s.Index.Artifacts(c.Request.Context(), f, c.at(), c.page())
	if err != nil {
		return err
	}
	return listed(c, list, func(a index.Artifact) index.Record { return a.Record })
}

// artifactVersion reads one version.
func (s *Server) artifactVersion(c *call) error {
	a, err := s.Index.Artifact(c.Request.Context(), c.artifact().String(), c.at())
	if err != nil {
		return err
	}
	return s.showRecord(c, a.ID, record.NounArtifact)
}

// artifact is the artifact version that the path names.
func (c *call) artifact() record.ArtifactRef {
	return record.ArtifactRef{
		Kind:      c.value("kind"),
		Namespace: c.value("namespace"),
		Name:      c.value("name"),
		Version:   c.value("version"),
	}
}

// digestOf finds the SHA-256 of an artifact version for a statement about it, or "".
func (s *Server) digestOf(ctx context.Context) func(ref string) string {
	return func(ref string) string {
		a, err := s.Index.Artifact(ctx, ref, index.Latest)
		if err != nil || a.Digest.Algorithm != "sha-256" {
			return "" // then the statement gets the digest of the name, and the chaincode decides
		}
		return a.Digest.Value
	}
}
