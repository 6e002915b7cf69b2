package about

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/formats/tree"
)

func TestOnlyDigestsAreTakenForDigests(t *testing.T) {
	for _, test := range []struct {
		algorithm, text, value string
		odd                    bool
	}{
		{"sha-256", strings.Repeat("a1", 32), strings.Repeat("a1", 32), false},
		{"sha-256", " " + strings.Repeat("A1", 32) + "\n", strings.Repeat("a1", 32), false},
		{"sha-256", "sha256:" + strings.Repeat("a1", 32), strings.Repeat("a1", 32), false},
		{"md5", strings.Repeat("0", 32), strings.Repeat("0", 32), false},
		{"blake3", strings.Repeat("0", 64), strings.Repeat("0", 64), false},
		{"sha-256", "https://github.com/mlcommons/croissant/issues/80", "", true},
		{"sha-256", strings.Repeat("0", 32), "", true},
		{"sha-256", strings.Repeat("0", 128), "", true},
		{"sha-256", strings.Repeat("g", 64), "", true},
		{"sha-512", strings.Repeat("0", 64), "", true},
		{"sha-256", "", "", false},
		{"", strings.Repeat("0", 64), "", false}, // an algorithm that isn't known
	} {
		d := new(Description)
		digest, ok := d.ReadDigest(test.algorithm, tree.Node{Kind: tree.String, Text: test.text, Pointer: "/x",
			Line: 7})
		require.Equal(t, test.value != "", ok, "%s %q", test.algorithm, test.text)
		require.Equal(t, test.value, digest.Value)
		require.Equal(t, test.odd, len(d.Problems) == 1)
		if test.odd {
			require.Equal(t, "/x", d.Problems[0].Pointer)
			require.Equal(t, 7, d.Problems[0].Line)
		}
	}
}

func TestNamesOfTheLedgerAreKnownAsSuch(t *testing.T) {
	id := "ni:///sha-256;" + strings.Repeat("0", 64)
	for name, want := range map[string]string{
		"dataset/lab/readings@1": "dataset/lab/readings@1", id: id, "lab/readings": "", "dataset/lab/readings": "",
		"https://hub.example/x": "", "": "", "dataset/Lab/x@1": "",
	} {
		require.Equal(t, want, Find(tree.Node{}, name, "").Ref)
		require.Equal(t, want, Find(tree.Node{}, "x", name).Ref, "by its address")
	}
}

func TestTextsAreCutAtACharacter(t *testing.T) {
	require.Equal(t, "abc", Cut(" abc\n", 3))
	require.Equal(t, "ab…", Cut("abcdef", 5))
	require.Equal(t, "a…", Cut("aøøø", 5), "never inside of one")
	for n := 4; n < 40; n++ {
		require.LessOrEqual(t, len(Cut(strings.Repeat("ø€😀", 10), n)), n)
	}
}

func TestProblemsAreNoMoreThanPeopleRead(t *testing.T) {
	d := new(Description)
	for i := range 1000 {
		d.Note("odd", tree.Node{}, "%s", fmt.Sprint(i))
		d.Say(TopicUses, "", "x")
	}
	require.Len(t, d.Problems, maxProblems)
	require.Len(t, d.Passages, MaxList)
}
