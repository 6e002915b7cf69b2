package index_test

import (
	"testing"

	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

func TestMain(m *testing.M) { indextest.Main(m) }

// What is checked for many made-up batches is so of files, on which it has been checked already.
func TestPostgresGivesTheSameAnswers(t *testing.T) { indextest.OnPostgres(t, "-rapid.checks=1") }
