package network

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestInstallWritesServicesAndSaysWhatIsNext(t *testing.T) {
	dirs, file := founders(t, 2, 1, 1)
	i := installation{dir: folder(dirs[0]), user: "nobody-like-this", program: "/usr/bin/true",
		units: t.TempDir()}
	install := func() string {
		var out bytes.Buffer
		require.NoError(t, i.install(&out))
		return out.String()
	}
	said := install()
	for _, want := range []string{"wrote      " + filepath.Join(i.units, "pedigree-peer@harbor.service"),
		"pedigree-orderer@harbor.service", "pedigree-chaincode@harbor.service", "pedigree@harbor.target",
		"useradd --system", "chown -R nobody-like-this: " + string(i.dir), "--charter charter.json", "daemon-reload",
		"systemctl enable --now pedigree@harbor.target pedigree-chaincode@harbor.service"} {
		assert.Contains(t, said, want)
	}
	unit := filepath.Join(i.units, "pedigree-peer@harbor.service")
	text, err := os.ReadFile(unit)
	require.NoError(t, err)
	assert.Contains(t, string(text), `"/usr/bin/true" node start "`+string(i.dir)+`" peer`)
	assert.NoFileExists(t, i.dir.charterFile())

	// Again, with the charter: nothing is left to write, and what is done is no longer a step.
	i.charter = file
	said = install()
	assert.NotContains(t, said, "wrote")
	assert.NotContains(t, said, "--charter")
	assert.FileExists(t, i.dir.charterFile())

	require.NoError(t, os.WriteFile(unit, []byte("old"), 0o644))
	assert.Contains(t, install(), "wrote      "+unit)

	// The part that is left out is left alone.
	i.parts, i.units = []string{"gateway"}, t.TempDir()
	install()
	assert.FileExists(t, filepath.Join(i.units, "pedigree-gateway@harbor.service"))
	assert.NoFileExists(t, filepath.Join(i.units, "pedigree-peer@harbor.service"))
}

func TestInstallRefusesWhatWouldNotRun(t *testing.T) {
	dirs, _ := founders(t, 0)
	for want, i := range map[string]installation{
		"isn't the folder of an organisation": {dir: folder(t.TempDir())},
		"HarborMSP has no orderer":            {dir: folder(dirs[0]), parts: []string{"orderer"}},
	} {
		i.units = t.TempDir()
		require.ErrorContains(t, i.install(&bytes.Buffer{}), want)
		written, err := os.ReadDir(i.units)
		require.NoError(t, err)
		assert.Empty(t, written)
	}
}

func TestTheProgramOfAServiceStays(t *testing.T) {
	assert.True(t, ofGoRun("/tmp/go-build3107/b001/exe/pedigree"))
	assert.False(t, ofGoRun("/usr/local/bin/pedigree"))
	_, err := installed("/no/such/program")
	require.ErrorContains(t, err, "couldn't find the program")
	path, err := installed("nodeinstall.go")
	require.NoError(t, err)
	assert.True(t, filepath.IsAbs(path))
}

func TestAGatewayGetsOnlyVariablesThatNothingElseDecides(t *testing.T) {
	t.Setenv("PEDIGREE_GATEWAY_LISTEN", "0.0.0.0:1")
	t.Setenv("PEDIGREE_GATEWAY_INDEX", "postgres://u@h/d")
	t.Setenv("CREDENTIALS_DIRECTORY", "/run/credentials/it")
	d := folder(t.TempDir())
	of := func(extra []string) string { return strings.Join(d.gatewayProcess(newOrg("harbor"), extra).env, "\n") }
	assert.NotContains(t, of(nil), "PEDIGREE_GATEWAY_")
	assert.Contains(t, of(nil), "CREDENTIALS_DIRECTORY=/run/credentials/it")
	assert.Contains(t, of(gatewayVariables()), "PEDIGREE_GATEWAY_INDEX=postgres://u@h/d")
	assert.NotContains(t, of(gatewayVariables()), "LISTEN")
}
