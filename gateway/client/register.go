package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Register registers a version of a dataset, model, code base or document.
func Register() *cobra.Command {
	var t Target
	var a artifactFlags
	c := &cobra.Command{
		Use:   "register KIND/NAMESPACE/NAME@VERSION [FILE]",
		Short: "Register a version of a dataset, model, code base or document",
		Long: `Register an artifact version on the ledger: its name, and the SHA-256 of FILE,
never its bytes. KIND is dataset, model, code or document; the namespace must be
your organisation's. A name and version belongs to one digest for ever.

Without FILE, give the digest with --digest and say with --coverage what it
covers; "declared" means that you took it on somebody's word.
` + whereHelp,
		Example: `  pedigree register --as lab dataset/lab/temperatures@1 readings.csv --licence CC-BY-4.0 --from ni:///sha-256;…
  pedigree register --as lab model/lab/spoilage@1 --digest sha-256:9f86… --coverage declared`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			file := ""
			if len(args) == 2 {
				file = args[1]
			}
			body, err := a.artifact(args[0], file, newProgress(c.ErrOrStderr()))
			if err != nil {
				return err
			}
			gateway, err := t.client()
			if err != nil {
				return err
			}
			return postAndPrint(c, gateway, &t, "/v1/artifacts", body)
		},
	}
	t.flags(c)
	c.Flags().StringVar(&a.digest, "digest", "", "digest as algorithm:hexadecimal, instead of FILE")
	c.Flags().StringVar(&a.coverage, "coverage", "declared", "what --digest covers: full, sampled or declared")
	c.Flags().StringVar(&a.description, "description", "", "a few words")
	c.Flags().StringVar(&a.licence, "licence", "", "SPDX licence expression")
	c.Flags().StringVar(&a.mediaType, "media-type", "", "media type; guessed from FILE's name if left out")
	c.Flags().StringArrayVar(&a.from, "from", nil, "artifact version or record id that it is derived from; may be repeated, and @FILE reads one a line")
	c.Flags().StringVar(&a.metadata, "metadata", "", "file with a JSON object of your own")
	c.Flags().StringVar(&a.card, "card", "", cardHelp)
	return c
}

type artifactFlags struct {
	digest, coverage, description, licence, mediaType, metadata, card string
	from                                                              []string
}

func (a *artifactFlags) artifact(name, file string, line *progress) (map[string]any, error) {
	ref, err := record.ParseArtifactRef(name)
	if err != nil {
		return nil, failure{err, ExitUsage}
	}
	body := map[string]any{"kind": ref.Kind, "namespace": ref.Namespace, "name": ref.Name, "version": ref.Version}
	switch {
	case file != "" && a.digest != "":
		return nil, usage("give FILE or --digest, not both")
	case file != "":
		sum, size, err := hashFile(file, line)
		if err != nil {
			return nil, err
		}
		body["digest"] = map[string]any{"algorithm": "sha-256", "value": sum, "coverage": "full"}
		body["size"] = size
		if a.mediaType == "" {
			a.mediaType = mediaTypes[strings.ToLower(filepath.Ext(file))]
		}
	case a.digest != "":
		algorithm, value, ok := strings.Cut(a.digest, ":")
		if !ok {
			return nil, usage("--digest %q is not algorithm:hexadecimal, such as sha-256:9f86…", a.digest)
		}
		body["digest"] = map[string]any{"algorithm": algorithm, "value": value, "coverage": a.coverage}
	default:
		return nil, usage("give the FILE to hash, or its --digest")
	}
	for name, text := range map[string]string{"description": a.description, "licence": a.licence, "mediaType": a.mediaType} {
		if text != "" {
			body[name] = text
		}
	}
	if sources, err := lines(a.from); err != nil {
		return nil, err
	} else if len(sources) > 0 {
		body["derivedFrom"] = spellAll(sources)
	}
	if a.card != "" {
		card, err := readCard(a.card)
		if err != nil {
			return nil, err
		}
		body["card"] = card
	}
	if a.metadata != "" {
		text, err := readFile(os.Stdin, a.metadata)
		if err != nil {
			return nil, err
		}
		if !json.Valid(text) {
			return nil, usage("%s is not JSON", a.metadata)
		}
		body["metadata"] = json.RawMessage(text)
	}
	return body, nil
}

