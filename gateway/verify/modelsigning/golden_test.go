package modelsigning_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/verify/folder"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder/foldertest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/modelsigning"
)

var update = flag.Bool("update", false, "write the golden files anew")

const golden = "testdata"

// TestBundlesSignedBeforeStillVerify reads bundles that were written once, with keys that nobody has any more: as this
// package writes them, and as older programs did.
func TestBundlesSignedBeforeStillVerify(t *testing.T) {
	if *update {
		writeGolden(t)
	}
	key := func(name string) modelsigning.Trust {
		text, err := os.ReadFile(filepath.Join(golden, name+".pub"))
		require.NoError(t, err)
		public, err := modelsigning.ParsePublicKey(text)
		require.NoError(t, err)
		return modelsigning.Trust{Key: public}
	}
	roots, err := os.ReadFile(filepath.Join(golden, "root.pem"))
	require.NoError(t, err)
	authorities, err := modelsigning.ParseCertificates(roots)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		trust modelsigning.Trust
		path  string
	}{
		"p256-files-sha256":        {key("p256"), "model"},
		"p384-shards-blake2b":      {key("p384"), "model"},
		"p521-files-blake3":        {key("p521"), "model"},
		"certificate-files-sha256": {modelsigning.Trust{Roots: authorities}, "model"},
		"old-single-file":          {key("p384"), "model/config.json"},
		"old-folder":               {key("p256"), "model"},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(golden, name+".sig"))
			require.NoError(t, err)
			s := verified(t, text, c.trust)
			assert.Empty(t, compare(t, &s.Statement, filepath.Join(golden, c.path)))
			other := filepath.Join(foldertest.Fill(t, map[string]string{"other": "x", "config.json": "y"}), filepath.Base(c.path))
			if strings.HasSuffix(c.path, "model") {
				other = filepath.Dir(other)
			}
			assert.NotEmpty(t, compare(t, &s.Statement, other))
		})
	}
}

// oldBundle is as model_signing 0.3.1 to 1.0.1 wrote it: the key itself and not its hint, a keyid that is null, white
// space in the statement, and no list of what is ignored.
func oldBundle(t *testing.T, key *ecdsa.PrivateKey, details string, resources string, root string) []byte {
	payload := fmt.Sprintf(`{
  "_type": "https://in-toto.io/Statement/v1",
  "subject": [{"name": "model", "digest": {"sha256": %q}}],
  "predicateType": "https://model_signing/signature/v1.0",
  "predicate": {
    "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": false},
    "resources": [%s]
  }
}`, root, resources)
	message := fmt.Sprintf("DSSEv1 28 application/vnd.in-toto+json %d %s", len(payload), payload)
	digest := sha256.Sum256([]byte(message))
	sum := digest[:]
	if key.Curve == elliptic.P384() {
		longer := sha512.Sum384([]byte(message))
		sum = longer[:]
	}
	signature, err := ecdsa.SignASN1(rand.Reader, key, sum)
	require.NoError(t, err)
	text, err := json.MarshalIndent(map[string]any{
		"mediaType":            "application/vnd.dev.sigstore.bundle.v0.3+json",
		"verificationMaterial": map[string]any{"publicKey": map[string]any{"rawBytes": base64.StdEncoding.EncodeToString(publicPEM(t, key)), "keyDetails": details}},
		"dsseEnvelope": map[string]any{"payload": base64.StdEncoding.EncodeToString([]byte(payload)), "payloadType": "application/vnd.in-toto+json",
			"signatures": []any{map[string]any{"sig": base64.StdEncoding.EncodeToString(signature), "keyid": nil}}},
	}, "", " ")
	require.NoError(t, err)
	return text
}

