package main

import (
	"go/ast"
	"go/token"
	"slices"
)

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
