// Package sbom writes what Go programs were built from as a CycloneDX bill of materials.
package sbom

import (
	"cmp"
	"debug/buildinfo"
	"fmt"
	"io"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
)

// A Program is a program of a release.
type Program struct {
	Name    string
	Version string
	Path    string
	SHA256  string // in hexadecimal
}

// Write writes the bill of a release for one system: its programs, and the modules that the Go compiler noted in each.
// The same programs give the same bytes.
func Write(w io.Writer, name, version string, made time.Time, programs ...Program) error {
	whole := cyclonedx.Component{BOMRef: "release", Type: cyclonedx.ComponentTypeApplication, Name: name, Version: version}
	dependencies := map[string][]string{}
	modules := map[string]cyclonedx.Component{}
	bom := cyclonedx.NewBOM()
	var components []cyclonedx.Component
	for _, p := range programs {
		info, err := buildinfo.ReadFile(p.Path)
		if err != nil {
			return fmt.Errorf("couldn't read what %s was built from: %w", p.Path, err)
		}
		ref := "program:" + p.Name
		dependencies[whole.BOMRef] = append(dependencies[whole.BOMRef], ref)
		components = append(components, cyclonedx.Component{BOMRef: ref, Type: cyclonedx.ComponentTypeApplication,
			Name: p.Name, Version: p.Version, PackageURL: purl("", info.Main),
			Hashes: &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: p.SHA256}}})
		for _, used := range append([]*debug.Module{{Path: "std", Version: info.GoVersion}}, info.Deps...) {
			m := library(*used)
			modules[m.BOMRef] = m
			dependencies[ref] = append(dependencies[ref], m.BOMRef)
		}
	}
	for _, m := range modules {
		components = append(components, m)
	}
	slices.SortFunc(components, func(a, b cyclonedx.Component) int { return cmp.Compare(a.BOMRef, b.BOMRef) })
	var all []cyclonedx.Dependency
	for ref, on := range dependencies {
		slices.Sort(on)
		all = append(all, cyclonedx.Dependency{Ref: ref, Dependencies: &on})
	}
	slices.SortFunc(all, func(a, b cyclonedx.Dependency) int { return cmp.Compare(a.Ref, b.Ref) })
	bom.Metadata = &cyclonedx.Metadata{Component: &whole, Timestamp: made.UTC().Format(time.RFC3339)}
	bom.Components, bom.Dependencies = &components, &all
	return cyclonedx.NewBOMEncoder(w, cyclonedx.BOMFileFormatJSON).SetPretty(true).
		EncodeVersion(bom, cyclonedx.SpecVersion1_6)
}

// library describes a module in a program. Where another module or a changed copy takes its place, it is the one that is
// in the program.
func library(m debug.Module) cyclonedx.Component {
	c := cyclonedx.Component{Type: cyclonedx.ComponentTypeLibrary, Name: m.Path, Version: m.Version}
	if r := m.Replace; r != nil && r.Version == "" { // a copy, which the build has changed
		c.Description = "a changed copy"
	} else if r != nil {
		c.Name, c.Version = r.Path, r.Version
	}
	c.PackageURL = purl(c.Description, debug.Module{Path: c.Name, Version: c.Version})
	c.BOMRef = c.PackageURL
	return c
}

// purl is the package URL of a module.
func purl(changed string, m debug.Module) string {
	parts := strings.Split(m.Path, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	text := "pkg:golang/" + strings.Join(parts, "/")
	if m.Version != "" && m.Version != "(devel)" {
		text += "@" + url.QueryEscape(m.Version)
	}
	if changed != "" {
		text += "?changed=true"
	}
	return text
}
