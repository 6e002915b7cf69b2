package proof

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// recorded says who recorded a record, in this order.
func (p *Proved) recorded(orgs ...string) *Proved {
	for i, org := range orgs {
		p.Recordings = append(p.Recordings, Recording{MSPID: org, Version: Version{Block: uint64(i + 1)}})
	}
	return p
}

// stated is a statement that some receipt proves.
func stated(t *testing.T, by, text string) *Proved {
	t.Helper()
	v, err := canonical.Parse([]byte(text), canonical.Limits{})
	require.NoError(t, err, text)
	r, problems := record.NewStatement(v, by, nil)
	require.Empty(t, problems, text)
	return (&Proved{Attested: Attested{ID: r.ID, Noun: string(r.Noun), Record: r.Body}}).recorded("MarketMSP")
}

// told lists what is said as lines, without ids.
func told(records ...*Proved) (lines []string) {
	for _, s := range said(records) {
		line := s.MSPID + " " + s.Kind + " " + string(s.Standing)
		if s.CountsAs != "" {
			line += ", a " + s.CountsAs
		}
		if s.Retracted {
			line += ", retracted"
		}
		if s.CustodyEvent != "" {
			line += ", by a deed"
		}
		lines = append(lines, line)
	}
	return lines
}

func TestAVerdictSaysWithWhatStandingSomethingIsSaid(t *testing.T) {
	const lot, reason = "https://id.gs1.org/01/09521234543213/10/A", `,"predicate":{"reason":"warm"}}`
	made := func() *Proved {
		return provedEvent(t, `"type":"ObjectEvent","action":"ADD","quantityList":[{"epcClass":"`+lot+`"}]`)
	}
	event := made()
	recall := func(by, version, node string) *Proved {
		return stated(t, by, fmt.Sprintf(`{%s"kind":"recall","subject":[%q]`, version, node)+reason)
	}
	const two, one = `"record":"statement/2",`, `"record":"statement/1",`
	more := made().recorded("MarketMSP")
	more.More = true
	later := made().recorded("HarborMSP", "MarketMSP")
	later.More = true
	of := recall("MarketMSP", two, string(event.ID))
	for name, c := range map[string]struct {
		records []*Proved
		want    string
	}{
		"of an artifact version": {[]*Proved{stated(t, "MarketMSP",
			`{"kind":"withdrawal","subject":["dataset/market/a@1"]`+reason)}, "MarketMSP withdrawal owner"},
		"of an event that it recorded first":                       {[]*Proved{made().recorded("MarketMSP", "HarborMSP"), of}, "MarketMSP recall reporter"},
		"of an event that another recorded first":                  {[]*Proved{made().recorded("HarborMSP", "MarketMSP"), of}, "MarketMSP recall own-report, a warning"},
		"of an event with recordings that aren't listed":           {[]*Proved{more, of}, "MarketMSP recall unproved"},
		"of an event that another recorded before, among more":     {[]*Proved{later, of}, "MarketMSP recall own-report, a warning"},
		"of an event that isn't in the proof":                      {[]*Proved{of}, "MarketMSP recall unproved"},
		"of a lot":                                                 {[]*Proved{recall("MarketMSP", two, lot)}, "MarketMSP recall unproved"},
		"of a lot that it made":                                    {[]*Proved{made().recorded("MarketMSP"), recall("MarketMSP", two, lot)}, "MarketMSP recall unproved, by a deed"},
		"of a lot that another made":                               {[]*Proved{made().recorded("HarborMSP"), recall("MarketMSP", two, lot)}, "MarketMSP recall unproved"},
		"of version 1, of a lot":                                   {[]*Proved{recall("", one, lot)}, "MarketMSP recall version-1"},
		"of version 1, of an event that another recorded first":    {[]*Proved{made().recorded("HarborMSP", "MarketMSP"), recall("", one, string(event.ID))}, "MarketMSP recall version-1"},
		"of a statement of its own":                                {[]*Proved{of, recall("MarketMSP", two, string(of.ID))}, "MarketMSP recall unproved; MarketMSP recall owner"},
		"a licence for its own report":                             {[]*Proved{made().recorded("HarborMSP", "MarketMSP"), stated(t, "MarketMSP", fmt.Sprintf(`{"kind":"licence","subject":[%q],"predicate":{"licence":"MIT"}}`, event.ID))}, "MarketMSP licence own-report, a finding"},
		"a warning":                                                {[]*Proved{stated(t, "MarketMSP", `{"kind":"warning","subject":["`+lot+`"]`+reason)}, "MarketMSP warning none"},
		"a finding, which anybody may state and nobody is held to": {[]*Proved{stated(t, "MarketMSP", `{"kind":"finding","subject":["`+lot+`"],"predicate":{"detail":"x"}}`)}, ""},
		"of a record that this program doesn't know":               {[]*Proved{{Attested: Attested{ID: "ni:///x", Record: []byte(`{"record":"event/9"}`)}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, strings.Join(told(c.records...), "; "))
		})
	}
}

func TestAVerdictSaysWhatIsRetracted(t *testing.T) {
	recall := stated(t, "MarketMSP", `{"kind":"recall","subject":["dataset/market/a@1"],"predicate":{"reason":"warm"}}`)
	retraction := func(of *Proved) *Proved {
		return stated(t, "MarketMSP", fmt.Sprintf(`{"kind":"retraction","subject":[%q],"predicate":{"reason":"hasty"}}`, of.ID))
	}
	back := retraction(recall)
	assert.Equal(t, []string{"MarketMSP recall owner, retracted"}, told(recall, back))
	assert.Equal(t, []string{"MarketMSP recall owner"}, told(recall, back, retraction(back)))
	// Sixty retractions, each of all statements before: to follow every way through them would take for ever.
	all := []*Proved{recall}
	for i := range 60 {
		var ids []string
		for _, p := range all {
			ids = append(ids, fmt.Sprintf("%q", p.ID))
		}
		all = append(all, stated(t, "MarketMSP", fmt.Sprintf(`{"kind":"retraction","subject":[%s],"predicate":{"reason":"the %dth"}}`,
			strings.Join(ids, ","), i)))
	}
	assert.Equal(t, []string{"MarketMSP recall owner, retracted"}, told(all...))
}

func TestADeclarationOfAnErrorSpeaksForReports(t *testing.T) {
	const text = `"eventID":"urn:uuid:0197f1a2-0000-4000-8000-000000000001","type":"ObjectEvent","action":"OBSERVE","epcList":["urn:example:1"]`
	declared := func(orgs ...string) *Proved { return provedEvent(t, text).recorded(orgs...) }
	declaration := provedEvent(t, text+`,"errorDeclaration":{"declarationTime":"2026-03-02T08:00:00Z"}`).recorded("MarketMSP")
	more := declared("HarborMSP")
	more.More = true
	for want, records := range map[string][]*Proved{
		"MarketMSP error reporter":        {declared("MarketMSP"), declaration},
		"MarketMSP error own-report":      {declared("HarborMSP", "MarketMSP"), declaration},
		"MarketMSP error none, a dispute": {declared("HarborMSP"), declaration},
		"MarketMSP error unproved":        {more, declaration},
	} {
		assert.Equal(t, []string{want}, told(records...))
	}
	assert.Equal(t, []string{"MarketMSP error unproved"}, told(declaration), "the event isn't in the proof")
}
