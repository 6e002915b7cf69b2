package lineage_test

import (
	"testing"

	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

// A world takes PostgreSQL a hundred times as long as SQLite, so there are fewer of them: each run draws others. What a
// walk makes of the store's answers doesn't depend on the store, so only tests run that walk at random or in failing
// stores.
func TestPostgresGivesTheSameAnswers(t *testing.T) {
	indextest.OnPostgres(t, "-rapid.checks=5",
		"-test.run=^Test(Walks|WalksAgreeWithTheOracle|RecallsAgreeWithTheOracle|ImpactsAgreeWithWalks|AQuestionFailsWherever)")
}
