package check

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/content"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
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
	c.Flags().StringVar(&v.proof, "proof", "",
		"check DIR or FILE against the artifact in a proof, offline; needs --trust")
	c.Flags().StringVar(&v.manifest, "manifest", "", "manifest of the folder, if the ledger has only its digest")
	c.Flags().
		BoolVar(&v.recalled, "even-if-recalled", false,
			"accept unchanged content even if the artifact is recalled or withdrawn")
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
