package index_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := indextest.Shutdown(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// What is checked for many made-up batches is so of files, on which it has been checked already.
func TestPostgresGivesTheSameAnswers(t *testing.T) { indextest.OnPostgres(t, "-rapid.checks=1") }
