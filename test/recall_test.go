package test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// members are the organisations of the consortium.
var members = []string{"harbor", "market", "lab"}

// printed runs a command of the program on the shared network and returns what it printed.
func printed(t *testing.T, args ...string) []byte {
	t.Helper()
	c := exec.CommandContext(t.Context(), program, args...)
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	require.NoError(t, c.Run(), "%s\n%s", strings.Join(args, " "), &said)
	return out.Bytes()
}

// impactOf asks every organisation's gateway for the impact of a node as of a block, and checks that the answers are
// equal.
func impactOf(t *testing.T, node string, block uint64) *lineage.Impact {
	t.Helper()
	var first []byte
	for _, org := range members {
		gateway := as(t, org, "auditor")
		atHeight(t, gateway, block)
		var answer json.RawMessage
		get(t, gateway, "/v1/impact", url.Values{"node": {node}, "at": {strconv.FormatUint(block, 10)}}, &answer)
		if first == nil {
			first = answer
		}
		require.Equal(t, string(first), string(answer), "%s answers as the others do", org)
	}
	im := new(lineage.Impact)
	require.NoError(t, json.Unmarshal(first, im))
	return im
}

// A recall that begins with the readings of one temperature logger finds the dataset, the models, the decisions and
// the lots, through three organisations, and nothing else; with proof, and with who has acknowledged it.
func TestTheRecallOfALoggerFindsWhatItTouchedInThreeOrganisations(t *testing.T) {
	var readings []string
	for line := range bytes.Lines(printed(t, "demo", "--dir", dir, "--run", "Recall", "--json")) {
		var told struct{ What, ID string }
		require.NoError(t, json.Unmarshal(line, &told))
		if strings.HasPrefix(told.What, "logger 8 measured") {
			readings = append(readings, told.ID)
		}
	}
	require.Len(t, readings, 4)
	state := func(org, kind, subject string, predicate map[string]string, subjects ...string) *client.Receipt {
		t.Helper()
		gateway := as(t, org)
		_, receipt, err := gateway.Record(t.Context(), "/v1/statements", map[string]any{"kind": kind, "subject": append(subjects, subject), "predicate": predicate})
		require.NoError(t, err)
		return receipt
	}
	recall := state("market", "recall", readings[0], map[string]string{"reason": "logger 8 lay in the sun", "instructions": "hold the lots"}, readings[1:]...)

	im := impactOf(t, recall.ID, recall.Block)
	require.Nil(t, im.Truncated)
	found := map[string]lineage.Touched{}
	decided := 0
	for _, touched := range im.Touched {
		found[touched.ID] = touched
		if touched.Kind == "activity" && touched.Type == "inference" {
			decided++
		}
	}
	const fillets, loins, smoked = "https://id.gs1.org/01/09520001200014/10/FILLET-Recall", "https://id.gs1.org/01/09520001200021/10/LOIN-Recall", "https://id.gs1.org/01/09520001200038/10/SMOKED-Recall"
	for _, node := range []string{"dataset/lab/temperatures@Recall", "dataset/lab/hours@Recall", "model/lab/spoilage@Recall", "model/lab/spoilage-loins@Recall", fillets, loins, readings[0], readings[3]} {
		assert.Contains(t, found, node)
	}
	for _, node := range []string{"dataset/lab/temperatures-loins@Recall", "dataset/lab/hours-loins@Recall", "model/lab/freshness@Recall", smoked} {
		assert.NotContains(t, found, node, "it was not made of these readings, though one run made hours of both")
	}
	assert.Equal(t, 2, decided, "the third model decided about the smoked salmon")
	var organisations []string
	for _, o := range im.Organisations {
		organisations = append(organisations, o.MSPID)
	}
	assert.Equal(t, []string{"HarborMSP", "LabMSP", "MarketMSP"}, organisations)

	var path []string
	for _, step := range found[loins].Why[1:] {
		path = append(path, step.Edge)
	}
	assert.Equal(t, []string{"subject", "derivedFrom", "used", "generated", "used", "generated", "used", "about"}, path)
	assert.Equal(t, recall.ID, found[loins].Why[0].Node)
	assert.True(t, found[loins].OnTheMove)

	ours := func(im *lineage.Impact) lineage.Notice {
		t.Helper()
		i := slices.IndexFunc(im.Notices, func(r lineage.Notice) bool { return r.ID == recall.ID })
		require.GreaterOrEqual(t, i, 0)
		return im.Notices[i]
	}
	assert.Equal(t, im.Total, ours(im).Touched)
	assert.Len(t, im.Notices, 2, "logger 7 had been wrong before")
	assert.Contains(t, found["model/lab/spoilage@Recall"].Notices, recall.ID)
	assert.Equal(t, []string{"HarborMSP", "LabMSP"}, ours(im).Missing, "Market has made it")

	t.Run("each acknowledgement changes the answer, everywhere", func(t *testing.T) {
		first := state("lab", "acknowledgement", recall.ID, map[string]string{"action": "both models are out of use"})
		im := impactOf(t, recall.ID, first.Block)
		assert.Equal(t, []string{"HarborMSP"}, ours(im).Missing)
		assert.Equal(t, "both models are out of use", ours(im).Acknowledged[0].Action)
		assert.Equal(t, first.Block, ours(im).Acknowledged[0].Block)
		second := state("harbor", "acknowledgement", recall.ID, map[string]string{"action": "the catch is kept apart"})
		im = impactOf(t, recall.ID, second.Block)
		assert.Empty(t, ours(im).Missing)
		for _, touched := range im.Touched {
			who := []string{"HarborMSP", "LabMSP"}
			if strings.HasPrefix(touched.Name, "holding") {
				who = who[:1] // Lab acknowledged the earlier recall before Market took the loins off sale
			}
			assert.Subset(t, touched.Acknowledged, who, touched.Name)
		}
		third := state("market", "acknowledgement", recall.ID, map[string]string{"action": "the lots are off the shelves"})
		assert.Len(t, ours(impactOf(t, recall.ID, third.Block)).Acknowledged, 3)
		assert.Equal(t, []string{"HarborMSP", "LabMSP"}, ours(impactOf(t, recall.ID, recall.Block)).Missing, "as it was before")
	})

	t.Run("people get a table of it", func(t *testing.T) {
		rows, err := csv.NewReader(bytes.NewReader(printed(t, "impact", "--dir", dir, "--as", "lab", "--csv", recall.ID))).ReadAll()
		require.NoError(t, err)
		lot := slices.IndexFunc(rows, func(row []string) bool { return row[3] == loins })
		require.GreaterOrEqual(t, lot, 0)
		assert.Contains(t, rows[lot][len(rows[lot])-1], "decided about lot LOIN-Recall")
	})

	t.Run("the trace is proved to who trusts no gateway", func(t *testing.T) {
		folder := t.TempDir()
		trust, trace := filepath.Join(folder, "consortium.json"), filepath.Join(folder, "recall.proof")
		require.NoError(t, os.WriteFile(trust, printed(t, "trust", "export", "--dir", dir), 0o600))
		for _, org := range members {
			require.NoError(t, os.WriteFile(trace, printed(t, "proof", "--dir", dir, "--as", org, "--trace", "--down", recall.ID), 0o600))
			proved := string(printed(t, "verify", trace, "--trust", trust, "--trace", recall.ID, "--down", "--json"))
			for id, touched := range found {
				if touched.Kind == "event" || touched.Kind == "activity" {
					assert.Contains(t, proved, id, touched.Name)
				}
			}
			for _, ref := range []string{"temperatures", "hours", "spoilage", "spoilage-loins"} {
				assert.Contains(t, proved, `"`+ref+`"`)
			}
			assert.NotContains(t, proved, `"freshness"`)
		}
	})
}
