package card

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
)

func TestDeclaredDigestsAreComparedWithWhatIsRegistered(t *testing.T) {
	one, two := strings.Repeat("1", 64), strings.Repeat("2", 64)
	m := &manifest.Manifest{Files: []manifest.File{
		{Name: "a/readings.csv", Size: 10, SHA256: one}, {Name: "b/readings.csv", Size: 10, SHA256: one}, {Name: "big.bin", Size: 30, ShardSize: 10, Shards: []string{one, one, two}}, {Name: "weights.bin", Size: 5, SHA256: one},
	}}
	full := record.Digest{Algorithm: "sha-256", Value: one, Coverage: "full"}
	sum := func(value string) []about.Digest { return []about.Digest{{Algorithm: "sha-256", Value: value}} }
	md5 := []about.Digest{{Algorithm: "md5", Value: strings.Repeat("0", 32)}}
	for _, test := range []struct {
		name           string
		card           about.Description
		manifest       *manifest.Manifest
		contradictions []string
		odd            []string
	}{
		{"the same digest", about.Description{Files: []about.File{{Name: "weights.bin", Path: true, Digests: sum(one), Size: 5}}}, m, nil, nil},
		{"another digest", about.Description{Files: []about.File{{Name: "weights.bin", Path: true, Digests: sum(two)}}}, m, []string{"wrong_digest"}, nil},
		{"another size", about.Description{Files: []about.File{{Name: "weights.bin", Path: true, Size: 6}}}, m, nil, []string{"other_size"}},
		{"a file that isn't there", about.Description{Files: []about.File{{Name: "nowhere.bin", Path: true, Digests: sum(two)}}}, m, nil, []string{"file_not_found"}},
		{"a file somewhere else", about.Description{Files: []about.File{{Name: "dump", URL: "https://lab.example/dump.zip", Digests: sum(two)}}}, m, nil, nil},
		{"an address that ends as one file does, with its digest", about.Description{Files: []about.File{{Name: "w", URL: "https://lab.example/x/weights.bin", Digests: sum(one)}}}, m, nil, nil},
		{"an address that ends as one file does, with another digest", about.Description{Files: []about.File{{Name: "w", URL: "https://lab.example/x/weights.bin", Digests: sum(two)}}}, m, nil, []string{"other_digest"}},
		{"an address that ends as two files do", about.Description{Files: []about.File{{Name: "r", URL: "https://lab.example/readings.csv", Digests: sum(two)}}}, m, nil, nil},
		{"a file hashed in shards", about.Description{Files: []about.File{{Name: "big.bin", Path: true, Digests: sum(two)}}}, m, nil, []string{"not_comparable"}},
		{"a weak hash", about.Description{Files: []about.File{{Name: "weights.bin", Path: true, Digests: md5}}}, m, nil, []string{"not_comparable"}},
		{"no manifest, and the file's digest", about.Description{Files: []about.File{{Name: "weights.bin", Path: true, Digests: sum(one)}}}, nil, nil, nil},
		{"no manifest, and another digest", about.Description{Files: []about.File{{Name: "weights.bin", Path: true, Digests: sum(two)}}}, nil, nil, []string{"other_digest"}},
		{"no manifest, and several files", about.Description{Files: []about.File{{Name: "a", Digests: sum(two)}, {Name: "b", Digests: sum(one)}}}, nil, nil, []string{"not_comparable"}},
		{"the digest of the whole", about.Description{Digests: sum(one)}, m, nil, nil},
		{"another digest of the whole", about.Description{Digests: sum(two)}, m, nil, []string{"other_digest"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			codes := func(problems []about.Problem) (all []string) {
				for _, p := range problems {
					require.NotEmpty(t, p.Detail)
					all = append(all, p.Code)
				}
				return all
			}
			contradictions, odd := Compare(&test.card, full, test.manifest)
			require.Equal(t, test.contradictions, codes(contradictions))
			require.Equal(t, test.odd, codes(odd))
		})
	}
}
