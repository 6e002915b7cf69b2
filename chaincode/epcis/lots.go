package epcis

import (
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// OfLot says that something an event names is of a lot. The canonical name of an
// item doesn't contain its lot, so this is the only place that still knows it.
type OfLot struct {
	Lot   string // canonical thing
	Thing string // canonical thing: the item, or the class of which an amount is of the lot
	Field string // the event's field that names the thing: epcList, outputQuantityList, …
}

// IsItem reports whether the thing is a single item of the lot. Otherwise it is
// the class, and the event is about the lot itself.
func (o OfLot) IsItem() bool { return Class(o.Thing) != o.Thing }

// Produced reports whether the event made the thing.
func (o OfLot) Produced() bool { return strings.HasPrefix(o.Field, "output") }

// Bounds of what an event says of lots. What is beyond them is not read: no sender
// has a reason to name more lots beside the things of one event.
const (
	mostLots    = 64 // named in the ilmd and the extensions of an event
	deepestLot  = 8  // levels of objects and lists below the ilmd
	mostOfLots  = 1 << 18
	longestLot  = 20 // characters
	longestName = 40 // of a member that names a lot
)

// ofLots lists which things of a checked event are of which lots: those whose
// identifier has a lot beside the serial number, and those for which the ilmd or an
// extension names the lot.
func ofLots(event *canonical.Value, mentions []Mention) []OfLot {
	var all []OfLot
	for i := range mentions {
		m := &mentions[i]
		if lot, item := lotInLink(m.Original, m.URI); lot != "" {
			all = append(all, OfLot{lot, item, m.Field})
		}
	}
	for _, text := range lotsNamed(event) {
		if lot := Thing(text); IsLot(lot) {
			all = appendOfLot(all, mentions, func(string) string { return lot })
			continue
		}
		text = strings.ReplaceAll(text, "%", "%25") // it isn't encoded
		var class, lot string                       // of the mention before
		all = appendOfLot(all, mentions, func(thing string) string {
			switch of := Class(thing); {
			case !hasLots(of) || IsLot(thing):
				return ""
			case of != class:
				class, lot = of, qualified(of, "10", text)
			}
			return lot
		})
	}
	return distinctLots(all)
}

// appendOfLot appends the things of an event that are of a lot, which may depend on
// the thing. What a lot beside the things is said to be does not concern what a
// transformation consumed.
func appendOfLot(all []OfLot, mentions []Mention, lotOf func(thing string) string) []OfLot {
	for i := range mentions {
		m := &mentions[i]
		if strings.HasPrefix(m.Field, "input") || len(all) >= mostOfLots {
			continue
		}
		if lot := lotOf(m.URI); lot != "" && lot != m.URI {
			all = append(all, OfLot{lot, m.URI, m.Field})
		}
	}
	return all
}

func distinctLots(all []OfLot) []OfLot {
	if len(all) < 2 {
		return all
	}
	seen := make(map[OfLot]struct{}, len(all))
	kept := all[:0]
	for _, o := range all {
		if _, twice := seen[o]; !twice {
			seen[o] = struct{}{}
			kept = append(kept, o)
		}
	}
	return kept
}

// hasLotSegment reports whether a path may have a lot, under one of the names of its application identifier.
func hasLotSegment(path string) bool {
	return strings.Contains(path, "/10/") || strings.Contains(path, "/lot/")
}

// lotInLink finds the lot that a Digital Link names besides the thing that it
// identifies: /01/…/10/LOT/21/SERIAL, or 10 or 21 in the query of the link. The item
// is the thing itself, unless the serial number is in the query.
func lotInLink(sent, thing string) (lot, item string) {
	sent = trim(sent)
	if len(sent) <= len("http://") || sent[0] != 'h' && sent[0] != 'H' {
		return "", ""
	}
	class := Class(thing)
	if !hasLots(class) {
		return "", ""
	}
	sent, _, _ = strings.Cut(sent, "#")
	path, query, _ := strings.Cut(sent, "?")
	isLot := strings.HasPrefix(thing[len(class):], "/10/")
	if !isLot && thing != class {
		for _, serial := range [...]string{"/21/", "/ser/"} {
			// Most links with a serial number have no lot, so most aren't read a second time.
			if end := strings.LastIndex(path, serial); end > 0 && hasLotSegment(path[:end]) {
				if found := Thing(path[:end]); strings.HasPrefix(found, class+"/10/") {
					return found, thing
				}
			}
		}
	}
	lotText, serialText := inQuery(query, "10", "lot"), inQuery(query, "21", "ser")
	switch {
	case isLot && serialText != "":
		return thing, qualified(class, "21", serialText)
	case !isLot && lotText != "":
		if thing == class && serialText != "" {
			if item = qualified(class, "21", serialText); item != "" {
				thing = item
			}
		}
		return qualified(class, "10", lotText), thing
	}
	return "", ""
}

// hasLots reports whether a class can have lots: trade items and their pieces.
func hasLots(class string) bool {
	return strings.HasPrefix(class, digitalLink+"01/") || strings.HasPrefix(class, digitalLink+"8006/")
}

// inQuery returns the value of the first of the names that a query has.
func inQuery(query string, names ...string) string {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(strings.ReplaceAll(query, ";", "&"), "&")
		name, value, _ := strings.Cut(pair, "=")
		for _, wanted := range names {
			if name == wanted {
				return value
			}
		}
	}
	return ""
}