func publicPEM(t *testing.T, key *ecdsa.PrivateKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func writeGolden(t *testing.T) {
	write := func(name string, text []byte) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(golden, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(golden, name), text, 0o644))
	}
	write("model/config.json", []byte("{\"layers\": 2}\n"))
	write("model/weights/1.bin", []byte(strings.Repeat("0123456789", 150)))
	write("model/weights/2.bin", []byte("small"))
	dir := filepath.Join(golden, "model")
	keys := map[string]*ecdsa.PrivateKey{"p256": newKey(t, elliptic.P256()), "p384": newKey(t, elliptic.P384()), "p521": newKey(t, elliptic.P521())}
	for name, key := range keys {
		write(name+".pub", publicPEM(t, key))
	}
	for name, m := range map[string]modelsigning.Method{"p256-files-sha256": {}, "p384-shards-blake2b": {HashType: "blake2b", ShardSize: 1000}, "p521-files-blake3": {HashType: "blake3"}} {
		text, err := modelsigning.Sign(state(t, dir, m), keys[name[:4]], nil)
		require.NoError(t, err)
		write(name+".sig", text)
	}
	root := newAuthority(t, "Golden Root", nil)
	middle := newAuthority(t, "Golden Intermediate", root)
	leaf := certify(t, "Golden Trainer", &keys["p256"].PublicKey, middle, nil, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature })
	text, err := modelsigning.Sign(state(t, dir, modelsigning.Method{}), keys["p256"], []*x509.Certificate{leaf, middle.cert})
	require.NoError(t, err)
	write("certificate-files-sha256.sig", text)
	write("root.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.cert.Raw}))

	config, err := os.ReadFile(filepath.Join(dir, "config.json"))
	require.NoError(t, err)
	sum := sha256.Sum256(config)
	again := sha256.Sum256(sum[:])
	write("old-single-file.sig", oldBundle(t, keys["p384"], "PKIX_ECDSA_P384_SHA_384",
		fmt.Sprintf(`{"name": ".", "algorithm": "sha256", "digest": "%x"}`, sum), hex.EncodeToString(again[:])))
	s := state(t, dir, modelsigning.Method{})
	var resources []string
	for _, r := range s.Resources {
		resources = append(resources, fmt.Sprintf(`{"algorithm": "sha256", "digest": %q, "name": %q}`, r.Digest, r.Name))
	}
	write("old-folder.sig", oldBundle(t, keys["p256"], "PKIX_ECDSA_P256_SHA_256", strings.Join(resources, ", "), s.Root))
}

func TestKeysAndCertificatesInOtherFormsAreRefusedWithAReason(t *testing.T) {
	encode := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	key := newKey(t, elliptic.P256())
	sec1, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	weak, err := x509.MarshalECPrivateKey(newKey(t, elliptic.P224()))
	require.NoError(t, err)
	for _, good := range [][]byte{encode("EC PRIVATE KEY", sec1), encode("PRIVATE KEY", pkcs8), append(encode("EC PARAMETERS", []byte{6, 0}), encode("EC PRIVATE KEY", sec1)...)} {
		read, err := modelsigning.ParsePrivateKey(good)
		require.NoError(t, err)
		assert.True(t, key.Equal(read))
	}
	for text, complaint := range map[string]string{
		"": "no private key", "nonsense": "no private key", string(encode("ENCRYPTED PRIVATE KEY", sec1)): "is encrypted",
		string(encode("EC PRIVATE KEY", []byte{1})): "can't be read", string(encode("EC PRIVATE KEY", weak)): "P-256, P-384 and P-521",
	} {
		_, err := modelsigning.ParsePrivateKey([]byte(text))
		assert.ErrorContains(t, err, complaint)
	}
	for text, complaint := range map[string]string{"": "not PEM", string(encode("EC PRIVATE KEY", sec1)): "not a PUBLIC KEY", string(encode("PUBLIC KEY", []byte{1})): "can't be read"} {
		_, err := modelsigning.ParsePublicKey([]byte(text))
		assert.ErrorContains(t, err, complaint)
	}
	for text, complaint := range map[string]string{"": "no certificate", string(encode("EC PRIVATE KEY", sec1)): "only certificates", string(encode("CERTIFICATE", []byte{1})): "can't be read"} {
		_, err := modelsigning.ParseCertificates([]byte(text))
		assert.ErrorContains(t, err, complaint)
	}
}

func FuzzBundlesAreReadOrRefused(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(golden, "*.sig"))
	require.NoError(f, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := modelsigning.Parse(text); err != nil {
			assert.NotEmpty(t, err.Error())
		}
	})
}

// FuzzStatementsAreReadOrRefused signs what it is given, so that the reader of statements is reached.
func FuzzStatementsAreReadOrRefused(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(f, err)
	f.Add("a.bin", strings.Repeat("ab", 32), "sha256", int64(0), int64(0), "logs")
	f.Add("a:b", strings.Repeat("ab", 64), "blake2b", int64(10), int64(7), "../x")
	f.Fuzz(func(t *testing.T, name, digest, hash string, shard, end int64, ignore string) {
		s := &modelsigning.Statement{HashType: hash, ShardSize: shard, Ignore: []string{ignore}, Resources: []modelsigning.Resource{{Name: name, End: end, Digest: digest}}}
		s.Seal()
		text, err := modelsigning.Sign(s, key, nil)
		require.NoError(t, err)
		b, err := modelsigning.Parse(text)
		if err != nil {
			return // a name that isn't UTF-8
		}
		got, err := b.Verify(modelsigning.Trust{Key: &key.PublicKey})
		if err != nil {
			return
		}
		for _, r := range got.Resources {
			assert.False(t, strings.HasPrefix(r.Name, "/") || strings.Contains("/"+r.Name+"/", "/../"), r.Name)
		}
		_, err = folder.Open(golden, folder.Options{Ignore: got.Ignore})
		assert.NoError(t, err)
	})
}
