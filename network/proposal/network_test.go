package proposal_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/network"
)

func TestALimitChangesWhenThoseWhoOrderHaveSigned(t *testing.T) {
	harbor, market, orderer := folderOf(t, "harbor"), folderOf(t, "market"), folderOf(t, "orderer")
	file := filepath.Join(t.TempDir(), "limit.json")
	said := done(t, "propose", "set-limit", "--transactions=321", "--wait=40ms", harbor, "--out="+file)
	assert.Contains(t, said, "change the number of transactions in a block from 500 to 321")

	said = done(t, "review", file, market)
	assert.Contains(t, said, "- value Channel/Orderer/BatchSize: maxMessageCount 500")
	assert.Contains(t, said, "+ value Channel/Orderer/BatchSize: maxMessageCount 321")
	assert.Contains(t, said, "nobody")
	assert.NotContains(t, said, "WARNING")

	said = refused(t, exit.Refused, "apply", file, harbor)
	assert.Contains(t, said, "OrdererMSP (admin) (/Channel/Orderer/Admins)")
	done(t, "approve", file, harbor, "--yes")
	said = refused(t, exit.Refused, "apply", file, harbor)
	assert.Contains(t, said, "OrdererMSP (admin) (/Channel/Orderer/Admins)", "a member's signature doesn't count here")
	said = done(t, "approve", file, orderer, "--yes")
	assert.Contains(t, said, "It has the signatures that it needs")
	said = refused(t, exit.Refused, "approve", file, orderer, "--yes")
	assert.Contains(t, said, "has approved this proposal already")

	assert.Regexp(t, `has configuration \d+, in block \d+`, done(t, "apply", file, harbor))
	said = refused(t, exit.Refused, "apply", file, harbor)
	assert.Contains(t, said, "Propose the change again")
}

func TestARevokedCallerIsRefusedAndTheOthersAreNot(t *testing.T) {
	n := shared.Network(t)
	harbor := folderOf(t, "harbor")
	dir := t.TempDir()
	list, file := filepath.Join(dir, "harbor.crl"), filepath.Join(dir, "revoke.json")
	empty := filepath.Join(dir, "limit.json")
	certificate, _ := n.Identity("harbor", network.Auditor)
	require.NoError(t, os.WriteFile(list, revocationList(t, n, "harbor", certificate), 0o600))
	done(t, "propose", "set-limit", "--transactions=222", harbor, "--out="+empty)
	auditor := "--dir=" + actingAs(t, n, "harbor", network.Auditor)
	done(t, "review", empty, auditor)

	said := done(t, "propose", "revoke", list, harbor, "--out="+file)
	assert.Contains(t, said, "revoke the certificate with the serial number")
	assert.NotContains(t, said, "WARNING")
	said = refused(t, exit.Refused, "approve", file, auditor, "--yes")
	assert.Contains(t, said, "isn't an administrator")
	done(t, "approve", file, harbor, "--yes")
	done(t, "apply", file, harbor)

	said = refused(t, exit.Unreachable, "review", file, auditor)
	assert.Contains(t, said, "FORBIDDEN", "the peer knows the revocation")
	said = refused(t, exit.Refused, "review", file, harbor)
	assert.Contains(t, said, "Propose the change again", "the peer still answers the others")
}

// actingAs makes a folder that is an organisation's, but for the identity.
func actingAs(t *testing.T, n *network.Network, org, role string) string {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join(n.Dir(), org, "gateway.json"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "gateway.json"), text, 0o600))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "users"), 0o700))
	certificate, _ := n.Identity(org, role)
	require.NoError(t, os.Symlink(filepath.Dir(certificate), filepath.Join(dir, "users", "operator")))
	return dir
}

// revocationList makes the list of an organisation's authority that revokes a certificate.
func revocationList(t *testing.T, n *network.Network, org, certificate string) []byte {
	t.Helper()
	authority, err := x509.ParseCertificate(derOf(t, filepath.Join(n.Dir(), org, "ca", "cert.pem")))
	require.NoError(t, err)
	key, err := x509.ParsePKCS8PrivateKey(derOf(t, filepath.Join(n.Dir(), org, "ca", "key.pem")))
	require.NoError(t, err)
	revoked, err := x509.ParseCertificate(derOf(t, certificate))
	require.NoError(t, err)
	list, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour),
		RevokedCertificateEntries: []x509.RevocationListEntry{
			{SerialNumber: revoked.SerialNumber, RevocationTime: time.Now().Add(-time.Minute)},
		},
	}, authority, key.(*ecdsa.PrivateKey))
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: list})
}

// derOf reads the first block of a PEM file.
func derOf(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	block, _ := pem.Decode(text)
	require.NotNil(t, block)
	return block.Bytes
}
