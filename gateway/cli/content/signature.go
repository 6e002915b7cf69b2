package content

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder"
	"github.com/pedigree-ledger/pedigree/gateway/verify/modelsigning"
)

// Signature is a signature of OpenSSF Model Signing given on the command line, with the key or the roots to trust.
type Signature struct {
	File, Key, Roots string

	Text   []byte               // set by Open
	Signed *modelsigning.Signed // set by Open
}

// AddFlags adds the flags to a command. help is the help text of --signature.
func (s *Signature) AddFlags(c *cobra.Command, help string) {
	c.Flags().StringVar(&s.File, "signature", "", help)
	c.Flags().StringVar(&s.Key, "signature-key", "", "public key (PEM) of the signer to trust")
	c.Flags().
		StringVar(&s.Roots, "signature-roots", "",
			"root certificates (PEM) to trust; the signer's certificate must chain to one of them")
}

// Given reports whether the command line gives a signature.
func (s *Signature) Given() (bool, error) {
	if s.File == "" && (s.Key != "" || s.Roots != "") {
		return false, exit.Usagef("--signature-key and --signature-roots need --signature")
	}
	return s.File != "", nil
}

// Open reads and verifies the signature. It doesn't read the files that the signature covers; Compare does.
func (s *Signature) Open(stdin io.Reader) error {
	if s.Key == "" == (s.Roots == "") {
		return exit.Usagef("say whose signature to trust, with either --signature-key PUB.pem or --signature-roots CA.pem")
	}
	var trust modelsigning.Trust
	var err error
	if s.Key != "" {
		text, err := input.File(stdin, s.Key, input.MaxSmall)
		if err != nil {
			return err
		}
		if trust.Key, err = modelsigning.ParsePublicKey(text); err != nil {
			return exit.Usagef("the public key %s %w", s.Key, err)
		}
	} else {
		text, err := input.File(stdin, s.Roots, input.MaxSmall)
		if err != nil {
			return err
		}
		if trust.Roots, err = modelsigning.ParseCertificates(text); err != nil {
			return exit.Usagef("%s %w", s.Roots, err)
		}
	}
	if s.Text, err = input.File(stdin, s.File, modelsigning.MaxBundle); err != nil {
		return err
	}
	bundle, err := modelsigning.Parse(s.Text)
	if err != nil {
		return exit.Usagef("%s: %w", s.File, err)
	}
	if s.Signed, err = bundle.Verify(trust); err != nil {
		return exit.Refusedf("%s: %w", s.File, err)
	}
	return nil
}

// Ignore returns the paths to leave out of a folder: more, those that the signer left out, and the signature itself.
func (s *Signature) Ignore(dir string, more []string) []string {
	all := slices.Concat(more, s.Signed.Ignore)
	if inside, ok := Within(dir, s.File); ok {
		all = append(all, inside)
	}
	return all
}

// Within returns the path of a file relative to a folder, and whether the file is in the folder.
func Within(dir, file string) (string, bool) {
	base, err1 := filepath.EvalSymlinks(dir)
	absolute, err2 := filepath.Abs(base)
	place, err3 := filepath.Abs(file)
	parent, err4 := filepath.EvalSymlinks(filepath.Dir(place)) // the file need not exist yet
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil {
		return "", false
	}
	relative, err := filepath.Rel(absolute, filepath.Join(parent, filepath.Base(place)))
	if err != nil || relative == "." || relative == ".." || strings.HasPrefix(relative, "../") {
		return "", false
	}
	return filepath.ToSlash(relative), true
}

// Compare lists how a folder or a file differs from what was signed. The folder that it returns is closed; it still has
// the counts.
func (s *Signature) Compare(
	ctx context.Context,
	path string,
	h *Hashing,
	line *terminal.Progress,
) ([]folder.Difference, *folder.Folder, error) {
	ignore := s.Ignore(path, h.Ignore)
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		ignore = nil
	}
	f, err := folder.Open(path, folder.Options{Ignore: ignore})
	if err != nil {
		return nil, nil, exit.With(exit.Refused, err)
	}
	defer f.Close()
	defer line.Done()
	differences, err := s.Signed.Compare(ctx, f, h.Options(line, path))
	if err != nil {
		return nil, nil, exit.With(exit.Refused, err)
	}
	return differences, f, nil
}

// Signer returns a description of who signed.
func (s *Signature) Signer() string {
	if c := s.Signed.Certificate; c != nil {
		return terminal.Plain(c.Subject.String())
	}
	return "the key with the PEM hash " + s.Signed.KeyHint
}

// maxKept is the size of the largest bundle that is kept in a record, in bytes. A record has at most 1 MiB.
const maxKept = 256 << 10

// Alias returns the digest of what was signed, as the record has it among its aliases.
func (s *Signature) Alias() map[string]any {
	return map[string]any{
		"algorithm": "sha-256",
		"value":     s.Signed.Root,
		"coverage":  "full",
		"scheme":    modelsigning.Scheme,
	}
}

// Metadata returns what the record keeps of the signature: the bundle byte for byte, unless it is too large.
func (s *Signature) Metadata(said io.Writer) map[string]any {
	sum := sha256.Sum256(s.Text)
	kept := map[string]any{"sha256": hex.EncodeToString(sum[:])}
	if len(s.Text) <= maxKept {
		kept["bundle"] = string(s.Text)
	} else {
		fmt.Fprintf(said, "the signature has %s, which is too large for a record: the ledger keeps only its SHA-256; keep the file\n", terminal.Bytes(int64(len(s.Text))))
	}
	if c := s.Signed.Certificate; c != nil {
		fingerprint := sha256.Sum256(c.Raw)
		kept["certificate"] = map[string]any{"subject": c.Subject.String(),
			"sha256": hex.EncodeToString(fingerprint[:])}
	} else {
		kept["keyHint"] = s.Signed.KeyHint
	}
	return kept
}
