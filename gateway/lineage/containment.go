package lineage

import (
	"math/big"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/index"
)

// handling is one report on a child in a parent.
type handling struct {
	at     moment
	what   index.Role // of the child, or RoleParentEmptied
	amount string
}

// containment turns the reports on one child in one parent into the times it
// was inside, and the record that each begins with.
func containment(reports []handling) (window, []int64) {
	slices.SortFunc(reports, func(a, b handling) int { return a.at.compare(b.at) })
	var inside window
	var begun []int64
	open, counted := false, balance{}
	for _, r := range reports {
		switch r.what {
		case index.RoleChildAdd, index.RoleChildObserve, index.RoleChildClassAdd, index.RoleChildClassObserve:
			if !open {
				inside, begun = append(inside, span{r.at, never}), append(begun, r.at.id)
				open, counted = true, balance{unknown: r.what == index.RoleChildClassObserve}
			}
			if r.what == index.RoleChildClassAdd {
				counted.add(r.amount, 1)
			}
			continue
		case index.RoleChildClassDelete:
			if open && !counted.empties(r.amount) {
				continue
			}
		case index.RoleChildDelete, index.RoleParentEmptied:
		default:
			continue
		}
		switch {
		case open:
			inside[len(inside)-1].to = r.at
		case r.what != index.RoleParentEmptied: // taken out, so it was inside
			inside, begun = append(inside, span{r.at, r.at}), append(begun, r.at.id)
		}
		open = false
	}
	return inside, begun
}

// balance counts how much of a class is inside, for each unit. It is unknown
// as soon as an amount came in without a number.
type balance struct {
	unknown bool
	units   map[string]*big.Rat
}

func (b *balance) add(amounts string, sign int64) {
	for _, amount := range strings.Split(amounts, ";") {
		number, unit, _ := strings.Cut(amount, " ")
		n, ok := parseDecimal(number)
		if !ok {
			b.unknown = true
			continue
		}
		if b.units == nil {
			b.units = map[string]*big.Rat{}
		}
		if b.units[unit] == nil {
			b.units[unit] = new(big.Rat)
		}
		b.units[unit].Add(b.units[unit], n.Mul(n, big.NewRat(sign, 1)))
	}
}

// empties takes an amount out, and says whether nothing known is left. To take
// out an amount without a number is to take out everything; to take a number
// from what was never counted leaves something inside, as far as anybody knows.
func (b *balance) empties(amounts string) bool {
	for _, amount := range strings.Split(amounts, ";") {
		number, _, _ := strings.Cut(amount, " ")
		if _, ok := parseDecimal(number); !ok {
			return true
		}
	}
	b.add(amounts, -1)
	if b.unknown {
		return false
	}
	taken := false
	for _, left := range b.units {
		if left.Sign() > 0 {
			return false
		}
		taken = true
	}
	return taken
}

// parseDecimal reads a plain decimal of sane length: exponents could make a
// number as long as memory.
func parseDecimal(s string) (*big.Rat, bool) {
	if s == "" || len(s) > 64 || strings.Trim(s, "+-.0123456789") != "" {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}
