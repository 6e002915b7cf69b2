package certificate

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func expiring(use string, in time.Duration) Certificate {
	return Certificate{Owner: "harbor", Use: use, NotAfter: now.Add(in)}
}

func TestStates(t *testing.T) {
	const day = 24 * time.Hour
	for _, test := range []struct {
		in    time.Duration
		state State
		days  int
	}{
		{31 * day, Valid, 31},
		{30 * day, Valid, 30},
		{30*day - 1, Expiring, 29},
		{time.Second, Expiring, 0},
		{0, Expiring, 0},
		{-1, Expired, -1},
		{-day, Expired, -1},
		{-day - 1, Expired, -2},
	} {
		c := expiring("peer", test.in)
		assert.Equal(t, test.state, c.At(now), test.in)
		assert.Equal(t, test.days, c.Days(now), test.in)
	}
}

func TestAWarningNamesWhatExpires(t *testing.T) {
	assert.Empty(t, Warning([]Certificate{expiring("peer", 40*24*time.Hour)}, now))
	assert.Equal(t,
		"these certificates have expired: harbor peer at 2026-03-01T11:00:00Z; these certificates will expire within 30 "+
			"days: harbor a at 2026-03-01T13:00:00Z, harbor b at 2026-03-01T13:00:00Z, harbor c at 2026-03-01T13:00:00Z "+
			"and 1 more; renew them",
		Warning([]Certificate{
			expiring("a", time.Hour), expiring("b", time.Hour), expiring("c", time.Hour), expiring("d", time.Hour),
			expiring("peer", -time.Hour),
		}, now))
}

func TestFilesWithoutACertificateAreNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cert.pem")
	_, err := Read(file)
	require.ErrorContains(t, err, file)
	for text, want := range map[string]string{
		"nothing": "has no certificate in PEM",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n": "couldn't read the certificate in " + file,
	} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, err := Read(file)
		require.ErrorContains(t, err, want)
	}
	require.NoError(t, os.WriteFile(file, make([]byte, maxFile+1), 0o600))
	_, err = Read(file)
	require.ErrorContains(t, err, "too large")
}
