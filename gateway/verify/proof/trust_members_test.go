package proof_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// edited is a JSON object of a file after a change.
func edited(t testing.TB, text []byte, change func(file map[string]any)) []byte {
	var file map[string]any
	require.NoError(t, json.Unmarshal(text, &file))
	change(file)
	text, err := json.Marshal(file)
	require.NoError(t, err)
	return text
}

func TestATrustFileMustHaveEveryMember(t *testing.T) {
	c := newConsortium(t, "HarborMSP", "LabMSP")
	good := c.trust(2)
	first := func(file map[string]any) map[string]any { return file["organisations"].([]any)[0].(map[string]any) }
	members := []string{"format", "channel", "chaincode", "genesis", "agree", "organisations", "mspId", "roots"}
	for _, name := range members {
		owner := func(file map[string]any) map[string]any {
			if _, ok := file[name]; ok {
				return file
			}
			return first(file)
		}
		_, err := proof.ParseTrust(edited(t, good, func(file map[string]any) { delete(owner(file), name) }))
		assert.Equal(t, proof.BadTrust, proof.ReasonOf(err), "without %s", name)
		assert.ErrorContains(t, err, `has no member "`+name+`"`)
		_, err = proof.ParseTrust(edited(t, good, func(file map[string]any) { owner(file)[name] = nil }))
		assert.Equal(t, proof.BadTrust, proof.ReasonOf(err), "%s is null", name)
		assert.ErrorContains(t, err, `the member "`+name+`"`)
	}
}

func TestATrustFileIsRefusedForEveryValueThatCannotBe(t *testing.T) {
	c := newConsortium(t, "HarborMSP", "LabMSP")
	good := c.trust(2)
	first := func(file map[string]any) map[string]any { return file["organisations"].([]any)[0].(map[string]any) }
	der := func(certificate *x509.Certificate) string { return base64Text(certificate.Raw) }
	peer, err := proof.ParseIdentity(c.member("HarborMSP", "HarborMSP", "peer").serialized)
	require.NoError(t, err)
	hash := strings.Repeat("ab", 32)
	for about, one := range map[string]struct {
		change func(file map[string]any)
		tells  string
	}{
		"a list":                    {nil, "no JSON object"},
		"a hash in upper case":      {func(f map[string]any) { f["genesis"] = strings.ToUpper(hash) }, "genesis"},
		"a hash with a digit more":  {func(f map[string]any) { f["genesis"] = hash + "0" }, "genesis"},
		"a hash with a byte more":   {func(f map[string]any) { f["genesis"] = hash + "00" }, "genesis"},
		"a hash with another digit": {func(f map[string]any) { f["genesis"] = hash[1:] + "x" }, "genesis"},
		"a fraction must agree":     {func(f map[string]any) { f["agree"] = 1.5 }, "whole number"},
		"less than none must agree": {func(f map[string]any) { f["agree"] = -1 }, "whole number"},
		"no name of the chaincode":  {func(f map[string]any) { f["chaincode"] = "" }, "the chaincode"},
		"a name of a channel that is too long": {func(f map[string]any) { f["channel"] = strings.Repeat("a", 251) },
			"too long"},
		"an organisation without a name": {func(f map[string]any) {
			first(f)["mspId"] = ""
		}, "its name is empty"},
		"an organisation that is a text": {func(f map[string]any) {
			f["organisations"] = []any{"HarborMSP"}
		}, "no JSON object"},
		"an organisation with another member": {func(f map[string]any) { first(f)["also"] = 1 }, `"also"`},
		"an empty list of intermediates": {func(f map[string]any) {
			first(f)["intermediates"] = []any{}
		}, "left out"},
		"a root that is a number": {func(f map[string]any) { first(f)["roots"] = []any{1} }, "base64"},
		"a root that isn't base64": {func(f map[string]any) {
			first(f)["roots"] = []any{"AA=A"}
		}, "base64"},
		"a root in another base64": {func(f map[string]any) {
			first(f)["roots"] = []any{"AA\n=="}
		}, "base64"},
		"a root that is no certificate": {func(f map[string]any) {
			first(f)["roots"] = []any{"AAAA"}
		}, "can't be read"},
		"a root that is a peer": {func(f map[string]any) {
			first(f)["roots"] = []any{der(peer.Certificate)}
		}, "no certificate of an authority"},
		"an intermediate that isn't base64": {func(f map[string]any) {
			first(f)["intermediates"] = []any{"AA=A"}
		}, "base64"},
		"an intermediate that is a peer": {func(f map[string]any) {
			first(f)["intermediates"] = []any{der(peer.Certificate)}
		}, "no certificate of an authority"},
		"another's root as intermediate": {func(f map[string]any) {
			first(f)["intermediates"] = []any{der(c.orgs["LabMSP"].ca)}
		}, "have one authority"},
		"an organisation twice, out of order": {func(f map[string]any) {
			f["organisations"] = append(f["organisations"].([]any), first(f))
		}, "twice"},
		"a member inside others inside others": {func(f map[string]any) {
			f["also"] = json.RawMessage(strings.Repeat("[", 9) + strings.Repeat("]", 9))
		}, "deep"},
	} {
		text := []byte("[]")
		if one.change != nil {
			text = edited(t, good, one.change)
		}
		_, err := proof.ParseTrust(text)
		assert.Equal(t, proof.BadTrust, proof.ReasonOf(err), "%s: %v", about, err)
		assert.ErrorContains(t, err, one.tells, about)
	}
	for about, change := range map[string]func(file map[string]any){
		"a name as long as it may be": func(f map[string]any) { f["channel"] = strings.Repeat("a", 250) },
		"one of two must agree":       func(f map[string]any) { f["agree"] = 1 },
		"organisations in another order": func(f map[string]any) {
			all := f["organisations"].([]any)
			all[0], all[1] = all[1], all[0]
		},
	} {
		trust, err := proof.ParseTrust(edited(t, good, change))
		require.NoError(t, err, about)
		assert.Equal(t, "HarborMSP", trust.Organisations[0].MSPID, about)
	}
}

