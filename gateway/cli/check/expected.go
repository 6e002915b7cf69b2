package check

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/gateway/verify/scitt"
)

// againstLedger asks a gateway what the artifact's content should be, and whether it or anything that it was made from
// was recalled or withdrawn.
func (v *contentCheck) againstLedger(ctx context.Context, path string) error {
	ref, err := record.ParseArtifactRef(v.artifact)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	gateway, err := v.target.Client()
	if err != nil {
		return err
	}
	var view client.View
	if err := gateway.Get(ctx, client.ArtifactPath(ref.String()), nil, &view); err != nil {
		return err
	}
	if err := v.take(view.Record, record.ID(view.ID)); err != nil {
		return err
	}
	if got := v.record.ArtifactRef; got != ref {
		return exit.Refusedf("the gateway returned %s when asked for %s", got, ref)
	}
	if len(view.Recordings) > 0 {
		v.verdict.RecordedBy, v.verdict.Block = view.Recordings[0].MSPID, view.Recordings[0].Block
	}
	v.verdict.Status = warningFlags(view.Status)
	var graph client.Graph
	if err := gateway.Get(ctx, "/v1/lineage", url.Values{"node": {ref.String()}, "direction": {"ancestors"}},
		&graph); err != nil {
		return err
	}
	for _, n := range graph.Nodes {
		if status := warningFlags(n.Flags); len(status) > 0 && n.ID != ref.String() {
			v.verdict.Upstream = append(v.verdict.Upstream, upstream{n.ID, status})
		}
	}
	if graph.Truncated != nil {
		v.verdict.Truncated = graph.Truncated.Reasons
	}
	return v.compare(ctx, path)
}

// take reads the artifact's record as strictly as the ledger does.
func (v *contentCheck) take(text []byte, id record.ID) error {
	value, err := canonical.Parse(text, canonical.Limits{})
	if err != nil {
		return fmt.Errorf("couldn't understand the record: %w", err)
	}
	r, problems := record.Decode(value.Bytes())
	switch {
	case len(problems) > 0:
		return fmt.Errorf("the record is not valid: %s", problems[0].Detail)
	case r.ID != id:
		return exit.Refusedf("the record hashes to %s, but the gateway or the proof calls it %s", r.ID, id)
	case r.Artifact == nil:
		return exit.Usagef("the record %s doesn't describe an artifact version", id)
	}
	v.record = r.Artifact
	v.verdict.Artifact, v.verdict.Record = r.Artifact.ArtifactRef.String(), r.ID
	v.verdict.Digest = r.Artifact.Digest.Algorithm + ":" + r.Artifact.Digest.Value
	return nil
}

// againstProof takes the artifact from a proof, with the claims about it that the same proof contains.
func (v *contentCheck) againstProof(ctx context.Context, path string) error {
	if v.trust == "" {
		return exit.Usagef(
			`add --trust FILE; make the file with "pedigree trust export" at an organisation that you trust`,
		)
	}
	pinned, err := input.File(v.stdin, v.trust, input.MaxSmall)
	if err != nil {
		return err
	}
	text, err := input.File(v.stdin, v.proof, proof.MaxBytes)
	if err != nil {
		return err
	}
	if scitt.Recognise(text) {
		return exit.Usagef("%s is a transparent statement, and --proof takes what \"pedigree proof\" makes without --format",
			v.proof)
	}
	verdict, err := verify(text, pinned, proof.Wanted{Level: v.wantedLevel})
	if err != nil {
		return exit.With(exit.Refused, err)
	}
	found, err := chosen(verdict, v.artifact)
	if err != nil {
		return err
	}
	if err := v.take(found.Record, found.ID); err != nil {
		return err
	}
	first := found.Recordings[0]
	v.verdict.RecordedBy, v.verdict.Block, v.verdict.ProvedBy = first.MSPID, first.Block, found.SignedBy
	v.verdict.Status = claims(verdict, v.verdict.Artifact, string(found.ID))
	return v.compare(ctx, path)
}

// chosen returns the proved record of an artifact version: the one asked for, or the only one in the proof.
func chosen(verdict *proof.Verdict, artifact string) (*proof.Proved, error) {
	var found []*proof.Proved
	var names []string
	for _, p := range verdict.Records {
		r, problems := record.Decode(p.Record)
		if len(problems) > 0 || r.Artifact == nil || artifact != "" && r.Artifact.ArtifactRef.String() != artifact {
			continue
		}
		found, names = append(found, p), append(names, r.Artifact.ArtifactRef.String())
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, exit.Usagef(
			"the proof contains several artifact versions; choose one with --artifact: %s",
			terminal.Plain(strings.Join(names, ", ")),
		)
	case artifact != "":
		return nil, exit.Refusedf("the proof doesn't contain %s", terminal.Plain(artifact))
	}
	return nil, exit.Usagef("the proof doesn't contain an artifact version")
}
