package record

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
)

// Artifact is one version of a dataset, model, code base or document. The record
// has the digest of its content and says where it came from. It never has the
// content itself.
type Artifact struct {
	ArtifactRef
	Digest      Digest
	Size        int64 // bytes; 0 if absent
	MediaType   string
	Description string
	Licence     string // an SPDX expression
	DerivedFrom []string
	Aliases     []Digest
	Manifest    *manifest.Manifest // if the artifact is a folder; Digest is then the manifest's
	Card        Card
	Metadata    canonical.Value // any object; null if absent
}

// Card is a document that describes the artifact: a model card, Croissant
// metadata or a CycloneDX ML-BOM. The record keeps it byte for byte as its
// author wrote it. Nobody has checked what it says.
type Card struct {
	MediaType string
	SHA256    string // of the text, in lower-case hexadecimal
	Text      string // empty if there is no card
}

// MaxCard bounds the text of a card, in bytes.
const MaxCard = 384 << 10

// Digest is a hash of content, and says how much of the content it covers. Only
// a full digest can show that content is unchanged.
type Digest struct {
	Algorithm string // sha-256, sha-384, sha-512, blake2b-512 or blake3
	Value     string // lower-case hexadecimal
	Coverage  string // full: every byte; sampled: some bytes; declared: somebody says so
	Scheme    string // for an alias: what is hashed and how, such as openssf-model-signing/1.0; empty for the content itself
}

// nothing are the digests of no bytes at all, by their algorithm.
var nothing = map[string]string{
	"sha-256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"sha-384": "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da" +
		"274edebfe76f65fbd51ad2f14898b95b",
	"sha-512": "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce" +
		"47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
	"blake2b-512": "786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419" +
		"d25e1031afee585313896444934eb04b903a685b1448b755d56f701afe9be2ce",
	"blake3": "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
}

// OfNothing tells whether a digest is that of no bytes at all. Empty files have nothing to do with each other.
func (d Digest) OfNothing() bool { return d.Value == nothing[d.Algorithm] }

// DigestAlgorithms are those that the digest of an artifact may have, and Coverages say how much of it a digest covers.
var (
	DigestAlgorithms = []string{"sha-256", "sha-384", "sha-512", "blake2b-512", "blake3"}
	Coverages        = []string{"full", "sampled", "declared"}
)

// DigestLength is how many hexadecimal digits a digest of one of DigestAlgorithms has. It is 0 for others.
func DigestLength(algorithm string) int { return len(nothing[algorithm]) }

// NoDigestAlgorithm says of a text that it is none of DigestAlgorithms.
func NoDigestAlgorithm() string {
	last := len(DigestAlgorithms) - 1
	return "is none of " + strings.Join(DigestAlgorithms[:last], ", ") + " and " + DigestAlgorithms[last]
}

// NewArtifact makes the record of an artifact version that the organisation by registers.
func NewArtifact(v canonical.Value, by string) (*Record, []Problem) {
	return build(NounArtifact, by, v)
}

func readArtifact(f *fields) *Artifact {
	a := new(Artifact)
	a.Kind = f.named("kind", required, among(ArtifactKinds...))
	a.Namespace = f.named("namespace", required, namespaceRule)
	a.Name = f.named("name", required, nameRule)
	a.Version = f.named("version", required, versionRule)
	if v, ok := f.get("digest", canonical.Object, required); ok {
		f.within(v, "/digest", func(f *fields) { a.Digest = readDigest(f, false) })
	}
	if v, ok := f.get("size", canonical.Number, optional); ok {
		if a.Size, ok = v.Int(); !ok || a.Size < 0 {
			f.problem("bad_value", "/size", "size must be a whole number of bytes")
		}
	}
	a.MediaType = f.text("mediaType", optional, 256)
	a.Description = f.text("description", optional, 10_000)
	a.Licence = f.named("licence", optional, licenceRule)
	a.DerivedFrom = f.texts("derivedFrom", optional, MaxRefs, refRule)
	f.list("aliases", optional, 16, func(v canonical.Value, pointer string) {
		f.within(v, pointer, func(f *fields) { a.Aliases = append(a.Aliases, readDigest(f, true)) })
	})
	readManifest(f, a)
	if v, ok := f.get("card", canonical.Object, optional); ok {
		f.within(v, "/card", func(f *fields) { a.Card = readCard(f) })
	}
	a.Metadata = f.object("metadata", optional)
	for i, ref := range a.DerivedFrom {
		if ref == a.ArtifactRef.String() {
			f.problem("cycle", canonical.Pointer("derivedFrom", i), "%s can't be derived from itself", ref)
		}
	}
	return a
}

