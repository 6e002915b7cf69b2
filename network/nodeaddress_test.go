package network

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/config"
)

func TestAGatewayForOthersGetsACertificateOfTheOrganisation(t *testing.T) {
	dirs, _ := founders(t, 0)
	d := folder(dirs[0])
	o, err := d.readOrganisation()
	require.NoError(t, err)
	at, err := d.issueGateway(o.Org)
	require.NoError(t, err)
	made, err := certificate.Read(at.Certificate)
	require.NoError(t, err)
	authority, err := certificate.Read(d.path("harbor", "tlsca", "cert.pem"))
	require.NoError(t, err)
	assert.NoError(t, made.CheckSignatureFrom(authority))
	assert.NoError(t, made.VerifyHostname("127.0.0.1"))
	info, err := os.Stat(at.Key)
	require.NoError(t, err)
	assert.EqualValues(t, 0o600, info.Mode().Perm())

	_, err = d.issueGateway(o.Org)
	require.NoError(t, err)
	again, err := certificate.Read(at.Certificate)
	require.NoError(t, err)
	assert.False(t, again.Equal(made), "it ends within two months, as all of this organisation do")

	o.Org.At = "ledger.harbor.example"
	require.NoError(t, os.Remove(d.path("harbor", "tlsca", "key.pem")))
	_, err = d.issueGateway(o.Org)
	require.NoError(t, err, "what there is will do")
	require.NoError(t, os.RemoveAll(filepath.Dir(at.Certificate)))
	_, err = d.issueGateway(o.Org)
	assert.ErrorContains(t, err, "there is no certificate for it")
}

func TestOnlyAGatewayThatOthersReachHasAnAddress(t *testing.T) {
	dirs, _ := founders(t, 0)
	d := folder(dirs[0])
	o, err := d.readOrganisation()
	require.NoError(t, err)
	at, err := d.issueGateway(o.Org)
	require.NoError(t, err)
	for listen, want := range map[string]string{
		":7053": "https://127.0.0.1:7053", "0.0.0.0:7053": "https://127.0.0.1:7053", "127.0.0.1:7053": "", "localhost:7053": "", "[::1]:7053": "",
	} {
		node := &Node{network: &Network{dir: d, say: newReporter(nil), options: Options{door: door{listen, at}}}, org: o}
		assert.Equal(t, want, node.addressOfGateway(), listen)
		node.network.options.door.tls = config.TLS{}
		assert.Empty(t, node.addressOfGateway(), "without TLS")
	}
	elsewhere := *o
	elsewhere.Org.At = "ledger.harbor.example"
	node := &Node{network: &Network{dir: d, say: newReporter(nil), options: Options{door: door{":7053", at}}}, org: &elsewhere}
	assert.Empty(t, node.addressOfGateway(), "the certificate is for another host")
}
