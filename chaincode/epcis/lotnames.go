package epcis

import (
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// lotNames are the local names by which the vocabularies of GS1 and of its users
// call the number of a lot, in small letters and without separators.
var lotNames = map[string]bool{
	"lot": true, "lotnumber": true, "lotno": true, "lotid": true, "lotcode": true, "lotnum": true, "lotnr": true,
	"batch": true, "batchnumber": true, "batchno": true, "batchid": true, "batchcode": true, "batchnum": true,
	"batchnr": true, "batchlot": true, "lotbatch": true, "batchlotnumber": true, "lotbatchnumber": true,
	"batchorlotnumber": true, "lotorbatchnumber": true, "hasbatchlotnumber": true, "hasbatchlot": true,
	"traceabilitylotcode": true, "traceabilitylot": true, "tlc": true, "lotidentifier": true, "batchidentifier": true,
	"batche": true, // batches
}

// ownLot are the words before such a name that leave it the lot of the things of the event. Others, as in
// supplierLotNumber, may make it the lot of something else.
var ownLot = [...]string{
	"has", "new", "own", "internal", "production", "product", "manufacturing", "output", "finished", "item", "gs1", "kde",
}

// namesLot reports whether the local part of a member's name is that of a lot
// number, or of several, such as cbvmda:lotNumber or gs1:hasBatchLotNumber.
func namesLot(name string) bool {
	var room [longestName]byte
	plain := plainName(room[:0], localName(name))
	if lotNames[string(plain)] {
		return true
	}
	if len(plain) < 3 {
		return false
	}
	text := strings.TrimSuffix(string(plain), "s")
	for {
		if lotNames[text] {
			return true
		}
		before := len(text)
		for _, word := range ownLot {
			if rest, ok := strings.CutPrefix(text, word); ok {
				text = rest
				break
			}
		}
		if len(text) == before {
			return false
		}
	}
}

// endsAsLot reports whether the last words of a member's name are those of a lot number, such as ex:supplierLotNumber.
func endsAsLot(name string) bool {
	local := localName(name)
	for i := 1; i < len(local) && len(local) <= longestName; i++ {
		startsWord := local[i] >= 'A' && local[i] <= 'Z' || isSeparator(local[i-1])
		if startsWord && namesLot(local[i:]) {
			return true
		}
	}
	return false
}

func localName(name string) string { return name[strings.LastIndexAny(name, ":/#")+1:] }

func isSeparator(b byte) bool { return b == '-' || b == '_' || b == '.' }

// plainName appends a name in small letters and without separators. It appends nothing if the name is too short or too
// long for that of a lot.
func plainName(plain []byte, local string) []byte {
	if len(local) < 3 || len(local) > longestName {
		return plain
	}
	for i := 0; i < len(local); i++ {
		switch b := local[i]; {
		case isSeparator(b):
		case b >= 'A' && b <= 'Z':
			plain = append(plain, b+'a'-'A')
		default:
			plain = append(plain, b)
		}
	}
	return plain
}

// unreadLots goes through the members of an event that look like the numbers of lots and that [lotWalk] doesn't read:
// those whose names say that the lot may be another one, and those inside of extensions.
func unreadLots(event *canonical.Value, each func(pointer string)) {
	var w lotWalk
	var within func(v *canonical.Value, depth int, read bool)
	member := func(m *canonical.Member, depth int, read bool) {
		w.path = append(w.path, step{m.Name, -1})
		switch {
		case namesLot(m.Name) && read: // lotWalk reads it
		case (namesLot(m.Name) || endsAsLot(m.Name)) && holdsText(&m.Value):
			each(w.pointer())
		case depth < deepestLot:
			within(&m.Value, depth+1, read)
		}
		w.path = w.path[:len(w.path)-1]
	}
	within = func(v *canonical.Value, depth int, read bool) {
		for i := range v.Items {
			w.path = append(w.path, step{"", i})
			if depth < deepestLot {
				within(&v.Items[i], depth+1, read)
			}
			w.path = w.path[:len(w.path)-1]
		}
		for i := range v.Members {
			member(&v.Members[i], depth, read)
		}
	}
	for i := range event.Members {
		m := &event.Members[i]
		switch {
		case m.Name == "ilmd":
			w.path = append(w.path[:0], step{m.Name, -1})
			within(&m.Value, 0, true)
		case !strings.Contains(m.Name, ":"):
		case namesLot(m.Name): // lotWalk reads it
		default:
			w.path = w.path[:0]
			member(m, 0, false)
		}
	}
}

// holdsText reports whether there is a text or a number at any level of a value.
func holdsText(v *canonical.Value) bool {
	switch v.Kind {
	case canonical.String:
		return trim(v.Text) != ""
	case canonical.Number:
		return true
	}
	for i := range v.Items {
		if holdsText(&v.Items[i]) {
			return true
		}
	}
	for i := range v.Members {
		if holdsText(&v.Members[i].Value) {
			return true
		}
	}
	return false
}
