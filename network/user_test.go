package network

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/attrmgr"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/gateway/certificate"
)

func TestAPersonIsCertified(t *testing.T) {
	d, _ := keysOnly(t, 90*day)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "root"}}, key)
	require.NoError(t, err)
	request := filepath.Join(t.TempDir(), "ada.csr")
	require.NoError(t, os.WriteFile(request, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), 0o600))
	stdout, stderr, err := pedigree(t, "org", "user", "Ada Lovelace", "--dir", d.path("harbor"), "--request", request)
	require.NoError(t, err, stderr)
	require.Contains(t, stdout, "certified Ada Lovelace as submitter")
	require.NoFileExists(t, d.path("harbor", "users", "ada-lovelace", "key.pem"))
	is, err := certificate.Read(d.path("harbor", "users", "ada-lovelace", "cert.pem"))
	require.NoError(t, err)
	require.True(t, key.PublicKey.Equal(is.PublicKey))
	require.Equal(t, "Ada Lovelace", is.Subject.CommonName)
	require.Equal(t, []string{"client"}, is.Subject.OrganizationalUnit)
	attributes, err := attrmgr.New().GetAttributesFromCert(is)
	require.NoError(t, err)
	require.Equal(t, Submitter, attributes.Attrs[chaincode.RoleAttribute])
	ca, err := certificate.Read(d.path("harbor", "ca", "cert.pem"))
	require.NoError(t, err)
	require.NoError(t, is.CheckSignatureFrom(ca))
	_, stderr, err = pedigree(t, "org", "user", "ada lovelace", "--dir", d.path("harbor"))
	require.Error(t, err)
	require.Contains(t, stderr, "somebody of that name")

	_, stderr, err = pedigree(t, "org", "user", "Zoë O’Brien-Łuczak", "--dir", d.path("harbor"), "--role", "auditor")
	require.NoError(t, err, stderr)
	require.FileExists(t, d.path("harbor", "users", "zoë-o-brien-łuczak", "key.pem"))
	all, err := d.certificates()
	require.NoError(t, err)
	listed := 0
	for _, c := range all {
		if filepath.Dir(filepath.Dir(c.File)) == d.path("harbor", "users") {
			listed++
		}
	}
	require.Equal(t, 5, listed, "they are listed with the others")

	for name, args := range map[string][]string{
		"no %q":                     {"submitter@harbor", "--dir", d.path("harbor")},
		"the name of a role":        {"Submitter", "--dir", d.path("harbor")},
		"1 to 64 bytes":             {" ", "--dir", d.path("harbor")},
		"not \"operator\"":          {"Eve", "--dir", d.path("harbor"), "--role", "operator"},
		"at least a day":            {"Eve", "--dir", d.path("harbor"), "--days", "0"},
		"no organisation's folder":  {"Eve", "--dir", t.TempDir()},
		"request is no PEM":         {"Eve", "--dir", d.path("harbor"), "--request", filepath.Join("testdata", "..", "user.go")},
		"empty, and no certificate": {"Eve", "--dir", d.path("harbor"), "--request", os.DevNull},
		"required flag(s) \"dir\"":  {"Eve"},
	} {
		_, stderr, err := pedigree(t, append([]string{"org", "user"}, args...)...)
		require.Error(t, err, name)
		if name == "no %q" {
			name = "and no '@'"
		}
		require.Contains(t, stderr, name)
	}
}
