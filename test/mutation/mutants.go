package main

import (
	"go/ast"
	"go/constant"
	"go/printer"
	"go/token"
	"go/types"
	"slices"
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

// condition negates a condition, unless another operator does so or more.
func (f *finder) condition(x ast.Expr) {
	switch y := ast.Unparen(x).(type) {
	case *ast.BinaryExpr:
		return
	case *ast.UnaryExpr:
		if y.Op == token.NOT {
			return
		}
	}
	if f.isBool(x) {
		f.wrap(x, "toggle.Flip", negate)
	}
}

// isBool says whether an expression has the type bool and is not constant. Other types of conditions can't be switched.
func (f *finder) isBool(x ast.Expr) bool {
	t := f.info.Types[x]
	if t.Value != nil || t.Type == nil {
		return false
	}
	basic, ok := t.Type.(*types.Basic)
	if !ok || basic.Kind() != types.Bool && basic.Kind() != types.UntypedBool {
		f.skip("a condition of a type other than bool")
		return false
	}
	return true
}

func (f *finder) binary(x *ast.BinaryExpr) {
	switch x.Op {
	case token.LAND, token.LOR:
		call := map[token.Token]string{token.LAND: "toggle.True", token.LOR: "toggle.False"}[x.Op]
		for _, operand := range []ast.Expr{x.X, x.Y} {
			// a && b && c is (a && b) && c: its operands are a, b and c.
			if inner, ok := ast.Unparen(operand).(*ast.BinaryExpr); ok && inner.Op == x.Op {
				continue
			}
			if f.isBool(operand) {
				f.part(operand, x, call, dropOperand)
			}
		}
	case token.EQL, token.NEQ:
		if f.isBool(x) {
			f.wrap(x, "toggle.Flip", swapEquality)
		}
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		if !f.isBool(x) {
			return
		}
		name := map[token.Token]string{token.LSS: "Less", token.LEQ: "LessOrEqual", token.GTR: "Greater", token.GEQ: "GreaterOrEqual"}[x.Op]
		e := f.add(x, "toggle."+name+"("+idMark+", ", ")", moveBound, negate)
		e.operator, e.length = x.OpPos, len(x.Op.String())
	}
}

// statement removes calls, assignments, x++ and x--.
func (f *finder) statement(s ast.Stmt) {
	switch parent := f.parent().(type) {
	case *ast.BlockStmt, *ast.CaseClause:
	case *ast.CommClause:
		if parent.Comm == s {
			return
		}
	default:
		return // the first or last statement in the head of a for, an if or a switch; a label's
	}
	switch s := s.(type) {
	case *ast.ExprStmt:
		call, ok := s.X.(*ast.CallExpr)
		if !ok || f.isPanic(call) || f.logs(call) {
			return
		}
	case *ast.AssignStmt:
		if s.Tok == token.DEFINE {
			f.skip("a statement that declares variables")
			return
		}
		if !slices.ContainsFunc(s.Lhs, func(x ast.Expr) bool { return !isBlank(x) }) {
			return
		}
	}
	f.add(s, "if toggle.Keep("+idMark+") { ", " }", dropStatement)
}

func isBlank(x ast.Expr) bool {
	name, ok := x.(*ast.Ident)
	return ok && name.Name == "_"
}

func (f *finder) isPanic(call *ast.CallExpr) bool {
	name, ok := call.Fun.(*ast.Ident)
	return ok && name.Name == "panic"
}

// logs says whether a call writes a line of a log. No test should depend on it.
func (f *finder) logs(call *ast.CallExpr) bool {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	used := f.info.Uses[selector.Sel]
	return used != nil && used.Pkg() != nil && (used.Pkg().Path() == "log/slog" || used.Pkg().Path() == "log")
}

// exit removes the body of an if statement that leaves the function or the loop. One with an else may be the end of a
// function, which the compiler wouldn't see any more.
func (f *finder) exit(s *ast.IfStmt) {
	if s.Else != nil || len(s.Body.List) == 0 {
		return
	}
	last := s.Body.List[len(s.Body.List)-1]
	switch last := last.(type) {
	case *ast.ReturnStmt:
	case *ast.BranchStmt:
		if last.Tok == token.GOTO || last.Tok == token.FALLTHROUGH {
			return
		}
	default:
		return
	}
	e := f.add(s.Body, "{ if toggle.Keep("+idMark+") ", " }", dropExit)
	e.mutants[0].source = f.excerpt(s)
	if f.passesOn(s) {
		f.covered[ast.Unparen(s.Cond)], f.covered[last] = true, true
	}
}

// passesOn says whether a statement is if err != nil { return ..., err }. That err is ignored is mutant enough of it.
func (f *finder) passesOn(s *ast.IfStmt) bool {
	cond, ok := ast.Unparen(s.Cond).(*ast.BinaryExpr)
	if !ok || cond.Op != token.NEQ || !f.info.Types[cond.Y].IsNil() || len(s.Body.List) != 1 {
		return false
	}
	x, ok := cond.X.(*ast.Ident)
	if !ok || !isError(f.info.Types[x].Type) {
		return false
	}
	r, ok := s.Body.List[0].(*ast.ReturnStmt)
	if !ok || len(r.Results) == 0 {
		return false
	}
	passed := false
	ast.Inspect(r.Results[len(r.Results)-1], func(n ast.Node) bool {
		name, ok := n.(*ast.Ident)
		passed = passed || ok && f.info.Uses[name] == f.info.Uses[x]
		return true
	})
	return passed
}

// constant changes integer constants by one. It says whether there can be more mutants inside the expression.
func (f *finder) constant(x ast.Expr) bool {
	t := f.info.Types[x]
	if t.Value == nil {
		return true
	}
	if t.Value.Kind() != constant.Int || !t.IsValue() {
		return false
	}
	compared := f.comparedWith(x)
	if !literal(x) && (compared == token.ILLEGAL || !f.named(x)) {
		return false
	}
	text, ok := f.typeText(t.Type)
	basic, isBasic := t.Type.Underlying().(*types.Basic)
	if !ok || !isBasic || basic.Info()&types.IsInteger == 0 || basic.Info()&types.IsUntyped != 0 {
		f.skip("a constant whose type is not an integer's")
		return false
	}
	if text == "time.Duration" || text == "os.FileMode" || strings.HasPrefix(f.text(x), "0o") || f.capacity(x) {
		return false
	}
	value, _ := constant.Int64Val(t.Value)
	up, down := true, value >= 1 && compared != token.EQL
	switch compared { // a moved bound is one of the two
	case token.LSS, token.GEQ:
		up, down = false, true
	case token.LEQ, token.GTR:
		up, down = true, false
	}
	if up {
		f.part(x, f.parent(), "toggle.Increased["+text+"]", increase)
	}
	if down {
		f.part(x, f.parent(), "toggle.Decreased["+text+"]", decrease)
	}
	return false
}

// literal says whether an expression is made of integer literals alone.
func literal(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.BasicLit:
		return x.Kind == token.INT
	case *ast.ParenExpr:
		return literal(x.X)
	case *ast.UnaryExpr:
		return literal(x.X)
	case *ast.BinaryExpr:
		return literal(x.X) && literal(x.Y)
	case *ast.CallExpr: // a conversion
		return len(x.Args) == 1 && literal(x.Args[0])
	}
	return false
}

