package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// togglePackage is what instrumented code imports.
const togglePackage = "github.com/pedigree-ledger/pedigree/test/mutation/toggle"

// source is a package whose code is to be changed.
type source struct {
	path  string // import path
	dir   string
	fset  *token.FileSet
	files []*sourceFile
	info  *types.Info
	types *types.Package

	importer types.Importer
}

// sourceFile is one file of a package, without tests.
type sourceFile struct {
	path   string // absolute
	text   []byte
	syntax *ast.File
}

// listed is what the go command says about a package.
type listed struct {
	ImportPath string
	Dir        string
	Export     string
	GoFiles    []string
	CgoFiles   []string
}

// expand gives the packages that patterns such as ./chaincode/... mean.
func expand(patterns []string) ([]string, error) {
	found, err := goList(append([]string{"-json=ImportPath"}, patterns...)...)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, p := range found {
		paths = append(paths, p.ImportPath)
	}
	return paths, nil
}

func goList(args ...string) ([]listed, error) {
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("couldn't list packages: %w", err)
	}
	var all []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("couldn't read what go list says: %w", err)
		}
		all = append(all, p)
	}
}

// load parses a package and finds the types of its expressions. What it imports is read from the compiler's export
// data.
func load(path string) (*source, error) {
	all, err := goList("-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,CgoFiles", path, togglePackage)
	if err != nil {
		return nil, err
	}
	s := &source{path: path, fset: token.NewFileSet()}
	exports := map[string]string{}
	for _, p := range all {
		exports[p.ImportPath] = p.Export
		if p.ImportPath != path {
			continue
		}
		if len(p.CgoFiles) > 0 {
			return nil, fmt.Errorf("%s uses cgo", path)
		}
		s.dir = p.Dir
		for _, name := range p.GoFiles {
			f := &sourceFile{path: filepath.Join(p.Dir, name)}
			if f.text, err = os.ReadFile(f.path); err != nil {
				return nil, err
			}
			if f.syntax, err = parser.ParseFile(s.fset, f.path, f.text, parser.ParseComments|parser.SkipObjectResolution); err != nil {
				return nil, err
			}
			s.files = append(s.files, f)
		}
	}
	s.importer = importer.ForCompiler(s.fset, "gc", func(path string) (io.ReadCloser, error) {
		file, ok := exports[path]
		if !ok || file == "" {
			return nil, fmt.Errorf("there is no export data of %s", path)
		}
		return os.Open(file)
	})
	var files []*ast.File
	for _, f := range s.files {
		files = append(files, f.syntax)
	}
	s.info = &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{},
		Uses:  map[*ast.Ident]types.Object{},
		Defs:  map[*ast.Ident]types.Object{},
	}
	if s.types, err = (&types.Config{Importer: s.importer}).Check(path, s.fset, files, s.info); err != nil {
		return nil, err
	}
	return s, nil
}

// recheck finds what the compiler would say about changed files of the package.
func (s *source) recheck(texts map[string][]byte) ([]types.Error, error) {
	var files []*ast.File
	for _, f := range s.files {
		syntax := f.syntax
		if text, ok := texts[f.path]; ok {
			var err error
			if syntax, err = parser.ParseFile(s.fset, f.path, text, parser.SkipObjectResolution); err != nil {
				return nil, err
			}
		}
		files = append(files, syntax)
	}
	var found []types.Error
	config := types.Config{Importer: s.importer, Error: func(err error) {
		if e, ok := errors.AsType[types.Error](err); ok && !e.Soft {
			found = append(found, e)
		}
	}}
	_, _ = config.Check(s.path, s.fset, files, nil) // reports each error by itself
	return found, nil
}
