// Package content reads the content that the command line registers and verifies. [Hashing] hashes files and folders,
// and [Signature] reads a signature of OpenSSF Model Signing and compares content with it.
package content

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder"
)

// Hashing holds the flags of every command that hashes files.
type Hashing struct {
	Ignore  []string // paths to leave out, relative to the folder
	Workers int
	NoCache bool
}

// AddFlags adds the flags to a command. caches says whether the command uses the cache of digests and so needs
// --no-cache.
func (h *Hashing) AddFlags(c *cobra.Command, caches bool) {
	c.Flags().
		StringArrayVar(&h.Ignore, "ignore", nil,
			"leave out this file or folder, a path relative to DIR; may be repeated")
	c.Flags().
		IntVarP(&h.Workers, "jobs", "j", runtime.GOMAXPROCS(0),
			"number of files, or shards of large files, to hash at a time")
	if caches {
		c.Flags().
			BoolVar(&h.NoCache, "no-cache", false, "read every file, even if it hasn't changed since it was last hashed")
	}
}

// Options returns the options for hashing a folder. Progress is shown on line.
func (h *Hashing) Options(line *terminal.Progress, name string) folder.Hashing {
	return folder.Hashing{Workers: h.Workers, Notice: func(p folder.Progress) {
		rate := ""
		if s := p.Since.Seconds(); s > 0.5 && p.Bytes > 0 {
			rate = fmt.Sprintf(", %s/s", terminal.Bytes(int64(float64(p.Bytes)/s)))
		}
		line.Show(
			"hashing %s: %d of %s, %s of %s%s",
			terminal.Plain(filepath.Base(name)),
			p.Files,
			terminal.Count(p.AllFiles, "file"),
			terminal.Bytes(p.Bytes),
			terminal.Bytes(p.AllBytes),
			rate,
		)
	}}
}

// Hashed is the result of hashing a file or a folder.
type Hashed struct {
	Digest   string // SHA-256 of the file, or of the folder's manifest
	Size     int64
	Files    int
	Manifest *manifest.Manifest // nil for a single file
	Ignored  []string           // paths in the folder that were left out
	Reused   int                // files whose digests were taken from the cache
	Warnings []string           // what may surprise somebody about what the digest covers
}

// Read hashes a file or a folder. If also isn't nil, Read calls it at the end, while the folder is still open. If the
// content can't be hashed, the error is a usage error.
func (h *Hashing) Read(
	ctx context.Context,
	path string,
	line *terminal.Progress,
	also func(*folder.Folder, *Hashed) error,
) (*Hashed, error) {
	f, err := folder.Open(path, folder.Options{Ignore: h.Ignore})
	if err != nil {
		return nil, exit.With(exit.Usage, err)
	}
	defer f.Close()
	defer line.Done()
	c := &Hashed{Size: f.Size(), Files: f.Count(), Ignored: f.Ignored()}
	o := h.Options(line, path)
	if f.Single() != "" {
		if len(h.Ignore) > 0 {
			return nil, exit.Usagef("--ignore works only with a folder; %s is a file", path)
		}
		if c.Digest, err = f.Digest(ctx, o); err != nil {
			return nil, exit.With(exit.Usage, err)
		}
	} else if err := h.readFolder(ctx, f, c, o); err != nil {
		return nil, exit.With(exit.Usage, err)
	}
	c.Warnings = Warnings(f)
	if also != nil {
		err = also(f, c)
	}
	return c, err
}

// Warnings returns what may surprise somebody who hashed a folder: files that are only pointers to their content, and
// paths to ignore that don't exist.
func Warnings(f *folder.Folder) []string {
	var warnings []string
	if names := f.Pointers(); len(names) > 0 {
		warnings = append(warnings, fmt.Sprintf(
			"%s: this is a Git LFS pointer, not the content, and the digest is that of the pointer; \"git lfs pull\" fetches the content",
			some(names),
		))
	}
	if paths := f.Unmatched(); len(paths) > 0 {
		advice := ""
		if slices.ContainsFunc(paths, func(path string) bool { return strings.ContainsAny(path, "*?[") }) {
			advice = "; patterns aren't expanded, so name each file or folder"
		}
		warnings = append(warnings, fmt.Sprintf("--ignore %s: the folder has nothing of that name%s", some(paths),
			advice))
	}
	return warnings
}

// some lists the first few of many names.
func some(names []string) string {
	const most = 10
	shown := terminal.Plain(strings.Join(names[:min(len(names), most)], ", "))
	if more := len(names) - most; more > 0 {
		shown += fmt.Sprintf(" and %d more", more)
	}
	return shown
}

// ShowWarnings prints warnings for people, one in a line.
func ShowWarnings(w io.Writer, warnings []string) {
	for _, text := range warnings {
		fmt.Fprintln(w, "warning:", text)
	}
}

func (h *Hashing) readFolder(ctx context.Context, f *folder.Folder, c *Hashed, o folder.Hashing) error {
	if !h.NoCache {
		o.Cache = folder.UserCache()
	}
	show := o.Notice
	o.Notice = func(p folder.Progress) { c.Reused = p.Reused; show(p) }
	m, err := f.Manifest(ctx, o)
	if err == nil {
		c.Manifest, c.Digest = &m, m.Digest()
	}
	return err
}

// Words returns a summary for people.
func (c *Hashed) Words() string {
	text := terminal.Count(c.Files, "file") + ", " + terminal.Bytes(c.Size)
	if c.Reused > 0 {
		text += fmt.Sprintf("; %d unchanged since they were last hashed (--no-cache reads them)", c.Reused)
	}
	if len(c.Ignored) > 0 {
		text += "; left out: " + terminal.Plain(strings.Join(c.Ignored, ", "))
	}
	return text
}

// WriteManifest writes the canonical bytes of a manifest to a file, or to stdout if name is "-".
func WriteManifest(m *manifest.Manifest, name string, stdout io.Writer) error {
	if name == "-" {
		_, err := m.WriteTo(stdout)
		return err
	}
	file, err := os.Create(name)
	if err != nil {
		return exit.Usagef("couldn't write the manifest: %w", err)
	}
	_, err = m.WriteTo(file)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("couldn't write the manifest to %s: %w", name, err)
	}
	return nil
}

// ReadManifest reads a manifest from a file.
func ReadManifest(name string) (*manifest.Manifest, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, exit.Usagef("couldn't read the manifest: %w", err)
	}
	defer file.Close()
	m, err := manifest.ReadFrom(file)
	if err != nil {
		return nil, exit.Usagef("%s is not a manifest: %w", name, err)
	}
	return &m, nil
}

// ShowDifferences prints how content differs from what it should be. It prints only the first of very many differences.
func ShowDifferences(w io.Writer, differences []folder.Difference) {
	const most = 50
	for i, d := range differences {
		if i == most {
			fmt.Fprintf(w, "  … and %d more; --json lists them all\n", len(differences)-most)
			return
		}
		extra := ""
		switch {
		case d.To != "":
			extra = " is called " + terminal.Plain(d.To) + " here"
		case d.Want != nil && d.Have != nil && d.Want.Size != d.Have.Size:
			extra = fmt.Sprintf("  %s, should be %s", terminal.Bytes(d.Have.Size), terminal.Bytes(d.Want.Size))
		}
		fmt.Fprintf(w, "  %-8s %s%s\n", d.Kind, terminal.Plain(d.Name), extra)
	}
}
