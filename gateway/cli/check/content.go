package check

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/blake2b"
	"lukechampine.com/blake3"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/content"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// contentCheck is the command verify for a folder or a file. It checks the content against the ledger, a proof or a
// signature.
type contentCheck struct {
	target                 *client.Target
	artifact, proof, trust string
	manifest               string
	recalled               bool // whether a recalled or withdrawn artifact is accepted
	hashing                content.Hashing
	signature              content.Signature
	line                   *terminal.Progress
	wantedLevel            proof.Level
	verdict                contentVerdict
	record                 *record.Artifact
	stdin                  io.Reader
}

// contentVerdict is the result of verify for a folder or a file.
type contentVerdict struct {
	Verified    bool                `json:"verified"`
	Why         string              `json:"why,omitempty"` // why the content isn't verified
	Path        string              `json:"path"`
	Artifact    string              `json:"artifact,omitempty"`
	Record      record.ID           `json:"record,omitempty"`
	RecordedBy  string              `json:"recordedBy,omitempty"`
	Block       uint64              `json:"block,omitempty"`
	ProvedBy    []string            `json:"provedBy,omitempty"` // organisations that signed the proof
	Digest      string              `json:"digest,omitempty"`   // algorithm:hexadecimal
	SignedBy    string              `json:"signedBy,omitempty"` // signer of the OpenSSF Model Signing signature
	Files       int                 `json:"files,omitempty"`
	Size        int64               `json:"size,omitempty"`
	Differences []folder.Difference `json:"differences,omitempty"`
	NotCovered  []string            `json:"notCovered,omitempty"` // paths that were left out
	Status      []string            `json:"status,omitempty"`     // claims against the artifact: recalled, withdrawn, warned
	Upstream    []upstream          `json:"upstream,omitempty"`
	Truncated   []string            `json:"upstreamTruncated,omitempty"` // limits that cut the lineage short
}

// upstream is something that the artifact was made from and that was recalled or withdrawn.
type upstream struct {
	Node   string   `json:"node"`
	Status []string `json:"status"`
}

func (v *contentCheck) flags(c *cobra.Command) {
	c.Flags().
		StringVar(&v.artifact, "artifact", "", "check DIR or FILE against this artifact version, such as model/lab/spoilage@3")
	c.Flags().StringVar(&v.proof, "proof", "", "check DIR or FILE against the artifact in a proof, offline; needs --trust")
	c.Flags().StringVar(&v.manifest, "manifest", "", "manifest of the folder, if the ledger has only its digest")
	c.Flags().
		BoolVar(&v.recalled, "even-if-recalled", false, "accept unchanged content even if the artifact is recalled or withdrawn")
	v.hashing.AddFlags(c, false)
	v.signature.AddFlags(c, "check DIR or FILE against a signature of OpenSSF Model Signing v1.0, offline")
}

// asked reports whether the flags ask for a check of a folder or a file, rather than of a proof.
func (v *contentCheck) asked() bool {
	return v.artifact != "" || v.proof != "" || v.signature.File != ""
}

// run checks the content and prints the verdict. It returns an error unless the content is verified and may be used.
func (v *contentCheck) run(c *cobra.Command, path string) error {
	if v.signature.File != "" && (v.proof != "" || v.artifact != "") {
		return exit.Usagef("--signature can't be combined with --artifact or --proof; check one after the other")
	}
	if _, err := v.signature.Given(); err != nil {
		return err
	}
	v.line, v.stdin = terminal.NewProgress(c.ErrOrStderr()), c.InOrStdin()
	v.verdict.Path = path
	var err error
	switch {
	case v.signature.File != "":
		err = v.againstSignature(c.Context(), path)
	case v.proof != "":
		err = v.againstProof(c.Context(), path)
	default:
		err = v.againstLedger(c.Context(), path)
	}
	var refusal *folder.Refusal
	var changed *folder.Changed
	if errors.As(err, &refusal) || errors.As(err, &changed) {
		v.verdict.Why, err = err.Error(), nil
	}
	if err != nil {
		return err
	}
	stands := slices.ContainsFunc(v.verdict.Status, record.IsWarning)
	v.verdict.Verified = v.verdict.Why == ""
	if v.target.JSON {
		err = terminal.Value(c.OutOrStdout(), v.verdict)
	} else {
		err = v.show(c.OutOrStdout(), stands)
	}
	switch {
	case err != nil:
		return err
	case !v.verdict.Verified:
		return exit.Refusedf("%s is not verified: %s", terminal.Plain(path), terminal.PlainLines(v.verdict.Why))
	case stands && !v.recalled:
		return exit.Refusedf(
			"%s is %s: don't use it",
			terminal.Plain(v.verdict.Artifact),
			strings.Join(v.verdict.Status, ", "),
		)
	}
	return nil
}

