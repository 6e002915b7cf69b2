package api

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

const (
	ones = "1111111111111111111111111111111111111111111111111111111111111111"
	twos = "2222222222222222222222222222222222222222222222222222222222222222"

	spoilageCard = "---\r\nlicense: apache-2.0\r\ndatasets: [dataset/lab/readings@1, dataset/lab/absent@1]\r\n---\r\n# Spoilage\r\n\r\nDays left. <script>alert(1)</script>\r\n"
)

// artifactWith is the body of a registration with a card, and perhaps other members.
func artifactWith(t testing.TB, card any, members map[string]any) string {
	t.Helper()
	body := map[string]any{
		"kind": "model", "namespace": "lab", "name": "spoilage", "version": "1",
		"digest": map[string]any{"algorithm": "sha-256", "value": ones, "coverage": "full"}, "card": card,
	}
	for name, value := range members {
		body[name] = value
	}
	text, err := json.Marshal(body)
	require.NoError(t, err)
	return string(text)
}

func parsed(t testing.TB, body string) canonical.Value {
	t.Helper()
	v, err := canonical.Parse([]byte(body), canonical.Limits{Bytes: len(body) + 1})
	require.NoError(t, err)
	return v
}

func TestACardFillsWhatItsArtifactLeavesOut(t *testing.T) {
	a, problems := describe(parsed(t, artifactWith(t, map[string]any{"text": spoilageCard}, nil)), "LabMSP")
	require.Empty(t, problems)
	assert.Equal(t, "Apache-2.0", a.Artifact.Licence)
	assert.Equal(t, "Days left. <script>alert(1)</script>", a.Artifact.Description)
	assert.Equal(t, record.Card{MediaType: "text/markdown", SHA256: hexSHA256(spoilageCard), Text: spoilageCard},
		a.Artifact.Card)

	a, problems = describe(parsed(t, artifactWith(t,
		map[string]any{"text": spoilageCard, "sha256": hexSHA256(spoilageCard),
			"mediaType": "text/markdown; charset=utf-8"}, map[string]any{"licence": "MIT", "description": "mine"})),
		"LabMSP")
	require.Empty(t, problems)
	assert.Equal(t, "MIT", a.Artifact.Licence, "what is said stays")
	assert.Equal(t, "mine", a.Artifact.Description)

	a, problems = describe(parsed(t, artifactWith(t,
		map[string]any{"text": "---\nlicense: [mit, apache-2.0]\nmodel_name: x\n---\n"}, nil)), "LabMSP")
	require.Empty(t, problems)
	assert.Empty(t, a.Artifact.Licence, "one of two, or both, is not said")
	assert.Equal(t, "x", a.Artifact.Description)
}