func TestATrustFileIsWrittenForPeopleAndWithAllItsAuthorities(t *testing.T) {
	c := newConsortium(t, "HarborMSP", "LabMSP")
	between, _ := c.intermediate("HarborMSP")
	text := edited(t, c.trust(2), func(file map[string]any) {
		file["organisations"].([]any)[0].(map[string]any)["intermediates"] =
			[]any{base64Text(between.Raw)}
	})
	trust, err := proof.ParseTrust(text)
	require.NoError(t, err)
	written := trust.Text()
	assert.JSONEq(t, string(text), string(written))
	assert.True(t, strings.HasSuffix(string(written), "\n}\n"), "it ends with a line")
	assert.Equal(t, 1, strings.Count(string(written), "intermediates"))
}

func TestATrustFileIsMadeOfTheChannelsConfigurations(t *testing.T) {
	f := newFabricated(t)
	genesis := f.opened(f.genesis)
	second := f.opened(&proof.Block{Number: 1, Data: f.genesis.Data})
	for agree, want := range map[int]int{0: 2, 1: 1, 3: 3} {
		trust, err := proof.NewTrust(genesis, nil, "pedigree", agree)
		require.NoError(t, err)
		assert.Equal(t, want, trust.Agree, "of three organisations, where %d are asked for", agree)
	}
	for about, one := range map[string]struct {
		genesis, later *proof.Block
		chaincode      string
		agree          int
		reason         proof.Reason
	}{
		"more must agree than there are":     {genesis, nil, "pedigree", 4, proof.BadTrust},
		"a chaincode that isn't UTF-8":       {genesis, nil, "\xff", 0, proof.BadTrust},
		"a chaincode without a name":         {genesis, nil, "", 0, proof.BadTrust},
		"a block that isn't the first":       {second, nil, "pedigree", 0, proof.WrongGenesis},
		"a later block that nobody signed":   {genesis, second, "pedigree", 0, proof.BadBlock},
		"a later block signed by an unknown": {genesis, signedByNobody(f), "pedigree", 0, proof.TooFewOrderers},
	} {
		var later []*proof.Block
		if one.later != nil {
			later = append(later, one.later)
		}
		_, err := proof.NewTrust(one.genesis, later, one.chaincode, one.agree)
		assert.Equal(t, one.reason, proof.ReasonOf(err), "%s: %v", about, err)
	}
}

func signedByNobody(f *fabricated) *proof.Block {
	return f.opened(&proof.Block{Number: 1, PreviousHash: headerHash(f, f.genesis), Data: f.genesis.Data})
}

func base64Text(data []byte) string { return base64.StdEncoding.EncodeToString(data) }