func (v *contentCheck) show(w io.Writer, stands bool) error {
	var out bytes.Buffer
	d := &v.verdict
	name := d.Artifact
	if name == "" {
		name = "what " + d.SignedBy + " signed"
	}
	switch {
	case stands:
		fmt.Fprintf(&out, "!!! %s is %s !!!\n", terminal.Plain(name), strings.ToUpper(strings.Join(d.Status, ", ")))
	case d.Verified:
		fmt.Fprintf(&out, "verified: %s is %s\n", terminal.Plain(d.Path), terminal.Plain(name))
	}
	if !d.Verified {
		fmt.Fprintf(&out, "NOT verified: %s is not shown to be %s\n", terminal.Plain(d.Path), terminal.Plain(name))
	} else if stands {
		fmt.Fprintf(&out, "the content of %s is unchanged\n", terminal.Plain(d.Path))
	}
	content.ShowDifferences(&out, d.Differences)
	line := func(what, text string) {
		if text != "" {
			fmt.Fprintf(&out, "  %-12s %s\n", what, terminal.Plain(text))
		}
	}
	line("digest", d.Digest)
	if d.Files > 0 {
		line("content", terminal.Count(d.Files, "file")+", "+terminal.Bytes(d.Size)+", all of it read")
	}
	line("record", string(d.Record))
	if d.RecordedBy != "" {
		line("recorded by", fmt.Sprintf("%s in block %d", d.RecordedBy, d.Block))
	}
	line("proved by", strings.Join(d.ProvedBy, ", "))
	if len(d.ProvedBy) > 0 {
		line("not proved", "whether it was recalled since; ask a gateway with verify --artifact")
	}
	line("signed by", d.SignedBy)
	line("not covered", strings.Join(d.NotCovered, ", "))
	for _, u := range d.Upstream {
		line("made of", fmt.Sprintf("%s, which is %s", u.Node, strings.ToUpper(strings.Join(u.Status, ", "))))
	}
	if len(d.Truncated) > 0 {
		line(
			"not looked at",
			fmt.Sprintf(
				"part of what it was made of, because the walk reached its limits (%s); pedigree trace can go on from there",
				strings.Join(d.Truncated, ", "),
			),
		)
	}
	_, err := out.WriteTo(w)
	return err
}

func (v *contentCheck) againstSignature(ctx context.Context, path string) error {
	if err := v.signature.Open(v.stdin); err != nil {
		return err
	}
	v.verdict.SignedBy = v.signature.Signer()
	differences, f, err := v.signature.Compare(ctx, path, &v.hashing, v.line)
	if err != nil {
		return err
	}
	v.verdict.Digest = "sha-256:" + v.signature.Signed.Root
	v.verdict.Files, v.verdict.Size, v.verdict.NotCovered = f.Count(), f.Size(), f.Ignored()
	v.differ(differences)
	return nil
}

func (v *contentCheck) differ(differences []folder.Difference) {
	if v.verdict.Differences = differences; len(differences) > 0 {
		v.verdict.Why = fmt.Sprintf("it differs in %s", terminal.Count(len(differences), "file"))
	}
}

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
	v.verdict.Status = graveOf(view.Status)
	var graph client.Graph
	if err := gateway.Get(ctx, "/v1/lineage", url.Values{"node": {ref.String()}, "direction": {"ancestors"}}, &graph); err != nil {
		return err
	}
	for _, n := range graph.Nodes {
		if status := graveOf(n.Flags); len(status) > 0 && n.ID != ref.String() {
			v.verdict.Upstream = append(v.verdict.Upstream, upstream{n.ID, status})
		}
	}
	if graph.Truncated != nil {
		v.verdict.Truncated = graph.Truncated.Reasons
	}
	return v.compare(ctx, path)
}

