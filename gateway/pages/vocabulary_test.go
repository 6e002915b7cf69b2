package pages

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

func TestAClaimOfEveryKindHasAText(t *testing.T) {
	for _, k := range record.StatementKinds {
		predicate := canonical.Obj()
		for _, m := range k.Predicate {
			predicate = predicate.With(m.Name, canonical.Str("some "+m.Name))
		}
		if len(k.Predicate) > 0 {
			assert.NotEmpty(t, claimText(predicate), k.Name)
		}
	}
}
