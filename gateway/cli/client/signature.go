package client

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"crypto/sha256"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/verify/folder"
	"github.com/pedigree-ledger/pedigree/gateway/verify/modelsigning"
)

// signature is a signature of OpenSSF Model Signing that the command line is given, and whom to trust.
type signature struct {
	file, key, roots string

	text   []byte
	signed *modelsigning.Signed
}

func (s *signature) flags(c *cobra.Command, help string) {
	c.Flags().StringVar(&s.file, "signature", "", help)
	c.Flags().StringVar(&s.key, "signature-key", "", "public key (PEM) that the signature must be by")
	c.Flags().StringVar(&s.roots, "signature-roots", "", "root certificates (PEM) that the signer's certificate must lead to")
}

// given tells whether there is one.
func (s *signature) given() (bool, error) {
	if s.file == "" && (s.key != "" || s.roots != "") {
		return false, usage("--signature-key and --signature-roots go with --signature")
	}
	return s.file != "", nil
}

// open reads and verifies the signature, without looking at any file that it covers.
func (s *signature) open() error {
	if s.key == "" == (s.roots == "") {
		return usage("say whose signature it must be: --signature-key PUB.pem or --signature-roots CA.pem")
	}
	var trust modelsigning.Trust
	var err error
	if s.key != "" {
		text, err := readFile(os.Stdin, s.key)
		if err != nil {
			return err
		}
		if trust.Key, err = modelsigning.ParsePublicKey(text); err != nil {
			return usage("the public key %s %w", s.key, err)
		}
	} else {
		text, err := readFile(os.Stdin, s.roots)
		if err != nil {
			return err
		}
		if trust.Roots, err = modelsigning.ParseCertificates(text); err != nil {
			return usage("%s %w", s.roots, err)
		}
	}
	if s.text, err = readFile(os.Stdin, s.file); err != nil {
		return err
	}
	bundle, err := modelsigning.Parse(s.text)
	if err != nil {
		return usage("%s: %w", s.file, err)
	}
	if s.signed, err = bundle.Verify(trust); err != nil {
		return failure{fmt.Errorf("%s: %w", s.file, err), ExitRefused}
	}
	return nil
}

// ignore are the paths that a folder is opened without: those that the signer left out, and the signature itself.
func (s *signature) ignore(dir string, more []string) []string {
	all := slices.Concat(more, s.signed.Ignore)
	if inside, ok := within(dir, s.file); ok {
		all = append(all, inside)
	}
	return all
}

// within is the path of a file relative to a folder that it lies in.
func within(dir, file string) (string, bool) {
	base, err1 := filepath.EvalSymlinks(dir)
	absolute, err2 := filepath.Abs(base)
	place, err3 := filepath.Abs(file)
	parent, err4 := filepath.EvalSymlinks(filepath.Dir(place)) // the file may not be there yet
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil {
		return "", false
	}
	relative, err := filepath.Rel(absolute, filepath.Join(parent, filepath.Base(place)))
	if err != nil || relative == "." || relative == ".." || strings.HasPrefix(relative, "../") {
		return "", false
	}
	return filepath.ToSlash(relative), true
}

// compare lists how a folder or a file differs from what was signed.
func (s *signature) compare(ctx context.Context, path string, h *hashing, line *progress) ([]folder.Difference, *folder.Folder, error) {
	ignore := s.ignore(path, h.ignore)
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		ignore = nil
	}
	f, err := folder.Open(path, folder.Options{Ignore: ignore})
	if err != nil {
		return nil, nil, failure{err, ExitRefused}
	}
	defer f.Close()
	defer line.done()
	differences, err := s.signed.Compare(ctx, f, h.options(line, path))
	if err != nil {
		return nil, nil, failure{err, ExitRefused}
	}
	return differences, f, nil
}

// signer says who signed.
func (s *signature) signer() string {
	if c := s.signed.Certificate; c != nil {
		return plain(c.Subject.String())
	}
	return "the key with the PEM hash " + s.signed.KeyHint
}

// maxKept is how large a bundle may be to be kept with the record, which has at most 1 MiB.
const maxKept = 256 << 10

// alias is how the record names what was signed.
func (s *signature) alias() map[string]any {
	return map[string]any{"algorithm": "sha-256", "value": s.signed.Root, "coverage": "full", "scheme": modelsigning.Scheme}
}

// metadata is what the record keeps of the signature: the bundle byte for byte, if it isn't too large.
func (s *signature) metadata(said io.Writer) map[string]any {
	sum := sha256.Sum256(s.text)
	kept := map[string]any{"sha256": hex.EncodeToString(sum[:])}
	if len(s.text) <= maxKept {
		kept["bundle"] = string(s.text)
	} else {
		fmt.Fprintf(said, "the signature has %s, too much for a record: the ledger has its SHA-256 alone; keep the file\n", bytesOf(int64(len(s.text))))
	}
	if c := s.signed.Certificate; c != nil {
		fingerprint := sha256.Sum256(c.Raw)
		kept["certificate"] = map[string]any{"subject": c.Subject.String(), "sha256": hex.EncodeToString(fingerprint[:])}
	} else {
		kept["keyHint"] = s.signed.KeyHint
	}
	return kept
}
