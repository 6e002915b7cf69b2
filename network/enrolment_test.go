package network

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/network/charter"
	"github.com/pedigree-ledger/pedigree/network/fabricca"
	"github.com/pedigree-ledger/pedigree/network/fabricca/fabriccatest"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
)

// enrolled is an organisation that has its certificates from a server's CAs.
func enrolled(s *fabriccatest.Server) Organisation {
	at := func(name string) FabricCA { return FabricCA{URL: s.URL, Name: name, Roots: s.Roots} }
	return Organisation{Name: "harbor", Host: "127.0.0.1", Orderers: 1, BasePort: 7050, AuthorityDays: 3, Days: 2,
		Enrolment: &Enrolment{Identities: at(fabriccatest.Identities), TLS: at(fabriccatest.TLS),
			Registrar: fabriccatest.Registrar, Secret: fabriccatest.Secret, TLSSecret: fabriccatest.Secret}}
}

func TestAnOrganisationIsEnrolledAtItsFabricCA(t *testing.T) {
	server := fabriccatest.Start(t)
	dir := filepath.Join(t.TempDir(), "it")
	require.NoError(t, InitOrganisation(t.Context(), dir, enrolled(server)))
	d := folder(dir)

	t.Run("its card is in order, and it has no key of an authority", func(t *testing.T) {
		c, err := CardOf(dir)
		require.NoError(t, err)
		require.Len(t, c.Orderers, 1)
		for _, kind := range []string{caFolder, tlsFolder} {
			assert.NoFileExists(t, d.path("harbor", kind, "key.pem"))
		}
		keys := 0
		require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			info, err := entry.Info()
			secret := strings.Contains(string(text), "PRIVATE KEY") || entry.Name() == secretFile
			if secret {
				keys++
				assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), path)
			}
			assert.NotContains(t, string(text), fabriccatest.Secret, path)
			return err
		}))
		assert.Greater(t, keys, 10)
	})

	t.Run("its certificates have units and roles", func(t *testing.T) {
		for role, unit := range map[string]string{Submitter: "client", Auditor: "client", Operator: "admin"} {
			text, err := os.ReadFile(filepath.Join(d.user("harbor", role), "cert.pem"))
			require.NoError(t, err)
			require.NoError(t, checkMember(text, unit, role))
			require.ErrorContains(t, checkMember(text, "peer", role), "registered it otherwise")
			require.ErrorContains(t, checkMember(text, unit, "king"), "registered it otherwise")
		}
	})

	t.Run("all are renewed for the same keys", func(t *testing.T) {
		before, err := d.certificates()
		require.NoError(t, err)
		_, stderr, err := pedigree(t, "renew", "--dir", dir)
		require.NoError(t, err, stderr)
		renewed := 0
		for _, was := range before {
			if strings.HasPrefix(was.Use, "authority") {
				continue
			}
			is, err := certificate.Read(was.File)
			require.NoError(t, err)
			key, err := readKey(keyOf(was.File))
			require.NoError(t, err)
			assert.True(t, key.PublicKey.Equal(is.PublicKey), was.File)
			if !strings.HasPrefix(was.Use, "orderer1, identity") { // the channel decides on that
				renewed++
			}
		}
		assert.Greater(t, renewed, 9)
		_, err = CardOf(dir)
		require.NoError(t, err)
		_, stderr, err = pedigree(t, "renew", "--dir", dir, "--certificate-lifetime", "9d")
		require.Error(t, err)
		assert.Contains(t, stderr, "the Fabric CA decides")
	})

	t.Run("its registrar enrols again", func(t *testing.T) {
		file := d.path("harbor", caFolder, registrarName, "cert.pem")
		before, err := os.ReadFile(file)
		require.NoError(t, err)
		args := []string{"org", "registrar", "--dir", d.path("harbor"), "--registrar", fabriccatest.Registrar}
		t.Setenv(secretVariable, "guessed")
		_, stderr, err := pedigree(t, args...)
		require.Error(t, err)
		assert.Contains(t, stderr, "The secret is wrong")
		same, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, before, same)
		t.Setenv(secretVariable, fabriccatest.Secret)
		_, stderr, err = pedigree(t, args...)
		require.NoError(t, err, stderr)
		after, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.NotEqual(t, before, after)
	})

	t.Run("a person is certified for a key that stays away", func(t *testing.T) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		request := func(name string) []byte {
			der, err := x509.CreateCertificateRequest(rand.Reader,
				&x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
			require.NoError(t, err)
			return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
		}
		grace := User{Dir: d.path("harbor"), Name: "Grace Hopper", Role: Auditor, Days: 1, Request: request("root")}
		_, err = AddUser(t.Context(), grace)
		require.ErrorContains(t, err, `takes one for "Grace Hopper" only`)
		assert.NoDirExists(t, d.path("harbor", "users", "grace-hopper"))
		grace.Request = request("Grace Hopper")
		made, err := AddUser(t.Context(), grace)
		require.NoError(t, err)
		c, err := certificate.Read(filepath.Join(made, "cert.pem"))
		require.NoError(t, err)
		assert.True(t, key.PublicKey.Equal(c.PublicKey))
		has, err := fabricca.Attributes(c)
		require.NoError(t, err)
		assert.Equal(t, map[string]string{chaincode.RoleAttribute: Auditor}, has)
		_, stderr, err := pedigree(t, "renew", "--dir", dir)
		require.NoError(t, err, stderr)
		assert.Contains(t, stderr, "grace-hopper/cert.pem: its key isn't here")
		_, err = AddUser(t.Context(), User{Dir: d.path("harbor"), Name: "submitter." + "x", Role: Auditor, Days: 1})
		require.NoError(t, err)
	})

	t.Run("a person enrols alone, and is revoked", func(t *testing.T) {
		stdout, stderr, err := pedigree(t, "org", "register", "Ada Lovelace", "--dir", d.path("harbor"))
		require.NoError(t, err, stderr)
		secret := d.path("harbor", "users", "ada-lovelace", "secret")
		require.Contains(t, stdout, secret)
		_, stderr, err = pedigree(t, "org", "register", "ada lovelace", "--dir", d.path("harbor"))
		require.Error(t, err)
		require.Contains(t, stderr, "somebody of that name")
		ada := filepath.Join(t.TempDir(), "ada")
		enroll := []string{"org", "enroll", "Ada Lovelace", "--ca", server.URL, "--ca-roots", server.RootsFile, "--out", ada}
		_, stderr, err = pedigree(t, enroll...)
		require.Error(t, err)
		require.Contains(t, stderr, secretVariable)
		t.Setenv(secretVariable, "guessed")
		_, stderr, err = pedigree(t, enroll...)
		require.Error(t, err)
		require.Contains(t, stderr, "The secret is wrong")
		require.NotContains(t, stderr, "guessed")
		require.NoDirExists(t, ada)
		_, stderr, err = pedigree(t, append(enroll, "--secret", secret)...)
		require.NoError(t, err, stderr)
		_, stderr, err = pedigree(t, "org", "reenroll", ada)
		require.NoError(t, err, stderr)

		list := filepath.Join(t.TempDir(), "list")
		_, stderr, err = pedigree(t, "org", "revoke", "Ada Lovelace", "--dir", d.path("harbor"), "--reason", "superseded",
			"--certificate", filepath.Join(ada, "key.pem"))
		require.Error(t, err)
		assert.Contains(t, stderr, "key.pem")
		stdout, stderr, err = pedigree(t, "org", "revoke", "Ada Lovelace", "--dir", d.path("harbor"), "--reason",
			"keycompromise", "--json")
		require.NoError(t, err, stderr)
		is, err := certificate.Read(filepath.Join(ada, "cert.pem"))
		require.NoError(t, err)
		assert.Contains(t, stdout, strings.TrimLeft(is.SerialNumber.Text(16), "0"))
		stdout, stderr, err = pedigree(t, "org", "crl", "--dir", d.path("harbor"), "--out", list)
		require.NoError(t, err, stderr)
		assert.Contains(t, stdout, "2 revoked certificates")
		_, stderr, err = pedigree(t, "org", "crl", "--dir", d.path("harbor"), "--out", list)
		require.Error(t, err)
		assert.Contains(t, stderr, "is there already")
		_, stderr, err = pedigree(t, "org", "reenroll", ada)
		require.Error(t, err)
		assert.Contains(t, stderr, "doesn't accept who asks")
		require.NoError(t, os.RemoveAll(filepath.Dir(secret)))
		_, stderr, err = pedigree(t, "org", "register", "Ada Lovelace", "--dir", d.path("harbor"))
		require.Error(t, err)
		assert.Contains(t, stderr, "choose another name")
		assert.NoDirExists(t, filepath.Dir(secret))
	})
}

