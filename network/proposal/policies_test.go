package proposal_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/network/policy"
	"github.com/pedigree-ledger/pedigree/network/proposal"
)

// configuration is that of the shared network, as harbor's peer has it.
func configuration(t *testing.T) *proposal.Configuration {
	t.Helper()
	org, err := proposal.Open(strings.TrimPrefix(folderOf(t, "harbor"), "--dir="))
	require.NoError(t, err)
	now, err := org.Configuration(t.Context())
	require.NoError(t, err)
	return now
}

func TestDangerousPoliciesAreNamed(t *testing.T) {
	now := configuration(t)
	for _, one := range []struct {
		name, rule string
		dangers    []string // parts of them; none: there is no danger
		follows    string
	}{
		{"endorsement", "all", []string{"without any one of HarborMSP, LabMSP, MarketMSP, nothing is recorded"},
			"it takes all 3 organisations to endorse what is recorded"},
		{"endorsement", "any", []string{"the policy Channel/Application/Endorsement is weakened",
			"each of these can endorse what is recorded alone: HarborMSP, LabMSP, MarketMSP"}, "it takes 1 of 3 organisations"},
		{"endorsement", "1 of LabMSP", []string{"becomes another one",
			"each of these can endorse what is recorded alone: LabMSP", "without LabMSP, nothing is recorded"}, ""},
		{"lifecycle", "all", []string{"without any one of HarborMSP, LabMSP, MarketMSP, the chaincode's rules never change"},
			"all 3 organisations to put a definition"},
		{"lifecycle", "any", []string{"is weakened", "alone: HarborMSP, LabMSP, MarketMSP",
			"1 can put a definition of the chaincode into force, and 2 must endorse"},
			"it takes 1 of 3 organisations to put a definition"},
		{"administration", "2 of HarborMSP,LabMSP,MarketMSP", []string{"becomes another one"}, ""},
		{"administration", "2 of HarborMSP,LabMSP", []string{"becomes another one",
			"without any one of HarborMSP, LabMSP, the members and their policies never change"}, ""},
	} {
		what := one.name + " " + one.rule
		p, err := proposal.SetPolicy(now, one.name, one.rule)
		require.NoError(t, err, what)
		review, err := p.Assess(now)
		require.NoError(t, err)
		assert.Len(t, review.Dangers, len(one.dangers), "%s: %q", what, review.Dangers)
		for _, danger := range one.dangers {
			assert.Contains(t, strings.Join(review.Dangers, "\n"), danger, what)
		}
		assert.Contains(t, strings.Join(review.Follows, "\n"), one.follows, what)
		assert.Equal(t, one.follows != "", len(review.Follows) > 0, "%s: %q", what, review.Follows)
	}
	_, err := proposal.SetPolicy(now, "lifecycle", "majority")
	require.ErrorContains(t, err, "there is nothing to propose")
	_, err = proposal.SetPolicy(now, "ordering", "1 of HarborMSP")
	require.ErrorContains(t, err, "isn't a member")
	_, err = proposal.SetPolicy(now, "readers", "any")
	require.ErrorContains(t, err, "choose from endorsement, lifecycle, administration, ordering")
}

// What follows of a departure is said to those who decide on it. A policy that names who leaves may become one that
// nobody can meet.
func TestADepartureThatNobodyCouldRepair(t *testing.T) {
	now := configuration(t)
	then := now.Config.Group()
	rule, err := policy.ParseRule("2 of HarborMSP,LabMSP", now.Config.Members)
	require.NoError(t, err)
	members := then.GetGroups()["Application"]
	members.Policies["Admins"].Policy, err = rule.Channel("Admins", msp.MSPRole_ADMIN)
	require.NoError(t, err)
	delete(members.Groups, "LabMSP")
	p, err := proposal.New(now, then)
	require.NoError(t, err)
	review, err := p.Assess(now)
	require.NoError(t, err)
	assert.Contains(t, strings.Join(review.Dangers, "\n"),
		"nobody can meet the policy Channel/Application/Admins any more: the members and their policies never change")
	assert.Contains(t, strings.Join(review.Dangers, "\n"),
		"without any one of HarborMSP, MarketMSP, nothing is recorded", "a majority of two is both")
	said := strings.Join(review.Follows, "\n")
	assert.Contains(t, said, "it takes all 2 organisations to endorse what is recorded")
	assert.Contains(t, said, "LabMSP's gateway can record nothing more")
	assert.Contains(t, said, "nobody else can take")
	assert.NotContains(t, said, "still runs the orderer")
}

func TestAPolicyIsChangedAndChangedBack(t *testing.T) {
	harbor := folderOf(t, "harbor")
	said := refused(t, exit.Usage, "propose", "policy", "lifecycle", "most", harbor,
		"--out="+filepath.Join(t.TempDir(), "most.json"))
	assert.Contains(t, said, "must be any, majority, all")
	said = decided(t, []string{"harbor", "market"}, "policy", "lifecycle", "2", "of", "HarborMSP,", "MarketMSP")
	assert.Contains(t, said, "change the policy Channel/Application/LifecycleEndorsement from MAJORITY Endorsement to "+
		"2 of (HarborMSP.peer, MarketMSP.peer)")
	assert.Contains(t, said, "2 more of: HarborMSP (admin), LabMSP (admin), MarketMSP (admin)")
	stands := configuration(t).Config.Group().GetGroups()["Application"].GetPolicies()["LifecycleEndorsement"].GetPolicy()
	assert.Equal(t, int32(common.Policy_SIGNATURE), stands.GetType())
	said = decided(t, []string{"harbor", "market"}, "policy", "lifecycle", "majority")
	assert.Contains(t, said, "to MAJORITY Endorsement")
}