func TestCardsThatCantBeAreRefused(t *testing.T) {
	f := newFixture(t)
	m := manifest.Manifest{Files: []manifest.File{{Name: "data/a.csv", Size: 3, SHA256: ones}}}
	folder := map[string]any{"manifest": m.Value(), "size": 3, "digest": map[string]any{"algorithm": "sha-256",
		"value": m.Digest(), "coverage": "full"}}
	croissant := func(sum string) string {
		return `{"@context": {}, "@type": "sc:Dataset", "name": "x", "distribution": [{"@type": "cr:FileObject",
 "contentUrl": "data/a.csv", "sha256": "` + sum + `"}]}`
	}
	for _, test := range []struct {
		name          string
		card          any
		members       map[string]any
		status        int
		code, pointer string
		detail        string
	}{
		{"a card that can't be read", map[string]any{"text": "---\nlicense: [mit\n---\n"}, nil, 400, "bad_card", "/card/text", "line 3: it is not YAML"},
		{"a card that says two things", map[string]any{"text": "---\nlicense: mit\nlicense: x\n---\n"}, nil, 400, "bad_card", "/card/text", `line 3: "license" stands twice`},
		{"JSON that is no card", map[string]any{"text": `{"name": "x"}`}, nil, 400, "bad_card", "/card/text", "neither Croissant"},
		{"a page", map[string]any{"text": "<!doctype html>", "mediaType": "text/markdown"}, nil, 400, "bad_card", "/card/text", "an HTML page"},
		{"another media type", map[string]any{"text": "# x", "mediaType": "text/html"}, nil, 400, "bad_card", "/card/text", "not a media type of a card"},
		{"a card that is too long", map[string]any{"text": strings.Repeat("x", record.MaxCard+1)}, nil, 413, "too_large", "/card/text", "393217 bytes, more than the 393216 allowed"},
		{"an empty card", map[string]any{"text": ""}, nil, 400, "bad_card", "/card/text", "empty"},
		{"another hash", map[string]any{"text": "# x", "sha256": ones}, nil, 400, "bad_value", "/card/sha256", "not the SHA-256"},
		{"no text", map[string]any{"mediaType": "text/markdown"}, nil, 400, "missing_field", "/card/text", "text is required"},
		{"a list", []string{"x"}, nil, 400, "wrong_type", "/card", "must be a JSON object"},
		{"text that is a number", map[string]any{"text": 3}, nil, 400, "wrong_type", "/card/text", "must be a JSON string"},
		{"an unknown member", map[string]any{"text": "# x", "title": "x"}, nil, 400, "unknown_field", "/card/title", "not a field"},
		{"another digest of a file", map[string]any{"text": croissant(twos)}, folder, 422, "wrong_digest", "/card/text", `line 1 of the card: the card says that the SHA-256 of "data/a.csv" is ` + twos},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := artifactWith(t, test.card, test.members)
			p := f.do(request{path: "/v1/artifacts", body: body}).problem(t)
			require.Equal(t, test.status, p.Status, p.Detail)
			require.Equal(t, test.code, p.Problems[0].Code)
			require.Equal(t, test.pointer, p.Problems[0].Pointer)
			require.Contains(t, p.Problems[0].Detail, test.detail)

			run := `{"type":"training","used":[],"generated":[{"artifact":` + body + `}]}`
			p = f.do(request{path: "/v1/activities", body: run}).problem(t)
			require.Equal(t, test.status, p.Status, p.Detail)
			require.Equal(t, "/generated/0/artifact"+test.pointer, p.Problems[0].Pointer, "the same in a run")
		})
	}
	require.Zero(t, f.queued(), "nothing of it is recorded")
	_, problems := describe(parsed(t, artifactWith(t, map[string]any{"text": croissant(ones)}, folder)), "LabMSP")
	require.Empty(t, problems, "with the right digest it is")
}

func TestOddCardsComeWithWarnings(t *testing.T) {
	f := newFixture(t)
	_, dataset := f.story()
	a, problems := describe(parsed(t, artifactWith(t, map[string]any{"text": spoilageCard}, nil)), "LabMSP")
	require.Empty(t, problems)
	codes := func(sources ...string) map[string]string {
		all := map[string]string{}
		warnings, err := f.server.warnings(t.Context(), a, sources)
		require.NoError(t, err)
		for _, w := range warnings {
			require.Equal(t, "model/lab/spoilage@1", w.Ref)
			require.Equal(t, 3, w.Line)
			all[w.Code] = w.Detail
		}
		return all
	}
	require.Contains(t, codes()["source_not_named"], "dataset/lab/readings@1")
	require.Contains(t, codes()["source_unknown"], "dataset/lab/absent@1")
	require.NotContains(t, codes("dataset/lab/readings@1"), "source_not_named")
	require.NotContains(t, codes(dataset), "source_not_named", "it may be named by its record")
	warnings, err := f.server.warnings(t.Context(), a, nil, "dataset/lab/absent@1")
	require.NoError(t, err)
	for _, w := range warnings {
		require.Equal(t, "source_not_named", w.Code, "what is registered together with it is known")
	}

	a, problems = describe(parsed(t, artifactWith(t, map[string]any{"text": `{"@context": {}, "@type": "sc:Dataset", "name": "x", "distribution": [{"@type": "cr:FileObject", "name": "a", "sha256": "https://github.com/mlcommons/croissant/issues/80"}]}`}, nil)), "LabMSP")
	require.Empty(t, problems)
	warnings, err = f.server.warnings(t.Context(), a, nil)
	require.NoError(t, err)
	var found []string
	for _, w := range warnings {
		found = append(found, w.Code+" "+w.Pointer)
	}
	require.Contains(t, found, "not_a_digest /distribution/0/sha256")
}

// carded puts an artifact with a card on the ledger, whatever its media type.
func (f *fixture) carded(version, mediaType, card string) {
	f.t.Helper()
	r, problems := record.NewArtifact(parsed(f.t,
		artifactWith(f.t, map[string]any{"text": card, "mediaType": mediaType, "sha256": hexSHA256(card)},
			map[string]any{"version": version})), "LabMSP")
	require.Empty(f.t, problems)
	f.ledger.Put("Lab", r)
}

