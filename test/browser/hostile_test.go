package browser

import (
	"context"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// evil would do something if a page took it for anything but text.
const evil = `<img src=x onerror=alert(1)>"'><script>alert(2)</script>{{.}}` + "\u202e" + `javascript:alert(3)`

// register registers a version of a dataset and returns its record's id. The description may be empty.
func register(t *testing.T, org, name, version, description string) string {
	t.Helper()
	body := map[string]any{
		"kind": "dataset", "namespace": org, "name": name, "version": version,
		"digest": map[string]string{"algorithm": "sha-256", "value": digest(name + version), "coverage": "full"},
	}
	if description != "" {
		body["description"] = description
	}
	var receipt struct{ ID string }
	_, err := api(t, org, "submitter").Post(context.Background(), "/v1/artifacts", body, &receipt)
	require.NoError(t, err)
	return receipt.ID
}

func TestHostileTextIsTextOnEveryPage(t *testing.T) {
	version := unique()
	lab := api(t, "lab", "submitter")
	id := register(t, "lab", "evil", version, evil)
	ref := "dataset/lab/evil@" + version
	var statement struct{ ID string }
	_, err := lab.Post(context.Background(), "/v1/statements", map[string]any{"kind": "recall", "subject": []string{ref}, "predicate": map[string]string{"reason": evil, "instructions": evil}}, &statement)
	require.NoError(t, err)
	var run struct{ ID string }
	_, err = lab.Post(context.Background(), "/v1/activities", map[string]any{"type": "evaluation", "used": []map[string]string{{"ref": ref}}, "description": evil}, &run)
	require.NoError(t, err)
	b := member(t, "lab", "submitter")
	b.expect("404")
	b.expect("400")
	for _, path := range []string{
		"/", "/artifacts", "/artifacts/dataset/lab/evil", "/records/" + url.PathEscape(id), "/records/" + url.PathEscape(statement.ID), "/records/" + url.PathEscape(run.ID),
		"/search?q=" + url.QueryEscape(evil), "/search?q=recall", "/sign-in?next=" + url.QueryEscape(evil), "/organisations/" + url.PathEscape(evil), "/artifacts/" + url.PathEscape(evil) + "/x/y",
		"/transactions/" + url.PathEscape(evil), "/lineage?node=" + url.QueryEscape(ref), "/impact?node=" + url.QueryEscape(ref), "/lineage?node=" + url.QueryEscape(evil), "/impact?node=" + url.QueryEscape(evil),
		"/01/09520001200014/10/" + url.PathEscape("<img>"), "/" + url.PathEscape(evil),
	} {
		b.open(path)
		assert.Zero(t, eval[int](b, `document.querySelectorAll("img, script:not([src]), [onerror]").length`), path)
	}
	b.open("/artifacts/dataset/lab/evil")
	b.sees("<script>alert(2)</script>")
	_, err = lab.Post(context.Background(), "/v1/statements", map[string]any{"kind": "retraction", "subject": []string{statement.ID}, "predicate": map[string]string{"reason": "a test"}}, nil)
	require.NoError(t, err)
}
