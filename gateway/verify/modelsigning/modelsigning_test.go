package modelsigning_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder/foldertest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/modelsigning"
)

func newKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	return key
}

func state(t testing.TB, path string, m modelsigning.Method, ignore ...string) *modelsigning.Statement {
	t.Helper()
	s, err := modelsigning.New(t.Context(), foldertest.Open(t, path, ignore...), m, folder.Hashing{})
	require.NoError(t, err)
	return s
}

// signed makes a bundle and verifies it.
func signed(t testing.TB, s *modelsigning.Statement, key *ecdsa.PrivateKey) *modelsigning.Signed {
	t.Helper()
	text, err := modelsigning.Sign(s, key, nil)
	require.NoError(t, err)
	return verified(t, text, modelsigning.Trust{Key: &key.PublicKey})
}

func verified(t testing.TB, text []byte, trust modelsigning.Trust) *modelsigning.Signed {
	t.Helper()
	b, err := modelsigning.Parse(text)
	require.NoError(t, err)
	got, err := b.Verify(trust)
	require.NoError(t, err)
	return got
}

func compare(t testing.TB, s *modelsigning.Statement, path string) []folder.Difference {
	t.Helper()
	f, err := folder.Open(path, folder.Options{Ignore: s.Ignore})
	require.NoError(t, err)
	defer f.Close()
	differences, err := s.Compare(t.Context(), f, folder.Hashing{})
	require.NoError(t, err)
	return differences
}

var model = map[string]string{"weights/1.bin": strings.Repeat("w", 2500), "weights/2.bin": strings.Repeat("v", 1000), "config.json": "{}", "empty": "", "odd:name:7": "x", ".git/config": "g", "logs/today": "l"}

func TestASignedModelVerifiesAndAnyDifferenceIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		curve  elliptic.Curve
		method modelsigning.Method
	}{
		"P-256, files, sha256":   {elliptic.P256(), modelsigning.Method{}},
		"P-384, files, blake2b":  {elliptic.P384(), modelsigning.Method{HashType: "blake2b"}},
		"P-521, files, blake3":   {elliptic.P521(), modelsigning.Method{HashType: "blake3"}},
		"P-256, shards, sha256":  {elliptic.P256(), modelsigning.Method{ShardSize: 1000}},
		"P-256, shards, blake2b": {elliptic.P256(), modelsigning.Method{HashType: "blake2b", ShardSize: 999}},
		"P-256, shards, blake3":  {elliptic.P256(), modelsigning.Method{HashType: "blake3", ShardSize: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := foldertest.Fill(t, model)
			s := signed(t, state(t, dir, c.method, "logs"), newKey(t, c.curve))
			assert.Equal(t, filepath.Base(dir), s.Name)
			assert.Nil(t, s.Certificate)
			assert.Len(t, s.KeyHint, 64)
			assert.Len(t, s.Root, 64)
			assert.Equal(t, []string{".git", ".gitattributes", ".github", ".gitignore", "logs"}, s.Ignore)
			assert.Empty(t, compare(t, &s.Statement, dir))
			foldertest.Put(t, dir, "logs/tomorrow", "not signed")
			assert.Empty(t, compare(t, &s.Statement, dir))

			foldertest.Put(t, dir, "weights/1.bin", strings.Repeat("w", 2499)+"X")
			foldertest.Put(t, dir, "new.bin", "n")
			require.NoError(t, os.Remove(filepath.Join(dir, "config.json")))
			require.NoError(t, os.Rename(filepath.Join(dir, "weights/2.bin"), filepath.Join(dir, "weights/3.bin")))
			assert.Equal(t, []folder.Difference{{Kind: "missing", Name: "config.json"}, {Kind: "extra", Name: "new.bin"}, {Kind: "changed", Name: "weights/1.bin"},
				{Kind: "renamed", Name: "weights/2.bin", To: "weights/3.bin"}}, compare(t, &s.Statement, dir))
		})
	}
}

func TestAManifestIsComparedWithoutReadingAgain(t *testing.T) {
	const shard = manifest.MinShard
	files := map[string]string{"big": strings.Repeat("0123456789abcdef", 1<<17) + "more"}
	for name, text := range model {
		files[name] = text
	}
	dir := foldertest.Fill(t, files)
	m, err := foldertest.Open(t, dir).Against(t.Context(), manifest.Manifest{Files: []manifest.File{{Name: "big", ShardSize: shard, Shards: []string{"these", "three", "exist"}}}}, folder.Hashing{})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		method   modelsigning.Method
		possible bool
	}{
		"shards of the manifest's size": {modelsigning.Method{ShardSize: shard}, true},
		"shards of another size":        {modelsigning.Method{ShardSize: shard - 1}, false},
		"whole files":                   {modelsigning.Method{}, false},
		"another hash":                  {modelsigning.Method{HashType: "blake3", ShardSize: shard}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := state(t, dir, c.method)
			differences, possible := s.CompareManifest(m)
			require.Equal(t, c.possible, possible)
			assert.Empty(t, differences)
		})
	}
	require.NoError(t, os.Remove(filepath.Join(dir, "big")))
	s := state(t, dir, modelsigning.Method{})
	differences, possible := s.CompareManifest(m)
	assert.False(t, possible, "the manifest has the big file in shards")
	assert.Empty(t, differences)
	small, err := foldertest.Open(t, dir).Manifest(t.Context(), folder.Hashing{})
	require.NoError(t, err)
	small.Files[0].SHA256 = strings.Repeat("0", 64)
	differences, possible = s.CompareManifest(small)
	assert.True(t, possible)
	assert.Equal(t, []folder.Difference{{Kind: "changed", Name: "config.json"}}, differences)
}

