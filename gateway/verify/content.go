package verify

import (
	"context"
	"fmt"

	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder"
	"github.com/pedigree-ledger/pedigree/gateway/verify/modelsigning"
	proofs "github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Manifest lists the files of a folder with their digests. The record of a folder has the Digest of the manifest.
type Manifest = manifest.Manifest

// HashFolder reads every byte of a folder and makes its manifest.
func HashFolder(ctx context.Context, path string) (Manifest, error) {
	f, err := folder.Open(path, folder.Options{})
	if err != nil {
		return Manifest{}, err
	}
	defer f.Close()
	return f.Manifest(ctx, folder.Hashing{})
}

// Folder reads every byte of a folder and lists how it differs from a manifest. The list is empty if they are the same.
func Folder(ctx context.Context, path string, want Manifest) ([]folder.Difference, error) {
	f, err := folder.Open(path, folder.Options{Ignore: want.Ignore, Listed: want})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	have, err := f.Against(ctx, want, folder.Hashing{})
	if err != nil {
		return nil, err
	}
	return folder.Compare(want, have), nil
}

// Registered compares a folder with the manifest of a proved artifact version, such as "dataset/lab/readings@1". If the
// ledger has only the manifest's digest, compare the digest with that of your own manifest, and call Folder.
func Registered(
	ctx context.Context,
	path string,
	proved *proofs.Verdict,
	artifact string,
) ([]folder.Difference, error) {
	for _, one := range proved.Records {
		r, problems := record.Decode(one.Record)
		if len(problems) > 0 || r.Artifact == nil || r.Artifact.ArtifactRef.String() != artifact {
			continue
		}
		if r.Artifact.Manifest == nil || r.Artifact.Digest.Coverage != "full" {
			return nil, fmt.Errorf("%s was registered without a manifest of all its files", artifact)
		}
		return Folder(ctx, path, *r.Artifact.Manifest)
	}
	return nil, fmt.Errorf("the proof isn't of %s", artifact)
}

// Signed verifies a signature of OpenSSF Model Signing, and lists how a folder differs from what was signed.
func Signed(ctx context.Context, path string, signature []byte, trust modelsigning.Trust) ([]folder.Difference, error) {
	bundle, err := modelsigning.Parse(signature)
	if err != nil {
		return nil, err
	}
	signed, err := bundle.Verify(trust)
	if err != nil {
		return nil, err
	}
	f, err := folder.Open(path, folder.Options{Ignore: signed.Ignore})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return signed.Compare(ctx, f, folder.Hashing{})
}
