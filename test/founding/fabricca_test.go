package founding

import (
	"crypto"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/network/fabricca"
	"github.com/pedigree-ledger/pedigree/network/fabricca/fabriccatest"
	build "github.com/pedigree-ledger/pedigree/test/program"
)

// TestAnOrganisationWithAFabricCA follows the page with a real CA and a network of one organisation: it is founded with
// the CA's certificates, a person signs with one, and is revoked.
func TestAnOrganisationWithAFabricCA(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a network")
	}
	require.NoError(t, build.Look("../.."))
	server := fabriccatest.Start(t)
	home := t.TempDir()
	program, err := build.Build("../..", home)
	require.NoError(t, err)
	f := &founding{t: t, program: program, home: home, base: map[string]int{"harbor": freeAfter(build.FreePorts())},
		nodes: map[string]*node{}, urls: map[string]string{}}
	host := filepath.Join(home, "harbor")
	require.NoError(t, os.Mkdir(host, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(host, "roots.pem"), server.Roots, 0o600))
	secret := []byte(fabriccatest.Secret + "\n")
	require.NoError(t, os.WriteFile(filepath.Join(host, "registrar.secret"), secret, 0o600))

	// run runs a command of the page, in which names may be quoted.
	run := func(line string) string {
		line = strings.ReplaceAll(line, "https://ca.harbor.example:7054", server.URL)
		line = strings.ReplaceAll(line, `"Ada Lovelace"`, "Ada_Lovelace")
		line = strings.ReplaceAll(line, "--host ledger", "--orderers 1 --host ledger")
		c, into := f.command("harbor", line)
		for i, word := range c.Args {
			c.Args[i] = strings.ReplaceAll(word, "Ada_Lovelace", "Ada Lovelace")
		}
		return f.output(c, into)
	}
	signed := func(person, name string) (string, error) {
		return f.try("harbor", "submitter", "register", name, example(t), "--key", filepath.Join(person, "key.pem"),
			"--certificate", filepath.Join(person, "cert.pem"), "--msp", "HarborMSP")
	}
	for _, line := range f.commands("## An organisation with a Fabric CA") {
		switch verb := strings.Join(strings.Fields(line)[1:3], " "); verb {
		case "org init":
			run(line)
			run("pedigree org card harbor > harbor.json")
			run("pedigree charter new --trial harbor.json > charter.json")
			run("pedigree charter sign charter.json --org harbor")
			f.nodes["harbor"] = f.launch("harbor", "pedigree node start harbor --charter charter.json")
			f.urls["harbor"] = f.ready(f.nodes["harbor"])
			f.as("harbor", "submitter", "capture", example(t))
		case "certs --dir":
			assert.Contains(t, run(line), "registrar, identity")
		case "org reenroll":
			_, err := signed("ada", "dataset/harbor/readings@1")
			require.NoError(t, err)
			before, err := os.ReadFile(filepath.Join(host, "ada", "cert.pem"))
			require.NoError(t, err)
			run(line)
			after, err := os.ReadFile(filepath.Join(host, "ada", "cert.pem"))
			require.NoError(t, err)
			require.NotEqual(t, string(before), string(after))
			_, err = signed("ada", "dataset/harbor/readings@2")
			require.NoError(t, err)

			run("pedigree org user Eve --role auditor --dir harbor/harbor")
			_, err = signed("harbor/harbor/users/eve", "dataset/harbor/readings@3")
			require.ErrorContains(t, err, `the certificate has the role "auditor"`)
			shedRole(t, server, filepath.Join(host, "harbor/harbor/users/eve"))
			_, err = signed("harbor/harbor/users/eve", "dataset/harbor/readings@3")
			require.ErrorContains(t, err, "no pedigree.role among them")
		case "org revoke":
			said := run(line)
			assert.Contains(t, said, "revoked 2 certificates of Ada Lovelace")
		default:
			run(line)
		}
	}
	_, err = signed("ada", "dataset/harbor/readings@4")
	require.ErrorContains(t, err, "or it has expired or is revoked")
	proof := f.as("harbor", "auditor", "proof", "dataset/harbor/readings@2")
	require.NoError(t, os.WriteFile(filepath.Join(host, "old.proof"), []byte(proof), 0o600))
	run("pedigree trust export --genesis harbor/channel/pedigree.block > trust.json")
	assert.Contains(t, run("pedigree verify old.proof --trust trust.json"), "Ada Lovelace")
	assert.NoError(t, f.nodes["harbor"].stop(syscall.SIGTERM))
}

// shedRole has the CA make a certificate with fewer attributes for whoever has a key, as the CA does for everybody.
func shedRole(t *testing.T, server *fabriccatest.Server, dir string) {
	t.Helper()
	file := filepath.Join(dir, "cert.pem")
	was, err := certificate.Read(file)
	require.NoError(t, err)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	keyText, err := os.ReadFile(filepath.Join(dir, "key.pem"))
	require.NoError(t, err)
	key, err := identity.PrivateKeyFromPEM(keyText)
	require.NoError(t, err)
	client, err := fabricca.New(fabricca.Server{URL: server.URL, Name: fabriccatest.Identities, Roots: server.Roots})
	require.NoError(t, err)
	as := fabricca.Identity{Certificate: text, Key: key.(crypto.Signer)}
	text, err = client.Reenroll(t.Context(), as, fabricca.Request{Name: was.Subject.CommonName, Key: as.Key,
		Attributes: []string{"hf.Type"}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, text, 0o600))
}
