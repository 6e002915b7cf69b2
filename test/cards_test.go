package test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
	"github.com/pedigree-ledger/pedigree/gateway/formats/cyclonedx/cyclonedxtest"
)

// register registers an artifact version with a card. Its content is its name.
func register(t *testing.T, c *client.Client, kind, name, version, card string) (*client.Receipt, error) {
	t.Helper()
	sum := sha256.Sum256([]byte(kind + name + version))
	_, receipt, err := c.Record(t.Context(), "/v1/artifacts", map[string]any{
		"kind": kind, "namespace": "lab", "name": name, "version": version,
		"digest": map[string]any{"algorithm": "sha-256", "coverage": "full", "value": hex.EncodeToString(sum[:])}, "card": map[string]any{"text": card},
	})
	return receipt, err
}

// Every kind of card goes through the ledger and comes back from another organisation byte for byte.
func TestCardsComeBackByteForByte(t *testing.T) {
	lab, market := as(t, "lab"), as(t, "market", "auditor")
	for i, test := range []struct{ file, kind, media, format string }{
		{"modelcard/testdata/model.md", "model", "text/markdown; charset=utf-8", about.ModelCard},
		{"modelcard/testdata/dataset.md", "dataset", "text/markdown; charset=utf-8", about.DatasetCard},
		{"croissant/testdata/temperatures.json", "dataset", `application/ld+json; profile="http://mlcommons.org/croissant/1.1"`, about.Croissant},
		{"croissant/testdata/bare.json", "dataset", `application/ld+json; profile="http://mlcommons.org/croissant/1.0"`, about.Croissant},
		{"mlbom/testdata/model.json", "model", "application/vnd.cyclonedx+json; version=1.6", about.CycloneDX},
		{"mlbom/testdata/data.json", "dataset", "application/vnd.cyclonedx+json; version=1.7", about.CycloneDX},
	} {
		t.Run(test.file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", "gateway", "formats", test.file))
			require.NoError(t, err)
			card := "\ufeff" + strings.ReplaceAll(string(text), "\n", "\r\n") + "\n \t\n" // as awkward as text files come
			receipt, err := register(t, lab, test.kind, "awkward", fmt.Sprint(i), card)
			require.NoError(t, err)
			atHeight(t, market, receipt.Block)
			path := fmt.Sprintf("/v1/artifacts/%s/lab/awkward/%d", test.kind, i)
			answer, err := market.Do(t.Context(), client.Call{Method: http.MethodGet, Path: path + "/card", Accept: "*/*"})
			require.NoError(t, err)
			require.Equal(t, card, string(answer.Body))
			require.Equal(t, test.media, answer.Header.Get("Content-Type"))
			var view client.View
			get(t, market, path, nil, &view)
			require.Equal(t, test.format, view.About.Format)
		})
	}
}

func TestTheLargestCardFitsAndALargerOneDoesNot(t *testing.T) {
	lab := as(t, "lab")
	text := "# \"Large\"\n\n" + strings.Repeat("\"<quoted>\" ", 40_000)
	_, err := register(t, lab, "document", "large", "1", text[:384<<10])
	require.NoError(t, err)
	_, err = register(t, lab, "document", "large", "2", text[:384<<10+1])
	require.Equal(t, http.StatusRequestEntityTooLarge, refused(t, err).Status)
	require.Contains(t, refused(t, err).Error(), "more than the 393216 allowed")
}

// A bill of materials of what is on a real ledger is valid by CycloneDX's own schema, where this machine has that.
func TestBillsOfMaterialsAreValid(t *testing.T) {
	lab := as(t, "lab")
	card := "---\nlicense: [mit, openrail]\nbase_model: x/y\npipeline_tag: tabular-regression\nmodel-index:\n- results:\n  - metrics: [{type: mae, value: 0.4}]\n---\n# <b>\n\n## Intended use\n\nFish.\n"
	_, err := register(t, lab, "dataset", "billed", "1", `{"@context": {}, "@type": "sc:Dataset", "name": "x", "license": ["mit", "house rules"], "url": "javascript:alert(1)", "creator": ["a", {"name": "b"}]}`)
	require.NoError(t, err)
	_, err = register(t, lab, "model", "billed", "1", card)
	require.NoError(t, err)
	_, receipt, err := lab.Record(t.Context(), "/v1/activities", rawJSON(`{"type":"fine-tuning","used":[{"ref":"dataset/lab/billed@1","role":"training"}],"generated":[{"ref":"model/lab/billed@1"}],
		"parameters":{"epochs":3,"nested":{"a":[1]}},"outcome":{"mae":0.4}}`))
	require.NoError(t, err)
	_, _, err = lab.Record(t.Context(), "/v1/statements", rawJSON(`{"kind":"withdrawal","subject":["dataset/lab/billed@1"],"predicate":{"reason":"consent ended"}}`))
	require.NoError(t, err)

	check := cyclonedxtest.Valid(t, filepath.Join("..", "..", "shared", "data", "schema"))
	for _, node := range []string{"model/lab/billed@1", "dataset/lab/billed@1", receipt.ID} {
		answer, err := lab.Do(t.Context(), client.Call{Method: http.MethodGet, Path: "/v1/lineage", Query: url.Values{"node": {node}}, Accept: "application/vnd.cyclonedx+json"})
		require.NoError(t, err)
		check(node, answer.Body)
		require.Contains(t, string(answer.Body), `"description": "withdrawal: consent ended"`)
	}
}
