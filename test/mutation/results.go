package main

import (
	"go/ast"
	"go/constant"
	"go/types"
	"slices"
	"strings"
)

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
		if value.IsNil() || f.empty(x) || value.Value != nil && (isZero(value.Value) || value.Value.Kind() == constant.Int && literal(x)) {
			continue // it is zero already, or changed as a constant
		}
		f.zero(x, element, declared, dropField)
	}
}

// isZero says whether a constant is the zero value of its type.
func isZero(v constant.Value) bool {
	switch v.Kind() {
	case constant.Bool:
		return !constant.BoolVal(v)
	case constant.String:
		return constant.StringVal(v) == ""
	}
	return constant.Sign(v) == 0
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
