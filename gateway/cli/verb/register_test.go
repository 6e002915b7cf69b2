package verb

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheGuessedMediaTypeIsTheSameOnEveryMachine(t *testing.T) {
	for file, want := range map[string]any{"readings.csv": "text/csv", "READINGS.CSV": "text/csv",
		"model.json": "application/json", "weights.bin": "application/octet-stream", "notes.html": "text/html",
		"odd.xyz": nil, "bare": nil} {
		t.Run(file, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), file)
			require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
			c := &cobra.Command{}
			c.SetContext(t.Context())
			c.SetErr(io.Discard)
			body, err := (&artifactFlags{}).artifact(c, "dataset/lab/readings@1", path)
			require.NoError(t, err)
			assert.Equal(t, want, body["mediaType"])
		})
	}
}

func TestARunIsMadeOfWhatAModelComesFrom(t *testing.T) {
	for name, c := range map[string]struct {
		kind, activity string
		from           []string
		path, run      string
		complaint      string
	}{
		"a dataset alone":                    {kind: "dataset", path: "/v1/artifacts"},
		"a model alone":                      {kind: "model", path: "/v1/artifacts"},
		"a dataset of another":               {kind: "dataset", from: []string{"dataset/lab/a@1"}, path: "/v1/artifacts"},
		"a model of datasets":                {kind: "model", from: []string{"dataset/lab/a@1:training", "dataset/lab/b@1"}, path: "/v1/activities", run: "training"},
		"a model of a model":                 {kind: "model", from: []string{"dataset/lab/a@1", "model/lab/base@1:base"}, path: "/v1/activities", run: "fine-tuning"},
		"a model that is derived":            {kind: "model", activity: "none", from: []string{"model/lab/base@1"}, path: "/v1/artifacts"},
		"a dataset that a run made":          {kind: "dataset", activity: "transformation", from: []string{"dataset/lab/a@1:raw"}, path: "/v1/activities", run: "transformation"},
		"a role without a run":               {kind: "dataset", from: []string{"dataset/lab/a@1:raw"}, complaint: "only the input of a run can have one"},
		"a run of nothing":                   {kind: "model", activity: "training", complaint: "--from"},
		"something that is no artifact name": {kind: "model", from: []string{"??"}, complaint: "no node"},
	} {
		t.Run(name, func(t *testing.T) {
			a := artifactFlags{from: c.from}
			body := map[string]any{"kind": c.kind}
			path, request, err := a.request(nil, body, c.activity)
			if c.complaint != "" {
				assert.ErrorContains(t, err, c.complaint)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.path, path)
			if c.run == "" {
				assert.Equal(t, len(c.from) > 0, request["derivedFrom"] != nil)
				return
			}
			assert.Equal(t, c.run, request["type"])
			assert.Len(t, request["used"], len(c.from))
			assert.Equal(t, []any{map[string]any{"artifact": body}}, request["generated"])
			assert.NotContains(t, body, "derivedFrom")
		})
	}
}
