// Package web contains the pages for people.
//
// Each page has a template in the folder templates and a Go type with the data that it shows, such as [Thing] for
// thing.html. [Load] parses the templates, which are embedded in the program, and [Pages.Render] makes a page of its
// data. The package doesn't know where the data comes from; the gateway fills it in.
//
// Pages load nothing from other sites and have no inline scripts or styles, so a strict content security policy can
// apply to them. Every page works without scripts; scripts only make it better.
//
// The files of the folder style, in the order of their names, are served as one style sheet. Each file of the folder
// script is served by itself. The addresses of both change with their content, so browsers may keep them for ever.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"
)

//go:embed templates/*.html style/*.css script/*.js
var files embed.FS

//go:embed icon.svg
var sign []byte

// shared are the templates that all pages use.
var shared = []string{"templates/base.html", "templates/parts.html"}

// Pages are the parsed templates and what the pages load. They are safe for concurrent use.
type Pages struct {
	templates map[string]*template.Template
	assets    map[string]asset
	scripts   map[string]string // path by name
	sheet     string            // path of the style sheet
}

type asset struct {
	body  []byte
	media string
}

// Load reads the templates. The name of a page is that of its file, without .html.
func Load() (*Pages, error) {
	p := &Pages{templates: map[string]*template.Template{}, assets: map[string]asset{}, scripts: map[string]string{}}
	if err := p.loadAssets(); err != nil {
		return nil, err
	}
	pages, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("couldn't list the pages: %w", err)
	}
	for _, file := range pages {
		if file == shared[0] || file == shared[1] {
			continue
		}
		name := strings.TrimSuffix(path.Base(file), ".html")
		t, err := template.New(name).Funcs(p.functions()).ParseFS(files, append(shared[:2:2], file)...)
		if err != nil {
			return nil, fmt.Errorf("couldn't read the page %q: %w", name, err)
		}
		p.templates[name] = t
	}
	return p, nil
}

// loadAssets reads the styles and scripts that pages load.
func (p *Pages) loadAssets() error {
	styles, err := fs.Glob(files, "style/*.css")
	if err != nil {
		return fmt.Errorf("couldn't list the styles: %w", err)
	}
	var sheet []byte
	for _, file := range styles {
		text, err := files.ReadFile(file)
		if err != nil {
			return fmt.Errorf("couldn't read the style %s: %w", file, err)
		}
		sheet = append(sheet, text...)
	}
	p.sheet = p.keep("style", ".css", "text/css; charset=utf-8", sheet)
	scripts, err := fs.Glob(files, "script/*.js")
	if err != nil {
		return fmt.Errorf("couldn't list the scripts: %w", err)
	}
	for _, file := range scripts {
		text, err := files.ReadFile(file)
		if err != nil {
			return fmt.Errorf("couldn't read the script %s: %w", file, err)
		}
		name := strings.TrimSuffix(path.Base(file), ".js")
		p.scripts[name] = p.keep(name, ".js", "text/javascript; charset=utf-8", text)
	}
	return nil
}

// keep keeps a file that pages load and returns its path.
func (p *Pages) keep(name, extension, media string, body []byte) string {
	sum := sha256.Sum256(body)
	file := name + "-" + hex.EncodeToString(sum[:6]) + extension
	p.assets[file] = asset{body, media}
	return "/assets/" + file
}

// Render makes a page of its data, with the data's Frame around it. The data must have the type that the page's
// template expects.
func (p *Pages) Render(name string, data Framed) ([]byte, error) { return p.render(name, "base", data) }

// RenderPart makes one part of a page: the template of that name in the page's file.
func (p *Pages) RenderPart(name, part string, data Framed) ([]byte, error) {
	return p.render(name, part, data)
}

func (p *Pages) render(name, part string, data Framed) ([]byte, error) {
	t, ok := p.templates[name]
	if !ok {
		return nil, fmt.Errorf("there is no page %q", name)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, part, data); err != nil {
		return nil, fmt.Errorf("couldn't make the page %q: %w", name, err)
	}
	return bytes.ToValidUTF8(b.Bytes(), []byte("\ufffd")), nil // pages repeat what was asked, which may be any bytes
}

// Asset finds a file that pages load and returns its content and its media type.
func (p *Pages) Asset(name string) (body []byte, media string, ok bool) {
	a, ok := p.assets[name]
	return a.body, a.media, ok
}

// Icon is Pedigree's logo as SVG.
func (p *Pages) Icon() []byte { return sign }
