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

// Hash hashes a file or a folder as the ledger has it.
func Hash() *cobra.Command {
	var h content.Hashing
	var out string
	var asJSON bool
	c := &cobra.Command{
		Use:   "hash DIR|FILE",
		Short: "The digest of a file or a folder, as the ledger has it",
		Long: `Print the digest by which the ledger knows a file or a folder. It needs no
network and sends nothing.

The digest of a file is its SHA-256. That of a folder is the SHA-256 of its
manifest: every file with its name, size and SHA-256, in the order of the names.
So it changes if a byte does, if a file comes or goes, and if one is renamed.
Files of more than 1 GB are hashed in shards, several at a time.

Only regular files count. Symbolic links are refused, but for those of a
snapshot in a cache of Hugging Face to the blobs of that cache. Devices, pipes
and names that aren't UTF-8 are refused, too. A pointer of Git LFS is hashed as
it is, with a warning. What git keeps at the top of DIR (.git,
.gitattributes, .github, .gitignore) is left out; --ignore leaves out more, and
is remembered in the manifest. It takes paths, not patterns.

Digests of files that haven't changed are remembered in your cache folder;
--no-cache reads everything again.

To check it with other tools, write the manifest: its hashes are what sha256sum
prints of the files, and sha256sum of the manifest is the digest.`,
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
					return exit.Usagef("%s is a file, which has no manifest; its digest is %s, its SHA-256", args[0], got.Digest)
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
		StringVar(&out, "manifest", "", "write the folder's manifest to a file; - is standard output, and nothing else is printed then")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON: digest, size, number of files, and the manifest")
	return c
}

// printContent writes {"digest":{…},"size":…,"files":…,"ignored":[…],"warnings":[…],"manifest":{…}}, the manifest piece
// by piece.
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

// texts makes a JSON array.
func texts(all []string) canonical.Value {
	items := make([]canonical.Value, len(all))
	for i, text := range all {
		items[i] = canonical.Str(text)
	}
	return canonical.Arr(items...)
}
