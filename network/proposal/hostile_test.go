package proposal_test

import (
	"crypto/rand"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/network/orgcard/orgcardtest"
	"github.com/pedigree-ledger/pedigree/network/proposal"
)

// bend changes the update of a proposal and encodes it as this program does.
func bend(t *testing.T, p *proposal.Proposal, change func(*common.ConfigUpdate)) {
	t.Helper()
	var update common.ConfigUpdate
	require.NoError(t, proto.Unmarshal(p.Update, &update))
	change(&update)
	var err error
	p.Update, err = proto.MarshalOptions{Deterministic: true}.Marshal(&update)
	require.NoError(t, err)
}

func TestHostileProposals(t *testing.T) {
	harbor := folderOf(t, "harbor")
	org, err := proposal.Open(strings.TrimPrefix(harbor, "--dir="))
	require.NoError(t, err)
	now, err := org.Configuration(t.Context())
	require.NoError(t, err)
	limit := func() *proposal.Proposal {
		p, err := proposal.SetLimits(now, proposal.Limits{Transactions: 123})
		require.NoError(t, err)
		return p
	}
	remove := func() *proposal.Proposal {
		p, err := proposal.RemoveOrganisation(now, "LabMSP")
		require.NoError(t, err)
		return p
	}
	both := func(change func(*common.ConfigGroup)) *proposal.Proposal {
		p := limit()
		then := now.Config.Group()
		change(then)
		other, err := proposal.New(now, then)
		require.NoError(t, err)
		other.Says, other.Signatures = p.Says, p.Signatures
		return other
	}
	for _, one := range []struct {
		name string
		p    *proposal.Proposal
		code int
		says []string
	}{
		{"the file says something else", func() *proposal.Proposal {
			p := remove()
			p.Says = []string{"limit blocks to 123 transactions"}
			return p
		}(), exit.Done, []string{"remove the organisation LabMSP as a member"}},
		{"the update does more than the file says", both(func(then *common.ConfigGroup) {
			delete(then.GetGroups()["Application"].GetGroups(), "LabMSP")
			then.GetGroups()["Application"].GetPolicies()["Admins"].Policy =
				then.GetGroups()["Application"].GetPolicies()["Readers"].Policy
		}), exit.Done, []string{"remove the organisation LabMSP", "MAJORITY Admins to ANY Readers", "WARNING"}},
		{"a weaker policy", both(func(then *common.ConfigGroup) {
			policy := then.GetGroups()["Application"].GetPolicies()["Admins"].GetPolicy()
			policy.Value, _ = proto.Marshal(&common.ImplicitMetaPolicy{SubPolicy: "Admins"})
		}), exit.Done, []string{"the policy Channel/Application/Admins is weakened"}},
		{"another authority", both(func(then *common.ConfigGroup) {
			groups := then.GetGroups()["Application"].GetGroups()
			content := string(groups["LabMSP"].GetValues()["MSP"].Value)
			groups["LabMSP"].GetValues()["MSP"].Value = []byte(swapRoots(t, content,
				string(groups["MarketMSP"].GetValues()["MSP"].Value)))
		}), exit.Done, []string{"LabMSP loses an authority"}},
		{"another policy for changes", both(func(then *common.ConfigGroup) {
			then.GetGroups()["Orderer"].GetValues()["BatchSize"].ModPolicy = "Readers"
		}), exit.Done, []string{"another policy will decide on changes of value Channel/Orderer/BatchSize"}},
		{"a value that nobody knows", both(func(then *common.ConfigGroup) {
			then.GetValues()["Surprise"] = &common.ConfigValue{Value: []byte("boo"), ModPolicy: "Admins"}
		}), exit.Done, []string{"Channel/Surprise has content that this program can't read", "626f6f"}},
		{"a signature of another proposal", func() *proposal.Proposal {
			p, q := limit(), remove()
			require.NoError(t, p.Approve(org, now))
			q.Signatures = p.Signatures
			return q
		}(), exit.Done, []string{"signature 1 isn't valid",
			"2 more of: HarborMSP (admin), LabMSP (admin), MarketMSP (admin)"}},
		{"a signature that was changed", func() *proposal.Proposal {
			p := remove()
			require.NoError(t, p.Approve(org, now))
			p.Signatures[0].Signature[len(p.Signatures[0].Signature)-1] ^= 1
			return p
		}(), exit.Done, []string{"signature 1 isn't valid", "2 more of"}},
		{"a signature twice", func() *proposal.Proposal {
			p := remove()
			require.NoError(t, p.Approve(org, now))
			p.Signatures = append(p.Signatures, p.Signatures[0])
			return p
		}(), exit.Done, []string{"1 more of: LabMSP (admin), MarketMSP (admin)"}},
		{"another channel", func() *proposal.Proposal {
			p := limit()
			bend(t, p, func(u *common.ConfigUpdate) { u.ChannelId = "other" })
			return p
		}(), exit.Refused, []string{`for the channel "other"`}},
		{"another network, or an older configuration", func() *proposal.Proposal {
			p := limit()
			bend(t, p, func(u *common.ConfigUpdate) { u.IsolatedData["pedigree.base"][0] ^= 1 })
			return p
		}(), exit.Refused, []string{"Propose the change again"}},
		{"no base", func() *proposal.Proposal {
			p := limit()
			bend(t, p, func(u *common.ConfigUpdate) { u.IsolatedData = nil })
			return p
		}(), exit.Refused, []string{"Propose the change again"}},
		{"foreign data", func() *proposal.Proposal {
			p := limit()
			bend(t, p, func(u *common.ConfigUpdate) { u.IsolatedData["x"] = []byte("y") })
			return p
		}(), exit.Usage, []string{`foreign data named "x"`}},
		{"hidden bytes", func() *proposal.Proposal {
			p := limit()
			p.Update = append(p.Update, 0xba, 0x3e, 1, 'x') // field 999
			return p
		}(), exit.Usage, []string{"parts that this program doesn't know"}},
		{"a wrong version of an element", func() *proposal.Proposal {
			p := limit()
			bend(t, p, func(u *common.ConfigUpdate) {
				u.WriteSet.Groups["Orderer"].Values["BatchSize"].Version += 5
			})
			return p
		}(), exit.Refused, []string{"can't be applied"}},
	} {
		t.Run(one.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "proposal.json")
			require.NoError(t, one.p.Write(file))
			said := refused(t, one.code, "review", file, harbor)
			for _, want := range one.says {
				assert.Contains(t, said, want)
			}
			assert.NotContains(t, said, "limit blocks to 123", "what the file says isn't shown")
			refused(t, map[bool]int{true: exit.Refused, false: one.code}[one.code == exit.Done], "apply", file, harbor)
		})
	}
}

