package main

import (
	"bytes"
	_ "embed"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pedigree-ledger/pedigree/network/release/deb"
	"github.com/pedigree-ledger/pedigree/network/release/oci"
	"github.com/pedigree-ledger/pedigree/network/release/tree"
	"github.com/pedigree-ledger/pedigree/network/systemd"
)

var (
	//go:embed debian/postinst
	postinst string
	//go:embed debian/prerm
	prerm string
	//go:embed debian/postrm
	postrm string
	//go:embed debian/copyright
	copyright []byte
	//go:embed debian/sysusers.conf
	sysusers []byte
	//go:embed debian/tmpfiles.conf
	tmpfiles []byte
)

const (
	maintainer = "The Pedigree authors <maintainers@pedigree.example>"
	synopsis   = "provable lineage from raw material to model decision"
)

// debian writes the Debian package for an architecture.
func (r *release) debian(architecture, program, fabric string) error {
	files := tree.Tree{
		"/usr/lib/sysusers.d/pedigree.conf": {Mode: 0o644, Content: sysusers},
		"/usr/lib/tmpfiles.d/pedigree.conf": {Mode: 0o644, Content: tmpfiles},
		"/usr/share/doc/pedigree/copyright": {Mode: 0o644, Content: copyright},
	}
	units, err := systemd.Packaged()
	if err != nil {
		return err
	}
	for _, unit := range units {
		files["/usr/lib/systemd/system/"+unit.Name] = tree.File{Mode: 0o644, Content: unit.Text}
	}
	for at, from := range map[string]string{"pedigree.cdx.json": r.billFile("linux/" + architecture), "README.md": "README.md",
		"CHANGELOG.md": "CHANGELOG.md"} {
		if err := files.Add("/usr/share/doc/pedigree/"+at, from, 0o644); err != nil {
			return err
		}
	}
	if err := files.AddDir("/usr/share/doc/pedigree/docs", "docs"); err != nil {
		return err
	}
	if err := files.Add("/usr/bin/pedigree", program, 0o755); err != nil {
		return err
	}
	if err := files.AddDir(fabricHome, fabric); err != nil {
		return err
	}
	p := deb.Package{Name: "pedigree", Version: deb.Version(r.version), Architecture: architecture, Maintainer: maintainer,
		Section: "net", Recommends: "systemd", Synopsis: synopsis,
		Description: "Records supply-chain events and versions of AI datasets and models on a\n" +
			"Hyperledger Fabric ledger that several organisations endorse. The package has\n" +
			"the programs of Fabric, too, and systemd services for the parts of an\n" +
			"organisation.\n",
		Files: files, Made: r.made, Scripts: map[string]string{"postinst": postinst, "prerm": prerm, "postrm": postrm}}
	return write(filepath.Join(r.out, "pedigree_"+p.Version+"_"+architecture+".deb"), p.Write)
}

// fabricHome is where package and image have Fabric.
const fabricHome = "/usr/lib/pedigree/fabric"

// The user of the image, who has no name elsewhere.
const imageUser = "65532:65532"

// platform is the image for an architecture: Fabric, which seldom changes, below the program.
func platform(architecture, program, fabric string) (oci.Platform, error) {
	below := tree.Tree{
		"/etc/passwd": {Mode: 0o644, Content: []byte("root:x:0:0:root:/:/sbin/nologin\n" +
			"pedigree:x:65532:65532:Pedigree:/var/lib/pedigree:/sbin/nologin\n")},
		"/etc/group": {Mode: 0o644, Content: []byte("root:x:0:\npedigree:x:65532:\n")},
	}
	if err := below.AddDir(fabricHome, fabric); err != nil {
		return oci.Platform{}, err
	}
	above := tree.Tree{"/usr/share/doc/pedigree/copyright": {Mode: 0o644, Content: copyright}}
	err := above.Add("/usr/bin/pedigree", program, 0o755)
	return oci.Platform{Architecture: architecture, Layers: []tree.Tree{below, above}}, err
}

// image writes the image for all architectures.
func (r *release) image(platforms []oci.Platform) error {
	i := oci.Image{Tag: r.version, User: imageUser, Entrypoint: []string{"/usr/bin/pedigree"}, WorkingDir: "/",
		Env:    []string{"HOME=/tmp", "PATH=/usr/bin"},
		Labels: map[string]string{"org.opencontainers.image.title": "pedigree", "org.opencontainers.image.version": r.version},
		Made:   r.made, PerPlatform: platforms}
	return write(filepath.Join(r.out, "pedigree-image.oci.tar"), i.Write)
}

// write writes a file at once.
func write(path string, how func(io.Writer) error) error {
	say("writing %s", path)
	var content bytes.Buffer
	if err := how(&content); err != nil {
		return err
	}
	return os.WriteFile(path, content.Bytes(), fs.FileMode(0o644))
}
