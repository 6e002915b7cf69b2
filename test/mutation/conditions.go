package main

import (
	"go/ast"
	"go/token"
	"go/types"
)

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
