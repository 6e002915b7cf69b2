// Package deb writes Debian packages, as deb(5) describes them.
package deb

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/network/release/tree"
)

// A Package is a Debian package.
type Package struct {
	Name         string
	Version      string // as deb-version(7) has it
	Architecture string // amd64, arm64 …
	Maintainer   string
	Section      string
	Depends      string // optional
	Recommends   string // optional
	Synopsis     string
	Description  string // one paragraph; lines begin at the margin
	Files        tree.Tree
	Scripts      map[string]string // postinst, prerm, postrm …
	Made         time.Time
}

// Version turns the version of a Go module into one of Debian: a pre-release comes before its release.
func Version(module string) string {
	version, build, _ := strings.Cut(strings.TrimPrefix(module, "v"), "+")
	version = strings.ReplaceAll(version, "-", "~")
	if build != "" {
		version += "+" + strings.ReplaceAll(build, "-", ".")
	}
	return version
}

// Write writes the package. The same package gives the same bytes.
func (p *Package) Write(w io.Writer) error {
	control := tree.Tree{"/control": {Mode: 0o644, Content: p.control()}, "/md5sums": {Mode: 0o644, Content: p.sums()}}
	for name, text := range p.Scripts {
		control["/"+name] = tree.File{Mode: 0o755, Content: []byte(text)}
	}
	if _, err := io.WriteString(w, "!<arch>\n"); err != nil {
		return err
	}
	if err := p.member(w, "debian-binary", []byte("2.0\n")); err != nil {
		return err
	}
	for _, part := range []struct {
		name  string
		files tree.Tree
	}{{"control.tar.gz", control}, {"data.tar.gz", p.Files}} {
		var packed bytes.Buffer
		zip := gzip.NewWriter(&packed)
		if err := part.files.Write(zip, "./", p.Made); err != nil {
			return err
		}
		if err := zip.Close(); err != nil {
			return err
		}
		if err := p.member(w, part.name, packed.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// member writes a member of the ar archive.
func (p *Package) member(w io.Writer, name string, content []byte) error {
	if _, err := fmt.Fprintf(w, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", name, p.Made.Unix(), 0, 0, "100644",
		len(content)); err != nil {
		return err
	}
	if len(content)%2 == 1 {
		content = append(content, '\n')
	}
	_, err := w.Write(content)
	return err
}

func (p *Package) control() []byte {
	var text bytes.Buffer
	size := 0
	for _, file := range p.Files {
		size += (len(file.Content) + 1023) / 1024
	}
	for _, field := range [][2]string{{"Package", p.Name}, {"Version", p.Version}, {"Architecture", p.Architecture},
		{"Maintainer", p.Maintainer}, {"Installed-Size", fmt.Sprint(size)}, {"Depends", p.Depends},
		{"Recommends", p.Recommends}, {"Section", p.Section}, {"Priority", "optional"}, {"Description", p.Synopsis}} {
		if field[1] != "" {
			fmt.Fprintf(&text, "%s: %s\n", field[0], field[1])
		}
	}
	for line := range strings.Lines(p.Description) {
		fmt.Fprintf(&text, " %s\n", strings.TrimSpace(line))
	}
	return text.Bytes()
}

// sums lists the files with the hashes that dpkg --verify compares.
func (p *Package) sums() []byte {
	var text bytes.Buffer
	for _, at := range slices.Sorted(maps.Keys(p.Files)) {
		fmt.Fprintf(&text, "%x  %s\n", md5.Sum(p.Files[at].Content), at[1:])
	}
	return text.Bytes()
}
