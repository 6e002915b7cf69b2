package check

import (
	"crypto/x509"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/content"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder"
	"github.com/pedigree-ledger/pedigree/gateway/verify/modelsigning"
)

// Sign returns the command sign, which signs a model.
func Sign() *cobra.Command {
	var h content.Hashing
	var keyFile, out string
	var chainFiles []string
	var m modelsigning.Method
	var method string
	c := &cobra.Command{
		Use:   "sign DIR|FILE --key KEY.pem --out model.sig",
		Short: "Sign a model with OpenSSF Model Signing v1.0",
		Long: `Hash the files of a model and sign the list of hashes, as OpenSSF Model Signing v1.0
specifies. The signature is a detached Sigstore bundle, which model_signing and other
tools can verify. The command needs no network and sends nothing.

KEY.pem is an unencrypted ECDSA key on P-256, P-384 or P-521. With --certificate, the
signature contains the key's certificate. To verify it, others then need the root
certificate instead of the public key.

The signature covers the same files as "pedigree hash". If the signature itself is in
DIR, it is left out. To make the signature part of an artifact's record, use
"pedigree register --signature".`,
		Example: `  openssl ecparam -name prime256v1 -genkey -noout -out key.pem && openssl pkey -in key.pem -pubout -out key.pub
  pedigree sign models/spoilage --key key.pem --out spoilage.sig
  pedigree sign models/spoilage --key key.pem --certificate trainer.pem --certificate intermediate.pem --out spoilage.sig
  pedigree verify models/spoilage --signature spoilage.sig --signature-key key.pub`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case keyFile == "" || out == "":
				return exit.Usagef("add the key to sign with and the file for the signature: --key KEY.pem --out model.sig")
			case method != "files" && method != "shards":
				return exit.Usagef("%q is not a method; use files or shards", method)
			case m.ShardSize < 1:
				return exit.Usagef("a shard has at least one byte")
			case method == "files" && c.Flags().Changed("shard-size"):
				return exit.Usagef("--shard-size goes with --method shards")
			case method == "files":
				m.ShardSize = 0
			}
			text, err := input.File(c.InOrStdin(), keyFile, input.MaxSmall)
			if err != nil {
				return err
			}
			key, err := modelsigning.ParsePrivateKey(text)
			if err != nil {
				return exit.Usagef("the key %s %w", keyFile, err)
			}
			var chain []*x509.Certificate
			for _, file := range chainFiles {
				text, err := input.File(c.InOrStdin(), file, input.MaxSmall)
				if err != nil {
					return err
				}
				more, err := modelsigning.ParseCertificates(text)
				if err != nil {
					return exit.Usagef("%s %w", file, err)
				}
				chain = append(chain, more...)
			}
			ignore := h.Ignore
			if inside, ok := content.Within(args[0], out); ok {
				ignore = append(ignore, inside)
			}
			f, err := folder.Open(args[0], folder.Options{Ignore: ignore})
			if err != nil {
				return exit.With(exit.Usage, err)
			}
			defer f.Close()
			line := terminal.NewProgress(c.ErrOrStderr())
			statement, err := modelsigning.New(c.Context(), f, m, h.Options(line, args[0]))
			line.Done()
			if err != nil {
				return exit.With(exit.Usage, err)
			}
			content.ShowWarnings(c.ErrOrStderr(), content.Warnings(f))
			bundle, err := modelsigning.Sign(statement, key, chain)
			if err != nil {
				return exit.With(exit.Usage, err)
			}
			if out == "-" {
				_, err := c.OutOrStdout().Write(append(bundle, '\n'))
				return err
			}
			if err := os.WriteFile(out, bundle, 0o644); err != nil {
				return exit.Usagef("couldn't write the signature: %w", err)
			}
			fmt.Fprintf(c.ErrOrStderr(), "signed %s, %s\n", terminal.Count(f.Count(), "file"), terminal.Bytes(f.Size()))
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s  %s\n", statement.Root, terminal.Plain(out))
			return err
		},
	}
	h.AddFlags(c, false)
	c.Flags().StringVar(&keyFile, "key", "", "private key, PEM")
	c.Flags().
		StringArrayVar(&chainFiles, "certificate", nil,
			"the key's certificate, PEM, followed by the intermediate certificates; may be repeated")
	c.Flags().StringVar(&out, "out", "", "file to write the signature to; - is standard output")
	c.Flags().
		StringVar(&method, "method", "files", "files: hash each file as a whole; shards: hash files in pieces, which is faster for large files")
	c.Flags().Int64Var(&m.ShardSize, "shard-size", folder.DefaultShard,
		"with --method shards: size of a shard, in bytes")
	c.Flags().StringVar(&m.HashType, "hash", "sha256", "hash function for the files: sha256, blake2b or blake3")
	return c
}
