package card

import (
	"fmt"
	"path"

	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
)

// Compare compares the files and digests that a card declares with those that the artifact is registered with. It is a
// contradiction if the card and the manifest give different SHA-256 hashes for the same path: one of them describes
// something else. What can't be compared, or may be about something else, is only odd.
func Compare(d *about.Description, digest record.Digest, m *manifest.Manifest) (contradictions, odd []about.Problem) {
	note := func(into *[]about.Problem, code string, f about.File, format string, args ...any) {
		*into = append(
			*into,
			about.Problem{Code: code, Pointer: f.Pointer, Line: f.Line, Detail: fmt.Sprintf(format, args...)},
		)
	}
	declared := 0
	for _, f := range d.Files {
		sum := about.SHA256(f.Digests)
		if sum != "" {
			declared++
		}
		if m == nil {
			continue
		}
		own, found := m.Find(f.Name)
		exact := found
		if !found {
			own, found = byLastElement(m, f)
		}
		switch {
		case !found && f.Path:
			note(
				&odd,
				"file_not_found",
				f,
				"the card lists the file %q, but the manifest has no file of that name",
				about.Brief(f.Name),
			)
		case !found:
		case sum != "" && own.SHA256 != "" && sum != own.SHA256 && exact:
			note(
				&contradictions,
				"wrong_digest",
				f,
				"the card says that the SHA-256 of %q is %s, and the manifest has %s",
				about.Brief(own.Name),
				sum,
				own.SHA256,
			)
		case sum != "" && own.SHA256 != "" && sum != own.SHA256:
			note(
				&odd,
				"other_digest",
				f,
				"the card says that the SHA-256 of %q is %s, and %q, which may be the same file, has %s",
				about.Brief(f.Name),
				sum,
				about.Brief(own.Name),
				own.SHA256,
			)
		case sum != "" && own.SHA256 == "":
			note(
				&odd,
				"not_comparable",
				f,
				"%q is hashed in shards, so the digest that the card declares can't be compared",
				about.Brief(own.Name),
			)
		case sum == "" && len(f.Digests) > 0:
			note(
				&odd,
				"not_comparable",
				f,
				"the card declares no SHA-256 of %q, only %s, which can't be compared",
				about.Brief(f.Name),
				f.Digests[0].Algorithm,
			)
		case exact && f.Size > 0 && f.Size != own.Size:
			note(
				&odd,
				"other_size",
				f,
				"the card says that %q has %d bytes, and the manifest has %d",
				about.Brief(own.Name),
				f.Size,
				own.Size,
			)
		}
	}
	if m == nil && declared == 1 && digest.Algorithm == "sha-256" && digest.Coverage == "full" {
		for _, f := range d.Files {
			if sum := about.SHA256(f.Digests); sum != "" && sum != digest.Value {
				note(
					&odd,
					"other_digest",
					f,
					"the card says that the SHA-256 of %q is %s, but the artifact's is %s",
					about.Brief(f.Name),
					sum,
					digest.Value,
				)
			}
		}
	} else if m == nil && declared > 0 {
		odd = append(odd, about.Problem{Code: "not_comparable",
			Detail: fmt.Sprintf("the card declares digests of %d files, but the artifact has no manifest to compare them with", declared)})
	}
	if sum := about.SHA256(d.Digests); sum != "" && digest.Algorithm == "sha-256" && sum != digest.Value {
		odd = append(
			odd,
			about.Problem{
				Code: "other_digest",
				Detail: fmt.Sprintf(
					"the card declares the SHA-256 %s of the whole, but the artifact's is %s; the card doesn't say what its digest covers",
					sum,
					digest.Value,
				),
			},
		)
	}
	return contradictions, odd
}

// byLastElement finds the file in the manifest whose last path element equals that of the listed file's URL or name. It
// finds nothing if there are several.
func byLastElement(m *manifest.Manifest, f about.File) (own manifest.File, found bool) {
	last := path.Base(f.Name)
	if f.URL != "" {
		last = path.Base(f.URL)
	}
	for _, candidate := range m.Files {
		if path.Base(candidate.Name) != last {
			continue
		}
		if found {
			return manifest.File{}, false
		}
		own, found = candidate, true
	}
	return own, found
}