// named says whether an expression is a named constant.
func (f *finder) named(x ast.Expr) bool {
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident:
		return true
	case *ast.SelectorExpr:
		return true
	case *ast.BinaryExpr:
		return (f.named(x.X) || literal(x.X)) && (f.named(x.Y) || literal(x.Y))
	}
	return false
}

// comparedWith gives the comparison whose right operand an expression is, as if it were, or ILLEGAL.
func (f *finder) comparedWith(x ast.Expr) token.Token {
	parent, ok := f.parent().(*ast.BinaryExpr)
	if !ok {
		return token.ILLEGAL
	}
	mirrored := map[token.Token]token.Token{
		token.LSS: token.GTR,
		token.GTR: token.LSS,
		token.LEQ: token.GEQ,
		token.GEQ: token.LEQ,
	}
	switch parent.Op {
	case token.EQL, token.NEQ:
		return token.EQL
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		if parent.X == x {
			return mirrored[parent.Op]
		}
		return parent.Op
	}
	return token.ILLEGAL
}

// capacity says whether an expression is the capacity of what make makes.
func (f *finder) capacity(x ast.Expr) bool {
	call, ok := f.parent().(*ast.CallExpr)
	if !ok {
		return false
	}
	name, ok := call.Fun.(*ast.Ident)
	return ok && name.Name == "make" && len(call.Args) == 3 && call.Args[2] == x
}