// readManifest reads the manifest, if there is one. The artifact's digest and size must then be those of the manifest.
func readManifest(f *fields, a *Artifact) {
	v, ok := f.get("manifest", canonical.Object, optional)
	if !ok {
		return
	}
	m, problem := manifest.Read(v)
	if problem != nil {
		f.problem(problem.Code, "/manifest"+problem.Pointer, "%s", problem.Detail)
		return
	}
	a.Manifest = &m
	if a.Digest.Algorithm != "sha-256" || a.Digest.Coverage != "full" || a.Digest.Value != m.Digest() {
		f.problem(
			"wrong_digest",
			"/digest",
			"the digest of an artifact with a manifest is the manifest's: sha-256, full, %s",
			m.Digest(),
		)
	}
	if size, given := f.value.Lookup("size"); !given || size.Kind == canonical.Number && a.Size != m.Size() {
		f.problem("bad_value", "/size", "the size of an artifact with a manifest is that of its files: %d", m.Size())
	}
}

func readCard(f *fields) Card {
	c := Card{MediaType: f.text("mediaType", required, 256), Text: f.text("text", required, MaxCard)}
	sum := sha256.Sum256([]byte(c.Text))
	c.SHA256 = f.named("sha256", required, func(text string) string {
		if text != hex.EncodeToString(sum[:]) {
			return "is not the SHA-256 of the card's text, which is " + hex.EncodeToString(sum[:])
		}
		return ""
	})
	return c
}

func readDigest(f *fields, alias bool) Digest {
	d := Digest{
		Algorithm: f.named("algorithm", required, func(s string) string {
			if DigestLength(s) == 0 {
				return NoDigestAlgorithm()
			}
			return ""
		}),
		Coverage: f.named("coverage", required, among(Coverages...)),
	}
	d.Value = f.named("value", required, func(s string) string {
		if n := DigestLength(d.Algorithm); n > 0 && !lowerHex(s, n) {
			return fmt.Sprintf("is not a %s digest, which has %d lower-case hexadecimal digits", d.Algorithm, n)
		}
		return ""
	})
	if alias {
		d.Scheme = f.text("scheme", optional, 128)
	}
	return d
}

// licenceRule checks the characters of an SPDX licence expression (SPDX 2.3,
// annex D). It doesn't look licences up in SPDX's list, because the list grows.
func licenceRule(s string) string {
	if !spelledLicence(s) {
		return "is not an SPDX licence expression, such as Apache-2.0 or CC-BY-4.0 OR MIT"
	}
	return ""
}

func spelledLicence(s string) bool {
	if s == "" || len(s) > 256 {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case lower(c | 0x20), digit(c), c == '-', c == '.', c == '+', c == ':', c == '(', c == ')', c == ' ':
		default:
			return false
		}
	}
	return true
}

func (a *Artifact) references() []Reference {
	refs := make([]Reference, len(a.DerivedFrom))
	for i, ref := range a.DerivedFrom {
		refs[i] = Reference{canonical.Pointer("derivedFrom", i), ref}
	}
	return refs
}

// SubjectDigest is the SHA-256 that statements about the artifact version
// contain. It is the artifact's digest, or the SHA-256 of its name if the digest
// uses another algorithm.
func (a *Artifact) SubjectDigest() string {
	if a.Digest.Algorithm == "sha-256" {
		return a.Digest.Value
	}
	return NodeDigest(a.ArtifactRef.String(), NodeArtifact)
}
