package web

import "hash/fnv"

// Frame is what is around every page: whose gateway it is, who is signed in, where one is. Each page's data embeds one.
type Frame struct {
	Organisation  string         // whose gateway this is, by its short name
	MSPID         string         // the same on the ledger
	Organisations []Organisation // those that introduced themselves, the first one first
	Who           *Who           // nil if nobody is signed in
	Here          string         // path and query of this page
	Section       string         // the entry of the navigation that this page belongs to; may be empty
	Search        string         // what was searched for; may be empty
}

// Who is who is signed in.
type Who struct {
	Name, Role string // of the token
	Token      string // proves that a form comes from a page of this session; see gateway/session
}

// Submits says whether the person may send records.
func (w *Who) Submits() bool { return w != nil && w.Role == "submitter" }

// Operates says whether the person may operate the gateway.
func (w *Who) Operates() bool { return w != nil && w.Role == "operator" }

// Organisation is a member of the network as pages show it.
type Organisation struct {
	MSPID, Name string
	Hue         int // which of the style's colours org-0 to org-7 is its own
}

// hues is how many colours the style has for organisations.
const hues = 8

// Framed is the data of a page.
type Framed interface{ frame() *Frame }

func (f *Frame) frame() *Frame { return f }

// Org finds the organisation of an MSP id. Those that never introduced themselves go by that id.
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

// NewOrganisation is the member that introduced itself as the nth, from 0. So its colour never changes, and the first eight
// have one each.
func NewOrganisation(n int, mspID, name string) Organisation {
	return Organisation{MSPID: mspID, Name: name, Hue: n % hues}
}

// Initial stands in the organisation's badge, so that its colour is never all there is to tell it by.
func (o Organisation) Initial() string {
	for _, r := range o.Name {
		return string(r)
	}
	return "?"
}