// lines replaces each @FILE of a list by the lines of the file.
func lines(list []string) ([]string, error) {
	var all []string
	for _, item := range list {
		file, ok := strings.CutPrefix(item, "@")
		if !ok {
			all = append(all, item)
			continue
		}
		text, err := readFile(os.Stdin, file)
		if err != nil {
			return nil, err
		}
		all = append(all, strings.Fields(string(text))...)
	}
	return all, nil
}

// mediaTypes has what common file names mean (IANA's registry). The type is part of the record, so whoever registers the
// same file again must come to the same one on any machine, whatever its system knows of media types.
var mediaTypes = map[string]string{
	".csv": "text/csv", ".tsv": "text/tab-separated-values", ".txt": "text/plain", ".md": "text/markdown", ".html": "text/html",
	".json": "application/json", ".jsonld": "application/ld+json", ".xml": "application/xml", ".yaml": "application/yaml", ".yml": "application/yaml",
	".pdf": "application/pdf", ".zip": "application/zip", ".gz": "application/gzip", ".zst": "application/zstd",
	".parquet": "application/vnd.apache.parquet", ".arrow": "application/vnd.apache.arrow.file", ".sqlite": "application/vnd.sqlite3",
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".bin": "application/octet-stream",
}

// hashFile hashes a regular file and refuses one that changes meanwhile.
func hashFile(name string, line *progress) (digest string, size int64, err error) {
	f, err := os.Open(name)
	if err != nil {
		return "", 0, usage("couldn't open the file to hash: %w", err)
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return "", 0, usage("couldn't look at %s: %w", name, err)
	}
	if !before.Mode().IsRegular() {
		return "", 0, usage("%s is not a regular file; only one file can be hashed at a time", name)
	}
	sum := sha256.New()
	size, err = io.Copy(sum, &watched{r: f, line: line, name: filepath.Base(name), total: before.Size()})
	line.done()
	if err != nil {
		return "", 0, usage("couldn't read %s: %w", name, err)
	}
	after, err := f.Stat()
	if err != nil || size != before.Size() || after.Size() != size || !after.ModTime().Equal(before.ModTime()) {
		return "", 0, failure{fmt.Errorf("%s changed while it was read; hash it when nothing writes to it", name), ExitUsage}
	}
	return hex.EncodeToString(sum.Sum(nil)), size, nil
}

// watched shows how far a reader is.
type watched struct {
	r           io.Reader
	line        *progress
	name        string
	read, total int64
	shown       int64
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if w.read += int64(n); w.read-w.shown > 64<<20 {
		w.shown = w.read
		w.line.show("hashing %s: %d of %d MB", w.name, w.read>>20, w.total>>20)
	}
	return n, err
}

// postAndPrint records something and says what became of it.
func postAndPrint(c *cobra.Command, gateway *Client, t *Target, path string, body any) error {
	answer, receipt, err := gateway.Record(c.Context(), path, body)
	if err != nil {
		return err
	}
	printWarnings(c.ErrOrStderr(), receipt.Warnings)
	if t.json {
		return printJSON(c.OutOrStdout(), answer.Body)
	}
	what := "recorded"
	if receipt.AlreadyRecorded {
		what = "already recorded"
	}
	name := receipt.Noun
	if receipt.Ref != "" {
		name = receipt.Ref
	}
	fmt.Fprintf(c.OutOrStdout(), "%s %s by %s in block %d\n%s\n", name, what, receipt.MSPID, receipt.Block, receipt.ID)
	for _, g := range receipt.Generated {
		fmt.Fprintf(c.OutOrStdout(), "%s %s\n%s\n", g.Ref, what, g.ID)
	}
	return nil
}

// Record posts a record and returns when the ledger has it.
func (c *Client) Record(ctx context.Context, path string, body any) (*Answer, *Receipt, error) {
	receipt := new(Receipt)
	answer, err := c.Post(ctx, path, body, receipt)
	if err != nil {
		return nil, nil, err
	}
	return answer, receipt, nil
}