// swapRoots puts the authority of one encoded membership definition into another.
func swapRoots(t *testing.T, into, from string) string {
	t.Helper()
	first, second := membershipOf(t, into), membershipOf(t, from)
	first.RootCerts = second.GetRootCerts()
	return encodeMembership(t, first)
}

func TestARevocationListWithoutTheKeyOfItsAuthorityIsRefused(t *testing.T) {
	_, authority, _ := orgcardtest.Card(t, "reefer", 0)
	signer := *authority.Certificate
	signer.SubjectKeyId = nil
	// The function that took the place of this one can't make a bad list.
	list, err := signer.CreateCRL(rand.Reader, authority.Key, nil, time.Now(), time.Now().Add(time.Hour))
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "bad.crl")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: list}), 0o600))
	said := refused(t, exit.Usage, "propose", "revoke", file)
	assert.Contains(t, said, "no authority key identifier")
}

func TestFilesThatArentProposals(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "other JSON": "{}", "a list": "[]", "a later version": `{"pedigreeProposal":2}`,
		"an unknown member": `{"pedigreeProposal":1,"surprise":1}`, "something behind": `{"pedigreeProposal":1} {}`,
		"a bracket behind": `{"pedigreeProposal":1}}`,
		"bad base64":       `{"pedigreeProposal":1,"update":"*"}`, "a bad update": `{"pedigreeProposal":1,"update":"/////w=="}`,
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "proposal.json")
			require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
			said := refused(t, exit.Usage, "review", file)
			assert.NotContains(t, said, "panic")
			if strings.HasSuffix(name, " behind") {
				assert.Contains(t, said, "something follows the JSON object")
			}
		})
	}
}
