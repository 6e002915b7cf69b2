package verb

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/cli/content"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder"
)

// artifactFlags say what to register of an artifact version, apart from its name and sources.
type artifactFlags struct {
	digest, coverage, description, licence, mediaType, metadata, card, manifest string
	from                                                                        []string
	hashing                                                                     content.Hashing
	signature                                                                   content.Signature
}

// artifact makes the body of an artifact's record, without its sources. Notices go to the command's standard error.
func (a *artifactFlags) artifact(c *cobra.Command, name, path string) (map[string]any, error) {
	ref, err := record.ParseArtifactRef(name)
	if err != nil {
		return nil, exit.With(exit.Usage, err)
	}
	signed, err := a.signature.Given()
	if err != nil {
		return nil, err
	}
	body := map[string]any{"kind": ref.Kind, "namespace": ref.Namespace, "name": ref.Name, "version": ref.Version}
	metadata, err := a.readMetadata(c.InOrStdin())
	if err != nil {
		return nil, err
	}
	switch {
	case path != "" && a.digest != "":
		return nil, exit.Usagef("give DIR or FILE, or --digest, but not both")
	case path != "":
		if err := a.addContent(c, body, metadata, path); err != nil {
			return nil, err
		}
	case a.digest == "":
		return nil, exit.Usagef("give the DIR or FILE to hash, or its --digest")
	case signed:
		return nil, exit.Usagef("--signature is verified against DIR or FILE: give that instead of --digest")
	default:
		algorithm, value, ok := strings.Cut(a.digest, ":")
		if !ok {
			return nil, exit.Usagef("--digest %q is not algorithm:hexadecimal, such as sha-256:9f86…", a.digest)
		}
		body["digest"] = map[string]any{"algorithm": algorithm, "value": value, "coverage": a.coverage}
	}
	texts := map[string]string{"description": a.description, "licence": a.licence, "mediaType": a.mediaType}
	for name, text := range texts {
		if text != "" {
			body[name] = text
		}
	}
	if a.card != "" {
		card, err := readCard(c.InOrStdin(), a.card)
		if err != nil {
			return nil, err
		}
		body["card"] = card
	}
	if len(metadata) > 0 {
		body["metadata"] = metadata
	}
	return body, nil
}

func (a *artifactFlags) readMetadata(stdin io.Reader) (map[string]any, error) {
	metadata := map[string]any{}
	if a.metadata == "" {
		return metadata, nil
	}
	text, err := input.File(stdin, a.metadata, record.MaxBytes)
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil || members == nil {
		return nil, exit.Usagef("%s is not a JSON object", a.metadata)
	}
	for name, value := range members {
		metadata[name] = value
	}
	return metadata, nil
}

// maxManifest is the greatest number of bytes of a manifest that the record keeps.
const maxManifest = 512 << 10

// addContent hashes a file or a folder and verifies its signature, if one was given.
func (a *artifactFlags) addContent(c *cobra.Command, body, metadata map[string]any, path string) error {
	line, said := terminal.NewProgress(c.ErrOrStderr()), c.ErrOrStderr()
	if a.signature.File != "" {
		if _, taken := metadata["modelSigning"]; taken {
			return exit.Usagef("%s has a member modelSigning, which is reserved for the signature", a.metadata)
		}
		if err := a.signature.Open(c.InOrStdin()); err != nil {
			return err
		}
		a.hashing.NoCache = true // a signature covers bytes, not what a cache remembers of them
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			a.hashing.Ignore = a.signature.Ignore(path, a.hashing.Ignore)
		}
	}
	hashed, err := a.hashing.Read(c.Context(), path, line, func(f *folder.Folder, hashed *content.Hashed) error {
		if a.signature.File == "" {
			return nil
		}
		return a.checkSignature(c.Context(), f, hashed, line)
	})
	if err != nil {
		return err
	}
	content.ShowWarnings(said, hashed.Warnings)
	if a.signature.File != "" {
		body["aliases"] = []any{a.signature.Alias()}
		metadata["modelSigning"] = a.signature.Metadata(said)
		fmt.Fprintf(said, "signed by %s\n", a.signature.Signer())
	}
	body["digest"] = map[string]any{"algorithm": "sha-256", "value": hashed.Digest, "coverage": "full"}
	body["size"] = hashed.Size
	if hashed.Manifest == nil {
		if a.manifest != "" {
			return exit.Usagef("%s is a file, and only a folder has a manifest", path)
		}
		if a.mediaType == "" {
			a.mediaType = mediaTypes[strings.ToLower(filepath.Ext(path))]
		}
		return nil
	}
	fmt.Fprintln(said, hashed.Words())
	if a.manifest != "" {
		if err := content.WriteManifest(hashed.Manifest, a.manifest, io.Discard); err != nil {
			return err
		}
	}
	text := limited{most: maxManifest}
	if _, err := hashed.Manifest.WriteTo(&text); err == nil {
		body["manifest"] = json.RawMessage(text.bytes)
	} else if a.manifest == "" {
		fmt.Fprintf(said, "the manifest of %s is too large for a record, which keeps only its digest; write it with"+
			" --manifest FILE, and verify --manifest FILE can list differences\n", terminal.Count(hashed.Files, "file"))
	}
	return nil
}

// checkSignature compares what was hashed with what was signed. It may have to read the files again. The folder is
// still open then, and refuses files that have changed since it was opened.
func (a *artifactFlags) checkSignature(
	ctx context.Context, f *folder.Folder, c *content.Hashed, line *terminal.Progress,
) error {
	var differences []folder.Difference
	compared := false
	if c.Manifest != nil {
		differences, compared = a.signature.Signed.CompareManifest(*c.Manifest)
	}
	if !compared {
		var err error
		differences, err = a.signature.Signed.Compare(ctx, f, a.hashing.Options(line, f.Path()))
		if err != nil {
			return exit.With(exit.Refused, err)
		}
	}
	if len(differences) > 0 {
		var b strings.Builder
		content.ShowDifferences(&b, differences)
		return exit.Refusedf("%s is not what %s signed in %s; nothing was registered\n%s",
			f.Path(), a.signature.Signer(), a.signature.File, strings.TrimSuffix(b.String(), "\n"))
	}
	return nil
}

// limited is a writer that refuses what would exceed most bytes.
type limited struct {
	bytes []byte
	most  int
}

func (l *limited) Write(p []byte) (int, error) {
	if len(l.bytes)+len(p) > l.most {
		return 0, io.ErrShortWrite
	}
	l.bytes = append(l.bytes, p...)
	return len(p), nil
}

// mediaTypes maps the extensions of file names to media types (IANA's registry). The type is part of the record. The
// same file must get the same type on every machine, so this table doesn't depend on what the system knows.
var mediaTypes = map[string]string{
	".csv": "text/csv", ".tsv": "text/tab-separated-values", ".txt": "text/plain",
	".md": "text/markdown", ".html": "text/html",
	".json": "application/json", ".jsonld": "application/ld+json", ".xml": "application/xml",
	".yaml": "application/yaml", ".yml": "application/yaml",
	".pdf": "application/pdf", ".zip": "application/zip", ".gz": "application/gzip", ".zst": "application/zstd",
	".parquet": "application/vnd.apache.parquet", ".arrow": "application/vnd.apache.arrow.file",
	".sqlite": "application/vnd.sqlite3",
	".png":    "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".bin": "application/octet-stream",
}
