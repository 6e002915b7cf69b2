package main

import (
	"go/ast"
	"go/printer"
	"go/token"
	"go/types"
	"strings"
)

// operator is a way to change code.
type operator string

// The operators. Their names are part of the keys of known survivors.
const (
	negate        operator = "condition negated"
	dropOperand   operator = "operand dropped"
	dropNot       operator = "negation dropped"
	moveBound     operator = "bound moved"
	swapEquality  operator = "equality swapped"
	dropStatement operator = "statement removed"
	dropExit      operator = "early exit removed"
	increase      operator = "constant increased"
	decrease      operator = "constant decreased"
	dropError     operator = "error not returned"
	flipResult    operator = "result flipped"
	dropField     operator = "field not set"
)

// mutant is one change of the code that can be switched on.
type mutant struct {
	id       int
	file     *sourceFile
	at       ast.Node // what is changed
	function string   // in which it is: F, (T).M, or the first name that a declaration at package level declares
	operator operator
	source   string // the code that is changed, on one line
}

// edit inserts text before and after a node, so that the node can have edits inside it.
type edit struct {
	mutants       []*mutant // switched by this edit
	at            ast.Node
	before, after string
	operator      token.Pos // of a comparison, to be replaced by a comma; or NoPos
	length        int       // of the operator
}

// finder walks a file and collects the mutants.
type finder struct {
	*source
	file     *sourceFile
	function string
	stack    []ast.Node
	edits    []*edit
	mutants  []*mutant
	covered  map[ast.Node]bool // nodes that another mutant changes as well
	skipped  map[string]int    // why, and how often
}

// find collects all mutants of a package, and why others that the operators would make can't be switched.
func find(s *source) ([]*edit, map[string]int) {
	skipped := map[string]int{}
	var edits []*edit
	id := 0
	for _, file := range s.files {
		if ast.IsGenerated(file.syntax) {
			continue
		}
		f := &finder{source: s, file: file, covered: map[ast.Node]bool{}, skipped: skipped}
		for _, d := range file.syntax.Decls {
			f.function = nameOf(d)
			ast.PreorderStack(d, nil, f.visit)
		}
		for _, m := range f.mutants {
			m.id = id
			id++
		}
		edits = append(edits, f.edits...)
	}
	return edits, skipped
}

func nameOf(d ast.Decl) string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv != nil && len(d.Recv.List) > 0 {
			return "(" + types.ExprString(d.Recv.List[0].Type) + ")." + d.Name.Name
		}
		return d.Name.Name
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			if v, ok := spec.(*ast.ValueSpec); ok {
				return v.Names[0].Name
			}
		}
	}
	return ""
}

// add notes one edit with a mutant for each operator. The mutants of one edit have numbers that follow each other.
func (f *finder) add(at ast.Node, before, after string, operators ...operator) *edit {
	e := &edit{at: at, before: before, after: after}
	for _, o := range operators {
		m := &mutant{file: f.file, at: at, function: f.function, operator: o, source: f.excerpt(at)}
		e.mutants = append(e.mutants, m)
		f.mutants = append(f.mutants, m)
	}
	f.edits = append(f.edits, e)
	return e
}

// idMark is replaced by the number of an edit's first mutant.
const idMark = "\x00"

// wrap puts a call around an expression.
func (f *finder) wrap(x ast.Expr, call string, o operator) *edit {
	return f.add(x, call+"("+idMark+", ", ")", o)
}

// part is wrap for an expression that says little without the one that it is part of.
func (f *finder) part(x, whole ast.Node, call string, o operator) {
	m := f.wrap(x.(ast.Expr), call, o).mutants[0]
	if whole, ok := whole.(ast.Expr); ok {
		m.source += " in " + f.excerpt(whole)
	}
}

// excerpt is the source of a node on one line, without comments.
func (f *finder) excerpt(n ast.Node) string {
	var text strings.Builder
	if err := printer.Fprint(&text, f.fset, n); err != nil {
		panic(err) // neither the node nor the builder can make it fail
	}
	return strings.Join(strings.Fields(text.String()), " ")
}

func (f *finder) text(n ast.Node) string {
	file := f.fset.File(n.Pos())
	return string(f.file.text[file.Offset(n.Pos()):file.Offset(n.End())])
}

// parent is what the visited node is part of.
func (f *finder) parent() ast.Node { return f.stack[len(f.stack)-1] }

func (f *finder) skip(why string) { f.skipped[why]++ }

func (f *finder) visit(n ast.Node, stack []ast.Node) bool {
	f.stack = stack
	switch n := n.(type) {
	case *ast.ExprStmt, *ast.AssignStmt, *ast.IncDecStmt:
		f.statement(n.(ast.Stmt))
	case *ast.IfStmt:
		f.exit(n)
		f.condition(n.Cond)
	case *ast.ForStmt:
		if n.Cond != nil {
			f.condition(n.Cond)
		}
	case *ast.SwitchStmt:
		if n.Tag == nil {
			for _, c := range n.Body.List {
				for _, x := range c.(*ast.CaseClause).List {
					f.condition(x)
				}
			}
		}
	case *ast.BinaryExpr:
		if !f.covered[n] {
			f.binary(n)
		}
	case *ast.UnaryExpr:
		if n.Op == token.NOT && f.isBool(n) {
			f.wrap(n, "toggle.Flip", dropNot)
		}
	case *ast.ReturnStmt:
		if !f.covered[n] {
			f.results(n)
		}
	case *ast.CompositeLit:
		f.fields(n)
	case *ast.GenDecl:
		return n.Tok == token.VAR
	case *ast.ArrayType:
		return false // its length is constant
	}
	if x, ok := n.(ast.Expr); ok {
		return f.constant(x)
	}
	return true
}
