package checkpoint_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/verify/checkpoint"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/gateway/verify/verifytest"
)

var makeVectors = flag.Bool("vectors", false, "make test/vectors/checkpoints anew")

var vectorFolder = filepath.Join("..", "..", "..", "test", "vectors", "checkpoints")

// TestVectors judges the published notes, which were made once by organisations whose keys nobody has.
func TestVectors(t *testing.T) {
	if *makeVectors {
		publish(t)
	}
	entries := verifytest.Entries(t, filepath.Join(vectorFolder, "checkpoints.txt"))
	require.Greater(t, len(entries), 15)
	for _, v := range entries {
		t.Run(v["about"], func(t *testing.T) {
			pinned, err := os.ReadFile(filepath.Join(vectorFolder, v["trust"]))
			require.NoError(t, err)
			trust, err := proof.ParseTrust(pinned)
			require.NoError(t, err)
			said := "accept"
			if err := judgeFiles(t, trust, strings.Fields(v["notes"])); err != nil {
				said = "refuse " + string(proof.ReasonOf(err))
			}
			assert.Equal(t, v["expect"], said)
		})
	}
}

func judgeFiles(t *testing.T, trust *proof.Trust, files []string) error {
	var notes []checkpoint.Named
	var proofs []*checkpoint.Consistency
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(vectorFolder, name))
		require.NoError(t, err)
		if checkpoint.RecogniseConsistency(text) {
			p, err := checkpoint.ParseConsistency(text)
			require.NoError(t, err)
			proofs = append(proofs, p)
			continue
		}
		require.True(t, checkpoint.Recognise(text))
		n, err := checkpoint.Parse(text)
		if err != nil {
			return err
		}
		notes = append(notes, checkpoint.Named{Name: name, Note: n})
	}
	_, err := checkpoint.Verify(notes, proofs, trust, cosigned.Wanted{})
	return err
}

// publish makes all vectors anew, with new keys.
func publish(t *testing.T) {
	require.NoError(t, os.RemoveAll(vectorFolder))
	require.NoError(t, os.MkdirAll(vectorFolder, 0o755))
	write := func(name string, text []byte) string {
		require.NoError(t, os.WriteFile(filepath.Join(vectorFolder, name), text, 0o644))
		return name
	}
	f := newFixture(t)
	pinned := f.Trust.Text()
	write("consortium.json", pinned)
	var list []string
	add := func(about, trust, expect string, files ...string) {
		list = append(list, fmt.Sprintf("notes: %s\nabout: %s\ntrust: %s\nexpect: %s\n", strings.Join(files, " "), about, trust, expect))
	}
	early := write("early.note", f.signed(f.at(6, "a"), "HarborMSP", "LabMSP").Bytes())
	late := write("late.note", f.signed(f.at(14, "a"), "MarketMSP", "LabMSP").Bytes())
	other := write("other-view.note", f.signed(f.at(6, "b"), "MarketMSP").Bytes())
	otherLate := write("other-view-later.note", f.signed(f.at(14, "b"), "MarketMSP", "LabMSP").Bytes())
	origin := f.at(6, "a")
	text, err := json.Marshal(grown(t, origin.Origin(), 6, 14, "a"))
	require.NoError(t, err)
	grew := write("early-to-late.json", text)
	add("two of three organisations signed it", "consortium.json", "accept", early)
	add("a later checkpoint extends an earlier one", "consortium.json", "accept", early, late, grew)
	add("two checkpoints of one block differ", "consortium.json", "refuse split_view", early, other)
	add("a later checkpoint doesn't extend an earlier one", "consortium.json", "refuse not_extended", early, otherLate, grew)
	add("signed by one of the two who must sign", "consortium.json", "refuse too_few_organisations", other)
	line := regexp.MustCompile("\nblock [0-9]+\n")
	good := string(f.signed(f.at(6, "a"), "HarborMSP", "LabMSP").Bytes())
	add("a line is missing", "consortium.json", "refuse malformed", write("a-line-is-missing.note", []byte(line.ReplaceAllString(good, "\n"))))
	for _, about := range slices.Sorted(maps.Keys(forgeries)) {
		n := f.signed(f.at(6, "a"), "HarborMSP", "LabMSP")
		forgeries[about].forge(f, n)
		trust := "consortium.json"
		if text := f.Trust.Text(); string(text) != string(pinned) {
			trust = write("revoked.json", text)
			f.Trust, err = proof.ParseTrust(pinned)
			require.NoError(t, err)
		}
		name := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(strings.ReplaceAll(about, "'", "")), "-") + ".note"
		add(about, trust, "refuse "+string(forgeries[about].reason), write(name, n.Bytes()))
	}
	write("checkpoints.txt", []byte(strings.Join(list, "\n")))
}