// qualified appends a qualifier to a class. It is empty if the text can't be one,
// or nothing.
func qualified(class, ai, text string) string {
	thing, ok := appendText(append([]byte(class), "/"+ai+"/"...), text, charset82, longestLot)
	if !ok {
		return ""
	}
	return string(thing)
}

// lotsNamed lists the lots that an event names in its ilmd, at any depth, and in
// extensions of its own: numbers as people write them, or identifiers of lots.
func lotsNamed(event *canonical.Value) []string {
	var lots []string
	for i := range event.Members {
		m := &event.Members[i]
		if m.Name == "ilmd" {
			lots = lotsWithin(lots, &m.Value, 0)
		} else if strings.Contains(m.Name, ":") && namesLot(m.Name) {
			lots = lotTexts(lots, &m.Value, 0)
		}
	}
	return lots
}

func lotsWithin(lots []string, v *canonical.Value, depth int) []string {
	if depth > deepestLot {
		return lots
	}
	for i := range v.Items {
		lots = lotsWithin(lots, &v.Items[i], depth+1)
	}
	for i := range v.Members {
		m := &v.Members[i]
		if namesLot(m.Name) {
			lots = lotTexts(lots, &m.Value, 0)
		} else {
			lots = lotsWithin(lots, &m.Value, depth+1)
		}
	}
	return lots
}

// lotTexts reads the value of a member that names a lot, or several.
func lotTexts(lots []string, v *canonical.Value, depth int) []string {
	if depth > deepestLot || len(lots) >= mostLots {
		return lots
	}
	switch v.Kind {
	case canonical.String, canonical.Number:
		if text := trim(v.Text); text != "" && !slices.Contains(lots, text) {
			lots = append(lots, text)
		}
	case canonical.Array:
		for i := range v.Items {
			lots = lotTexts(lots, &v.Items[i], depth+1)
		}
	case canonical.Object:
		for _, name := range [...]string{"@value", "value", "#text", "@id", "id"} {
			if value := find(v, name); value != nil {
				return lotTexts(lots, value, depth+1)
			}
		}
	}
	return lots
}

// lotNames are the local names by which the vocabularies of GS1 and of its users
// call the number of a lot, in small letters and without separators.
var lotNames = map[string]bool{
	"lot": true, "lotnumber": true, "lotno": true, "lotid": true, "lotcode": true, "lotnum": true, "lotnr": true,
	"batch": true, "batchnumber": true, "batchno": true, "batchid": true, "batchcode": true, "batchnum": true,
	"batchnr": true, "batchlot": true, "lotbatch": true, "batchlotnumber": true, "lotbatchnumber": true,
	"batchorlotnumber": true, "lotorbatchnumber": true, "hasbatchlotnumber": true, "hasbatchlot": true,
	"traceabilitylotcode": true, "traceabilitylot": true, "tlc": true,
}

// namesLot reports whether the local part of a member's name is that of a lot
// number, such as cbvmda:lotNumber or gs1:hasBatchLotNumber.
func namesLot(name string) bool {
	local := name[strings.LastIndexAny(name, ":/#")+1:]
	if len(local) < 3 || len(local) > longestName {
		return false
	}
	var room [longestName]byte
	plain := room[:0]
	for i := 0; i < len(local); i++ {
		switch b := local[i]; {
		case b == '-' || b == '_' || b == '.':
		case b >= 'A' && b <= 'Z':
			plain = append(plain, b+'a'-'A')
		default:
			plain = append(plain, b)
		}
	}
	return lotNames[string(plain)]
}

// IsLot reports whether a canonical thing is a lot: a class with a lot number.
func IsLot(thing string) bool {
	class := Class(thing)
	return class != "" && strings.HasPrefix(thing[len(class):], "/10/")
}