// graveOf returns the words of a status that must not be overlooked.
func graveOf(status []string) []string {
	var found []string
	for _, s := range status {
		if record.IsWarning(s) {
			found = append(found, s)
		}
	}
	return found
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

// claims returns the flags of proved statements that warn of any of the nodes. It leaves out statements that are proved
// to be retracted.
func claims(verdict *proof.Verdict, nodes ...string) []string {
	statements := map[string]*record.Statement{}
	for _, p := range verdict.Records {
		if r, problems := record.Decode(p.Record); len(problems) == 0 && r.Statement != nil {
			statements[string(r.ID)] = r.Statement
		}
	}
	retracted := takenBack(statements)
	var found []string
	for id, s := range statements {
		about := slices.ContainsFunc(
			s.Subjects,
			func(subject record.Subject) bool { return slices.Contains(nodes, subject.Node) },
		)
		if kind, _ := record.StatementKindOf(s.Kind); kind.Warns && about && !retracted[id] {
			found = append(found, kind.Flag)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// takenBack tells which of some statements are retracted by others that are not retracted themselves. It goes from
// the statements that nobody retracts to those that they retract, so it looks at each retraction once. It comes to an
// end: a statement's id is a hash of the ids that it retracts, so none retracts itself by a detour.
func takenBack(statements map[string]*record.Statement) map[string]bool {
	waiting := map[string]int{} // retractions that are not decided on, by what they retract
	for _, s := range statements {
		for _, subject := range s.Subjects {
			if s.Kind == record.Retraction {
				waiting[subject.Node]++
			}
		}
	}
	var decided []string
	for id := range statements {
		if waiting[id] == 0 {
			decided = append(decided, id)
		}
	}
	retracted := map[string]bool{}
	for len(decided) > 0 {
		id := decided[len(decided)-1]
		decided = decided[:len(decided)-1]
		if statements[id] == nil || statements[id].Kind != record.Retraction {
			continue
		}
		for _, subject := range statements[id].Subjects {
			if !retracted[id] {
				retracted[subject.Node] = true
			}
			if waiting[subject.Node]--; waiting[subject.Node] == 0 {
				decided = append(decided, subject.Node)
			}
		}
	}
	return retracted
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

// compare compares the content with the record.
func (v *contentCheck) compare(ctx context.Context, path string) error {
	a := v.record
	if a.Digest.Coverage != "full" {
		v.verdict.Why = fmt.Sprintf(
			"its content can't be verified: the registered digest is %s, and only a full digest covers every byte",
			a.Digest.Coverage,
		)
		return nil
	}
	want := a.Manifest
	if v.manifest != "" {
		given, err := content.ReadManifest(v.manifest)
		if err != nil {
			return err
		}
		if a.Digest.Algorithm != "sha-256" || given.Digest() != a.Digest.Value {
			return exit.Refusedf(
				"%s is not the manifest of %s: its digest is sha-256:%s, but the registered digest is %s",
				v.manifest,
				a.ArtifactRef,
				given.Digest(),
				v.verdict.Digest,
			)
		}
		want = given
	}
	o := folder.Options{Ignore: v.hashing.Ignore}
	if info, err := os.Stat(path); err != nil {
		return exit.Usagef("couldn't find the content to verify: %w", err)
	} else if !info.IsDir() {
		if want != nil {
			return exit.Usagef("%s is a folder of %s; give the folder, not a file", a.ArtifactRef, terminal.Count(len(want.Files), "file"))
		}
		o.Ignore = nil
	}
	if want != nil {
		if len(v.hashing.Ignore) > 0 {
			return exit.Usagef("--ignore can't be used here; the registered manifest says what to leave out")
		}
		o.Ignore, o.Listed = want.Ignore, *want
	}
	f, err := folder.Open(path, o)
	if err != nil {
		return exit.With(exit.Refused, err)
	}
	defer f.Close()
	defer v.line.Done()
	v.verdict.Files, v.verdict.Size, v.verdict.NotCovered = f.Count(), f.Size(), f.Ignored()
	if want != nil {
		have, err := f.Against(ctx, *want, v.hashing.Options(v.line, path))
		if err != nil {
			return exit.With(exit.Refused, err)
		}
		v.differ(folder.Compare(*want, have))
		return nil
	}
	return v.compareDigest(ctx, f)
}

// compareDigest compares the digest of content that has no manifest. It can't say which files differ.
func (v *contentCheck) compareDigest(ctx context.Context, f *folder.Folder) error {
	have, o := "", v.hashing.Options(v.line, f.Path())
	switch algorithm := v.record.Digest.Algorithm; {
	case f.Single() != "":
		o.New = digests[algorithm]
		sums, err := f.Hash(ctx, o)
		if err != nil {
			return exit.With(exit.Refused, err)
		}
		have = hex.EncodeToString(sums[0].Digests[0])
	case algorithm != "sha-256":
		v.verdict.Why = fmt.Sprintf("its digest is a %s, which says nothing of a folder", algorithm)
		return nil
	default:
		m, err := f.Manifest(ctx, o)
		if err != nil {
			return exit.With(exit.Refused, err)
		}
		have = m.Digest()
	}
	if have == v.record.Digest.Value {
		return nil
	}
	v.verdict.Why = fmt.Sprintf(
		"its digest is %s:%s, but the registered digest is %s",
		v.record.Digest.Algorithm,
		have,
		v.verdict.Digest,
	)
	if f.Single() == "" {
		v.verdict.Why += "; the ledger doesn't have the manifest; to see what differs, give it with --manifest"
	}
	return nil
}

// digests maps the algorithms that an artifact's digest may have to their hash functions.
var digests = map[string]func() hash.Hash{
	"sha-256": sha256.New, "sha-384": sha512.New384, "sha-512": sha512.New,
	"blake2b-512": func() hash.Hash { h, _ := blake2b.New512(nil); return h }, // New512 fails only with a key
	"blake3":      func() hash.Hash { return blake3.New(32, nil) },
}
