package client

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder"
)

// hashing is what every verb has that hashes files.
type hashing struct {
	ignore  []string
	workers int
	noCache bool
}

func (h *hashing) flags(c *cobra.Command, caches bool) {
	c.Flags().StringArrayVar(&h.ignore, "ignore", nil, "leave out a file or a folder, given relative to DIR; may be repeated")
	c.Flags().IntVarP(&h.workers, "jobs", "j", runtime.GOMAXPROCS(0), "how many files, or shards of large files, to hash at a time")
	if caches {
		c.Flags().BoolVar(&h.noCache, "no-cache", false, "read every file, also those that haven't changed since they were hashed before")
	}
}

// options are how a folder is hashed, with progress on a line.
func (h *hashing) options(line *progress, name string) folder.Hashing {
	return folder.Hashing{Workers: h.workers, Notice: func(p folder.Progress) {
		rate := ""
		if s := p.Since.Seconds(); s > 0.5 && p.Bytes > 0 {
			rate = fmt.Sprintf(", %s/s", bytesOf(int64(float64(p.Bytes)/s)))
		}
		line.show("hashing %s: %d of %s, %s of %s%s", plain(filepath.Base(name)), p.Files, countOf(p.AllFiles, "file"), bytesOf(p.Bytes), bytesOf(p.AllBytes), rate)
	}}
}

// content is what a file or a folder hashes to.
type content struct {
	digest   string // SHA-256: of the file, or of the folder's manifest
	size     int64
	files    int
	manifest *manifest.Manifest // of a folder; nil for a single file
	ignored  []string           // what was there and left out
	reused   int                // files that weren't read
}

// read hashes a file or a folder, and then does what else is to be done with it; nil means nothing. What can't be hashed as it
// is, is a mistake of the caller.
func (h *hashing) read(ctx context.Context, path string, line *progress, also func(*folder.Folder, *content) error) (*content, error) {
	f, err := folder.Open(path, folder.Options{Ignore: h.ignore})
	if err != nil {
		return nil, failure{err, ExitUsage}
	}
	defer f.Close()
	defer line.done()
	c := &content{size: f.Size(), files: f.Count(), ignored: f.Ignored()}
	o := h.options(line, path)
	if f.Single() != "" {
		if len(h.ignore) > 0 {
			return nil, usage("--ignore goes with a folder; %s is a file", path)
		}
		if c.digest, err = f.Digest(ctx, o); err != nil {
			return nil, failure{err, ExitUsage}
		}
	} else if err := h.readFolder(ctx, f, c, o); err != nil {
		return nil, failure{err, ExitUsage}
	}
	if also != nil {
		err = also(f, c)
	}
	return c, err
}

func (h *hashing) readFolder(ctx context.Context, f *folder.Folder, c *content, o folder.Hashing) error {
	if !h.noCache {
		o.Cache = folder.UserCache()
	}
	show := o.Notice
	o.Notice = func(p folder.Progress) { c.reused = p.Reused; show(p) }
	m, err := f.Manifest(ctx, o)
	if err == nil {
		c.manifest, c.digest = &m, m.Digest()
	}
	return err
}

// said is what people are told of it.
func (c *content) said() string {
	text := countOf(c.files, "file") + ", " + bytesOf(c.size)
	if c.reused > 0 {
		text += fmt.Sprintf("; %d unchanged since they were hashed before (--no-cache reads them)", c.reused)
	}
	if len(c.ignored) > 0 {
		text += "; left out: " + plain(strings.Join(c.ignored, ", "))
	}
	return text
}

// writeManifest writes the canonical bytes of a manifest to a new file, or to standard output.
func writeManifest(m *manifest.Manifest, name string, stdout io.Writer) error {
	if name == "-" {
		_, err := m.WriteTo(stdout)
		return err
	}
	file, err := os.Create(name)
	if err != nil {
		return usage("couldn't write the manifest: %w", err)
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

// readManifest reads a manifest that is a file.
func readManifest(name string) (*manifest.Manifest, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, usage("couldn't read the manifest: %w", err)
	}
	defer file.Close()
	m, err := manifest.ReadFrom(file)
	if err != nil {
		return nil, usage("%s is no manifest: %w", name, err)
	}
	return &m, nil
}

// bytesOf is a number of bytes for people.
func bytesOf(n int64) string {
	units := []string{"kB", "MB", "GB", "TB", "PB"}
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n)/1000, 0
	for value >= 999.5 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	if value < 10 {
		return fmt.Sprintf("%.1f %s", value, units[unit])
	}
	return fmt.Sprintf("%.0f %s", value, units[unit])
}

// showDifferences lists how something differs from what it should be.
func showDifferences(w io.Writer, differences []folder.Difference) {
	const most = 50
	for i, d := range differences {
		if i == most {
			fmt.Fprintf(w, "  … and %d more; --json has them all\n", len(differences)-most)
			return
		}
		extra := ""
		switch {
		case d.To != "":
			extra = " is called " + plain(d.To) + " here"
		case d.Want != nil && d.Have != nil && d.Want.Size != d.Have.Size:
			extra = fmt.Sprintf("  %s, should be %s", bytesOf(d.Have.Size), bytesOf(d.Want.Size))
		}
		fmt.Fprintf(w, "  %-8s %s%s\n", d.Kind, plain(d.Name), extra)
	}
}
