package proposal_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/network"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
	"github.com/pedigree-ledger/pedigree/network/orgcard/orgcardtest"
)

func membershipOf(t *testing.T, value string) *msp.FabricMSPConfig {
	t.Helper()
	var outer msp.MSPConfig
	var m msp.FabricMSPConfig
	require.NoError(t, proto.Unmarshal([]byte(value), &outer))
	require.NoError(t, proto.Unmarshal(outer.GetConfig(), &m))
	return &m
}

func encodeMembership(t *testing.T, m *msp.FabricMSPConfig) string {
	t.Helper()
	content, err := proto.Marshal(m)
	require.NoError(t, err)
	value, err := proto.Marshal(&msp.MSPConfig{Config: content})
	require.NoError(t, err)
	return string(value)
}

// decided makes a proposal, has organisations approve it, and applies it.
func decided(t *testing.T, by []string, propose ...string) (said string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "proposal.json")
	said = done(t, append(append([]string{"propose"}, propose...), folderOf(t, by[0]), "--out="+file)...)
	for _, org := range by {
		done(t, "approve", file, folderOf(t, org), "--yes")
	}
	done(t, "apply", file, folderOf(t, "harbor"))
	return said
}

// writeCard writes a card to a file.
func writeCard(t *testing.T, c *orgcard.Card) string {
	t.Helper()
	text, err := json.Marshal(c)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "card.json")
	require.NoError(t, os.WriteFile(file, text, 0o600))
	return file
}

// register registers a dataset through harbor's gateway, and returns the status.
func register(t *testing.T, n *network.Network, name string) int {
	t.Helper()
	token, err := n.Token("harbor", network.Submitter)
	require.NoError(t, err)
	body := fmt.Sprintf(`{"kind":"dataset","namespace":"harbor","name":%q,"version":"1",
		"digest":{"algorithm":"sha-256","value":"%064x","coverage":"full"}}`, name, len(name))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.Orgs()[0].URL()+"/v1/artifacts",
		strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		text, _ := io.ReadAll(answer.Body)
		t.Logf("%s", text)
	}
	return answer.StatusCode
}

func TestAnOrganisationJoinsAndLeavesWhileOthersRecord(t *testing.T) {
	n := shared.Network(t)
	reefer, _, _ := orgcardtest.Card(t, "reefer", 0)
	file := writeCard(t, reefer)

	stop := make(chan struct{})
	var wait sync.WaitGroup
	recorded := 0
	wait.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if !assert.Equal(t, http.StatusCreated, register(t, n, fmt.Sprintf("load%d", i))) {
				return
			}
			recorded++
		}
	})
	said := decided(t, []string{"harbor", "market"}, "add-organisation", file)
	assert.Contains(t, said, "add the organisation reeferMSP as a member, with the anchor peer reefer.example:7051")
	assert.Contains(t, said, "2 more of: HarborMSP (admin), LabMSP (admin), MarketMSP (admin)")
	decided(t, []string{"harbor", "market", "lab"}, "remove-organisation", "reeferMSP")
	close(stop)
	wait.Wait()
	assert.Positive(t, recorded)
	assert.Equal(t, http.StatusCreated, register(t, n, "afterwards"))
}

func TestAnOrdererLeavesAndComesBack(t *testing.T) {
	n := shared.Network(t)
	one := n.Orderers()[3]
	dir := filepath.Join(n.Dir(), "orderer", one.Name)
	identity, err := os.ReadFile(filepath.Join(dir, "msp", "signcerts", "cert.pem"))
	require.NoError(t, err)
	transport, err := os.ReadFile(filepath.Join(dir, "tls", "cert.pem"))
	require.NoError(t, err)
	file := ordererCard(t, n, one, string(identity), string(transport))

	said := decided(t, []string{"orderer"}, "remove-orderer", one.Address())
	assert.Contains(t, said, "remove the orderer 4, "+one.Address())
	assert.Contains(t, said, "3 orderers are left: none of them may fail or lie")
	require.Equal(t, http.StatusCreated, register(t, n, "threeorder"))
	said = decided(t, []string{"orderer"}, "add-orderer", file)
	assert.Contains(t, said, "add the orderer 4, "+one.Address())
	url := fmt.Sprintf("https://127.0.0.1:%d/participation/v1/channels", one.AdminPort)
	admin := administration(t, n)
	require.Eventually(t, func() bool { return consents(t, admin, url) }, 40*time.Second, 100*time.Millisecond)
	require.Equal(t, http.StatusCreated, register(t, n, "fourorderagain"))
}

