package web

import (
	"hash/fnv"
	"strings"
)

// Frame is the data that every page needs: whose gateway this is, who is signed in, and which page this is. The data of
// each page embeds one.
type Frame struct {
	Organisation  string         // short name of the organisation that runs this gateway
	MSPID         string         // its MSP id
	Organisations []Organisation // those with a member record, in the order in which they first recorded one
	Who           *Who           // nil if nobody is signed in
	Here          string         // path and query of this page
	Section       string         // the entry of the navigation that this page belongs to; may be empty
	Search        string         // the text that was searched for; may be empty
	Stale         string         // why this page may be out of date; empty if it is up to date
}

// Who is the person who is signed in.
type Who struct {
	Name, Role string // from the token
	Token      string // proves that a form comes from a page of this session; see gateway/session
}

// Submits reports whether the person may send records.
func (w *Who) Submits() bool { return w != nil && w.Role == "submitter" }

// Operates reports whether the person may operate the gateway.
func (w *Who) Operates() bool { return w != nil && w.Role == "operator" }

// Organisation is a member of the network as pages show it.
type Organisation struct {
	MSPID, Name string
	Hue         int // its colour: one of the style's org-0 to org-7
}

// hues is the number of colours that the style has for organisations.
const hues = 8

// Framed is the data of any page.
type Framed interface{ frame() *Frame }

func (f *Frame) frame() *Frame { return f }

// Org finds the organisation with an MSP id. The name of one without a member record is its MSP id.
func (f *Frame) Org(mspID string) Organisation {
	for _, o := range f.Organisations {
		if o.MSPID == mspID {
			return o
		}
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(mspID)) // never fails
	return Organisation{MSPID: mspID, Name: mspID, Hue: int(sum.Sum32() % hues)}
}

// NewOrganisation makes the organisation whose first member record was the nth, from 0. That decides its colour, so the
// colour never changes, and the first eight organisations have different ones.
//
// An organisation chooses its name, and could choose another's. The id of its membership service is what the consortium
// has agreed on, so that stands beside every name that isn't the id itself.
func NewOrganisation(n int, mspID, name string) Organisation {
	if !strings.EqualFold(name, strings.TrimSuffix(mspID, "MSP")) && name != mspID {
		name += " (" + mspID + ")"
	}
	return Organisation{MSPID: mspID, Name: name, Hue: n % hues}
}

// Initial is the letter in the organisation's badge, so that people don't have to rely on its colour.
func (o Organisation) Initial() string {
	for _, r := range o.Name {
		return string(r)
	}
	return "?"
}
