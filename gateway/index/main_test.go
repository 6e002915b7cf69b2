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

func TestPostgresGivesTheSameAnswers(t *testing.T) { indextest.OnPostgres(t) }