func TestTheRootDigestDoesNotBindNames(t *testing.T) {
	a := state(t, foldertest.Fill(t, map[string]string{"a": "1", "b": "2"}), modelsigning.Method{})
	b := state(t, foldertest.Fill(t, map[string]string{"c": "1", "d": "2"}), modelsigning.Method{})
	assert.Equal(t, a.Root, b.Root, "which is why the ledger doesn't name artifacts by it")
	assert.Equal(t, "4295f72eeb1e3507b8461e240e3b8d18c1e7bd2f1122b11fc9ec40a65894031a", a.Root)
}

func TestASingleFileIsSignedUnderItsName(t *testing.T) {
	dir := foldertest.Fill(t, map[string]string{"model.onnx": "weights"})
	path := filepath.Join(dir, "model.onnx")
	s := signed(t, state(t, path, modelsigning.Method{}), newKey(t, elliptic.P256()))
	require.Len(t, s.Resources, 1)
	assert.Equal(t, "model.onnx", s.Resources[0].Name)
	assert.Empty(t, compare(t, &s.Statement, path))
	foldertest.Put(t, dir, "model.onnx", "Weights")
	assert.Equal(t, []folder.Difference{{Kind: "changed", Name: "model.onnx"}}, compare(t, &s.Statement, path))
}

func TestOnlyEmptyFilesCantBeSignedByShards(t *testing.T) {
	f := foldertest.Open(t, foldertest.Fill(t, map[string]string{"a": ""}))
	_, err := modelsigning.New(t.Context(), f, modelsigning.Method{ShardSize: 10}, folder.Hashing{})
	assert.ErrorContains(t, err, "sign whole files")
	_, err = modelsigning.New(t.Context(), f, modelsigning.Method{HashType: "md5"}, folder.Hashing{})
	assert.ErrorContains(t, err, "blake3")
}

// change edits a bundle as JSON.
func change(t *testing.T, text []byte, edit func(map[string]any)) []byte {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal(text, &v))
	edit(v)
	out, err := json.Marshal(v)
	require.NoError(t, err)
	return out
}

func object(v map[string]any, name string) map[string]any { return v[name].(map[string]any) }

