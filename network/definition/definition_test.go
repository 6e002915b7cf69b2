package definition_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/network/definition"
	"github.com/pedigree-ledger/pedigree/network/policy"
	"github.com/pedigree-ledger/pedigree/network/proposal"
)

var members = []string{"HarborMSP", "LabMSP", "MarketMSP"}

const file = `{"pedigreeDefinition":1,"channel":"pedigree","network":"ab","chaincode":"pedigree","sequence":2,
	"version":"rules-2","endorsement":"2 of MarketMSP,HarborMSP"}`

func TestFilesOfDefinitions(t *testing.T) {
	f, err := definition.Parse([]byte(file))
	require.NoError(t, err)
	d, err := f.Definition(members)
	require.NoError(t, err)
	spelt, err := d.Spell(members)
	require.NoError(t, err)
	assert.Equal(t, "2 of HarborMSP,MarketMSP", spelt)
	spelt, err = definition.ByChannel(1, 1).Spell(members)
	require.NoError(t, err)
	assert.Equal(t, "channel", spelt)
	path := filepath.Join(t.TempDir(), "d.json")
	require.NoError(t, f.Write(path))
	require.Error(t, f.Write(path), "it overwrites nothing")

	assert.True(t, definition.IsFile([]byte(file)))
	for _, other := range []string{`{"pedigreeProposal":1}`, `[]`, ``, `{"pedigreeDefinition":"1"}`} {
		assert.False(t, definition.IsFile([]byte(other)), other)
	}
	for from, to := range map[string]string{
		`"pedigreeDefinition":1`: `"pedigreeDefinition":2`, `"sequence":2`: `"sequence":0`,
		`"rules-2"`: `"rules 2"`, `"channel"`: `"chanel"`, `HarborMSP"}`: `HarborMSP"} {}`,
	} {
		_, err := definition.Parse([]byte(strings.Replace(file, from, to, 1)))
		assert.Error(t, err, to)
	}
	for _, rule := range []string{"majority", "2 of HarborMSP,GoneMSP", "nobody"} {
		f.Endorsement = rule
		_, err := f.Definition(members)
		assert.Error(t, err, rule)
	}
	odd := definition.ByChannel(1, 1)
	odd.Policy = odd.Policy[:len(odd.Policy)-1]
	_, err = odd.Spell(members)
	assert.ErrorContains(t, err, "can't propose")
}

func TestDangersOfWhoMustEndorse(t *testing.T) {
	f, err := definition.Parse([]byte(file))
	require.NoError(t, err)
	for rule, want := range map[string][]string{
		"channel":                         nil,
		"2 of HarborMSP,LabMSP,MarketMSP": nil,
		"2 of HarborMSP,LabMSP":           {"nothing is recorded while one of these is out: HarborMSP, LabMSP"},
		"1 of HarborMSP,LabMSP":           {"each of these can endorse alone what is recorded: HarborMSP, LabMSP"},
	} {
		f.Endorsement = rule
		d, err := f.Definition(members)
		require.NoError(t, err)
		assert.Equal(t, want, definition.Dangers(d, &common.ConfigGroup{}, members), rule)
	}
	f.Endorsement = "2 of HarborMSP,LabMSP"
	d, err := f.Definition(members)
	require.NoError(t, err)
	said := strings.Join(definition.Dangers(d, &common.ConfigGroup{}, []string{"HarborMSP", "MarketMSP"}), "\n")
	assert.Contains(t, said, "names LabMSP as one that endorses, and it isn't a member")
	assert.Contains(t, said, "nobody can endorse any more")
	assert.Equal(t, "2 of (HarborMSP.peer, LabMSP.peer)",
		proposal.SignatureText(policy.Rule{N: 2, Of: []string{"HarborMSP", "LabMSP"}}.Named(msp.MSPRole_PEER)))
}
