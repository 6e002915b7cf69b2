package checkpoint

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Contradiction says why two checkpoints can't both be of one ledger. It returns "" if they may be: if one has more
// recordings than the other, only a [Consistency] or the blocks tell whether it extends it.
func Contradiction(a, b *Checkpoint) string {
	if a.Block > b.Block {
		a, b = b, a
	}
	switch {
	case a.Origin() != b.Origin():
		return "" // each may be right about its own
	case a.Block == b.Block && a.Hash != b.Hash:
		return fmt.Sprintf("block %d has the hash %x in one and %x in the other", a.Block, a.Hash, b.Hash)
	case a.Size == b.Size && a.Root != b.Root:
		return fmt.Sprintf("with %d recordings the root is %x in one and %x in the other", a.Size, a.Root, b.Root)
	case a.Block == b.Block && a.Size != b.Size:
		return fmt.Sprintf("up to block %d there are %d recordings in one and %d in the other", a.Block, a.Size, b.Size)
	case a.Size > b.Size:
		return fmt.Sprintf("there are %d recordings up to block %d in one, and fewer, %d, up to block %d in the other",
			a.Size, a.Block, b.Size, b.Block)
	}
	return ""
}

// consistencyFormat is the format of consistency proofs.
const consistencyFormat = "pedigree-consistency/1"

// maxConsistency is the size of the largest file with a consistency proof.
const maxConsistency = 64 << 10

// Consistency is a proof that a tree begins with a smaller one: that of RFC 9162, section 2.1.4. It is about the ledger
// with an origin. Nobody has to sign it.
type Consistency struct {
	Origin   string
	From, To uint64 // the sizes of the trees
	Path     tlog.TreeProof
}

// MarshalJSON writes the proof as it is answered and kept. Hashes are in hexadecimal.
func (c *Consistency) MarshalJSON() ([]byte, error) {
	path := []string{}
	for _, hash := range c.Path {
		path = append(path, hex.EncodeToString(hash[:]))
	}
	return json.Marshal(struct {
		Format string   `json:"format"`
		Origin string   `json:"origin"`
		From   uint64   `json:"from"`
		To     uint64   `json:"to"`
		Path   []string `json:"path"`
	}{consistencyFormat, c.Origin, c.From, c.To, path})
}

// RecogniseConsistency reports whether a file looks like a consistency proof. It verifies nothing.
func RecogniseConsistency(text []byte) bool {
	v, err := canonical.Parse(text, canonical.Limits{Bytes: maxConsistency, Depth: 4, Values: 256})
	return err == nil && strings.HasPrefix(v.Get("format").Text, "pedigree-consistency/")
}

// ParseConsistency reads a proof. The error is a *proof.Refusal.
func ParseConsistency(text []byte) (*Consistency, error) {
	v, err := canonical.Parse(text, canonical.Limits{Bytes: maxConsistency, Depth: 4, Values: 256})
	if err != nil {
		return nil, malformed("the proof of consistency can't be read: %v", err)
	}
	if format := v.Get("format").Text; format != consistencyFormat {
		return nil, refuse(proof.UnsupportedVersion, "", "the proof of consistency is of the format %.50q, and this program "+
			"reads %s", format, consistencyFormat)
	}
	from, one := v.Get("from").Int()
	to, both := v.Get("to").Int()
	if !one || !both || from < 0 || to < from || len(v.Members) != 5 || v.Get("origin").Kind != canonical.String ||
		v.Get("path").Kind != canonical.Array {
		return nil, malformed("a proof of consistency has the members format, from, origin, path and to")
	}
	c := &Consistency{Origin: v.Get("origin").Text, From: uint64(from), To: uint64(to)}
	for _, item := range v.Get("path").Items {
		raw, err := hex.DecodeString(item.Text)
		if err != nil || len(raw) != tlog.HashSize {
			return nil, malformed("the path of a proof of consistency is of hashes in hexadecimal")
		}
		c.Path = append(c.Path, tlog.Hash(raw))
	}
	return c, nil
}

// Fits reports whether the proof is about these two checkpoints, in whatever order.
func (c *Consistency) Fits(a, b *Checkpoint) bool {
	return c.Origin == a.Origin() && c.Origin == b.Origin() && c.From == min(a.Size, b.Size) && c.To == max(a.Size, b.Size)
}

// Check checks that the later one of two checkpoints extends the earlier one. The error is a *proof.Refusal.
func (c *Consistency) Check(a, b *Checkpoint) error {
	if a.Size > b.Size {
		a, b = b, a
	}
	if !c.Fits(a, b) {
		return refuse(proof.NotExtended, "", "the proof of consistency is of %.200q, from %d to %d recordings, and the "+
			"checkpoints are of %.200q, with %d and %d", c.Origin, c.From, c.To, a.Origin(), a.Size, b.Size)
	}
	if c.From == 0 || c.From == c.To { // nothing has to be proved of an empty tree; Contradiction compares equal ones
		return nil
	}
	if tlog.CheckTree(c.Path, int64(c.To), b.Root, int64(c.From), a.Root) != nil {
		return refuse(proof.NotExtended, "", "the proof doesn't show that the checkpoint with %d recordings extends the one "+
			"with %d", c.To, c.From)
	}
	return nil
}

