package policy_test

import (
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/network/policy"
)

var members = []string{"HarborMSP", "LabMSP", "MarketMSP"}

func TestRulesAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]string{
		"any": "any", "Majority": "majority", "ALL": "all",
		"2 of MarketMSP,HarborMSP":    "2 of HarborMSP,MarketMSP",
		"1 OF LabMSP, MarketMSP":      "1 of LabMSP,MarketMSP",
		" 1 of LabMSP ":               "1 of LabMSP",
		"":                            "",
		"most":                        "",
		"2 of":                        "",
		"2":                           "",
		"0 of LabMSP":                 "",
		"-1 of LabMSP":                "",
		"3 of LabMSP,MarketMSP":       "",
		"two of LabMSP,MarketMSP":     "",
		"1 of OtherMSP":               "",
		"1 of LabMSP,LabMSP":          "",
		"2 from LabMSP,MarketMSP":     "",
		"1 of labmsp":                 "",
		"99999999999999999 of LabMSP": "",
	} {
		rule, err := policy.ParseRule(text, members)
		if want == "" {
			require.Error(t, err, text)
			continue
		}
		require.NoError(t, err, text)
		assert.Equal(t, want, rule.String())
		again, err := policy.ParseRule(rule.String(), members)
		require.NoError(t, err)
		assert.Equal(t, rule, again)
	}
}

// channel is a configuration in which every member has a policy of its own peers.
func channel(t *testing.T, text string) *common.ConfigGroup {
	t.Helper()
	rule, err := policy.ParseRule(text, members)
	require.NoError(t, err)
	p, err := rule.Channel("Endorsement", msp.MSPRole_PEER)
	require.NoError(t, err)
	app := &common.ConfigGroup{Groups: map[string]*common.ConfigGroup{},
		Policies: map[string]*common.ConfigPolicy{"Endorsement": {Policy: p}}}
	for _, id := range members {
		content, err := proto.Marshal(policy.AnyOf(id, msp.MSPRole_ADMIN, msp.MSPRole_PEER))
		require.NoError(t, err)
		app.Groups[id] = &common.ConfigGroup{Policies: map[string]*common.ConfigPolicy{
			"Endorsement": {Policy: &common.Policy{Type: int32(common.Policy_SIGNATURE), Value: content}}}}
	}
	return &common.ConfigGroup{Groups: map[string]*common.ConfigGroup{"Application": app}}
}

func TestWhoCanMeetAPolicy(t *testing.T) {
	for text, want := range map[string]struct {
		reach policy.Reach
		least int
	}{
		"any":                             {policy.Reach{Alone: members}, 1},
		"majority":                        {policy.Reach{}, 2},
		"all":                             {policy.Reach{Veto: members}, 3},
		"1 of LabMSP":                     {policy.Reach{Alone: []string{"LabMSP"}, Veto: []string{"LabMSP"}}, 0},
		"2 of LabMSP,HarborMSP":           {policy.Reach{Veto: []string{"HarborMSP", "LabMSP"}}, 0},
		"2 of LabMSP,HarborMSP,MarketMSP": {policy.Reach{}, 2},
	} {
		root := channel(t, text)
		suffices := func(some ...string) bool {
			return policy.Suffices(root, "/Channel/Application/Endorsement", some...)
		}
		assert.Equal(t, want.reach, policy.ReachOf(members, suffices), text)
		assert.Equal(t, want.least, policy.Least(members, suffices), text)
	}
	root := channel(t, "2 of LabMSP,HarborMSP")
	suffices := func(some ...string) bool { return policy.Suffices(root, "Application/Endorsement", some...) }
	assert.True(t, policy.ReachOf([]string{"HarborMSP", "MarketMSP"}, suffices).Nobody)
	assert.Zero(t, policy.Least([]string{"HarborMSP", "MarketMSP"}, suffices))
	for _, path := range []string{"/Channel/Application/Other", "/Channel/Other/Endorsement", "Endorsement"} {
		assert.False(t, policy.Suffices(root, path, members...), path)
	}
}

func TestTheSameRuleGivesTheSameBytes(t *testing.T) {
	var before []byte
	for _, text := range []string{"2 of LabMSP,HarborMSP", "2 of HarborMSP, LabMSP"} {
		rule, err := policy.ParseRule(text, members)
		require.NoError(t, err)
		assert.Equal(t, []string{"HarborMSP", "LabMSP"}, policy.Named(rule.Named(msp.MSPRole_PEER)))
		p, err := rule.Channel("Endorsement", msp.MSPRole_PEER)
		require.NoError(t, err)
		assert.True(t, before == nil || string(before) == string(p.GetValue()))
		before = p.GetValue()
	}
}