func TestASignatureThatIsNotWhatItShouldBeIsRefused(t *testing.T) {
	key, other := newKey(t, elliptic.P256()), newKey(t, elliptic.P256())
	text, err := modelsigning.Sign(state(t, foldertest.Fill(t, model), modelsigning.Method{}), key, nil)
	require.NoError(t, err)
	envelope := func(edit func(map[string]any)) func(map[string]any) {
		return func(v map[string]any) { edit(object(v, "dsseEnvelope")) }
	}
	for name, c := range map[string]struct {
		edit      func(map[string]any)
		complaint string
	}{
		"another media type": {func(v map[string]any) { v["mediaType"] = "application/json" }, "mediaType"},
		"no material":        {func(v map[string]any) { delete(v, "verificationMaterial") }, "verificationMaterial"},
		"a keyless certificate": {func(v map[string]any) {
			v["verificationMaterial"] = map[string]any{"certificate": map[string]any{"rawBytes": "AA=="}}
		}, "keyless"},
		"a key and a chain": {func(v map[string]any) { object(v, "verificationMaterial")["x509CertificateChain"] = map[string]any{} }, "either"},
		"an empty chain": {func(v map[string]any) {
			v["verificationMaterial"] = map[string]any{"x509CertificateChain": map[string]any{}}
		}, "0 certificates"},
		"a chain of nonsense": {func(v map[string]any) {
			v["verificationMaterial"] = map[string]any{"x509CertificateChain": map[string]any{"certificates": []any{map[string]any{"rawBytes": "AAAA"}}}}
		}, "can't be read"},
		"another hint": {func(v map[string]any) {
			object(object(v, "verificationMaterial"), "publicKey")["hint"] = strings.Repeat("0", 64)
		}, "another key"},
		"another payload type":    {envelope(func(e map[string]any) { e["payloadType"] = "text/plain" }), "payloadType"},
		"no payload":              {envelope(func(e map[string]any) { delete(e, "payload") }), "payload is missing"},
		"a payload not in base64": {envelope(func(e map[string]any) { e["payload"] = "%%%" }), "not base64"},
		"a changed payload":       {envelope(func(e map[string]any) { e["payload"] = base64.StdEncoding.EncodeToString([]byte(`{}`)) }), "signature is wrong"},
		"two signatures":          {envelope(func(e map[string]any) { e["signatures"] = append(e["signatures"].([]any), e["signatures"].([]any)...) }), "2 signatures"},
		"no signature":            {envelope(func(e map[string]any) { e["signatures"] = []any{} }), "0 signatures"},
		"a signature of nonsense": {envelope(func(e map[string]any) { e["signatures"] = []any{map[string]any{"sig": "AAAA"}} }), "signature is wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := modelsigning.Parse(change(t, text, c.edit))
			if err == nil {
				_, err = b.Verify(modelsigning.Trust{Key: &key.PublicKey})
			}
			assert.ErrorContains(t, err, c.complaint)
		})
	}
	b, err := modelsigning.Parse(text)
	require.NoError(t, err)
	_, err = b.Verify(modelsigning.Trust{Key: &other.PublicKey})
	assert.ErrorContains(t, err, "another key")
	_, err = b.Verify(modelsigning.Trust{})
	assert.ErrorContains(t, err, "whom to trust")
	_, err = modelsigning.Parse([]byte(`{"mediaType":"a","mediaType":"b"}`))
	assert.ErrorContains(t, err, "not a bundle", "two readers could read it in two ways")

	url := change(t, text, envelope(func(e map[string]any) {
		payload := strings.NewReplacer("+", "-", "/", "_").Replace(e["payload"].(string))
		e["payload"] = strings.TrimRight(payload, "=")
	}))
	verified(t, url, modelsigning.Trust{Key: &key.PublicKey})
}

func TestASignedStatementThatIsNonsenseIsRefused(t *testing.T) {
	key := newKey(t, elliptic.P256())
	sum := strings.Repeat("ab", 32)
	one := modelsigning.Resource{Name: "a", Digest: sum}
	files := func(r ...modelsigning.Resource) *modelsigning.Statement {
		return &modelsigning.Statement{HashType: "sha256", Resources: r}
	}
	shards := func(r ...modelsigning.Resource) *modelsigning.Statement {
		return &modelsigning.Statement{HashType: "sha256", ShardSize: 10, Resources: r}
	}
	for name, c := range map[string]struct {
		statement *modelsigning.Statement
		complaint string
	}{
		"no files":                    {files(), "no files"},
		"a wrong root":                {&modelsigning.Statement{HashType: "sha256", Root: sum, Resources: []modelsigning.Resource{one}}, "contradicts itself"},
		"a file twice":                {files(one, one), "twice"},
		"a path that escapes":         {files(modelsigning.Resource{Name: "../a", Digest: sum}), "no file in the model"},
		"an absolute path":            {files(modelsigning.Resource{Name: "/etc/passwd", Digest: sum}), "no file in the model"},
		"a name with a newline":       {files(modelsigning.Resource{Name: "a\nb", Digest: sum}), "control character"},
		"a URL for a digest":          {files(modelsigning.Resource{Name: "a", Digest: "https://example.com/80"}), "64 lower-case hexadecimal digits"},
		"a digest of 32 digits":       {files(modelsigning.Resource{Name: "a", Digest: sum[:32]}), "64 lower-case hexadecimal digits"},
		"a digest in capitals":        {files(modelsigning.Resource{Name: "a", Digest: strings.ToUpper(sum)}), "64 lower-case hexadecimal digits"},
		"a hash nobody knows":         {&modelsigning.Statement{HashType: "md5", Resources: []modelsigning.Resource{one}}, "hash_type"},
		"a file among shards":         {shards(one), "not the name of a shard"},
		"a shard that is too long":    {shards(modelsigning.Resource{Name: "a", End: 11, Digest: sum}), "not the name of a shard"},
		"a shard at an odd place":     {shards(modelsigning.Resource{Name: "a", Start: 5, End: 10, Digest: sum}), "not the name of a shard"},
		"a shard left out":            {shards(modelsigning.Resource{Name: "a", End: 10, Digest: sum}, modelsigning.Resource{Name: "a", Start: 20, End: 25, Digest: sum}), "leaves out"},
		"a shard that ends too early": {shards(modelsigning.Resource{Name: "a", End: 7, Digest: sum}, modelsigning.Resource{Name: "a", Start: 10, End: 15, Digest: sum}), "leaves out"},
		"ignoring an escaping path":   {&modelsigning.Statement{HashType: "sha256", Ignore: []string{"a/../.."}, Resources: []modelsigning.Resource{one}}, "ignores"},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := modelsigning.Sign(c.statement, key, nil)
			require.NoError(t, err)
			b, err := modelsigning.Parse(text)
			require.NoError(t, err)
			_, err = b.Verify(modelsigning.Trust{Key: &key.PublicKey})
			assert.ErrorContains(t, err, c.complaint)
		})
	}
}

