package epcis

import (
	"fmt"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// The codes of warnings. Decode accepts what they are about, since ledgers hold
// such events.
const (
	CodeWrongCheckDigit = "wrong_check_digit" // an identifier that is probably mistyped
	CodeNotAKey         = "not_a_gs1_key"     // an identifier that is written like a GS1 key and isn't read as one
	CodeNotALot         = "not_a_lot_number"  // a lot beside the things that can't be one
	CodeLotNotJoined    = "lot_not_joined"    // a lot that the things of the event aren't joined to
	CodeUnknownUnit     = "unknown_unit"      // not a code of UN/ECE Recommendation 20
	CodeNegative        = "negative_quantity" // less than nothing
)

// Warnings tells what is odd about a checked event, though it is recorded: the
// identifiers that name another thing than their sender may mean, and the units
// that nobody knows. There are so many at most.
func Warnings(event *canonical.Value, most int) []Problem {
	w := &warner{most: most}
	for i := range event.Members {
		w.member(event.Members[i].Name, &event.Members[i].Value)
	}
	w.lots(event)
	return w.found
}

type warner struct {
	most  int
	found []Problem
}

func (w *warner) warn(code, detail string, pointer ...any) {
	w.warnAt(code, detail, canonical.Pointer(pointer...))
}

func (w *warner) warnAt(code, detail, pointer string) {
	if len(w.found) < w.most {
		w.found = append(w.found, Problem{Code: code, Pointer: pointer, Detail: detail})
	}
}

// member looks at one member of an event.
func (w *warner) member(name string, v *canonical.Value) {
	switch name {
	case "epcList", "childEPCs", "inputEPCList", "outputEPCList":
		for i := range v.Items {
			if code, why := doubt(&v.Items[i]); code != "" {
				w.warn(code, why, name, i)
			}
		}
	case "parentID":
		if code, why := doubt(v); code != "" {
			w.warn(code, why, name)
		}
	case "quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList":
		for i := range v.Items {
			if code, why := doubt(find(&v.Items[i], "epcClass")); code != "" {
				w.warn(code, why, name, i, "epcClass")
			}
			if why := doubtUnit(find(&v.Items[i], "uom")); why != "" {
				w.warn(CodeUnknownUnit, why, name, i, "uom")
			}
			if quantity := find(&v.Items[i], "quantity"); quantity != nil && strings.HasPrefix(quantity.Text, "-") {
				w.warn(CodeNegative, "a quantity of "+quantity.Text+" is less than nothing", name, i, "quantity")
			}
		}
	case "bizLocation", "readPoint":
		if code, why := doubt(find(v, "id")); code != "" {
			w.warn(code, why, name, "id")
		}
	case "sourceList", "destinationList":
		id := name[:len(name)-len("List")]
		for i := range v.Items {
			if code, why := doubt(find(&v.Items[i], id)); code != "" {
				w.warn(code, why, name, i, id)
			}
		}
	case "sensorElementList":
		for i := range v.Items {
			w.reports(find(&v.Items[i], "sensorReport"), i)
		}
	}
}

func (w *warner) reports(list *canonical.Value, element int) {
	if list == nil {
		return
	}
	for i := range list.Items {
		if why := doubtUnit(find(&list.Items[i], "uom")); why != "" {
			w.warn(CodeUnknownUnit, why, "sensorElementList", element, "sensorReport", i, "uom")
		}
	}
}

// doubt tells what is odd about an identifier. The code is empty if nothing is.
func doubt(id *canonical.Value) (code, why string) {
	if id == nil {
		return "", ""
	}
	sent := trim(id.Text)
	var room [128]byte
	read, misplaced, ok := appendThing(room[:0], sent)
	thing := sent
	if ok = ok && !misplaced; ok && string(read) != sent {
		thing = string(read)
	}
	if !ok || thing != sent { // else it is a link in its canonical spelling
		why = Misread(sent)
	}
	switch {
	case why != "" && ok:
		return CodeNotAKey, fmt.Sprintf("%s is recorded as %s: %s", quote(sent), thing, why)
	case why != "":
		return CodeNotAKey, fmt.Sprintf("%s isn't the GS1 key that it is written like: %s. It is recorded as a name of its "+
			"own, which no trace or recall of the product, lot or item reaches", quote(sent), why)
	}
	if should, wrong := WrongCheckDigit(thing); wrong {
		return CodeWrongCheckDigit, fmt.Sprintf("the check digit of %s should be %c; the event is recorded of another thing "+
			"than the one that was probably meant", quote(sent), should)
	}
	return "", ""
}

func doubtUnit(code *canonical.Value) string {
	if code == nil || IsUnit(code.Text) {
		return ""
	}
	return fmt.Sprintf("%s is no unit code of UN/ECE Recommendation 20%s; the amount can't be compared or added up",
		quote(code.Text), LikeUnit(code.Text))
}

// lots looks at the lots that an event names beside its things.
func (w *warner) lots(event *canonical.Value) {
	var walk lotWalk
	walk = lotWalk{deepest: deepestLot, each: func(text string) bool {
		if !IsLot(Thing(text)) && qualified("", "10", encoded(text)) == "" {
			w.warnAt(CodeNotALot, fmt.Sprintf("%s can't be a lot number, which has at most %d letters, digits and signs of GS1's "+
				"set; the things of this event aren't joined to a lot, so a recall of the lot doesn't reach them",
				quote(text), longestLot), walk.pointer())
		}
		return true
	}}
	walk.event(event)
	unreadLots(event, func(pointer string) {
		w.warnAt(CodeLotNotJoined, "this looks like the number of a lot, and may be that of another thing; the things of this "+
			"event aren't joined to it. If it is their lot, name it lotNumber in the ilmd or as an extension of the event itself",
			pointer)
	})
}
