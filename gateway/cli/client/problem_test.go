package client

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

func TestARefusalSaysNothingTwice(t *testing.T) {
	for want, p := range map[string]Problem{
		"You have no role here":              {Title: "You have no role here"},
		"You have no role here: it is x":     {Title: "You have no role here", Detail: "you have no role here: it is x"},
		"No such thing: the name is unknown": {Title: "No such thing", Detail: "the name is unknown"},
		"No such thing: none":                {Title: "No such thing", Detail: "none"},
	} {
		assert.EqualError(t, &p, want)
	}
}

func TestAKeyAndACertificateThatAreSwitchedAreNamed(t *testing.T) {
	dir := t.TempDir()
	key, certificate := filepath.Join(dir, "key.pem"), filepath.Join(dir, "cert.pem")
	require.NoError(t, os.WriteFile(key, []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), 0o600))
	require.NoError(t, os.WriteFile(certificate, []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), 0o600))
	s := Signer{key: certificate, certificate: key, mspID: "HarborMSP"}
	_, _, err := s.Means(new(Target), "statement", nil)
	assert.EqualError(t, err, key+" holds a private key: are --key and --certificate switched?")
	assert.Equal(t, exit.Usage, exit.Code(err))
}
