package proof_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// inside finds a JSON object in a proof: the first of each list, such as "receipts", "endorsements".
func inside(file map[string]any, lists ...string) map[string]any {
	for _, name := range lists {
		if list, ok := file[name].([]any); ok {
			file = list[0].(map[string]any)
		} else {
			file = file[name].(map[string]any)
		}
	}
	return file
}

// wholeProof is a proof with blocks and a trace, so that its file has every member.
func wholeProof(t testing.TB) []byte {
	f := newFabricated(t)
	p := f.ledger().proof()
	p.Trace = &proof.Trace{Node: "dataset/harbor/x@1", Direction: proof.Ancestors}
	p.Blocks = slices.Delete(p.Blocks, 0, 1) // the first block has no signatures, and nobody checks a link here
	text := p.Bytes()
	_, err := proof.Parse(text)
	require.NoError(t, err)
	return text
}

func TestAProofFileMustHaveEveryMember(t *testing.T) {
	good := wholeProof(t)
	for _, one := range []struct {
		lists   []string
		members string
		noun    string
	}{
		{nil, "format channel chaincode identities receipts", "the proof"},
		{[]string{"receipts"}, "nonce answer time creator endorsements", "a receipt"},
		{[]string{"receipts", "endorsements"}, "endorser signature", "an endorsement"},
		{[]string{"blocks"}, "metadata number previousHash data", "a block"},
		{[]string{"blocks", "signatures"}, "header signature", "a signature"},
		{[]string{"trace"}, "node direction cut", "the trace"},
	} {
		for name := range strings.FieldsSeq(one.members) {
			_, err := proof.Parse(edited(t, good, func(file map[string]any) { delete(inside(file, one.lists...), name) }))
			assert.Equal(t, proof.Malformed, proof.ReasonOf(err), "without %s of %s", name, one.lists)
			assert.ErrorContains(t, err, one.noun+` has no member "`+name+`"`)
			_, err = proof.Parse(edited(t, good, func(file map[string]any) { inside(file, one.lists...)[name] = nil }))
			assert.Equal(t, proof.Malformed, proof.ReasonOf(err), "%s of %s is null", name, one.lists)
			assert.ErrorContains(t, err, `the member "`+name+`"`)
		}
		_, err := proof.Parse(edited(t, good, func(file map[string]any) { inside(file, one.lists...)["also"] = 1 }))
		assert.Equal(t, proof.Malformed, proof.ReasonOf(err), "another member of %s", one.lists)
		assert.ErrorContains(t, err, `has an unknown member "also"`)
	}
}