// results replaces returned errors by nil, and flips true and false.
func (f *finder) results(r *ast.ReturnStmt) {
	results := f.signature().Results()
	if len(r.Results) != results.Len() {
		if len(r.Results) == 1 && results.Len() > 1 && isError(results.At(results.Len()-1).Type()) {
			f.skip("an error that is returned with the other results of a call")
		}
		return
	}
	for i, x := range r.Results {
		declared := results.At(i).Type()
		value := f.info.Types[x]
		switch {
		case value.IsNil():
		case isError(declared):
			f.zero(x, x, declared, dropError)
		case value.Value != nil && value.Value.Kind() == constant.Bool:
			if basic, ok := declared.(*types.Basic); ok && basic.Kind() == types.Bool {
				f.wrap(x, "toggle.Flip", flipResult)
			}
		}
	}
}

// signature is that of the function in which the finder is.
func (f *finder) signature() *types.Signature {
	for _, n := range slices.Backward(f.stack) {
		switch n := n.(type) {
		case *ast.FuncLit:
			return f.info.Types[n].Type.(*types.Signature)
		case *ast.FuncDecl:
			return f.info.Defs[n.Name].Type().(*types.Signature)
		}
	}
	panic("a return statement outside a function")
}

var errorInterface = types.Universe.Lookup("error").Type().Underlying().(*types.Interface)

func isError(t types.Type) bool {
	switch t.Underlying().(type) {
	case *types.Interface, *types.Pointer:
		return types.Implements(t, errorInterface)
	}
	return false
}

// zero replaces an expression by the zero value of a type. What is shown of the mutant may be more than the expression.
func (f *finder) zero(x ast.Expr, shown ast.Node, t types.Type, o operator) {
	text, ok := f.typeText(t)
	if !ok {
		f.skip("a value whose type the file can't name")
		return
	}
	f.wrap(x, "toggle.Zero["+text+"]", o).mutants[0].source = f.excerpt(shown)
}

// fields leaves out the fields of a composite literal of a struct, except constants.
func (f *finder) fields(c *ast.CompositeLit) {
	t := f.info.Types[c].Type
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem() // &T left out in a list of pointers
	}
	fields, ok := t.Underlying().(*types.Struct)
	if !ok {
		return
	}
	for i, element := range c.Elts {
		x, declared := element, types.Type(nil)
		if pair, ok := element.(*ast.KeyValueExpr); ok {
			x = pair.Value
			declared = f.info.Uses[pair.Key.(*ast.Ident)].Type()
		} else {
			declared = fields.Field(i).Type()
		}
		value := f.info.Types[x]
		if value.IsNil() || f.empty(x) || value.Value != nil && value.Value.Kind() == constant.Int && literal(x) {
			continue // it is zero already, or changed as a constant
		}
		f.zero(x, element, declared, dropField)
	}
}

// empty says whether an expression makes something without content.
func (f *finder) empty(x ast.Expr) bool {
	switch x := x.(type) {
	case *ast.CompositeLit:
		return len(x.Elts) == 0
	case *ast.CallExpr:
		name, ok := x.Fun.(*ast.Ident)
		return ok && name.Name == "make"
	}
	return false
}

// typeText writes a type as the file would. It says whether the file can.
func (f *finder) typeText(t types.Type) (string, bool) {
	can := true
	text := types.TypeString(t, func(p *types.Package) string {
		if p == f.types {
			return ""
		}
		for _, i := range f.file.syntax.Imports {
			if strings.Trim(i.Path.Value, `"`) != p.Path() {
				continue
			}
			if i.Name == nil {
				return p.Name()
			}
			if i.Name.Name != "_" && i.Name.Name != "." {
				return i.Name.Name
			}
		}
		can = false
		return p.Name()
	})
	return text, can
}
