package network

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode"
)

func TestTheBuilderHandsThePeerItsConnection(t *testing.T) {
	source, metadata, output, release := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(metadata, "metadata.json"),
		[]byte(`{"type":"ccaas","label":"notes"}`), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(source, "connection.json"), []byte(`{"address":"127.0.0.1:9999"}`),
		0o600))
	index := filepath.Join("META-INF", "statedb", "couchdb", "indexes")
	require.NoError(t, os.MkdirAll(filepath.Join(source, index), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(source, index, "by.json"), []byte(`{}`), 0o600))

	for _, argv := range [][]string{
		{"/x/bin/detect", source, metadata},
		{"/x/bin/build", source, metadata, output},
		{"/x/bin/release", output, release},
	} {
		handled, code := Builder(argv)
		require.True(t, handled, argv)
		require.Zero(t, code, argv)
	}
	text, err := os.ReadFile(filepath.Join(release, "chaincode", "server", "connection.json"))
	require.NoError(t, err)
	require.JSONEq(t, `{"address":"127.0.0.1:9999"}`, string(text))
	require.FileExists(t, filepath.Join(release, "statedb", "couchdb", "indexes", "by.json"))
}

func TestTheBuilderRefusesWhatItCannotUse(t *testing.T) {
	folder := func(name, content string) string {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
		return dir
	}
	for name, argv := range map[string][]string{
		"a package of another type":  {"/x/bin/detect", t.TempDir(), folder("metadata.json", `{"type":"golang"}`)},
		"broken metadata":            {"/x/bin/detect", t.TempDir(), folder("metadata.json", `{"type":`)},
		"no metadata":                {"/x/bin/detect", t.TempDir(), t.TempDir()},
		"too few folders to detect":  {"/x/bin/detect"},
		"a package without address":  {"/x/bin/build", t.TempDir(), t.TempDir(), t.TempDir()},
		"a broken address":           {"/x/bin/build", folder("connection.json", `{`), t.TempDir(), t.TempDir()},
		"too few folders to build":   {"/x/bin/build", t.TempDir()},
		"nothing that was built":     {"/x/bin/release", t.TempDir(), t.TempDir()},
		"too few folders to release": {"/x/bin/release", t.TempDir()},
	} {
		t.Run(name, func(t *testing.T) {
			handled, code := Builder(argv)
			require.True(t, handled)
			require.Equal(t, 1, code)
		})
	}
}

func TestTheProgramIsNoBuilderUnderItsOwnName(t *testing.T) {
	for _, argv := range [][]string{nil, {"pedigree"}, {"/usr/bin/pedigree", "up"}, {"detect"},
		{"/tmp/detect", "a", "b"}} {
		handled, _ := Builder(argv)
		require.False(t, handled, argv)
	}
}

func TestEqualPackagesHaveEqualIDs(t *testing.T) {
	d := folder(t.TempDir())
	org := newOrg("harbor")
	org.ChaincodePort = 12345
	require.NoError(t, d.makeOrgIdentities(org, DefaultCertificateLifetime))
	one, err := d.packChaincode(org, chaincode.First)
	require.NoError(t, err)
	two, err := d.packChaincode(org, chaincode.First)
	require.NoError(t, err)
	require.Equal(t, one, two)
	org.ChaincodePort++
	moved, err := d.packChaincode(org, chaincode.First)
	require.NoError(t, err)
	require.NotEqual(t, one.id, moved.id)
	require.Regexp(t, `^pedigree-harbor:[0-9a-f]{64}$`, one.id)
}
