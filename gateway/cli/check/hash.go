package check

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/cli/content"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

// Hash returns the command hash, which prints the digest of a file or a folder.
func Hash() *cobra.Command {
	var h content.Hashing
	var out string
	var asJSON bool
	c := &cobra.Command{
		Use:   "hash DIR|FILE",
		Short: "Print the digest of a file or a folder",
		Long: `Print the digest by which the ledger knows a file or a folder. The command needs no
network and sends nothing.

The digest of a file is its SHA-256. The digest of a folder is the SHA-256 of its
manifest, which lists every file with its name, size and SHA-256, sorted by name. So
the digest changes if a byte changes, or if a file is added, removed or renamed. Files
larger than 1 GB are hashed in shards, several at a time.

A folder may contain only regular files. Symbolic links, devices, pipes and names that
aren't UTF-8 are refused. One kind of link is allowed: the links from a snapshot in a
Hugging Face cache to the blobs of that cache. A Git LFS pointer is hashed as it is,
with a warning.

Git's own files at the top of DIR (.git, .gitattributes, .github, .gitignore) are left
out. Use --ignore to leave out more; it takes paths, not patterns, and the manifest
records them.

Your cache folder keeps the digests of files, so files that haven't changed aren't read
again. --no-cache reads everything.

To check the digest with other tools, write the manifest with --manifest. Its hashes are
those that sha256sum prints for the files, and sha256sum of the manifest is the digest.`,
		Example: `  pedigree hash models/spoilage
  pedigree hash models/spoilage --ignore logs --manifest spoilage.json && sha256sum spoilage.json
  jq -r '.files[] | select(.sha256) | "\(.sha256)  \(.name)"' spoilage.json | (cd models/spoilage && sha256sum --check)`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			got, err := h.Read(c.Context(), args[0], terminal.NewProgress(c.ErrOrStderr()), nil)
			if err != nil {
				return err
			}
			content.ShowWarnings(c.ErrOrStderr(), got.Warnings)
			if out != "" {
				if got.Manifest == nil {
					return exit.Usagef("%s is a file and has no manifest; its digest is its SHA-256, %s", args[0],
						got.Digest)
				}
				if err := content.WriteManifest(got.Manifest, out, c.OutOrStdout()); err != nil || out == "-" {
					return err
				}
			}
			if asJSON {
				return printContent(c.OutOrStdout(), got)
			}
			fmt.Fprintln(c.ErrOrStderr(), got.Words())
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s  %s\n", got.Digest, terminal.Plain(args[0]))
			return err
		},
	}
	h.AddFlags(c, true)
	c.Flags().
		StringVar(&out, "manifest", "", "write the folder's manifest to a file, or print only the manifest if it is -")
	c.Flags().BoolVar(&asJSON, "json", false, "print digest, size, number of files and manifest as JSON")
	return c
}

// printContent writes {"digest":{…},"size":…,"files":…,"ignored":[…],"warnings":[…],"manifest":{…}}. It writes the
// manifest piece by piece, because it can be large.
func printContent(w io.Writer, c *content.Hashed) error {
	head := canonical.Obj(
		canonical.Member{
			Name: "digest",
			Value: canonical.Obj(
				canonical.Member{Name: "algorithm", Value: canonical.Str("sha-256")},
				canonical.Member{
					Name:  "value",
					Value: canonical.Str(c.Digest),
				},
				canonical.Member{Name: "coverage", Value: canonical.Str("full")},
			),
		},
		canonical.Member{Name: "size", Value: canonical.Int(c.Size)},
		canonical.Member{Name: "files", Value: canonical.Int(int64(c.Files))},
		canonical.Member{Name: "ignored", Value: texts(c.Ignored)},
		canonical.Member{Name: "warnings", Value: texts(c.Warnings)},
	).Bytes()
	if c.Manifest == nil {
		_, err := w.Write(append(head, '\n'))
		return err
	}
	if _, err := fmt.Fprintf(w, "%s,\"manifest\":", head[:len(head)-1]); err != nil {
		return err
	}
	if _, err := c.Manifest.WriteTo(w); err != nil {
		return err
	}
	_, err := io.WriteString(w, "}\n")
	return err
}

// texts returns a JSON array of strings.
func texts(all []string) canonical.Value {
	items := make([]canonical.Value, len(all))
	for i, text := range all {
		items[i] = canonical.Str(text)
	}
	return canonical.Arr(items...)
}
