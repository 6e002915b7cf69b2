package main

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"
)

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
