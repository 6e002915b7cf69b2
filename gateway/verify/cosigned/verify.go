package cosigned

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Wanted says what the caller asked. The zero value accepts the answer to any question.
type Wanted struct {
	// Question refuses the answer to another one. Optional.
	Question Question
	// Agree is how many organisations must say the same. The trust file's number counts if it is higher.
	Agree int
	// Block refuses an answer as of an earlier block.
	Block uint64
	// Since refuses signatures that were made earlier, by the signers' clocks. Optional.
	Since time.Time
	// Cut also accepts an answer that is only a part of what was asked for.
	Cut bool
}

// Verdict says what organisations say, and how many they are.
type Verdict struct {
	Channel   string   `json:"channel"`
	Question  Question `json:"question"`
	Block     uint64   `json:"block"`
	BlockHash string   `json:"blockHash"`
	Digest    string   `json:"digest"`
	// Agree are those who say that this is the answer, and Differ those who say another thing. Both are in the order of
	// their MSP ids.
	Agree  []Voice `json:"agree"`
	Differ []Voice `json:"differ,omitempty"`
	// SetAside are signatures that don't count, because the signers' certificates have been revoked.
	SetAside []SetAside `json:"setAside,omitempty"`
	// Of is how many organisations the trust file has, and Needed how many of them had to agree.
	Of     int `json:"of"`
	Needed int `json:"needed"`
	// Cut says why the answer isn't all that was asked for. It is empty if the answer is complete as of its block.
	Cut string `json:"cut,omitempty"`
	// Status and Body are the answer that they signed.
	Status int             `json:"status"`
	Body   json.RawMessage `json:"body"`
	// NotProved says what all this doesn't show.
	NotProved []string `json:"notProved"`
}

// Found says how many things the answer lists, and what they are: items, events or nodes. If it lists none of these, what
// is "".
func (v *Verdict) Found() (n int, what string) {
	body, err := canonical.Parse(v.Body, canonical.Limits{Bytes: MaxFile, Depth: maxDepth, Values: maxValues})
	if err != nil {
		return 0, ""
	}
	events := body.Get("epcisBody").Get("queryResults").Get("resultsBody").Get("eventList")
	for _, list := range []struct {
		what  string
		value canonical.Value
	}{{"items", body.Get("items")}, {"events", events}, {"nodes", body.Get("nodes")}} {
		if list.value.Kind == canonical.Array {
			return len(list.value.Items), list.what
		}
	}
	return 0, ""
}

// Voice is what one organisation says.
type Voice struct {
	MSPID   string    `json:"mspId"`
	Subject string    `json:"subject"` // of the certificate
	Time    time.Time `json:"time"`    // by the signer's clock
	Block   uint64    `json:"block"`
	Digest  string    `json:"digest"`
}

// SetAside is a signature that doesn't count, whatever it says, and why.
type SetAside struct {
	Voice
	Why string `json:"why"`
}

// Verify checks a cosigned answer against a trust file. It accepts the answer if enough organisations of the trust file
// signed it, each with a key of its own. It refuses the whole file if any signature in it is wrong.
//
// A signature by a certificate that the trust file's revocation lists have isn't wrong, but doesn't count: whoever stole
// the key can name any time as that of signing. So an organisation that replaces its certificate doesn't undo what
// others said in old files, and a thief can't either by adding a signature to one. Nobody gains by it: who can add such
// a signature to a file can as well take one out.
//
// Verify asks no network and no clock. The error is a *proof.Refusal.
func Verify(text []byte, trust *proof.Trust, wanted Wanted) (*Verdict, error) {
	f, err := Parse(text)
	if err != nil {
		return nil, err
	}
	return f.Verify(trust, wanted)
}

