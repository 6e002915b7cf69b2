package network

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/network/charter"
	"github.com/pedigree-ledger/pedigree/network/orgcard"
)

// Each of these is refused before a process is started.
func TestNodesThatDoNotStart(t *testing.T) {
	dirs, file := founders(t, 2, 1, 1)
	_, other := founders(t, 4)
	alike := filepath.Join(t.TempDir(), "it") // joins, and has the name of a founder
	require.NoError(t, InitOrganisation(t.Context(), alike, Organisation{Name: "market", MSPID: "RivalMSP", Host: "127.0.0.1",
		BasePort: 7050, AuthorityDays: 3, Days: 2}))
	change := func(how func(f *charter.File)) *charter.File {
		text, err := file.Text()
		require.NoError(t, err)
		changed, err := charter.Parse(text)
		require.NoError(t, err)
		how(changed)
		return changed
	}
	resigned := func(how func(c *charter.Charter)) *charter.File {
		return change(func(f *charter.File) {
			how(&f.Charter)
			f.Signatures = nil
			for _, dir := range dirs {
				require.NoError(t, signCharter(f, dir))
			}
		})
	}
	for want, o := range map[string]NodeOptions{
		"isn't the folder of an organisation": {Dir: t.TempDir(), Charter: file},
		"there is no charter":                 {},
		"no part \"miner\"":                   {Charter: file, Parts: []string{"miner"}},
		"--rejoin orderer9":                   {Charter: file, Rejoin: []string{"orderer9"}},
		"--rejoin orderer1":                   {Charter: file, Rejoin: []string{"orderer1"}, Parts: []string{"peer"}},
		"isn't signed by LabMSP": {Charter: change(func(f *charter.File) {
			f.Signatures = f.Signatures[:2]
		})},
		"somebody has changed": {Charter: change(func(f *charter.File) {
			f.Charter.Policies.Administration = charter.Any
		})},
		"HarborMSP isn't valid": {Charter: change(func(f *charter.File) {
			f.Signatures[0].Certificate = f.Signatures[1].Certificate
			f.Signatures[0].Signature = f.Signatures[1].Signature
		})},
		"MarketMSP and RivalMSP have the same name": {Dir: alike, Charter: file},
		"another card for HarborMSP":                {Charter: other},
		"on channel pedigree":                       {Charter: resigned(func(c *charter.Charter) { c.Channel = "other" })},
		"2 of the 4 orderers":                       {Charter: resigned(func(c *charter.Charter) { c.Trial = false })},
		"names no rules": {Charter: resigned(func(c *charter.Charter) {
			c.Chaincode.Version = "0.1"
		})},
		"can't run the chaincode": {Charter: resigned(func(c *charter.Charter) {
			c.Chaincode.Version = "rules-99"
		})},
	} {
		if o.Dir == "" {
			o.Dir = dirs[0]
		}
		_, err := StartNode(within(t, 20*time.Second), o)
		require.ErrorContains(t, err, want)
		assert.NoFileExists(t, folder(dirs[0]).charterFile(), "after %s", want)
	}
}

// The node registers its organisation with the operator's token, and looks at that before it starts a process.
func TestADamagedTokenOfTheOperator(t *testing.T) {
	dirs, file := founders(t, 2, 1, 1)
	token := folder(dirs[0]).token("harbor", Operator)
	good, err := os.ReadFile(token)
	require.NoError(t, err)
	start := func() error {
		_, err := StartNode(within(t, 20*time.Second), NodeOptions{Dir: dirs[0], Charter: file, Parts: []string{"gateway"}})
		return err
	}
	require.NoError(t, os.WriteFile(token, nil, 0o600))
	require.ErrorContains(t, start(), "operator.token is empty")

	require.NoError(t, os.WriteFile(token, good, 0o600))
	org, err := folder(dirs[0]).readOrganisation()
	require.NoError(t, err)
	p, err := folder(dirs[0]).ownPlan()
	require.NoError(t, err)
	require.NoError(t, folder(dirs[0]).configureGateway(p, org.Org, Options{})) // the gateway knows the good one
	require.NoError(t, os.WriteFile(token, good[:9], 0o600))
	require.ErrorContains(t, start(), "operator.token is damaged: tokens.json has no operator with this token")
	require.NoError(t, os.Remove(token))
	require.ErrorContains(t, start(), "couldn't read Harbor's operator token")
}

