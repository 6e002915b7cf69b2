package network

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/network/diagnosis"
	"github.com/pedigree-ledger/pedigree/network/proposal"
)

// said returns what the doctor says of a folder, line by line. The disk of the machine that runs the tests is left out.
func said(t *testing.T, dir string) (found []string, d *Diagnosis) {
	t.Helper()
	d, err := Diagnose(within(t, time.Minute), dir)
	require.NoError(t, err)
	for _, f := range d.Findings {
		if !strings.Contains(f.What, "the disk of") && !strings.Contains(f.What, "the file system of") {
			found = append(found, string(f.Urgency)+": "+f.What)
		}
	}
	return found, d
}

// has checks that something is said of each of these.
func has(t *testing.T, found []string, want ...string) {
	t.Helper()
	for _, one := range want {
		assert.True(t, slices.ContainsFunc(found, func(f string) bool { return strings.Contains(f, one) }), "%s in\n%s", one,
			strings.Join(found, "\n"))
	}
}

// TestTheDoctorOfANetwork looks at one network: whole, with orderers down, from a gateway's configuration, and with
// proposals in its folder.
func TestTheDoctorOfANetwork(t *testing.T) {
	n := sharedNetwork(t)
	ctx := within(t, 2*time.Minute)
	require.NoError(t, n.AwaitReady(ctx))
	found, d := said(t, n.Dir())
	assert.Empty(t, found)
	require.Len(t, d.Nodes, 4+3)
	for _, node := range d.Nodes {
		assert.Empty(t, node.Problem, node.Name)
		assert.NotZero(t, node.Blocks, node.Name)
		assert.NotEmpty(t, node.Name)
		assert.Zero(t, node.ClockAhead)
	}
	harbor := n.dir.path("harbor")
	found, d = said(t, n.GatewayConfig("harbor"))
	assert.Empty(t, found)
	assert.Equal(t, diagnosis.Gateway, d.Kind)
	require.Len(t, d.Nodes, 4+3)

	o, err := proposal.Open(harbor)
	require.NoError(t, err)
	now, err := o.Configuration(ctx)
	require.NoError(t, err)
	file := n.dir.path("harbor", "limit.json")
	p, err := proposal.SetLimits(now, proposal.Limits{Transactions: 400})
	require.NoError(t, err)
	require.NoError(t, p.Write(file))
	found, _ = said(t, n.Dir())
	assert.Len(t, found, 1)
	has(t, found, "limit.json waits for signatures: OrdererMSP (admin)")
	require.NoError(t, os.Remove(file))

	require.NoError(t, n.Hold("orderer2"))
	require.NoError(t, n.Hold("lab-peer"))
	found, _ = said(t, n.Dir())
	has(t, found, "now: orderer2 isn't running", "now: lab-peer isn't running",
		"soon: no further orderer may fail: 3 of 4 take part, and 3 are needed. Out: orderer2",
		"soon: orderer2 doesn't answer", "soon: lab-peer doesn't answer",
		"soon: no further organisation may fail: 2 of 3 can endorse, and 2 are needed. Out: LabMSP")

	// Without its own peer it finds the configuration elsewhere.
	require.NoError(t, n.Hold("harbor-peer"))
	found, _ = said(t, n.Dir())
	has(t, found, "now: too few organisations can endorse: 1 of 3, and 2 are needed. Nothing is recorded until then. "+
		"Out: HarborMSP, LabMSP")
	require.NoError(t, n.Hold("orderer3"))
	found, _ = said(t, n.Dir())
	has(t, found, "now: the orderers have lost their quorum: 2 of 4 take part, and 3 are needed. Nothing is recorded "+
		"until "+
		"then. Out: orderer2, orderer3")
	for _, name := range []string{"orderer2", "orderer3", "harbor-peer", "lab-peer"} {
		require.NoError(t, n.Release(name))
	}
	require.NoError(t, n.AwaitReady(ctx))
}

