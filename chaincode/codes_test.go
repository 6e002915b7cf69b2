package chaincode_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// elsewhere are codes that the gateway finds in the ledger's stead.
var elsewhere = map[string]bool{"circular_lineage": true, "event_id_taken": true, "not_committed": true, "malformed_json": true}

var codeForm = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)

// TestEveryProblemCodeIsInTheTable reads the chaincode's source: codes are the first text of calls that report a
// problem, the member Code of a composite literal, and constants whose name begins with Code. The codes of warnings are
// not among them, because nothing is refused for a warning.
func TestEveryProblemCodeIsInTheTable(t *testing.T) {
	used := map[string]string{}
	take := func(e ast.Expr, at token.Position) bool {
		literal, ok := e.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return false
		}
		text, err := strconv.Unquote(literal.Value)
		require.NoError(t, err)
		if !codeForm.MatchString(text) {
			return false
		}
		used[text] = at.String()
		return true
	}
	require.NoError(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		name := filepath.Base(path)
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") ||
			name == "problemcodes.go" || name == "warnings.go" {
			return err
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				name := ""
				switch f := n.Fun.(type) {
				case *ast.Ident:
					name = f.Name
				case *ast.SelectorExpr:
					name = f.Sel.Name
				}
				if name != "problem" && name != "conflict" && name != "refuse" {
					return true
				}
				for _, arg := range n.Args {
					if take(arg, files.Position(arg.Pos())) {
						break
					}
				}
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Code" {
					take(n.Value, files.Position(n.Pos()))
				}
			case *ast.ValueSpec:
				for i, name := range n.Names {
					if strings.HasPrefix(name.Name, "Code") && i < len(n.Values) {
						take(n.Values[i], files.Position(n.Pos()))
					}
				}
			}
			return true
		})
		return nil
	}))
	require.Greater(t, len(used), 30, "the codes are no longer found in the source")
	known := map[string]bool{}
	for _, c := range record.ProblemCodes {
		assert.False(t, known[c.Code], "%s is listed twice", c.Code)
		known[c.Code] = true
		assert.NotEmpty(t, c.Meaning, c.Code)
		assert.True(t, used[c.Code] != "" || elsewhere[c.Code], "nothing reports %s", c.Code)
	}
	for code, at := range used {
		assert.True(t, known[code], "%s: record.ProblemCodes lacks %s", at, code)
	}
}
