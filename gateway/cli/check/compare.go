package check

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"os"

	"golang.org/x/crypto/blake2b"
	"lukechampine.com/blake3"

	"github.com/pedigree-ledger/pedigree/gateway/cli/content"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder"
)

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
			return exit.Usagef("%s is a folder of %s; give the folder, not a file", a.ArtifactRef,
				terminal.Count(len(want.Files), "file"))
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
