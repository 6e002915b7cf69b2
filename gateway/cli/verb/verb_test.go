package verb

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

var update = flag.Bool("update", false, "write the golden files anew")

const recordID = "ni:///sha-256;052d7115c44a052d7115c44a052d7115c44a052d7115c44a052d7115c44a052d"

// answers of a gateway, by method and path. An answer that begins with a number has that status. The texts in them are
// hostile: they have an escape sequence as JSON spells it, and a C1 control character as it is.
var answers = map[string]string{
	"GET /v1/records/" + recordID: `{"id":"` + recordID + `","noun":"statement","record":{"predicate":{"reason":"thawed\u001b[2J"}},
		"status":["retracted"],"recordings":[{"mspId":"HarborMSP","subject":"CN=Ada\u001b[2J Lovelace,O=Harbor","block":7,"time":"2026-03-01T08:00:00Z"}],
		"statements":[{"id":"ni:///sha-256;00","kind":"retraction","mspId":"Harbor` + "\u009b" + `MSP","block":9}]}`,
	"GET /v1/lineage": `{"node":"dataset/lab/t@1","direction":"ancestors","block":12,"nodes":[{"id":"dataset/lab/t@1","kind":"artifact","depth":0,"mspId":"LabMSP"},
		{"id":"urn:epc:class:lgtin:952005.0101010.A","kind":"class","depth":-1,"flags":["recalled\u001b]0;x\u0007"]}],
		"edges":[{"from":"urn:epc:class:lgtin:952005.0101010.A","to":"dataset/lab/t@1","kind":"input"}],"truncated":{"reasons":["nodes"],"frontier":["x"]}}`,
	"GET /v1/impact": `{"node":"dataset/lab/t@1","block":12,"total":1,"organisations":[{"mspId":"LabMSP","total":1,"kinds":{"artifact":["model/lab/m@1"]}}],
		"touched":[{"id":"model/lab/m@1","kind":"artifact","name":"m\u001b[31m","mspId":"LabMSP","depth":1,"recalls":["r"]}],
		"recalls":[{"id":"` + recordID + `","kind":"recall","mspId":"HarborMSP","reason":"warm\u202e","touched":1,"missing":["LabMSP"]}]}`,
	"POST /v1/statements":    `{"id":"` + recordID + `","noun":"statement","mspId":"HarborMSP\u001b[1A","block":7}`,
	"POST /v1/artifacts":     `409 {"title":"Conflict","detail":"the version exists\u001b[2J"}`,
	"POST /epcis/v2/capture": `202 {"captureID":"j1","running":true}`,
	"GET /epcis/v2/capture/j1": `{"captureID":"j1","success":false,"counts":{"total":2,"recorded":1,"rejected":1},
		"results":[{"index":0,"state":"recorded","id":"` + recordID + `","tx":"t","block":7},{"index":1,"state":"rejected","problems":[{"pointer":"/type","detail":"odd\u001b[2J"}]}]}`,
	"GET /v1/records/" + recordID + "/proof": `proof`,
}

// play plays a gateway that the environment names.
func play(t *testing.T) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, known := answers[r.Method+" "+r.URL.Path]
		status := http.StatusOK
		switch {
		case r.Header.Get("Authorization") != "Bearer secret":
			status, body = http.StatusUnauthorized, `{"title":"Unauthorized"}`
		case !known:
			status, body = http.StatusNotFound, `{"title":"Not found"}`
		case strings.HasPrefix(body, "409 "):
			status, body = http.StatusConflict, body[4:]
		case strings.HasPrefix(body, "202 "):
			status, body = http.StatusAccepted, body[4:]
		}
		w.Header().Set("Content-Type", "application/json")
		if status >= 400 {
			w.Header().Set("Content-Type", "application/problem+json")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	t.Setenv("PEDIGREE_URL", server.URL)
	t.Setenv("PEDIGREE_TOKEN", "secret")
}

func ran(t *testing.T, c *cobra.Command, stdin string, out io.Writer, args ...string) (said string, err error) {
	t.Helper()
	var errs bytes.Buffer
	c.SetIn(strings.NewReader(stdin))
	c.SetOut(out)
	c.SetErr(&errs)
	c.SetArgs(args)
	c.SilenceUsage, c.SilenceErrors = true, true
	err = c.ExecuteContext(t.Context())
	return errs.String(), err
}

