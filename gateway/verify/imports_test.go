package verify_test

import (
	"encoding/json"
	"os/exec"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/pedigree-ledger/pedigree"

// listed is what the go command says of a package.
type listed struct {
	ImportPath    string
	Imports, Deps []string
}

// list describes the packages that patterns match. It knows no tests: what they import nobody links.
func list(t *testing.T, patterns ...string) (found []listed) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Imports,Deps"}, patterns...)...).Output()
	require.NoError(t, err)
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var one listed
		require.NoError(t, d.Decode(&one))
		found = append(found, one)
	}
	return found
}

func under(importPath, folder string) bool {
	return importPath == folder || strings.HasPrefix(importPath, folder+"/")
}

func TestVerifiersImportNothingOfTheGateway(t *testing.T) {
	found := list(t, "./...")
	require.Greater(t, len(found), 5, "the packages under gateway/verify")
	for _, p := range found {
		for _, dep := range p.Deps {
			if under(dep, module+"/gateway") {
				assert.True(t, under(dep, module+"/gateway/verify"), "%s depends on %s", p.ImportPath, dep)
			}
			assert.False(t, under(dep, module+"/network"), "%s depends on %s", p.ImportPath, dep)
		}
	}
}

// heavy are packages that no program should link because it verifies proofs.
var heavy = []string{
	"database/sql",
	"modernc.org/sqlite",
	"github.com/jackc/pgx",
	"github.com/gin-gonic/gin",
	"github.com/hyperledger/fabric-chaincode-go",
	"github.com/hyperledger/fabric-contract-api-go",
	"github.com/spf13/cobra",
	"net/http/pprof",
}

func TestThePublicFaceIsSmall(t *testing.T) {
	found := list(t, ".")
	require.Len(t, found, 1)
	for _, dep := range found[0].Deps {
		for _, one := range heavy {
			assert.False(t, under(dep, one), "%s depends on %s", found[0].ImportPath, dep)
		}
		if under(dep, module) {
			assert.NotEqual(t, module+"/chaincode", dep, "the contract itself: it links the chaincode shim")
			assert.NotContains(t, dep, path.Join("verify", "audit"))
		}
	}
}
