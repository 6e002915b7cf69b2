// Package systemd writes the services by which systemd runs the parts of an organisation on its host.
package systemd

import (
	_ "embed"
	"fmt"
	"path/filepath"
	"strings"
	"text/template"
	"unicode"
)

// An Installation says what the services run.
type Installation struct {
	Name    string   // of the organisation
	Dir     string   // the organisation's folder, which the services may write
	Program string   // the path of pedigree
	User    string   // of the system, who owns Dir
	Parts   []string // orderer, peer, chaincode, gateway
}

// A File is a unit of systemd.
type File struct {
	Name string
	Text []byte
}

//go:embed part.service.tmpl
var serviceText string

//go:embed parts.target.tmpl
var targetText string

var (
	functions = template.FuncMap{"quote": quote, "word": word, "credential": Credential}
	service   = template.Must(template.New("service").Funcs(functions).Parse(serviceText))
	target    = template.Must(template.New("target").Funcs(functions).Parse(targetText))
)

// Target is the name of the unit that stands for all parts of the organisation.
func (i Installation) Target() string { return "pedigree@" + i.Name + ".target" }

// Service is the name of the unit that runs a part.
func (i Installation) Service(part string) string {
	return "pedigree-" + part + "@" + i.Name + ".service"
}

// Home is where the package has the folders of organisations, and User who owns them.
const (
	Home = "/var/lib/pedigree"
	User = "pedigree"
)

// Packaged is what the package of the system installs: units for an organisation of any name, with its folder in [Home].
func Packaged() ([]File, error) {
	i := Installation{Dir: Home + "/%i", Program: "/usr/bin/pedigree", User: User,
		Parts: []string{"orderer", "peer", "chaincode", "gateway"}}
	return i.files("%i")
}

// Credential is the name of the file in /etc/credstore from which the gateway gets the password of its index.
func Credential(organisation string) string { return "pedigree-" + organisation + "-index-password" }

// Files returns the units: one service for each part, and a target for all of them. The paths have passed [CheckPaths].
func (i Installation) Files() ([]File, error) {
	i.Dir, i.Program = strings.ReplaceAll(i.Dir, "%", "%%"), strings.ReplaceAll(i.Program, "%", "%%")
	return i.files(i.Name)
}

// files renders the units. shown is the organisation's name in the text of the units, in which % has a meaning.
func (i Installation) files(shown string) ([]File, error) {
	files := make([]File, 0, len(i.Parts)+1)
	render := func(name string, t *template.Template, part string) error {
		var text strings.Builder
		err := t.Execute(&text, struct {
			Installation
			Part, Shown string
		}{i, part, shown})
		files = append(files, File{name, []byte(text.String())})
		return err
	}
	for _, part := range i.Parts {
		if err := render(i.Service(part), service, part); err != nil {
			return nil, err
		}
	}
	return files, render(i.Target(), target, "")
}

// hidden are the folders of which a service sees nothing, or something of its own.
var hidden = []string{"/home", "/root", "/run/user", "/tmp", "/var/tmp", "/dev", "/proc", "/sys"}

// CheckPaths returns an error if a service could not name or see an organisation's folder and the program.
func CheckPaths(dir, program string) error {
	for _, one := range []struct{ what, path, better string }{
		{"the organisation's folder", dir, "/var/lib/pedigree"}, {"the program", program, "/usr/local/bin"},
	} {
		if strings.ContainsFunc(one.path, func(r rune) bool { return unicode.IsControl(r) || r == '"' || r == '\\' }) {
			return fmt.Errorf("%s is at %q: a service can't name a path with quotes, backslashes or control characters",
				one.what, one.path)
		}
		for _, place := range hidden {
			if inside, err := filepath.Rel(place, one.path); err == nil && filepath.IsLocal(inside) {
				return fmt.Errorf("%s is at %s, and services see nothing of %s: move it, for example to %s", one.what, one.path,
					place, one.better)
			}
		}
	}
	return nil
}

// quote writes a path as one word of a setting.
func quote(path string) string { return `"` + path + `"` }

// word is quote for a command line, in which $ has a meaning, too.
func word(text string) string { return strings.ReplaceAll(quote(text), "$", "$$") }
