package modelsigning

import (
	"context"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder"
)

// Method says how a model is hashed for a signature.
type Method struct {
	HashType  string // empty means sha256
	ShardSize int64  // 0 means that files are hashed as a whole
}

// New hashes a folder, or a single file, and makes the statement to sign. It leaves out the paths that the folder was
// opened without.
func New(ctx context.Context, f *folder.Folder, m Method, h folder.Hashing) (*Statement, error) {
	if m.HashType == "" {
		m.HashType = "sha256"
	}
	if hashes[m.HashType] == nil {
		return nil, fmt.Errorf("%q is no hash of model signing; there are sha256, blake2b and blake3", m.HashType)
	}
	path, err := filepath.Abs(f.Path())
	if err != nil {
		return nil, err
	}
	s := &Statement{
		Name:      filepath.Base(path),
		HashType:  m.HashType,
		ShardSize: m.ShardSize,
		Ignore:    slices.Concat(f.Ignore(), folder.DefaultIgnore),
	}
	slices.Sort(s.Ignore)
	if s.Resources, err = s.resources(ctx, f, h); err != nil {
		return nil, err
	}
	if len(s.Resources) == 0 {
		return nil, fmt.Errorf(
			"all files of %s are empty, and a signature by shards lists no empty files; sign whole files",
			f.Path(),
		)
	}
	s.Root = s.root()
	return s, nil
}

// resources hashes a folder by the method of the statement.
func (s *Statement) resources(ctx context.Context, f *folder.Folder, h folder.Hashing) ([]Resource, error) {
	h.New, h.Shard = hashes[s.HashType], func(string, int64) int64 { return s.ShardSize }
	sums, err := f.Hash(ctx, h)
	if err != nil {
		return nil, err
	}
	var all []Resource
	for i, name := range f.Names() {
		size := f.FileSize(i)
		if s.ShardSize > 0 && size == 0 {
			continue
		}
		for shard, digest := range sums[i].Digests {
			r := Resource{Name: name, Digest: hex.EncodeToString(digest)}
			if s.ShardSize > 0 {
				r.Start = int64(shard) * s.ShardSize
				r.End = min(size, r.Start+s.ShardSize)
			}
			all = append(all, r)
		}
	}
	return all, nil
}

// Compare hashes a folder, or a single file, and lists how it differs from
// what was signed. Open the folder with the statement's Ignore.
func (s *Statement) Compare(ctx context.Context, f *folder.Folder, h folder.Hashing) ([]folder.Difference, error) {
	found, err := s.resources(ctx, f, h)
	if err != nil {
		return nil, err
	}
	signed := s.Resources
	if f.Single() != "" && len(signed) == 1 && signed[0].Name == "." {
		signed = []Resource{{Name: f.Single(), Digest: signed[0].Digest}}
	}
	return differences(signed, found), nil
}

func differences(signed, found []Resource) []folder.Difference {
	list := folder.Compare(byFile(signed), byFile(found))
	for i := range list {
		list[i].Want, list[i].Have = nil, nil // a signature knows no sizes
	}
	return list
}

// byFile makes a list of files that can be compared: what a file's resources say stands for its content.
func byFile(resources []Resource) manifest.Manifest {
	content := map[string][]string{}
	for _, r := range resources {
		content[r.Name] = append(content[r.Name], fmt.Sprintf("%020d:%020d:%s", r.Start, r.End, r.Digest))
	}
	var m manifest.Manifest
	for name, parts := range content {
		slices.Sort(parts)
		m.Files = append(m.Files, manifest.File{Name: name, SHA256: strings.Join(parts, ",")})
	}
	m.Sort()
	return m
}

// CompareManifest compares a manifest of the folder, instead of the folder, with what was signed. So the files needn't
// be read again. It returns false if the signature uses other hashes than the manifest has.
func (s *Statement) CompareManifest(m manifest.Manifest) ([]folder.Difference, bool) {
	if s.HashType != "sha256" {
		return nil, false
	}
	var found []Resource
	for _, f := range m.Files {
		switch {
		case s.ShardSize == 0 && len(f.Shards) == 0:
			found = append(found, Resource{Name: f.Name, Digest: f.SHA256})
		case f.Size == 0: // a signature by shards doesn't list it
		case s.ShardSize >= f.Size && len(f.Shards) == 0:
			found = append(found, Resource{Name: f.Name, End: f.Size, Digest: f.SHA256})
		case s.ShardSize == f.ShardSize:
			for i, digest := range f.Shards {
				start := int64(i) * f.ShardSize
				found = append(found, Resource{Name: f.Name, Start: start, End: min(f.Size, start+f.ShardSize), Digest: digest})
			}
		default:
			return nil, false
		}
	}
	return differences(s.Resources, found), true
}
