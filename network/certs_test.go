package network

import (
	"crypto/x509"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
)

// keysOnly makes the certificates of a network that never runs.
func keysOnly(t *testing.T, lifetime time.Duration) (folder, *plan) {
	t.Helper()
	d := folder(t.TempDir())
	p, err := newPlan(DefaultOrgs, 4, 0, "test")
	require.NoError(t, err)
	p.CertificateLifetime = lifetime.String()
	require.NoError(t, d.claim())
	require.NoError(t, d.makeIdentities(p))
	require.NoError(t, p.write(d))
	return d, p
}

func TestEveryCertificateOfANetworkIsListed(t *testing.T) {
	d, _ := keysOnly(t, 90*day)
	all, err := d.certificates()
	require.NoError(t, err)
	// The orderers' organisation has 2 authorities, 2 administrators and 4 orderers with 2 each. Each organisation has 2
	// authorities, a peer with 2, 2 for the chaincode and 3 users.
	require.Len(t, all, 2+2+4*2+3*(2+2+2+3))
	now, listed := time.Now(), map[string]bool{}
	for _, c := range all {
		listed[c.File] = true
		require.Contains(t, []string{"orderer", "harbor", "market", "lab"}, c.Owner)
		want := 89
		if filepath.Base(filepath.Dir(c.File)) == "ca" || filepath.Base(filepath.Dir(c.File)) == "tlsca" {
			want = 3649
		}
		require.Equal(t, want, c.Days(now), c.File)
	}
	require.NoError(t, filepath.WalkDir(string(d), func(path string, e os.DirEntry, err error) error {
		if err == nil && e.Name() == "cert.pem" {
			require.True(t, listed[path], path)
		}
		return err
	}))
}

func TestTheFolderOfOneOrganisationIsListedToo(t *testing.T) {
	d, _ := keysOnly(t, 90*day)
	all, err := Certificates(d.path("harbor"))
	require.NoError(t, err)
	require.Len(t, all, 2+2+2+3)
	for _, c := range all {
		require.Equal(t, "harbor", c.Owner)
	}
}

func TestTheListSaysWhatExpiresAndExitsWithOne(t *testing.T) {
	d, p := keysOnly(t, 90*day)
	out, stderr, err := pedigree(t, "certs", "--dir", string(d))
	require.NoError(t, err, stderr)
	require.Contains(t, out, "peer, TLS")
	require.NotContains(t, out, "expir"+"ing")

	require.NoError(t, d.makeOrgIdentities(p.Orgs[1], 20*day)) // Market's
	out, stderr, err = pedigree(t, "certs", "--json", "--dir", string(d))
	require.Error(t, err)
	require.Contains(t, stderr, "will expire within 30 days: market ")
	require.Contains(t, stderr, "and 4 more; renew them with `pedigree renew --dir "+string(d)+"`")
	var rows []struct {
		certificate.Certificate
		DaysLeft int    `json:"daysLeft"`
		State    string `json:"state"`
	}
	require.NoError(t, json.Unmarshal([]byte(out), &rows))
	for _, row := range rows {
		ca := row.DaysLeft > 3000
		require.Equal(t, row.Owner == "market" && !ca, row.State == "expiring", row.File)
	}
	status, err := ReadStatus(t.Context(), string(d))
	require.NoError(t, err)
	require.Contains(t, status.Certificates, "will expire within 30 days: market ")
}

func TestTheListSaysThatNoCommandRenewsAnAuthority(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "harbor")
	require.NoError(t, InitOrganisation(t.Context(), dir, Organisation{Name: "harbor", Host: "127.0.0.1", BasePort: 7050,
		AuthorityDays: 20, Days: 20}))
	_, stderr, err := pedigree(t, "certs", "--dir", dir)
	require.Error(t, err)
	require.Contains(t, stderr, "the channel must take another authority of harbor")
	now := time.Now()
	all, err := Certificates(dir)
	require.NoError(t, err)
	require.Empty(t, aboutAuthorities(all, now.Add(-20*day)))
}

func TestNoCertificateOutlivesItsAuthority(t *testing.T) {
	a, err := newAuthority("ca", "ca", t.TempDir(), lifetimes{authorityLifetime, 2 * authorityLifetime})
	require.NoError(t, err)
	dir := t.TempDir()
	made, err := a.identity("somebody", "client", "")
	require.NoError(t, err)
	require.NoError(t, made.write(dir))
	c, err := certificate.Read(filepath.Join(dir, "cert.pem"))
	require.NoError(t, err)
	require.Equal(t, a.certificate.NotAfter, c.NotAfter)
	_, err = c.Verify(x509.VerifyOptions{Roots: pool(a)})
	require.NoError(t, err)
}

func pool(a *authority) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

func TestALifetimeIsDaysOrHours(t *testing.T) {
	var to time.Duration
	for text, want := range map[string]time.Duration{"365d": 365 * day, "12h": 12 * time.Hour, "10m": 10 * time.Minute} {
		require.NoError(t, lifetime{&to}.Set(text))
		require.Equal(t, want, to)
	}
	for _, text := range []string{"", "0d", "-1d", "3651d", "1s", "year", "99999999999d"} {
		require.ErrorContains(t, lifetime{&to}.Set(text), "a number of days such as 365d", text)
	}
	to = 365 * day
	require.Equal(t, "365d", lifetime{&to}.String())
}
