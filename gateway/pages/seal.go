package pages

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/web"
)

// mostProved bounds the records that a page has proved at once; the command line has no such limit.
const mostProved = 300

// proofAddress is where the proof of what a thing comes from is made.
func proofAddress(thing string) string {
	return "/v1/lineage/proof?" + url.Values{
		"node":      {thing},
		"direction": {proof.Ancestors},
		"limit":     {fmt.Sprint(mostProved)},
	}.Encode()
}

// proofName is a name for a file with the proof about a thing.
func proofName(thing string) string {
	var words []string
	for _, part := range epcis.Parts(thing) {
		words = append(words, part.Value)
	}
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, strings.Join(words, "-"))
	if len(name) > 60 {
		name = name[:60]
	}
	return name + ".proof"
}

// proofCommands check the proof without a gateway.
func proofCommands(thing string, cut bool) string {
	more := ""
	if cut {
		more = " --cut"
	}
	return "pedigree verify " + proofName(
		thing,
	) + " \\\n  --trust consortium.json \\\n  --trace '" + thing + "'" + more // a canonical thing has no quote
}

// seal has the records behind a page proved, and checks the proof as anybody can.
func (p *Pages) seal(v *visit, page *web.Thing) *web.Seal {
	trace := &proof.Trace{Node: page.URI, Direction: proof.Ancestors, Cut: true}
	return p.prove(v, proofAddress(page.URI), proof.Wanted{Trace: trace})
}

// prove asks the API for a proof and verifies it. What goes wrong is said in the seal.
func (p *Pages) prove(v *visit, address string, wanted proof.Wanted) *web.Seal {
	a, err := v.call(http.MethodGet, address, "", nil)
	var trouble *Trouble
	switch {
	case errors.As(err, &trouble):
		return &web.Seal{Problem: trouble.Title + ". " + trouble.Detail, Later: a.status >= http.StatusInternalServerError}
	case err != nil:
		return &web.Seal{Problem: "The proof couldn't be asked for."}
	case a.status == http.StatusAccepted:
		return &web.Seal{Problem: "Not all organisations have these records yet, which takes a moment.", Later: true}
	}
	seal, err := p.check(v, a.body.Bytes(), wanted)
	if err != nil {
		p.Logger.Warn("a proof that this gateway made doesn't verify", "address", address, "error", err)
		return &web.Seal{Problem: "The proof was made, and refused when it was checked: " + err.Error()}
	}
	seal.File = address
	return seal
}

// check verifies a proof against what the channel's own configuration says of whom to trust, and says what was checked.
func (p *Pages) check(v *visit, text []byte, wanted proof.Wanted) (*web.Seal, error) {
	channel, err := p.Trust(v.Context())
	if err != nil {
		return nil, err
	}
	trust := *channel
	trust.Agree = len(trust.Organisations)/2 + 1 // as a trust file has it
	parsed, err := proof.Parse(text)
	if err != nil {
		return nil, err
	}
	verdict, err := proof.Verify(parsed, &trust, wanted)
	if err != nil {
		return nil, err
	}
	seal := &web.Seal{
		Level:   string(verdict.Level),
		Records: len(verdict.Records),
		Bytes:   int64(len(text)),
		Agree:   verdict.Agree,
		OfAll:   len(trust.Organisations),
		Cut:     verdict.Trace != nil && verdict.Trace.Cut,
	}
	for i, r := range verdict.Records {
		if i == 0 {
			seal.Organisations, seal.FirstBlock, seal.Asked = slices.Clone(r.SignedBy), r.Recordings[0].Block, r.Asked
		}
		seal.Organisations = slices.DeleteFunc(
			seal.Organisations,
			func(org string) bool { return !slices.Contains(r.SignedBy, org) },
		)
		seal.FirstBlock = min(seal.FirstBlock, r.Recordings[0].Block)
		seal.LastBlock = max(seal.LastBlock, r.Recordings[0].Block)
		if r.Asked.Before(seal.Asked) {
			seal.Asked = r.Asked
		}
	}
	seal.Steps = p.checks(v, seal, verdict)
	return seal, nil
}

// checks says what the verifier has checked, one by one.
func (p *Pages) checks(to *visit, s *web.Seal, v *proof.Verdict) []web.Check {
	frame := to.frame("")
	var names []string
	for _, id := range s.Organisations {
		names = append(names, frame.Org(id).Name)
	}
	list := []web.Check{
		{
			What: "The question.",
			Found: fmt.Sprintf(
				"Each of %d receipts answers “read this record” on channel %s, and no other question.",
				s.Records,
				v.Channel,
			),
		},
		{What: "The bytes.", Found: "Each record's SHA-256 is the id that pages and links call it by."},
		{
			What: "The signatures.",
			Found: fmt.Sprintf(
				"Every receipt is signed by peers of at least %d organisations, where %d of %d must agree; %s signed all of them.",
				len(s.Organisations),
				v.Agree,
				s.OfAll,
				joinNames(names),
			),
		},
		{
			What:  "The certificates.",
			Found: "Every signer's certificate comes from its organisation's authority, and was valid when it signed.",
		},
		{
			What: "The place.",
			Found: fmt.Sprintf(
				"What the peers read names blocks %d to %d and who recorded there; only valid transactions write.",
				s.FirstBlock,
				s.LastBlock,
			),
		},
		{
			What: "The time.",
			Found: "They were asked on " + s.Asked.UTC().
				Format("2 January 2006 at 15:04 UTC") +
				" or later, give or take a quarter of an hour.",
		},
	}
	if s.Records == 1 {
		list[0].Found = fmt.Sprintf("The receipt answers “read this record” on channel %s, and no other question.", v.Channel)
		list[4].Found = fmt.Sprintf(
			"What the peers read names block %d and who recorded there; only valid transactions write.",
			s.FirstBlock,
		)
	}
	if v.Trace != nil {
		found := "The walk was made again from the records alone, and it comes to them."
		if v.Trace.Cut {
			found += " It was ended early: there may be more."
		} else {
			found += " There may be recalls and events that none of them refers to: no proof shows that there is no more."
		}
		list = append(list, web.Check{What: "The connections.", Found: found})
	}
	for _, b := range v.Blocks {
		list = append(
			list,
			web.Check{
				What: fmt.Sprintf("Block %d.", b.Number),
				Found: fmt.Sprintf(
					"Its header has the hash %s and is signed by orderers %s, a quorum.",
					short(b.Hash),
					strings.Trim(fmt.Sprint(b.Orderers), "[]"),
				),
			},
		)
	}
	return list
}

func joinNames(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

func short(hash string) string {
	if len(hash) > 16 {
		return hash[:16] + "…"
	}
	return hash
}