// A network of keys alone was never started. Each of these is told although no process runs.
func TestTheDoctorOfADamagedFolder(t *testing.T) {
	d, _ := keysOnly(t, 20*day)
	found, _ := said(t, string(d))
	has(t, found, "now: nothing is running here", "soon: 31 certificates will expire within 30 days")

	lost := d.path("market", "peer", "tls", "key.pem")
	require.NoError(t, os.Remove(lost))
	wrong, err := os.ReadFile(d.path("lab", "users", "auditor", "key.pem"))
	require.NoError(t, err)
	swapped := d.path("lab", "users", "operator", "key.pem")
	require.NoError(t, os.WriteFile(swapped, wrong, 0o600))
	torn := d.orderer("orderer1") + "/tls/cert.pem"
	require.NoError(t, os.WriteFile(torn, []byte("torn"), 0o600))
	found, report := said(t, string(d))
	has(t, found, "now: a certificate or its key is missing: "+lost, swapped+" don't belong together",
		"now: "+torn+" has no "+
			"certificate in PEM")
	assert.False(t, report.Healthy)

	var out bytes.Buffer
	cmd := Doctor()
	cmd.SetOut(&out)
	cmd.SetArgs([]string{"--dir", string(d), "--json"})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	assert.Equal(t, exit.Refused, exit.Code(cmd.Execute()))
	var read Diagnosis
	require.NoError(t, json.Unmarshal(out.Bytes(), &read))
	assert.Equal(t, report.Findings, read.Findings)
}

func TestTheDoctorOfAnOrganisation(t *testing.T) {
	dirs, file := founders(t, 2, 1, 1)
	found, _ := said(t, dirs[0])
	has(t, found, "now: HarborMSP has never been started")

	// Its genesis block says who else there is, and nobody answers.
	text, err := file.Text()
	require.NoError(t, err)
	f, err := buildFabric(t.Context(), newReporter(nil))
	require.NoError(t, err)
	block, err := f.genesis(&file.Charter)
	require.NoError(t, err)
	d := folder(dirs[0])
	require.NoError(t, writeFile(d.charterFile(), text, 0o644))
	require.NoError(t, writeFile(d.genesis(), block, 0o644))
	org, err := d.readOrganisation()
	require.NoError(t, err)
	p, err := d.ownPlan()
	require.NoError(t, err)
	require.NoError(t, d.configureGateway(p, org.Org, Options{}))
	found, report := said(t, dirs[0])
	has(t, found, "now: nothing is running here", "now: the orderers have lost their quorum: 0 of 4 take part, and 3 "+
		"are needed",
		"can't be reached from here", "will expire within 30 days")
	assert.Equal(t, diagnosis.Organisation, report.Kind)
	assert.Len(t, report.Nodes, 4+3)
	for _, node := range report.Nodes {
		assert.NotEmpty(t, node.Problem)
		assert.Equal(t, node.MSPID == "HarborMSP", node.Name != "", node.Address)
	}

	// An orderer with another certificate than the channel's is refused by the others.
	l := looker{d: d, seen: &diagnosis.Seen{Kind: diagnosis.Organisation, Self: "HarborMSP"}, plan: p}
	first, err := proposal.FirstConfiguration(block)
	require.NoError(t, err)
	place := first.Places()[0]
	require.Equal(t, "HarborMSP", place.MSPID)
	n := diagnosis.Node{Address: place.Address}
	l.recognise(t.Context(), &n, place)
	assert.True(t, n.Own && !n.Foreign)
	place.Identity, err = certificate.Read(d.path("harbor", "ca", "cert.pem"))
	require.NoError(t, err)
	l.recognise(t.Context(), &n, place)
	assert.True(t, n.Foreign)
}

func TestAFolderWithoutAnythingHasNoDoctor(t *testing.T) {
	_, err := Diagnose(t.Context(), t.TempDir())
	require.ErrorContains(t, err, "there is no network, organisation or gateway in")
	assert.Equal(t, exit.Usage, exit.Code(err))
	file := filepath.Join(t.TempDir(), "gateway.json")
	require.NoError(t, os.WriteFile(file, []byte("{}"), 0o600))
	_, err = Diagnose(t.Context(), file)
	require.ErrorContains(t, err, "listen is missing")
}

func TestWhatAGatewaySaysOfItself(t *testing.T) {
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"ok":false,"why":"the index has 12 of 900 blocks"}`))
	}))
	defer behind.Close()
	seen := gate{mspID: "HarborMSP", url: behind.URL, client: loopbackClient}.look(t.Context())
	assert.Equal(t, diagnosis.Gate{MSPID: "HarborMSP", URL: behind.URL, Problem: "the index has 12 of 900 blocks",
		Index:  12,
		Ledger: 900}, seen)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	assert.True(t, answersAt(t.Context(), listener.Addr().String()))
	assert.True(t, isLoopback(t.Context(), "127.0.0.1"))
	assert.False(t, isLoopback(t.Context(), "192.0.2.1"))
}
