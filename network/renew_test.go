package network

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
)

func TestARenewedCertificateDiffersOnlyInItsNumberAndTime(t *testing.T) {
	d, _ := keysOnly(t, 90*day)
	file := d.path("harbor", "peer", "tls", "cert.pem")
	a, err := loadAuthority(d.path("harbor", "tlsca"), 10*day)
	require.NoError(t, err)
	text, err := a.reissue(file)
	require.NoError(t, err)
	was, err := certificate.Read(file)
	require.NoError(t, err)
	require.NoError(t, writeFile(file, text, 0o644))
	is, err := certificate.Read(file)
	require.NoError(t, err)
	require.NotEqual(t, was.SerialNumber, is.SerialNumber)
	require.WithinDuration(t, time.Now().Add(10*day), is.NotAfter, time.Minute)
	require.NoError(t, is.CheckSignatureFrom(a.certificate))
	for _, same := range [][2]any{
		{was.RawSubject, is.RawSubject}, {was.RawSubjectPublicKeyInfo, is.RawSubjectPublicKeyInfo},
		{was.DNSNames, is.DNSNames}, {was.IPAddresses, is.IPAddresses}, {was.KeyUsage, is.KeyUsage},
		{was.ExtKeyUsage, is.ExtKeyUsage}, {was.SubjectKeyId, is.SubjectKeyId}, {was.AuthorityKeyId, is.AuthorityKeyId},
	} {
		require.Equal(t, same[0], same[1])
	}
	_, err = a.reissue(d.path("market", "peer", "tls", "cert.pem"))
	require.ErrorContains(t, err, "isn't from the authority")
}

// age gives all certificates other than those of authorities a lifetime from now on, which may be negative.
func (d folder) age(t *testing.T, lifetime time.Duration) {
	t.Helper()
	all, err := d.certificates()
	require.NoError(t, err)
	r := &renewal{dir: d, lifetime: lifetime}
	for _, c := range all {
		if strings.HasPrefix(c.Use, "authority") {
			continue
		}
		text, err := r.reissue(c.Owner, c.File)
		require.NoError(t, err)
		require.NoError(t, writeFile(c.File, text, 0o644))
	}
}

func TestAStoppedNetworkKeepsTheIdentitiesOfItsOrderers(t *testing.T) {
	d, _ := keysOnly(t, 90*day)
	d.age(t, -time.Minute)
	_, stderr, err := pedigree(t, "renew", "--dir", string(d))
	require.NoError(t, err, stderr)
	require.Contains(t, stderr, "run `pedigree renew orderer --dir "+string(d)+"`")
	all, err := d.certificates()
	require.NoError(t, err)
	for _, c := range all {
		expired := c.Owner == "orderer" && filepath.Base(filepath.Dir(c.File)) == "signcerts"
		require.Equal(t, expired, c.At(time.Now()) == certificate.Expired, c.File)
	}
	_, stderr, err = pedigree(t, "renew", "harbour", "--dir", string(d))
	require.Error(t, err)
	require.Contains(t, stderr, `the network has no organisation "harbour": it has orderer, harbor, market, lab`)
}
