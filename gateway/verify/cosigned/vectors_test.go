package cosigned_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/formats/formatstest"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/gateway/verify/verifytest"
)

var makeVectors = flag.Bool("vectors", false, "make test/vectors/answers anew")

var vectorFolder = filepath.Join("..", "..", "..", "test", "vectors", "answers")

// TestVectors judges the published answers, which were made once by organisations whose keys nobody has.
func TestVectors(t *testing.T) {
	if *makeVectors {
		publish(t)
	}
	entries := verifytest.Entries(t, filepath.Join(vectorFolder, "answers.txt"))
	require.Greater(t, len(entries), 30)
	for _, v := range entries {
		t.Run(v["answer"], func(t *testing.T) {
			answer, err := os.ReadFile(filepath.Join(vectorFolder, v["answer"]))
			require.NoError(t, err)
			pinned, err := os.ReadFile(filepath.Join(vectorFolder, v["trust"]))
			require.NoError(t, err)
			trust, err := proof.ParseTrust(pinned)
			require.NoError(t, err)
			wanted := cosigned.Wanted{Question: cosigned.Question(v["question"])}
			wanted.Agree, _ = strconv.Atoi(v["agree"])
			wanted.Block, _ = strconv.ParseUint(v["block"], 10, 64)
			if v["since"] != "" {
				wanted.Since, err = time.Parse(time.RFC3339, v["since"])
				require.NoError(t, err)
			}
			_, err = cosigned.Verify(answer, trust, wanted)
			said := "accept"
			if err != nil {
				said = "refuse " + string(proof.ReasonOf(err))
			}
			assert.Equal(t, v["expect"], said, "%v", err)
		})
	}
}

// publish makes all vectors anew, with new keys.
func publish(t *testing.T) {
	require.NoError(t, os.RemoveAll(vectorFolder))
	require.NoError(t, os.MkdirAll(vectorFolder, 0o755))
	write := func(name string, text []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(vectorFolder, name), text, 0o644))
	}
	c := formatstest.NewConsortium(t, "HarborMSP", "LabMSP", "MarketMSP", "OtherMSP")
	var list []string
	add := func(about string, f *fixture, pinned string, wanted cosigned.Wanted, expect string) {
		name := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(strings.ReplaceAll(about, "'", "")), "-") + ".json"
		write(name, f.file.Text())
		entry := fmt.Sprintf("answer: %s\nabout: %s\ntrust: %s\n", name, about, pinned)
		for _, member := range []struct {
			name  string
			value any
			there bool
		}{
			{"question", wanted.Question, wanted.Question != ""}, {"agree", wanted.Agree, wanted.Agree > 0},
			{"block", wanted.Block, wanted.Block > 0}, {"since", wanted.Since.Format(time.RFC3339), !wanted.Since.IsZero()},
		} {
			if member.there {
				entry += fmt.Sprintf("%s: %v\n", member.name, member.value)
			}
		}
		list = append(list, entry+"expect: "+expect+"\n")
	}
	good := newFixtureOf(t, c)
	pinned := c.Trust.Text()
	write("consortium.json", pinned)
	add("two of three organisations agree", good, "consortium.json",
		cosigned.Wanted{Question: question, Agree: 2, Block: 57, Since: signedAt}, "accept")
	dissent := newFixtureOf(t, c)
	dissent.sign("MarketMSP", another)
	add("two of three agree, and the third says another thing", dissent, "consortium.json", cosigned.Wanted{}, "accept")
	all := forgeries(t)
	for _, about := range slices.Sorted(maps.Keys(all)) {
		f := newFixtureOf(t, c)
		if all[about].change != nil {
			all[about].change(f)
		}
		trust := "consortium.json"
		if text := f.Trust.Text(); !bytes.Equal(text, pinned) {
			trust = "revoked.json"
			write(trust, text)
			var err error
			c.Trust, err = proof.ParseTrust(pinned)
			require.NoError(t, err)
		}
		add(about, f, trust, all[about].wanted, "refuse "+string(all[about].reason))
	}
	write("answers.txt", []byte(strings.Join(list, "\n")))
}
