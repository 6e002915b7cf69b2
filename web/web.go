// Package web has the pages for people: templates and styles, embedded in the program. Pages load nothing from elsewhere,
// have no scripts and no inline styles, and so live under the strictest content security policy.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"strings"
	"time"
)

//go:embed templates/*.html style.css
var files embed.FS

// Pages are the templates, parsed. They are safe for concurrent use.
type Pages struct {
	templates map[string]*template.Template
	assets    map[string][]byte
}

// names are the pages there are.
var names = []string{"thing", "docs", "problems"}

// Load reads the templates.
func Load() (*Pages, error) {
	style, err := files.ReadFile("style.css")
	if err != nil {
		return nil, fmt.Errorf("couldn't read the style sheet: %w", err)
	}
	sum := sha256.Sum256(style)
	sheet := "style-" + hex.EncodeToString(sum[:6]) + ".css"
	p := &Pages{templates: map[string]*template.Template{}, assets: map[string][]byte{sheet: style}}
	functions := template.FuncMap{
		"style": func() string { return "/assets/" + sheet },
		"spans": spans,
		"day":   func(t time.Time) string { return t.UTC().Format("2 January 2006") },
	}
	for _, name := range names {
		t, err := template.New(name).Funcs(functions).ParseFS(files, "templates/base.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("couldn't read the page %q: %w", name, err)
		}
		p.templates[name] = t
	}
	return p, nil
}

// span is a piece of text, of which the description marks some as code.
type span struct {
	Text string
	Code bool
}

// spans takes a text apart at its backticks. One that has no partner stays as it is.
func spans(text string) []span {
	pieces := strings.Split(text, "`")
	if len(pieces)%2 == 0 {
		return []span{{Text: text}}
	}
	list := make([]span, len(pieces))
	for i, piece := range pieces {
		list[i] = span{Text: piece, Code: i%2 == 1}
	}
	return list
}

// Render makes a page of its data, which is of the type that is named after the page.
func (p *Pages) Render(name string, data any) ([]byte, error) {
	t, ok := p.templates[name]
	if !ok {
		return nil, fmt.Errorf("there is no page %q", name)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "base", data); err != nil {
		return nil, fmt.Errorf("couldn't make the page %q: %w", name, err)
	}
	return b.Bytes(), nil
}

// Asset finds a file that pages load, and its media type.
func (p *Pages) Asset(name string) (body []byte, media string, ok bool) {
	body, ok = p.assets[name]
	return body, "text/css; charset=utf-8", ok
}

// Thing is the page about a thing.
type Thing struct {
	URI          string
	Organisation string // whose gateway this is
	Parts        []Part
	Recalls      []Recall
	OfManyLots   bool // the code is of a product as such; its lots and items have codes, and recalls, of their own
	SignedIn     bool
	Events       []Event // for callers with a token only
	More         bool    // there are more events
	Linkset      string
}

// Part is one element of the thing's code.
type Part struct{ Title, Value string }

// Recall is a recall that stands.
type Recall struct {
	By, Reason, Instructions string
	At                       time.Time
}

// Event is one line of a thing's history.
type Event struct{ Type, Time, Step, Disposition, Place, By, Record, Link string }

// Docs is the page about the API.
type Docs struct {
	Title, Description, Version string
	Groups                      []Group
}

// Group is the routes about one resource.
type Group struct {
	Name, Description string
	Routes            []Route
}

// Route is one method of one path.
type Route struct {
	ID, Method, Path, Summary, Description, Roles, Consumes string
	Parameters                                              []Parameter
	Examples                                                []Example
	Responses                                               []Response
}

// Parameter is one parameter of a route.
type Parameter struct {
	Name, In, Type, Description string
	Required                    bool
}

// Example is a request body that works.
type Example struct{ Name, JSON string }

// Response is one answer of a route.
type Response struct{ Status, Description string }

// Problems is the page about types of problem: all of them, or a single one.
type Problems struct {
	Kinds  []Problem
	Single bool
}

// Problem is one type of problem.
type Problem struct {
	Slug, Title, Help, EPCIS string
	Status                   int
}