// ordererCard writes a card of the orderers' organisation that names one orderer.
func ordererCard(t *testing.T, n *network.Network, o network.Orderer, identity, transport string) string {
	t.Helper()
	read := func(path ...string) string {
		text, err := os.ReadFile(filepath.Join(append([]string{n.Dir(), "orderer"}, path...)...))
		require.NoError(t, err)
		return string(text)
	}
	unused := t.TempDir() // a card names a peer, too
	peer := orgcard.Peer{Name: "peer0", Host: "127.0.0.1", Port: 1, ServerName: "127.0.0.1", TLS: transport,
		Identity: renew(t, n, "ca", "peer", filepath.Join(unused, "cert.pem"), filepath.Join(unused, "key.pem"))}
	return writeCard(t, &orgcard.Card{Version: orgcard.Version, Name: "orderers", MSPID: network.OrdererMSP,
		Authority: read("ca", "cert.pem"), TLSAuthority: read("tlsca", "cert.pem"), Peers: []orgcard.Peer{peer},
		Orderers: []orgcard.Orderer{{Name: "orderer", Host: "127.0.0.1", Port: o.Port, Identity: identity, TLS: transport}}})
}

// TestALostOrdererIsReplaced loses the disk of an orderer, keys included. An orderer with other keys takes its place.
func TestALostOrdererIsReplaced(t *testing.T) {
	n := shared.Network(t)
	lost := n.Orderers()[3]
	require.NoError(t, n.KillAndHold(lost.Name))
	dir := filepath.Join(n.Dir(), "orderer", lost.Name)
	for _, data := range []string{"ledger", "wal", "snapshots"} {
		require.NoError(t, os.RemoveAll(filepath.Join(dir, data)))
	}
	identity := renew(t, n, "ca", "orderer", filepath.Join(dir, "msp", "signcerts", "cert.pem"),
		filepath.Join(dir, "msp", "keystore", "key.pem"))
	transport := renew(t, n, "tlsca", "", filepath.Join(dir, "tls", "cert.pem"), filepath.Join(dir, "tls", "key.pem"))
	said := decided(t, []string{"orderer"}, "replace-orderer", lost.Address(),
		ordererCard(t, n, lost, identity, transport))
	assert.Contains(t, said, "replace the orderer 4, "+lost.Address()+" of OrdererMSP, by "+lost.Address())
	assert.Contains(t, said, "OrdererMSP would own 4 of 4 orderers")

	require.NoError(t, n.Release(lost.Name))
	admin := administration(t, n)
	genesis, err := os.ReadFile(n.GenesisFile())
	require.NoError(t, err)
	url := fmt.Sprintf("https://127.0.0.1:%d/participation/v1/channels", lost.AdminPort)
	require.Eventually(t, func() bool { return join(t, admin, url, genesis) }, 20*time.Second, 100*time.Millisecond)

	// With the new one, any other orderer may be lost.
	require.Eventually(t, func() bool { return consents(t, admin, url) }, 40*time.Second, 100*time.Millisecond)
	require.NoError(t, n.KillAndHold(n.Orderers()[2].Name))
	t.Cleanup(func() { _ = n.Release(n.Orderers()[2].Name) })
	require.Equal(t, http.StatusCreated, register(t, n, "ordered"))
}

// renew makes a new key and certificate of an orderer in place of the old ones, and returns the certificate.
func renew(t *testing.T, n *network.Network, authority, unit, certificate, key string) string {
	t.Helper()
	issuer, err := x509.ParseCertificate(derOf(t, filepath.Join(n.Dir(), "orderer", authority, "cert.pem")))
	require.NoError(t, err)
	signer, err := x509.ParsePKCS8PrivateKey(derOf(t, filepath.Join(n.Dir(), "orderer", authority, "key.pem")))
	require.NoError(t, err)
	made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject: pkix.Name{CommonName: "orderer5"}, NotBefore: time.Now().Add(-time.Minute),
		NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	if unit != "" {
		template.Subject.OrganizationalUnit, template.ExtKeyUsage = []string{unit}, nil
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, &made.PublicKey, signer)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(made)
	require.NoError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	require.NoError(t, os.WriteFile(certificate, text, 0o644))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
	return string(text)
}

// administration is a client of the orderers' administration.
func administration(t *testing.T, n *network.Network) *http.Client {
	t.Helper()
	dir := filepath.Join(n.Dir(), "orderer")
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "admin", "cert.pem"), filepath.Join(dir, "admin", "key.pem"))
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(dir, "tlsca", "cert.pem"))
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(text))
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots}}}
}

func join(t *testing.T, admin *http.Client, url string, genesis []byte) bool {
	t.Helper()
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	part, err := writer.CreateFormFile("config-block", "genesis.block")
	require.NoError(t, err)
	_, err = part.Write(genesis)
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, &form)
	require.NoError(t, err)
	request.Header.Set("Content-Type", writer.FormDataContentType())
	answer, err := admin.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusCreated
}

// consents reports whether an orderer takes part in the ordering of the channel.
func consents(t *testing.T, admin *http.Client, url string) bool {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/"+network.ChannelName, nil)
	require.NoError(t, err)
	answer, err := admin.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	var info struct {
		ConsensusRelation string `json:"consensusRelation"`
		Status            string `json:"status"`
	}
	return json.NewDecoder(answer.Body).Decode(&info) == nil && info.ConsensusRelation == "consenter" &&
		info.Status == "active"
}
