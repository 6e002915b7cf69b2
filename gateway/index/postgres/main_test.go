package postgres_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/index/postgres"
)

// leaderVariable names the index that the program is to lead until it is killed, instead of running tests.
const leaderVariable = "PEDIGREE_TEST_LEADER"

func TestMain(m *testing.M) {
	if place := os.Getenv(leaderVariable); place != "" {
		if err := leadForEver(place); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	indextest.Main(m)
}

// leadForEver takes the lead, says so in a line, and keeps it.
func leadForEver(place string) error {
	ix, err := postgres.Open(place)
	if err != nil {
		return err
	}
	if err := ix.Connect(context.Background()); err != nil {
		return err
	}
	if err := ix.Claim(context.Background()); err != nil {
		return err
	}
	fmt.Println("leads")
	select {}
}