// The rights are those that docs/operating.md names. The registrar has an affiliation, which all its identities get, too.
func TestARegistrarNeedsNoMoreRights(t *testing.T) {
	server := fabriccatest.Start(t)
	rights := map[string]string{"hf.Registrar.Roles": "client,peer,orderer,admin",
		"hf.Registrar.Attributes": chaincode.RoleAttribute, "hf.Revoker": "true", "hf.GenCRL": "true"}
	for name, affiliation := range map[string]string{fabriccatest.Identities: "org1.department1", fabriccatest.TLS: ""} {
		e, err := newEnrolment(t.Context(), filepath.Join(t.TempDir(), "harbor", "ca"),
			FabricCA{URL: server.URL, Name: name, Roots: server.Roots})
		require.NoError(t, err)
		require.NoError(t, e.enrolRegistrar(fabriccatest.Registrar, fabriccatest.Secret))
		by, err := e.registrar()
		require.NoError(t, err)
		require.NoError(t, e.client.Register(t.Context(), by, fabricca.Registration{Name: "harbor's", Type: "client",
			Secret: "harbor's own", Affiliation: affiliation, Attributes: rights}))
	}
	o := enrolled(server)
	o.Enrolment.Registrar, o.Enrolment.Secret, o.Enrolment.TLSSecret = "harbor's", "harbor's own", "harbor's own"
	dir := filepath.Join(t.TempDir(), "it")
	require.NoError(t, InitOrganisation(t.Context(), dir, o))
	c, err := CardOf(dir)
	require.NoError(t, err)
	peer, err := orgcard.Certificate(c.Peers[0].Identity)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"peer", "org1", "department1"}, peer.Subject.OrganizationalUnit)
	org := folder(dir).path("harbor")
	_, err = AddUser(t.Context(), User{Dir: org, Name: "Eve", Role: Auditor, Days: 1})
	require.NoError(t, err)
	_, stderr, err := pedigree(t, "org", "revoke", "Eve", "--dir", org, "--out", filepath.Join(t.TempDir(), "list"))
	require.NoError(t, err, stderr)

	of := charter.Propose(ChannelName, ChaincodeName, []orgcard.Card{*c})
	of.Trial = true
	file := &charter.File{Charter: *of}
	require.NoError(t, signCharter(file, dir))
	require.NoError(t, file.Complete())
}

