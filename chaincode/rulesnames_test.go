package chaincode_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode"
)

func TestADefinitionNamesItsRules(t *testing.T) {
	for version, want := range map[string]chaincode.Rules{
		"": 1, "1": 1, "2": 1, "2.0.1": 1, "v3": 1, "rules-1": 1, "rules-2": 2, "rules-10": 10,
		"rules-": 1, "rules-0": 1, "rules-02": 1, "rules--2": 1, "rules-2x": 1, "rules-2000000": 1, "Rules-2": 1,
	} {
		assert.Equal(t, want, chaincode.RulesOf(version), version)
	}
	for id, want := range map[string]chaincode.Rules{
		"pedigree-lab:5c1a": 1, "pedigree_1.0:5c1a": 1, "": 1, "pedigree-lab-rules-2:5c1a": 2, "rules-2:5c1a": 1,
		"pedigree-rules-2-lab:5c1a": 1, "pedigree-lab:5c-rules-2": 1,
	} {
		assert.Equal(t, want, chaincode.RulesOfPackage(id), id)
	}
	for r := chaincode.First; r < 12; r++ {
		assert.Equal(t, r, chaincode.RulesOf(r.DefinitionVersion()))
		assert.Equal(t, r, chaincode.RulesOfPackage(r.Label("pedigree-lab")+":5c1a"))
	}
	assert.Equal(t, "1", chaincode.First.DefinitionVersion(), "as all definitions of before")
	assert.Equal(t, "pedigree-lab", chaincode.First.Label("pedigree-lab"), "as all packages of before")
}

func TestRulesThatTheProgramLacksAreRefused(t *testing.T) {
	for _, r := range []chaincode.Rules{0, chaincode.Newest() + 1} {
		_, err := chaincode.New(r)
		require.ErrorContains(t, err, "use a newer program")
	}
}
