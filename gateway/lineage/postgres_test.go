package lineage_test

import (
	"testing"

	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

// A world takes PostgreSQL a hundred times as long as SQLite, so there are fewer of them: each run draws others.
func TestPostgresGivesTheSameAnswers(t *testing.T) { indextest.OnPostgres(t, "-rapid.checks=5") }