// Verify is the function of the same name, for a file that was parsed.
func (f *File) Verify(trust *proof.Trust, wanted Wanted) (*Verdict, error) {
	if err := f.fits(trust, wanted); err != nil {
		return nil, err
	}
	digest := f.Answer.Digest()
	v := &Verdict{
		Channel: f.Channel, Question: f.Question, Block: f.Block, BlockHash: hex.EncodeToString(f.Hash[:]),
		Digest: hex.EncodeToString(digest[:]), Of: len(trust.Organisations), Needed: max(trust.Agree, wanted.Agree),
		Cut: f.Answer.Cut(f.Question), Status: f.Answer.Status, Body: f.Answer.Body.Bytes(),
		NotProved: notProved(f.Question),
	}
	var signers proof.Signers
	lost := 0 // signatures of this answer that don't count
	for _, c := range f.Cosignatures {
		where := "cosignature of " + brief(c.MSPID)
		voice := Voice{c.MSPID, c.Certificate.Subject.String(), c.Time, c.Block, hex.EncodeToString(c.Digest[:])}
		revoked, err := c.check(f.Ledger, f.Question, trust)
		if err != nil {
			return nil, proof.At(err, "%s", where)
		}
		if revoked != nil {
			v.SetAside = append(v.SetAside, SetAside{voice, proof.DetailOf(revoked)})
			if c.Height == f.Height && c.Digest == digest {
				lost++
			}
			continue
		}
		if err := signers.Add(c.MSPID, c.Certificate); err != nil {
			return nil, proof.At(err, "%s", where)
		}
		if c.Time.Before(wanted.Since) {
			return nil, refuse(proof.StaleAnswer, where, "it was signed at %s, before %s",
				c.Time.Format(timeForm), wanted.Since.UTC().Format(time.RFC3339))
		}
		if c.Height == f.Height && c.Digest == digest {
			v.Agree = append(v.Agree, voice)
		} else {
			v.Differ = append(v.Differ, voice)
		}
	}
	return f.judge(v, lost, wanted)
}

// fits refuses an answer that is about something else than the caller asked.
func (f *File) fits(trust *proof.Trust, wanted Wanted) error {
	switch {
	case f.Channel != trust.Channel:
		return refuse(proof.WrongChannel, "", "the answer is about the channel %q, and the trust file is of %q",
			brief(f.Channel), trust.Channel)
	case string(f.Genesis[:]) != string(trust.Genesis):
		return refuse(proof.WrongGenesis, "", "the answer is about a ledger with another first block")
	case wanted.Question != "" && f.Question != wanted.Question:
		return refuse(proof.WrongQuestion, "", "the answer is to %s, and %s was asked", f.Question, wanted.Question)
	case f.Block < wanted.Block:
		return refuse(proof.StaleAnswer, "", "the answer is as of block %d, before block %d", f.Block, wanted.Block)
	}
	return nil
}

// judge refuses an answer that too few say. So many more as are lost would say it if their certificates weren't revoked.
func (f *File) judge(v *Verdict, lost int, wanted Wanted) (*Verdict, error) {
	byName := func(a, b Voice) int { return strings.Compare(a.MSPID, b.MSPID) }
	slices.SortFunc(v.Agree, byName)
	slices.SortFunc(v.Differ, byName)
	slices.SortFunc(v.SetAside, func(a, b SetAside) int { return byName(a.Voice, b.Voice) })
	switch {
	case lost > 0 && len(v.Agree) < v.Needed && (len(v.Agree) == 0 || len(v.Agree)+lost >= v.Needed):
		return nil, refuse(proof.Revoked, "", "%d signed it with certificates that count, and %d must agree; %s", len(v.Agree),
			v.Needed, v.SetAside[0].Why)
	case len(v.Agree) == 0:
		return nil, refuse(proof.AlteredAnswer, "", "nobody signed this answer as of block %d; %s signed another one",
			f.Block, names(v.Differ))
	case len(v.Agree) < v.Needed && len(v.Differ) > 0:
		return nil, refuse(proof.Disputed, "", "%s says this, %s says another thing, and %d must agree",
			names(v.Agree), names(v.Differ), v.Needed)
	case len(v.Agree) < v.Needed:
		return nil, refuse(proof.TooFewOrganisations, "", "%d signed it, %s, and %d must agree", len(v.Agree),
			names(v.Agree), v.Needed)
	case v.Cut != "" && !wanted.Cut:
		return nil, refuse(proof.CutAnswer, "", "this isn't all that was asked for: %s", v.Cut)
	}
	return v, nil
}

func names(voices []Voice) string {
	var all []string
	for _, v := range voices {
		all = append(all, brief(v.MSPID))
	}
	return strings.Join(all, ", ")
}

func notProved(q Question) []string {
	all := []string{
		"that what the records say is true",
		"anything after this block: a later one may say more",
		"that these organisations don't lie together; only the whole chain shows that (pedigree audit)",
	}
	if path, _, _ := strings.Cut(string(q), "?"); path == "/v1/statements" {
		all = append(all, "whether a statement still stands, what is said of things that this comes from, or that there is such "+
			"a thing; ask for its lineage (pedigree trace --cosigned N)")
	}
	return all
}
