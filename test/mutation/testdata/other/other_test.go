// Package other tests what the tests of sample leave out.
package other

import (
	"testing"

	"github.com/pedigree-ledger/pedigree/test/mutation/testdata/sample"
)

func TestEven(t *testing.T) {
	if sample.Even(1) || !sample.Even(2) {
		t.Fail()
	}
}