// Verdict says what notes show together.
type Verdict struct {
	Notes []Judged `json:"notes"`
	// Splits are contradictions between notes. Whoever signed both sides, or one of them, has shown a ledger that others
	// didn't see.
	Splits []Split `json:"splits,omitempty"`
	// NotProved says what all this doesn't show.
	NotProved []string `json:"notProved"`
}

// Judged is a note whose signatures are good.
type Judged struct {
	Name string `json:"name"` // of the file
	Body
	SignedBy []cosigned.Voice    `json:"signedBy"`
	SetAside []cosigned.SetAside `json:"setAside,omitempty"`
	// Others is how many signatures are of types that this program doesn't know.
	Others int `json:"others,omitempty"`
}

// Signers are the MSP ids of those who signed the note.
func (j *Judged) Signers() (all []string) {
	for _, one := range j.SignedBy {
		all = append(all, one.MSPID)
	}
	return all
}

// Split is a contradiction between two notes.
type Split struct {
	// First and Second are names of notes, and the other two members the MSP ids of those who signed them.
	First         string   `json:"first"`
	FirstSigners  []string `json:"firstSigners"`
	Second        string   `json:"second"`
	SecondSigners []string `json:"secondSigners"`
	Why           string   `json:"why"`
}

// String tells it on one line.
func (s Split) String() string {
	return fmt.Sprintf("%s, signed by %s, and %s, signed by %s, contradict each other: %s", s.First,
		strings.Join(s.FirstSigners, ", "), s.Second, strings.Join(s.SecondSigners, ", "), s.Why)
}

// Named is a note with the name of its file.
type Named struct {
	Name string
	*Note
}

// Verify checks notes against a trust file, and compares them: with one another, and by the proofs of consistency that
// there are. One organisation's signature is enough to be compared. If nothing contradicts, as many must have signed
// each note as wanted and the trust file say. The error is a *proof.Refusal; its reason is proof.SplitView if notes
// contradict one another, and there is a verdict then, too.
func Verify(notes []Named, proofs []*Consistency, trust *proof.Trust, wanted cosigned.Wanted) (*Verdict, error) {
	v := &Verdict{NotProved: []string{
		"that what the records say is true",
		"that these organisations don't lie together; only the whole chain shows that (pedigree audit)",
	}}
	needed := max(trust.Agree, wanted.Agree)
	one := *trust
	one.Agree = 1
	wanted.Agree, wanted.Question = 1, ""
	for _, n := range notes {
		if len(n.Cosignatures) == 0 {
			return nil, refuse(proof.TooFewOrganisations, n.Name, "no organisation has signed it")
		}
		judged, err := n.File().Verify(&one, wanted)
		if err != nil {
			return nil, proof.At(err, "%s", n.Name)
		}
		v.Notes = append(v.Notes, Judged{n.Name, n.Body(), judged.Agree, judged.SetAside, len(n.Others)})
	}
	if err := v.compare(notes, proofs); err != nil {
		return v, err
	}
	for _, n := range v.Notes {
		if len(n.SignedBy) < needed {
			return nil, refuse(proof.TooFewOrganisations, n.Name, "%d signed it, %s, and %d must agree", len(n.SignedBy),
				strings.Join(n.Signers(), ", "), needed)
		}
	}
	return v, nil
}

// compare looks for contradictions. It says what it couldn't compare.
func (v *Verdict) compare(notes []Named, proofs []*Consistency) error {
	used := map[*Consistency]bool{}
	for i := range notes {
		for k := range notes[:i] {
			a, b := &notes[k].Checkpoint, &notes[i].Checkpoint
			if why := Contradiction(a, b); why != "" {
				v.Splits = append(v.Splits, Split{
					notes[k].Name, v.Notes[k].Signers(), notes[i].Name, v.Notes[i].Signers(), why,
				})
				continue
			}
			if a.Size == b.Size {
				continue
			}
			p := slices.IndexFunc(proofs, func(c *Consistency) bool { return c.Fits(a, b) })
			if p < 0 {
				v.NotProved = append(v.NotProved, fmt.Sprintf("that the later one of %s and %s extends the earlier one; a "+
					"proof of consistency shows that, or the blocks do (pedigree audit)", notes[k].Name, notes[i].Name))
				continue
			}
			used[proofs[p]] = true
			if err := proofs[p].Check(a, b); err != nil {
				return err
			}
		}
	}
	for _, c := range proofs {
		if !used[c] && len(v.Splits) == 0 {
			return refuse(proof.NotExtended, "", "the proof of consistency from %d to %d recordings is of none of these notes",
				c.From, c.To)
		}
	}
	if len(v.Splits) > 0 {
		return refuse(proof.SplitView, "", "%s", v.Splits[0])
	}
	return nil
}
