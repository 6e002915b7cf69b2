package proposal

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// follows says what a change brings with it beyond what it changes, and what people then have to do.
func follows(before, after *proof.Config, was, is *common.ConfigGroup) []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	for _, d := range decisions {
		n, of := d.least(before, was), len(d.deciders(before))
		m, from := d.least(after, is), len(d.deciders(after))
		if m > 0 && (n != m || of != from) {
			say("it takes %s to %s", outOf(m, from), d.does)
		}
	}
	for _, id := range without(after.Members, before.Members) {
		say("%s starts its node with `pedigree node start`. Until it has approved the chaincode's definition, it endorses "+
			"nothing", id)
	}
	for _, id := range without(before.Members, after.Members) {
		say("%s's gateway can record nothing more, and its node gets no more blocks: %s stops it", id, id)
		say("what %s recorded stays on the ledger, with its namespaces, which nobody else can take", id)
		for _, number := range slices.Sorted(maps.Keys(after.Orderers)) {
			if after.Orderers[number].MSPID == id {
				say("%s still runs the orderer %d: propose its end, too, with `pedigree propose remove-orderer`", id, number)
			}
		}
	}
	return all
}

// outOf says how many of some organisations.
func outOf(n, of int) string {
	if n == of && n > 1 {
		return fmt.Sprintf("all %d organisations", n)
	}
	return fmt.Sprintf("%d of %d organisations", n, of)
}
