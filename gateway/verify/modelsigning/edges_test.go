package modelsigning_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder/foldertest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/modelsigning"
)

const predicate = "https://model_signing/signature/v1.0"

// sealed signs any payload, as another program may.
func sealed(t testing.TB, key *ecdsa.PrivateKey, payload string) []byte {
	t.Helper()
	const kind = "application/vnd.in-toto+json"
	sum := sha256.Sum256(fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(payload), payload))
	signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	require.NoError(t, err)
	text, err := json.Marshal(map[string]any{
		"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial": map[string]any{"publicKey": map[string]any{}},
		"dsseEnvelope": map[string]any{
			"payload": base64.StdEncoding.EncodeToString([]byte(payload)), "payloadType": kind,
			"signatures": []any{map[string]any{"sig": base64.StdEncoding.EncodeToString(signature)}},
		},
	})
	require.NoError(t, err)
	return text
}

// verify reads and verifies a bundle.
func verify(text []byte, trust modelsigning.Trust) (*modelsigning.Signed, error) {
	b, err := modelsigning.Parse(text)
	if err != nil {
		return nil, err
	}
	return b.Verify(trust)
}

// stated is a statement about one file, with these members of the serialization and this resource.
func stated(serialization, resource string) string {
	digest := strings.Repeat("ab", 32)
	raw := sha256.Sum256([]byte(strings.Repeat("\xab", 32)))
	return fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","predicateType":%q,"subject":[{"name":"m","digest":{"sha256":"%x"}}],
		"predicate":{"serialization":{%s},"resources":[{%s,"digest":%q}]}}`, predicate, raw, serialization, resource, digest)
}

const (
	whole = `"method":"files","hash_type":"sha256"`
	parts = `"method":"shards","hash_type":"sha256","shard_size":10`
	file  = `"name":"a","algorithm":"sha256"`
)

func TestWhatIsWrongWithAStatementIsSaid(t *testing.T) {
	key := newKey(t, elliptic.P256())
	trust := modelsigning.Trust{Key: &key.PublicKey}
	replaced := func(old, with string) string {
		text := stated(whole, file)
		require.Contains(t, text, old)
		return strings.Replace(text, old, with, 1)
	}
	shard := func(name string) string { return stated(parts, fmt.Sprintf(`"name":%q,"algorithm":"sha256"`, name)) }
	for name, c := range map[string]struct{ payload, complaint string }{
		"no JSON":                               {"statement", "not JSON"},
		"another type":                          {replaced("Statement/v1", "Statement/v2"), "_type"},
		"the format of before":                  {replaced(predicate, "https://model_signing/Digests/v0.1"), "before 0.3"},
		"another predicate":                     {replaced(predicate, strings.Repeat("x", 101)), `"` + strings.Repeat("x", 100) + `…"`},
		"another predicate, just short enough":  {replaced(predicate, strings.Repeat("x", 100)), `"` + strings.Repeat("x", 100) + `"`},
		"two subjects":                          {replaced(`"subject":[`, `"subject":[{},`), "2 subjects"},
		"another method":                        {replaced(`"method":"files"`, `"method":"folders"`), "serialization method"},
		"shards of no size":                     {replaced(`"method":"files"`, `"method":"shards"`), "shard_size"},
		"shards of half a byte":                 {replaced(`"method":"files"`, `"method":"shards","shard_size":2.5`), "shard_size"},
		"shards of nothing":                     {replaced(`"method":"files"`, `"method":"shards","shard_size":0`), "shard_size"},
		"a file that is hashed otherwise":       {replaced(`"algorithm":"sha256"`, `"algorithm":"blake3"`), "is hashed with"},
		"a digest of something else":            {replaced(strings.Repeat("ab", 32)+`"}]`, strings.Repeat("zz", 32)+`"}]`), "64 lower-case hexadecimal digits"},
		"a single file among shards":            {shard(".:0:10"), "no file in the model"},
		"a shard without an end":                {shard("a:0"), "path:start:end"},
		"a shard without a beginning":           {shard("a:x:10"), "not the name of a shard"},
		"a shard with an end that is none":      {shard("a:0:x"), "not the name of a shard"},
		"a shard before the file":               {shard("a:-10:0"), "not the name of a shard"},
		"a shard just before the file":          {shard("a:-1:5"), "not the name of a shard"},
		"a shard far before the file":           {shard("a:-20:-10"), "not the name of a shard"},
		"an empty shard":                        {shard("a:10:10"), "not the name of a shard"},
		"a shard that ends before it begins":    {shard("a:10:5"), "not the name of a shard"},
		"a shard that is spelled in two ways":   {shard("a:00:10"), "not the name of a shard"},
		"a shard with a sign":                   {shard("a:0:+10"), "not the name of a shard"},
		"a shard further than numbers go":       {shard("a:0:9223372036854775808"), "not the name of a shard"},
		"a shard that begins further than that": {shard("a:9223372036854775808:9223372036854775809"), "not the name of a shard"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := verify(sealed(t, key, c.payload), trust)
			assert.ErrorContains(t, err, c.complaint)
		})
	}
}

func TestHowOthersSayIt(t *testing.T) {
	key := newKey(t, elliptic.P256())
	trust := modelsigning.Trust{Key: &key.PublicKey}
	s, err := verify(sealed(t, key, stated(whole+`,"ignore_paths":["logs","./.git","../m.sig","/tmp/m.sig","logs"]`, file)), trust)
	require.NoError(t, err)
	assert.Equal(t, []string{".git", "logs"}, s.Ignore, "sorted, once each, and without what lies elsewhere")

	s, err = verify(sealed(t, key, stated(`"method":"shards","hash_type":"sha256-sharded-10","shard_size":10`,
		`"name":"a:b:0:10","algorithm":"sha256-sharded-10"`)), trust)
	require.NoError(t, err)
	assert.Equal(t, "sha256", s.HashType)
	assert.Equal(t, "a:b", s.Resources[0].Name)

	s, err = verify(sealed(t, key, stated(parts, `"name":"a:9223372036854775800:9223372036854775807","algorithm":"sha256"`)), trust)
	assert.ErrorContains(t, err, "leaves out", "a shard as far as numbers go")
	assert.Nil(t, s)

	s, err = verify(sealed(t, key, stated(`"method":"shards","hash_type":"sha256","shard_size":1`, `"name":"a:0:1","algorithm":"sha256"`)), trust)
	require.NoError(t, err)
	assert.EqualValues(t, 1, s.ShardSize)
}

func TestASingleFileWithoutANameIsComparedAsSuch(t *testing.T) {
	key := newKey(t, elliptic.P256())
	dir := foldertest.Fill(t, map[string]string{"model.onnx": "weights", "other": "x"})
	s := state(t, filepath.Join(dir, "model.onnx"), modelsigning.Method{})
	s.Resources[0].Name = "."
	verified := signed(t, s, key)
	assert.Empty(t, compare(t, &verified.Statement, filepath.Join(dir, "model.onnx")))
	assert.Equal(t, []folder.Difference{{Kind: "changed", Name: "other"}}, compare(t, &verified.Statement, filepath.Join(dir, "other")))
	assert.Equal(t, []folder.Difference{
		{Kind: "missing", Name: "."}, {Kind: "extra", Name: "model.onnx"}, {Kind: "extra", Name: "other"},
	}, sorted(compare(t, &verified.Statement, dir)), "in a folder it is no file")

	two := state(t, dir, modelsigning.Method{})
	two.Resources[0].Name = "."
	two.Seal()
	both := signed(t, two, key)
	assert.NotEmpty(t, compare(t, &both.Statement, filepath.Join(dir, "model.onnx")), "it isn't the only one")
	named := state(t, filepath.Join(dir, "model.onnx"), modelsigning.Method{})
	assert.NotEmpty(t, compare(t, &signed(t, named, key).Statement, filepath.Join(dir, "other")), "it has a name")
	foldertest.Put(t, dir, "other", "weights")
	assert.Equal(t, []folder.Difference{{Kind: "renamed", Name: "model.onnx", To: "other"}},
		compare(t, &signed(t, named, key).Statement, filepath.Join(dir, "other")), "it has a name")
}

// sorted takes renames apart.
func sorted(list []folder.Difference) (all []folder.Difference) {
	for _, d := range list {
		if d.Kind == "renamed" {
			all = append(all, folder.Difference{Kind: "missing", Name: d.Name}, folder.Difference{Kind: "extra", Name: d.To})
			continue
		}
		all = append(all, d)
	}
	return all
}

func TestAManifestIsComparedAtEachKindOfSize(t *testing.T) {
	digest := func(c string) string { return strings.Repeat(c, 64) }
	whole := modelsigning.Statement{HashType: "sha256", Resources: []modelsigning.Resource{{Name: "a", Digest: digest("a")}}}
	shards := func(size int64, r ...modelsigning.Resource) modelsigning.Statement {
		return modelsigning.Statement{HashType: "sha256", ShardSize: size, Resources: r}
	}
	files := func(f ...manifest.File) manifest.Manifest { return manifest.Manifest{Files: f} }
	for name, c := range map[string]struct {
		s    modelsigning.Statement
		m    manifest.Manifest
		same bool
		can  bool
	}{
		"an empty file, whole":       {whole, files(manifest.File{Name: "a", SHA256: digest("a")}), true, true},
		"a whole file that differs":  {whole, files(manifest.File{Name: "a", Size: 1, SHA256: digest("b")}), false, true},
		"a whole file in shards":     {whole, files(manifest.File{Name: "a", Size: 20, ShardSize: 10, Shards: []string{digest("a"), digest("b")}}), true, false},
		"a file as long as a shard":  {shards(10, modelsigning.Resource{Name: "a", End: 10, Digest: digest("a")}), files(manifest.File{Name: "a", Size: 10, SHA256: digest("a")}), true, true},
		"a file longer than a shard": {shards(10, modelsigning.Resource{Name: "a", End: 10, Digest: digest("a")}), files(manifest.File{Name: "a", Size: 11, SHA256: digest("a")}), true, false},
		"shards of one byte":         {shards(1, modelsigning.Resource{Name: "a", End: 1, Digest: digest("a")}), files(manifest.File{Name: "a", Size: 1, SHA256: digest("a")}, manifest.File{Name: "b"}), true, true},
		"shards of the same size": {
			shards(10, modelsigning.Resource{Name: "a", End: 10, Digest: digest("a")}, modelsigning.Resource{Name: "a", Start: 10, End: 15, Digest: digest("b")}),
			files(manifest.File{Name: "a", Size: 15, ShardSize: 10, Shards: []string{digest("a"), digest("b")}}), true, true,
		},
		"shards in another order": {
			shards(10, modelsigning.Resource{Name: "a", Start: 10, End: 15, Digest: digest("b")}, modelsigning.Resource{Name: "a", End: 10, Digest: digest("a")}),
			files(manifest.File{Name: "a", Size: 15, ShardSize: 10, Shards: []string{digest("a"), digest("b")}}), true, true,
		},
		"one shard of a file": {
			shards(10, modelsigning.Resource{Name: "a", End: 5, Digest: digest("a")}),
			files(manifest.File{Name: "a", Size: 5, ShardSize: 20, Shards: []string{digest("a")}}), true, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			differences, can := c.s.CompareManifest(c.m)
			assert.Equal(t, c.can, can)
			assert.Equal(t, c.same, len(differences) == 0, "%v", differences)
		})
	}
}

func TestWhatIsHashedNoMoreIsAnError(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	f := foldertest.Open(t, foldertest.Fill(t, model))
	_, err := modelsigning.New(gone, f, modelsigning.Method{}, folder.Hashing{})
	assert.ErrorIs(t, err, context.Canceled)
	_, err = state(t, foldertest.Fill(t, model), modelsigning.Method{}).Compare(gone, f, folder.Hashing{})
	assert.ErrorIs(t, err, context.Canceled)
	s := state(t, foldertest.Fill(t, model), modelsigning.Method{}, "logs", ".git", "a")
	assert.Equal(t, []string{".git", ".gitattributes", ".github", ".gitignore", "a", "logs"}, s.Ignore, "sorted, once each")
}

func TestLimitsOfBundles(t *testing.T) {
	key := newKey(t, elliptic.P256())
	trust := modelsigning.Trust{Key: &key.PublicKey}
	text := sealed(t, key, stated(whole, file))
	padded := append(text, strings.Repeat(" ", modelsigning.MaxBundle-len(text))...)
	_, err := verify(padded, trust)
	assert.NoError(t, err)
	_, err = verify(append(padded, ' '), trust)
	assert.ErrorContains(t, err, "the signature has 67108865 bytes")

	many := make([]modelsigning.Resource, 60_000) // more values than a record may have, and more bytes
	for i := range many {
		many[i] = modelsigning.Resource{Name: fmt.Sprint("file", i), Digest: strings.Repeat("ab", 32)}
	}
	s := &modelsigning.Statement{HashType: "sha256", Resources: many}
	s.Seal()
	assert.Len(t, signed(t, s, key).Resources, len(many))
}

func TestHowLongAChainMayBe(t *testing.T) {
	chain := func(n int) (*ecdsa.PrivateKey, []*x509.Certificate, *authority) {
		root := newAuthority(t, "root", nil)
		key := newKey(t, elliptic.P256())
		all := []*x509.Certificate{}
		last := root
		for i := range n - 1 {
			last = newAuthority(t, fmt.Sprint("middle ", i), last)
			all = append([]*x509.Certificate{last.cert}, all...)
		}
		leaf := certify(t, "trainer", &key.PublicKey, last, nil, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature })
		return key, append([]*x509.Certificate{leaf}, all...), root
	}
	s := state(t, foldertest.Fill(t, model), modelsigning.Method{})
	key, ten, root := chain(10)
	text, err := modelsigning.Sign(s, key, ten)
	require.NoError(t, err)
	verified(t, text, modelsigning.Trust{Roots: []*x509.Certificate{root.cert}})
	_, err = modelsigning.Sign(s, key, append(ten, root.cert))
	assert.ErrorContains(t, err, "11 certificates")
	_, err = modelsigning.Parse(change(t, text, func(v map[string]any) {
		list := object(object(v, "verificationMaterial"), "x509CertificateChain")
		list["certificates"] = append(list["certificates"].([]any), list["certificates"].([]any)[0])
	}))
	assert.ErrorContains(t, err, "11 certificates; 1 to 10 are taken")
	_, err = modelsigning.Parse(change(t, text, func(v map[string]any) {
		object(object(v, "verificationMaterial"), "x509CertificateChain")["certificates"] = []any{map[string]any{"rawBytes": "%"}}
	}))
	assert.ErrorContains(t, err, "certificate 0 is not base64")

	_, one, _ := chain(1)
	other := newKey(t, elliptic.P256())
	_, err = verify(change(t, text, func(v map[string]any) {
		object(object(v, "verificationMaterial"), "x509CertificateChain")["certificates"] =
			[]any{map[string]any{"rawBytes": base64.StdEncoding.EncodeToString(one[0].Raw)}}
	}), modelsigning.Trust{Key: &other.PublicKey})
	assert.ErrorContains(t, err, "not the trusted key", "one certificate is a chain, too")
}

func TestMaterialThatIsNotForUsIsRefused(t *testing.T) {
	key := newKey(t, elliptic.P256())
	text := sealed(t, key, stated(whole, file))
	entries := []any{map[string]any{"logIndex": "1"}}
	material := func(m map[string]any) []byte {
		return change(t, text, func(v map[string]any) { v["verificationMaterial"] = m })
	}
	_, err := modelsigning.Parse(material(map[string]any{"tlogEntries": entries}))
	assert.ErrorContains(t, err, "keyless")
	_, err = modelsigning.Parse(material(map[string]any{"tlogEntries": []any{}}))
	assert.ErrorContains(t, err, "either publicKey or")
	_, err = verify(material(map[string]any{"tlogEntries": entries, "publicKey": map[string]any{}}), modelsigning.Trust{Key: &key.PublicKey})
	assert.NoError(t, err, "the key says who signed")
	_, err = modelsigning.Parse(material(map[string]any{"tlogEntries": entries, "x509CertificateChain": map[string]any{}}))
	assert.ErrorContains(t, err, "0 certificates")
	for _, sig := range []any{nil, "", 12, "%"} {
		_, err := modelsigning.Parse(change(t, text, func(v map[string]any) {
			object(v, "dsseEnvelope")["signatures"].([]any)[0].(map[string]any)["sig"] = sig
		}))
		assert.ErrorContains(t, err, "the envelope's signature")
		if sig != "%" {
			assert.ErrorContains(t, err, "is missing")
		}
	}
	_, err = modelsigning.Parse(change(t, text, func(v map[string]any) {
		object(v, "dsseEnvelope")["signatures"].([]any)[0].(map[string]any)["sig"] = "_-8="
	}))
	assert.NoError(t, err, "the alphabet for URLs")
}

func TestWhatASignatureNames(t *testing.T) {
	key := newKey(t, elliptic.P256())
	text, err := modelsigning.Sign(state(t, foldertest.Fill(t, model), modelsigning.Method{}), key, nil)
	require.NoError(t, err)
	hint, err := modelsigning.KeyHint(&key.PublicKey)
	require.NoError(t, err)
	assert.Contains(t, string(text), fmt.Sprintf(`"publicKey":{"hint":%q}`, hint))
	assert.Contains(t, string(text), `"keyid":""`)
	var bundle struct{ DsseEnvelope struct{ Payload []byte } }
	require.NoError(t, json.Unmarshal(text, &bundle))
	assert.Contains(t, string(bundle.DsseEnvelope.Payload), `"allow_symlinks":false`)
	assert.Contains(t, string(bundle.DsseEnvelope.Payload), `"name":"empty"`, "only shards leave out empty files")
}

func TestOnlyKeysOnTheThreeCurvesAreTaken(t *testing.T) {
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	short := newKey(t, elliptic.P224())
	for _, key := range []crypto.Signer{edwards, big, short} {
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		require.NoError(t, err)
		_, err = modelsigning.ParsePublicKey(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		assert.ErrorContains(t, err, "P-256, P-384 and P-521")
		der, err = x509.MarshalPKCS8PrivateKey(key)
		require.NoError(t, err)
		_, err = modelsigning.ParsePrivateKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
		assert.ErrorContains(t, err, "P-256, P-384 and P-521")
	}
	s := state(t, foldertest.Fill(t, model), modelsigning.Method{})
	_, err = modelsigning.Sign(s, short, nil)
	assert.ErrorContains(t, err, "P-256, P-384 and P-521")
	text := sealed(t, newKey(t, elliptic.P256()), stated(whole, file))
	_, err = verify(text, modelsigning.Trust{Key: &short.PublicKey})
	assert.ErrorContains(t, err, "P-256, P-384 and P-521")

	root := newAuthority(t, "root", nil)
	template := *root.cert
	template.KeyUsage, template.IsCA = x509.KeyUsageDigitalSignature, false
	der, err := x509.CreateCertificate(rand.Reader, &template, root.cert, edwards.Public(), root.key)
	require.NoError(t, err)
	_, err = verify(change(t, text, func(v map[string]any) {
		v["verificationMaterial"] = map[string]any{"x509CertificateChain": map[string]any{
			"certificates": []any{map[string]any{"rawBytes": base64.StdEncoding.EncodeToString(der)}},
		}}
	}), modelsigning.Trust{Roots: []*x509.Certificate{root.cert}})
	assert.ErrorContains(t, err, "has no ECDSA key")
}
