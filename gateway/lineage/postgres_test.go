package lineage_test

import (
	"testing"

	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

func TestPostgresGivesTheSameAnswers(t *testing.T) { indextest.OnPostgres(t) }