// A CA doesn't take a certificate that has expired. Whoever registered the identity has the secret to enrol it anew.
func TestExpiredCertificatesOfAFabricCAAreRenewed(t *testing.T) {
	server := fabriccatest.Start(t)
	dir := filepath.Join(t.TempDir(), "it")
	o := enrolled(server)
	o.Orderers, o.Enrolment.TLS.Name = 0, fabriccatest.Late
	require.NoError(t, InitOrganisation(t.Context(), dir, o))
	file := folder(dir).path("harbor", "peer", "tls", "cert.pem")
	was, err := certificate.Read(file)
	require.NoError(t, err)
	require.True(t, time.Now().After(was.NotAfter))
	_, stderr, err := pedigree(t, "renew", "--dir", dir)
	require.NoError(t, err, stderr)
	is, err := certificate.Read(file)
	require.NoError(t, err)
	assert.NotEqual(t, was.SerialNumber, is.SerialNumber)
	assert.Equal(t, was.RawSubjectPublicKeyInfo, is.RawSubjectPublicKeyInfo)
	assert.Equal(t, was.IPAddresses, is.IPAddresses)

	require.NoError(t, os.Remove(folder(dir).path("harbor", tlsFolder, registrarName, "key.pem")))
	_, stderr, err = pedigree(t, "renew", "--dir", dir)
	require.Error(t, err)
	assert.Contains(t, stderr, "doesn't accept who asks")
}

// A command that is interrupted has registered some identities, whose secrets nobody else has.
func TestAnInterruptedEnrolmentIsRepeated(t *testing.T) {
	server := fabriccatest.Start(t)
	dir := filepath.Join(t.TempDir(), "it")
	require.NoError(t, InitOrganisation(t.Context(), dir, enrolled(server)))
	d := folder(dir)
	require.NoError(t, os.Rename(d.organisationFile(), d.makingFile())) // as before its last steps
	require.NoError(t, InitOrganisation(t.Context(), dir, enrolled(server)))
	_, err := CardOf(dir)
	require.NoError(t, err)

	other := filepath.Join(t.TempDir(), "other")
	err = InitOrganisation(t.Context(), other, enrolled(server))
	require.ErrorContains(t, err, "which was registered already")
	assert.Equal(t, exit.Refused, exit.Code(err))
}

func TestEnrolmentsThatCanNotBeMade(t *testing.T) {
	server := fabriccatest.Start(t)
	for want, spoil := range map[string]func(e *Enrolment){
		"keys of their own":            func(e *Enrolment) { e.TLS = e.Identities },
		"couldn't enrol the registrar": func(e *Enrolment) { e.Secret = "guessed" },
		"CA 'other' does not exist":    func(e *Enrolment) { e.TLS.Name = "other" },
		"https://HOST:PORT":            func(e *Enrolment) { e.Identities.URL = "http://127.0.0.1" },
		"roots that were named":        func(e *Enrolment) { e.Identities.Roots = nil },
	} {
		o := enrolled(server)
		spoil(o.Enrolment)
		dir := filepath.Join(t.TempDir(), "x")
		err := InitOrganisation(t.Context(), dir, o)
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "guessed")
		assert.NoFileExists(t, folder(dir).organisationFile())
	}
	for want, args := range map[string][]string{
		"needs --ca":                             {"--tls-ca-name", "tls"},
		"need two CAs":                           {"--ca", server.URL},
		"the Fabric CA decides":                  {"--ca", server.URL, "--tls-ca-name", "tls", "--days", "9"},
		"the secret of the enrolment is missing": {"--ca", server.URL, "--tls-ca-name", "tls"},
	} {
		_, stderr, err := pedigree(t, append([]string{"org", "init", filepath.Join(t.TempDir(), "x"), "--name", "harbor",
			"--host", "127.0.0.1"}, args...)...)
		require.Error(t, err, want)
		assert.Contains(t, stderr, want)
	}
	_, stderr, err := pedigree(t, "org", "revoke", "Ada", "--dir", t.TempDir())
	require.Error(t, err)
	assert.Contains(t, stderr, "isn't the folder of an organisation with a Fabric CA")
}