func TestVerbsPrintAGatewaysAnswersForPeopleAndPrograms(t *testing.T) {
	play(t)
	for name, c := range map[string]struct {
		verb *cobra.Command
		args []string
		code int
	}{
		"show":           {Show(), []string{strings.TrimPrefix(recordID, "ni:///sha-256;")}, exit.Done},
		"show-json":      {Show(), []string{recordID, "--json"}, exit.Done},
		"trace":          {Trace(), []string{"dataset/lab/t@1"}, exit.Done},
		"trace-json":     {Trace(), []string{"dataset/lab/t@1", "--json"}, exit.Done},
		"impact":         {Impact(), []string{"dataset/lab/t@1"}, exit.Done},
		"impact-json":    {Impact(), []string{"dataset/lab/t@1", "--json"}, exit.Done},
		"statement":      {Record(), []string{"statement", "recall", "dataset/lab/t@1", "--reason", "warm"}, exit.Done},
		"statement-json": {Record(), []string{"statement", "recall", "dataset/lab/t@1", "--json"}, exit.Done},
		"capture":        {Capture(), []string{"-"}, exit.Refused},
		"capture-json":   {Capture(), []string{"-", "--json"}, exit.Refused},
		"proof":          {Proof(), []string{recordID}, exit.Done},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			said, err := ran(t, c.verb, `{"type":"EPCISDocument"}`, &out, c.args...)
			assert.Equal(t, c.code, exit.Code(err), "%v", err)
			assert.Empty(t, said, "there is no progress where there is no terminal")
			for _, r := range out.String() {
				assert.True(t, r == '\n' || r >= ' ' && (r < 0x7f || r > 0x9f) && r != 0x202e,
					"%q would reach the terminal", r)
			}
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(golden, out.Bytes(), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), out.String())
		})
	}
}

// closed is a pipe whose reader is gone.
type closed struct{}

var errClosed = errors.New("broken pipe")

func (closed) Write([]byte) (int, error) { return 0, errClosed }

func TestAClosedPipeIsAnError(t *testing.T) {
	play(t)
	for name, c := range map[string]struct {
		verb *cobra.Command
		args []string
	}{
		"show":        {Show(), []string{recordID}},
		"show --json": {Show(), []string{recordID, "--json"}},
		"show --raw":  {Show(), []string{recordID, "--raw"}},
		"trace":       {Trace(), []string{"dataset/lab/t@1"}},
		"impact":      {Impact(), []string{"dataset/lab/t@1"}},
		"ask":         {Ask(), []string{"/v1/impact?node=dataset/lab/t@1"}},
		"export":      {Export(), []string{"dataset/lab/t@1", "--format", "csv"}},
		"statement":   {Record(), []string{"statement", "recall", "dataset/lab/t@1"}},
		"proof":       {Proof(), []string{recordID}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ran(t, c.verb, "", closed{}, c.args...)
			assert.ErrorIs(t, err, errClosed)
		})
	}
}

func TestVerbsFailWithTheCodeOfTheirReason(t *testing.T) {
	play(t)
	latin1 := filepath.Join(t.TempDir(), "card.md")
	require.NoError(t, os.WriteFile(latin1, []byte("caf\xe9"), 0o600))
	digest := "sha-256:" + strings.Repeat("0", 64)
	for name, c := range map[string]struct {
		verb  *cobra.Command
		args  []string
		stdin string
		code  int
		want  string
	}{
		"nothing of that name":       {Show(), []string{strings.Repeat("0", 64)}, "", exit.Refused, "knows nothing of"},
		"no identifier":              {Show(), []string{"not an id"}, "", exit.Usage, "no node"},
		"a version that exists":      {Register(), []string{"dataset/lab/t@1", "--digest", digest}, "", exit.Refused, "the version exists"},
		"a card that isn't UTF-8":    {Register(), []string{"dataset/lab/t@1", "--digest", digest, "--card", latin1}, "", exit.Usage, "not UTF-8"},
		"a file that isn't there":    {Capture(), []string{"absent.json"}, "", exit.Usage, "couldn't read absent.json"},
		"standard input, no JSON":    {Record(), []string{"file", "-"}, "<xml/>", exit.Usage, "not a JSON object"},
		"standard input, wrong noun": {Record(), []string{"file", "-"}, `{"record":"event/1"}`, exit.Usage, "EPCIS documents go to capture"},
		"a format of nobody":         {Export(), []string{"dataset/lab/t@1", "--format", "pdf"}, "", exit.Usage, "is none of"},
		"two directions":             {Export(), []string{"dataset/lab/t@1", "--format", "csv", "--down", "--both"}, "", exit.Usage, "two answers"},
		"a level of nobody":          {Proof(), []string{recordID, "--level", "x"}, "", exit.Usage, "no level of proof"},
		"an empty claim":             {Record(), []string{"statement", "recall", "x", "--set", "odd"}, "", exit.Usage, "not name=value"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ran(t, c.verb, c.stdin, io.Discard, c.args...)
			require.ErrorContains(t, err, c.want)
			assert.Equal(t, c.code, exit.Code(err))
		})
	}
}