func TestACardIsReadBackByteForByte(t *testing.T) {
	f := newFixture(t)
	f.story()
	bill := "\ufeff{ \"bomFormat\": \"CycloneDX\",\r\n \"specVersion\": \"1.6\", \"metadata\": {\"component\": {\"type\": \"data\", \"name\": \"\\u00e9\", \"n\": 1.10}}}\n\n"
	f.carded("1", "text/markdown", spoilageCard)
	f.carded("2", "application/vnd.cyclonedx+json; version=1.6", bill)
	f.carded("3", `application/ld+json; profile="http://mlcommons.org/croissant/1.1"`,
		`{"@context": {}, "@type": "sc:Dataset", "name": "x"}`)
	f.carded("4", "text/html", "<script>alert(1)</script>")
	f.carded("5", "text/html\r\nSet-Cookie: a=b", "x")
	for version, want := range map[string]struct{ media, body, format string }{
		"1": {"text/markdown; charset=utf-8", spoilageCard, about.ModelCard},
		"2": {"application/vnd.cyclonedx+json; version=1.6", bill, about.CycloneDX},
		"3": {`application/ld+json; profile="http://mlcommons.org/croissant/1.1"`, `{"@context": {}, "@type": "sc:Dataset", "name": "x"}`, about.Croissant},
		"4": {"application/octet-stream", "<script>alert(1)</script>", ""},
		"5": {"application/octet-stream", "x", ""},
	} {
		t.Run(want.media, func(t *testing.T) {
			a := f.do(request{path: "/v1/artifacts/model/lab/spoilage/" + version + "/card", role: "auditor"})
			require.Equal(t, http.StatusOK, a.status, a.body)
			require.Equal(t, want.body, a.body)
			require.Equal(t, want.media, a.header.Get("Content-Type"))
			require.Equal(t, `"`+hexSHA256(want.body)+`"`, a.header.Get("ETag"))
			require.Contains(t, a.header.Get("Content-Disposition"), "attachment")
			require.Contains(t, a.header.Get("Content-Security-Policy"), "sandbox",
				"a browser that is sent here runs nothing")
			require.Empty(t, a.header.Get("Set-Cookie"))
			var v struct{ About *about.Description }
			f.do(request{path: "/v1/artifacts/model/lab/spoilage/" + version}).json(t, &v)
			if want.format == "" {
				require.Nil(t, v.About)
				return
			}
			require.Equal(t, want.format, v.About.Format)
		})
	}
	require.Equal(t, http.StatusNotFound, f.do(request{path: "/v1/artifacts/dataset/lab/readings/1/card"}).status)
	require.Equal(t, http.StatusNotFound, f.do(request{path: "/v1/artifacts/dataset/lab/nothing/1/card"}).status)
	require.Equal(t, http.StatusUnauthorized,
		f.do(request{path: "/v1/artifacts/model/lab/spoilage/1/card", role: "nobody"}).status)
	require.Equal(t, http.StatusNotFound, f.do(request{path: "/v1/artifacts/model/lab/spoilage/1/card?at=1"}).status,
		"it was not there then")
}

func TestLineageIsToldAsABillOfMaterials(t *testing.T) {
	f := newFixture(t)
	f.story()
	f.ledger.Put("Lab", indextest.Artifact(t, "model/lab/spoilage@1", "dataset/lab/readings@1"))
	for _, r := range []request{
		{path: "/v1/lineage?node=model/lab/spoilage@1&format=cyclonedx"},
		{path: "/v1/lineage?node=model/lab/spoilage@1", header: map[string]string{"Accept": "application/vnd.cyclonedx+json"}},
		{path: "/v1/lineage?direction=ancestors&format=cyclonedx&node=" + url.QueryEscape("model/lab/spoilage@1")},
	} {
		a := f.do(r)
		require.Equal(t, http.StatusOK, a.status, a.body)
		require.Equal(t, "application/vnd.cyclonedx+json", a.header.Get("Content-Type"))
		var bom struct {
			BOMFormat, SpecVersion string
			Components             []struct {
				Ref string `json:"bom-ref"`
			}
		}
		a.json(t, &bom)
		require.Equal(t, "1.6", bom.SpecVersion)
		require.Equal(t, "dataset/lab/readings@1", bom.Components[0].Ref)
	}
	require.Equal(t, http.StatusNotFound, f.do(request{path: "/v1/lineage?node=model/lab/nothing@1&format=cyclonedx"}).status)
}