func TestAProofFileIsRefusedForEveryValueThatCannotBe(t *testing.T) {
	good := wholeProof(t)
	identities := func(change func(list []any) []any) func(map[string]any) {
		return func(file map[string]any) { file["identities"] = change(file["identities"].([]any)) }
	}
	set := func(name string, value any, lists ...string) func(map[string]any) {
		return func(file map[string]any) { inside(file, lists...)[name] = value }
	}
	first := func(value any) []any { return []any{value} }
	for about, one := range map[string]struct {
		change func(map[string]any)
		reason proof.Reason
		tells  string
	}{
		"no name of the channel":          {set("channel", ""), proof.Malformed, "the channel"},
		"no name of the chaincode":        {set("chaincode", ""), proof.Malformed, "the chaincode"},
		"a name that is too long":         {set("channel", strings.Repeat("a", 251)), proof.Malformed, "too long"},
		"no receipts":                     {set("receipts", []any{}), proof.Malformed, "0 receipts"},
		"an empty list of blocks":         {set("blocks", []any{}), proof.Malformed, "left out"},
		"an empty list of signatures":     {set("signatures", []any{}, "blocks"), proof.Malformed, "left out"},
		"a receipt that is a text":        {set("receipts", first("receipt")), proof.Malformed, "no JSON object"},
		"an endorsement that is a text":   {set("endorsements", first("x"), "receipts"), proof.Malformed, "no JSON object"},
		"a block that is a text":          {set("blocks", first("block")), proof.Malformed, "no JSON object"},
		"a signature that is a text":      {set("signatures", first("x"), "blocks"), proof.Malformed, "no JSON object"},
		"an identity that isn't base64":   {identities(func(l []any) []any { return append(l, "?") }), proof.Malformed, "identities[4]"},
		"an identity that is a number":    {identities(func(l []any) []any { return append(l, 1000) }), proof.Malformed, "identities[4]"},
		"an identity with bits left over": {identities(func(l []any) []any { return append(l, "AR==") }), proof.Malformed, "identities[4]"},
		"an identity that the only one who asked isn't": {func(file map[string]any) {
			inside(file, "receipts")["creator"], inside(file, "receipts")["endorsements"] = 1, []any{}
		}, proof.NotCanonical, "in the order"},
		"an identity twice":               {identities(func(l []any) []any { return append(l, l[0]) }), proof.NotCanonical, "twice"},
		"an identity that nobody needs":   {identities(func(l []any) []any { return append(l, "AAAA") }), proof.NotCanonical, "no receipt refers"},
		"an identity that is missing":     {identities(func(l []any) []any { return l[:3] }), proof.NotCanonical, "in the order"},
		"identities in another order":     {set("creator", 1, "receipts"), proof.NotCanonical, "in the order"},
		"an endorser out of order":        {set("endorser", 2, "receipts", "endorsements"), proof.NotCanonical, "in the order"},
		"a creator before the first":      {set("creator", -1, "receipts"), proof.Malformed, "whole number"},
		"an endorser that is a fraction":  {set("endorser", 1.5, "receipts", "endorsements"), proof.Malformed, "whole number"},
		"a time that is none":             {set("time", "yesterday", "receipts"), proof.Malformed, "isn't a time"},
		"a time before time began":        {set("time", "0000-12-31T23:59:59Z", "receipts"), proof.Malformed, "isn't a time"},
		"a time with needless digits":     {set("time", "2002-05-01T08:00:00.10Z", "receipts"), proof.Malformed, "isn't a time"},
		"a transaction that isn't base64": {set("data", first("?"), "blocks"), proof.Malformed, "base64"},
		"a transaction that is a number":  {set("data", first(1), "blocks"), proof.Malformed, "base64"},
		"a block without transactions":    {set("data", []any{}, "blocks"), proof.BadBlock, "no transactions"},
		"a block before the first":        {set("number", -1, "blocks"), proof.Malformed, "whole number"},
		"signatures in another order": {func(file map[string]any) {
			slices.Reverse(inside(file, "blocks")["signatures"].([]any))
		}, proof.NotCanonical, "orderers' numbers"},
		"a trace of no node":                    {set("node", "nothing", "trace"), proof.Malformed, "no node"},
		"a trace of a node in another spelling": {set("node", "https://example.org/01/09521321000018/10/A", "trace"), proof.Malformed, "no node"},
		"a trace in no direction":               {set("direction", "sideways", "trace"), proof.Malformed, "no direction"},
		"a format that is a number":             {set("format", 1), proof.Malformed, `"format"`},
		"a format of another kind":              {set("format", "pedigree-trust/1"), proof.UnsupportedVersion, "pedigree-trust/1"},
	} {
		_, err := proof.Parse(edited(t, good, one.change))
		assert.Equal(t, one.reason, proof.ReasonOf(err), "%s: %v", about, err)
		assert.ErrorContains(t, err, one.tells, about)
	}
	many := func(name string, n int) func(map[string]any) {
		return func(file map[string]any) {
			list := file[name].([]any)
			for len(list) < n {
				list = append(list, list[0])
			}
			file[name] = list
		}
	}
	for _, name := range []string{"receipts", "identities"} {
		_, err := proof.Parse(edited(t, good, many(name, 10_001)))
		assert.ErrorContains(t, err, "10001 "+name)
	}
	_, err := proof.Parse(edited(t, good, many("receipts", 10_000)))
	assert.NoError(t, err, "as many receipts as there may be")
	_, err = proof.Parse(edited(t, good, many("identities", 10_000)))
	assert.Equal(t, proof.NotCanonical, proof.ReasonOf(err), "as many identities as there may be, and one of them often: %v", err)
	for about, change := range map[string]func(map[string]any){
		"a name as long as it may be": set("channel", strings.Repeat("a", 250)),
		"a trace that was cut":        set("cut", true, "trace"),
		"the other direction":         set("direction", proof.Descendants, "trace"),
		"a block with one signature": func(file map[string]any) {
			b := inside(file, "blocks")
			b["signatures"] = b["signatures"].([]any)[:1]
		},
		"a receipt that is larger than a record": set("answer", strings.Repeat("AAAA", 500_000), "receipts"),
	} {
		text := edited(t, good, change)
		p, err := proof.Parse(text)
		require.NoError(t, err, about)
		assert.True(t, string(text) == string(p.Bytes()), "%s is written as it was read", about)
	}
}

func TestARefusalTellsWhereAndWhy(t *testing.T) {
	for _, one := range []struct {
		refusal proof.Refusal
		text    string
	}{
		{proof.Refusal{Reason: proof.BadBlock, Where: "block 7", Detail: "it is bad"}, "bad_block: block 7: it is bad"},
		{proof.Refusal{Reason: proof.BadBlock, Detail: "it is bad"}, "bad_block: it is bad"},
	} {
		assert.EqualError(t, &one.refusal, one.text)
	}
	f := newFabricated(t)
	l := f.ledger()
	l.recording.part = func(name string, encoded []byte) []byte {
		if name == "results" {
			return truncated(encoded)
		}
		return encoded
	}
	_, err := verify(t, f.trust(), l.proof())
	assert.ErrorContains(t, err, "bad_transaction: receipt 0, block 2, position 0: what it read and wrote can't be read: ")
}
