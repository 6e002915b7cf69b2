package folder

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
)

// Difference is a difference between a folder and a manifest.
type Difference struct {
	Kind string `json:"kind"` // missing, extra, changed or renamed
	Name string `json:"name"`
	To   string `json:"to,omitempty"` // what a renamed file is called now
	// Of a changed file: what it should be and what it is. Of a missing file: what it should be. Of an extra one: what it
	// is.
	Want *Content `json:"want,omitempty"`
	Have *Content `json:"have,omitempty"`
}

// Content is what a file has in it.
type Content struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256,omitempty"` // of a file that is hashed as a whole
}

// The kinds of difference.
const (
	Missing = "missing"
	Extra   = "extra"
	Altered = "changed"
	Renamed = "renamed"
)

// Compare lists the differences between the wanted manifest and the manifest of what is there, in the order of names.
// If a file is missing, and an extra file has its content, the file counts as renamed.
func Compare(want, have manifest.Manifest) []Difference {
	var differences []Difference
	var missing, extra []manifest.File
	i, j := 0, 0
	for i < len(want.Files) || j < len(have.Files) {
		switch {
		case j == len(have.Files) || i < len(want.Files) && want.Files[i].Name < have.Files[j].Name:
			missing = append(missing, want.Files[i])
			i++
		case i == len(want.Files) || have.Files[j].Name < want.Files[i].Name:
			extra = append(extra, have.Files[j])
			j++
		default:
			if !same(want.Files[i], have.Files[j]) {
				differences = append(
					differences,
					Difference{Kind: Altered, Name: want.Files[i].Name, Want: content(want.Files[i]), Have: content(have.Files[j])},
				)
			}
			i, j = i+1, j+1
		}
	}
	elsewhere := map[string][]int{} // extra files by their content
	for k, f := range extra {
		elsewhere[key(f)] = append(elsewhere[key(f)], k)
	}
	taken := make([]bool, len(extra))
	for _, f := range missing {
		found := elsewhere[key(f)]
		if len(found) == 0 {
			differences = append(differences, Difference{Kind: Missing, Name: f.Name, Want: content(f)})
			continue
		}
		taken[found[0]], elsewhere[key(f)] = true, found[1:]
		differences = append(differences, Difference{Kind: Renamed, Name: f.Name, To: extra[found[0]].Name})
	}
	for k, f := range extra {
		if !taken[k] {
			differences = append(differences, Difference{Kind: Extra, Name: f.Name, Have: content(f)})
		}
	}
	slices.SortFunc(differences, func(a, b Difference) int { return cmp.Compare(a.Name, b.Name) })
	return differences
}

// same tells whether two files have the same content, whatever they are called.
func same(a, b manifest.File) bool {
	return a.Size == b.Size && a.SHA256 == b.SHA256 && a.ShardSize == b.ShardSize && slices.Equal(a.Shards, b.Shards)
}

// key is alike for files of the same content.
func key(f manifest.File) string { return f.SHA256 + strings.Join(f.Shards, ",") }

func content(f manifest.File) *Content { return &Content{f.Size, f.SHA256} }
