package epcis

import (
	"fmt"
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

// Bounds of what an event says of lots. What is beyond them is not read, and BeyondLots
// tells of it: no sender has a reason to name more lots beside the things of one event.
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
		text = encoded(text)
		var class, lot string // of the mention before
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

// encoded writes a text that isn't percent-encoded as if it were.
func encoded(text string) string { return strings.ReplaceAll(text, "%", "%25") }

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
		if thing == class {
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
	w := lotWalk{deepest: deepestLot, each: func(text string) bool {
		if !slices.Contains(lots, text) {
			lots = append(lots, text)
		}
		return len(lots) < mostLots
	}}
	w.event(event)
	return lots
}

// BeyondLots tells what an event says of lots that Event.OfLots leaves out because
// of a bound. A recall of such a lot would not reach the things of the event.
func BeyondLots(event *canonical.Value) []Problem {
	var problems []Problem
	found := func(w *lotWalk, format string, args ...any) {
		problems = append(problems, Problem{CodeTooMany, w.pointer(), fmt.Sprintf(format, args...)})
	}
	things := countMentions(event)
	seen := map[string]bool{}
	var w lotWalk
	w = lotWalk{deepest: deepestExtension, each: func(text string) bool {
		if w.depth > deepestLot {
			found(&w, "a lot is named more than %d levels deep; name it further up", deepestLot)
			return false
		}
		seen[text] = true
		switch {
		case len(seen) > mostLots:
			found(&w, "an event may name %d lots beside its things at most; send an event for each lot, with its own things",
				mostLots)
		case len(seen)*things > mostOfLots:
			found(&w, "an event may join %d things to lots at most, each thing to each lot; send an event for each lot, with "+
				"its own things", mostOfLots)
		}
		return len(problems) == 0
	}}
	w.event(event)
	return problems
}

// lotWalk goes through the texts of an event that name lots.
type lotWalk struct {
	deepest int                    // levels to look at
	each    func(text string) bool // returns false to end the walk
	path    []step                 // to the present value
	depth   int                    // levels below the ilmd, or below the member that names a lot
	ended   bool
}

func (w *lotWalk) pointer() string { return (&checker{path: w.path}).pointer() }

func (w *lotWalk) event(event *canonical.Value) {
	for i := range event.Members {
		m := &event.Members[i]
		w.path = append(w.path[:0], step{m.Name, -1})
		if m.Name == "ilmd" {
			w.within(&m.Value, 0)
		} else if strings.Contains(m.Name, ":") && namesLot(m.Name) {
			w.texts(&m.Value, 0, 0)
		}
	}
}

func (w *lotWalk) within(v *canonical.Value, depth int) {
	if depth > w.deepest {
		return
	}
	for i := range v.Items {
		w.path = append(w.path, step{"", i})
		w.within(&v.Items[i], depth+1)
		w.path = w.path[:len(w.path)-1]
	}
	for i := range v.Members {
		m := &v.Members[i]
		w.path = append(w.path, step{m.Name, -1})
		if namesLot(m.Name) {
			w.texts(&m.Value, depth, 0)
		} else {
			w.within(&m.Value, depth+1)
		}
		w.path = w.path[:len(w.path)-1]
	}
}

// texts reads the value of a member that names a lot, or several. The member is so many levels below the ilmd, and the
// value so many below the member.
func (w *lotWalk) texts(v *canonical.Value, below, depth int) {
	if w.ended || depth > w.deepest {
		return
	}
	switch v.Kind {
	case canonical.String, canonical.Number:
		if text := trim(v.Text); text != "" {
			w.depth = max(below, depth)
			w.ended = !w.each(text)
		}
	case canonical.Array:
		for i := range v.Items {
			w.path = append(w.path, step{"", i})
			w.texts(&v.Items[i], below, depth+1)
			w.path = w.path[:len(w.path)-1]
		}
	case canonical.Object:
		for _, name := range [...]string{"@value", "@set", "@list", "value", "#text", "@id", "id"} {
			if value := find(v, name); value != nil {
				w.path = append(w.path, step{name, -1})
				w.texts(value, below, depth+1)
				w.path = w.path[:len(w.path)-1]
				return
			}
		}
	}
}

// IsLot reports whether a canonical thing is a lot: a class with a lot number.
func IsLot(thing string) bool {
	class := Class(thing)
	return class != "" && strings.HasPrefix(thing[len(class):], "/10/")
}