// An organisation keeps to its first charter, and may have renewed its certificates since.
func TestTheFirstCharterHolds(t *testing.T) {
	dirs, file := founders(t, 2, 1, 1)
	d := folder(dirs[0])
	org, err := d.readOrganisation()
	require.NoError(t, err)
	node := &Node{network: &Network{dir: d}, org: org}
	require.NoError(t, node.agree(file))
	digest := file.Charter.Digest()

	other := *file
	other.Charter.Limits.TransactionsPerBlock++
	other.Signatures = nil
	for _, dir := range dirs {
		require.NoError(t, signCharter(&other, dir))
	}
	require.ErrorContains(t, node.agree(&other), "isn't the one that this organisation started with")
	require.NoError(t, node.agree(nil))

	again := filepath.Join(t.TempDir(), "again")
	require.NoError(t, InitOrganisation(t.Context(), again, harborAlone))
	renewed, err := os.ReadFile(filepath.Join(again, "harbor", "peer", "tls", "cert.pem"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(d.path("harbor", "peer", "tls", "cert.pem"), renewed, 0o600))
	require.NoError(t, node.agree(nil))
	assert.Equal(t, digest, node.charter.Digest())
}

func TestTheParts(t *testing.T) {
	with, without := &organisation{Orderers: []Orderer{{Name: "orderer1"}}}, &organisation{}
	for _, test := range []struct {
		of    *organisation
		asked []string
		runs  []string
	}{
		{with, nil, []string{"chaincode", "gateway", "orderer", "peer"}},
		{without, []string{"all"}, []string{"chaincode", "gateway", "peer"}},
		{with, []string{"peer", "orderer", "peer"}, []string{"orderer", "peer"}},
		{without, []string{"orderer"}, nil},
	} {
		node := &Node{org: test.of}
		err := node.choose(test.asked)
		assert.Equal(t, test.runs == nil, err != nil, "%v", err)
		assert.Equal(t, test.runs, node.parts)
	}
}

func TestOthersAreReachedAsTheirCardsSay(t *testing.T) {
	dirs, file := founders(t, 2, 1, 1)
	org, err := folder(dirs[0]).readOrganisation()
	require.NoError(t, err)
	market := &file.Charter.Organisations[1].Peers[0]
	market.ServerName = "localhost"
	node := &Node{org: org, charter: &file.Charter, rules: chaincode.First}
	p := node.plan()
	require.Len(t, p.Orgs, 3)
	assert.Equal(t, org.Org, p.Orgs[0])
	assert.Equal(t, "localhost", p.Orgs[1].PeerName())
	assert.Equal(t, orgcard.Address(market.Host, market.Port), p.Orgs[1].PeerAddress())
	assert.Equal(t, []Orderer{org.Orderers[0], org.Orderers[1]}, p.Orderers)
	assert.Contains(t, org.Org.PeerName(), "peer0.harbor")
}

// Two organisations on one machine may have chosen the same ports. The second one says so before it starts anything.
func TestANodeWhosePortIsTaken(t *testing.T) {
	dirs, file := founders(t, 2, 1, 1)
	org, err := folder(dirs[0]).readOrganisation()
	require.NoError(t, err)
	for part, taken := range map[string]string{
		"the peer": org.Org.PeerAddress(), "orderer2": org.Orderers[1].Address(),
		"the gateway": loopback(org.Org.GatewayPort),
	} {
		listener, err := net.Listen("tcp", taken)
		require.NoError(t, err)
		_, err = StartNode(within(t, time.Minute), NodeOptions{Dir: dirs[0], Charter: file})
		require.ErrorContains(t, err, "where "+part+" listens, is taken by another program")
		require.NoError(t, listener.Close())
		assert.NoFileExists(t, folder(dirs[0]).stateFile())
	}
}
