package summary

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

func TestEveryStatementThatWarnsHasWords(t *testing.T) {
	for _, k := range record.StatementKinds {
		if k.Warns {
			assert.NotEmpty(t, alertWords[k.Name], k.Name)
		}
	}
}
