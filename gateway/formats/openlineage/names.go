package openlineage

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// OwnNamespace is the namespace of datasets that are artifacts of the ledger, whichever organisation's: the name is a
// version (dataset/market/readings@3), or all versions (dataset/market/readings), of which the version facet chooses
// one.
const OwnNamespace = "pedigree"

// ArtifactName is the name under which a dataset is kept: a legible part, and a fingerprint that tells apart what the
// legible parts of two datasets don't.
func ArtifactName(i Identity) string {
	const legible = 100
	sum := sha256.Sum256([]byte(i.Namespace + "\x00" + i.Name))
	slug := spell(i.Name, "-_.", legible)
	if slug == "" {
		slug = "dataset"
	}
	return slug + "-" + hex.EncodeToString(sum[:8])
}

// Version spells a version as artifacts have them. What is one already stays as it is; anything else becomes its
// legible part and a fingerprint.
func Version(said string) string {
	const legible = 40
	if _, err := record.ParseArtifactRef("dataset/x/x@" + said); err == nil {
		return said
	}
	sum := sha256.Sum256([]byte(said))
	slug := spell(said, "-._+", legible)
	if slug == "" {
		slug = "version"
	}
	return slug + "-" + hex.EncodeToString(sum[:8])
}

// RunVersion is the version of what a run generates and gives no version.
func RunVersion(runID string) string { return Version("run-" + runID) }

// spell keeps letters, digits and some marks of a text, its last ones if it is too long, and begins with a letter or
// digit.
func spell(s, marks string, most int) string {
	var b strings.Builder
	gap := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(marks, c) >= 0 {
			b.WriteByte(c)
			gap = false
		} else if !gap {
			b.WriteByte('-')
			gap = true
		}
	}
	t := b.String()
	t = t[max(0, len(t)-most):]
	return strings.Trim(t, "-_.+")
}

// Place is which artifact a dataset is, as far as the event says it.
type Place struct {
	Kind      string // empty if the event doesn't say it
	Namespace string
	Name      string
	Version   string // empty if the event doesn't say it
}

// Ref is the name of a version of the artifact.
func (p Place) Ref(kind, version string) string {
	return record.ArtifactRef{Kind: kind, Namespace: p.Namespace, Name: p.Name, Version: version}.String()
}

// PlaceOf tells which artifact a dataset with these facets is, in the namespace of the organisation whose gateway reads
// the event.
func PlaceOf(i Identity, facets canonical.Value, namespace string) Place {
	d := Dataset{Identity: i, Facets: facets}
	if i.Namespace == OwnNamespace {
		if p, err := d.own(); err == nil {
			return p
		}
	}
	p := Place{Kind: KindIn(facets), Namespace: namespace, Name: ArtifactName(i)}
	if said := VersionIn(facets); said != "" {
		p.Version = Version(said)
	}
	return p
}

// own reads the name of a dataset in our namespace.
func (d Dataset) own() (Place, error) {
	series, version, exact := strings.Cut(d.Name, "@")
	if !exact {
		version = "1" // any, to check the rest by
	}
	ref, err := record.ParseArtifactRef(series + "@" + version)
	if err != nil {
		return Place{}, fmt.Errorf(
			"in the namespace %s a name is an artifact (dataset/lab/readings) or a version of one (dataset/lab/readings@1): %w",
			OwnNamespace,
			err,
		)
	}
	p := Place{Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name}
	said := VersionIn(d.Facets)
	if exact {
		p.Version = version
	} else if said != "" {
		p.Version = Version(said)
	}
	if exact && said != "" && Version(said) != version {
		return Place{}, fmt.Errorf(
			"the name says version %s and the version facet says %s; leave one of them out",
			version,
			record.Brief(said),
		)
	}
	return p, nil
}

// DeclaredDigest is the digest of a version of which nobody has said what it hashes to: of its names. It shows who
// meant what, and nothing of the content.
func DeclaredDigest(i Identity, version string) canonical.Value {
	text := canonical.Obj(canonical.Member{Name: "name", Value: canonical.Str(i.Name)},
		canonical.Member{Name: "namespace", Value: canonical.Str(i.Namespace)},
		canonical.Member{Name: "version", Value: canonical.Str(version)}).
		Bytes()
	sum := sha256.Sum256(text)
	return canonical.Obj(
		canonical.Member{Name: "algorithm", Value: canonical.Str("sha-256")},
		canonical.Member{Name: "coverage", Value: canonical.Str("declared")},
		canonical.Member{Name: "value", Value: canonical.Str(hex.EncodeToString(sum[:]))},
	)
}