// authority makes certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string, parent *authority) *authority {
	a := &authority{t: t, key: newKey(t, elliptic.P256())}
	a.cert = certify(t, name, &a.key.PublicKey, parent, a.key, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	})
	return a
}

func certify(t *testing.T, name string, public *ecdsa.PublicKey, parent *authority, self *ecdsa.PrivateKey, edit func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)} // a signature stays good
	edit(template)
	issuer, key := template, self
	if parent != nil {
		issuer, key = parent.cert, parent.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, public, key)
	require.NoError(t, err)
	c, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return c
}

func TestACertificateIsFollowedToATrustedRoot(t *testing.T) {
	root, stranger := newAuthority(t, "root", nil), newAuthority(t, "stranger", nil)
	middle := newAuthority(t, "middle", root)
	key := newKey(t, elliptic.P384())
	leaf := certify(t, "trainer", &key.PublicKey, middle, nil, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature })
	s := state(t, foldertest.Fill(t, model), modelsigning.Method{})
	text, err := modelsigning.Sign(s, key, []*x509.Certificate{leaf, middle.cert})
	require.NoError(t, err)

	got := verified(t, text, modelsigning.Trust{Roots: []*x509.Certificate{stranger.cert, root.cert}})
	assert.Equal(t, "trainer", got.Certificate.Subject.CommonName)
	assert.Equal(t, s.Root, got.Root)
	assert.Nil(t, verified(t, text, modelsigning.Trust{Key: &key.PublicKey}).Certificate, "who trusts the key itself needs no certificate")

	b, err := modelsigning.Parse(text)
	require.NoError(t, err)
	_, err = b.Verify(modelsigning.Trust{Roots: []*x509.Certificate{stranger.cert}})
	assert.ErrorContains(t, err, "doesn't lead to a trusted root")
	_, err = b.Verify(modelsigning.Trust{Key: &stranger.key.PublicKey})
	assert.ErrorContains(t, err, "not the trusted key")
	_, err = b.Verify(modelsigning.Trust{Key: &key.PublicKey, Roots: []*x509.Certificate{root.cert}})
	assert.ErrorContains(t, err, "not both")

	short, err := modelsigning.Sign(s, key, []*x509.Certificate{leaf})
	require.NoError(t, err)
	b, err = modelsigning.Parse(short)
	require.NoError(t, err)
	_, err = b.Verify(modelsigning.Trust{Roots: []*x509.Certificate{root.cert}})
	assert.ErrorContains(t, err, "doesn't lead to a trusted root")

	bare, err := modelsigning.Sign(s, key, nil)
	require.NoError(t, err)
	b, err = modelsigning.Parse(bare)
	require.NoError(t, err)
	_, err = b.Verify(modelsigning.Trust{Roots: []*x509.Certificate{root.cert}})
	assert.ErrorContains(t, err, "bare key")
}

func TestACertificateForSomethingElseIsRefused(t *testing.T) {
	root := newAuthority(t, "root", nil)
	key := newKey(t, elliptic.P256())
	s := state(t, foldertest.Fill(t, model), modelsigning.Method{})
	server := certify(t, "server", &key.PublicKey, root, nil, func(c *x509.Certificate) {
		c.KeyUsage, c.ExtKeyUsage = x509.KeyUsageKeyEncipherment, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	})
	_, err := modelsigning.Sign(s, key, []*x509.Certificate{server})
	assert.ErrorContains(t, err, "not for signing")
	coder := certify(t, "coder", &key.PublicKey, root, nil, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning} })
	text, err := modelsigning.Sign(s, key, []*x509.Certificate{coder})
	require.NoError(t, err)
	verified(t, text, modelsigning.Trust{Roots: []*x509.Certificate{root.cert}})

	exchanged := change(t, text, func(v map[string]any) {
		chain := object(object(v, "verificationMaterial"), "x509CertificateChain")
		chain["certificates"] = []any{map[string]any{"rawBytes": base64.StdEncoding.EncodeToString(server.Raw)}}
	})
	b, err := modelsigning.Parse(exchanged)
	require.NoError(t, err)
	_, err = b.Verify(modelsigning.Trust{Roots: []*x509.Certificate{root.cert}})
	assert.ErrorContains(t, err, "not for signing")

	_, err = modelsigning.Sign(s, newKey(t, elliptic.P256()), []*x509.Certificate{coder})
	assert.ErrorContains(t, err, "not that of the key")
}
