package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/verify/audit/blockfile"
)

func TestAReportIsOfTheAudit(t *testing.T) {
	a := audited(t)
	a.replay.chaincode, a.replay.genesis, a.first = "cc", []byte{0xab}, 2
	a.replay.progress.Channel, a.replay.progress.Last, a.replay.progress.Transactions = "c", []byte{0xcd}, 9
	a.replay.progress.Invalid, a.replay.progress.Records, a.notes = 3, 8, []string{"note"}
	a.began = time.Now().Add(-time.Hour)
	files := &Files{Dir: "dir"}
	r := a.Report(files)
	assert.GreaterOrEqual(t, r.Seconds, 3600.0)
	r.Seconds = 0
	assert.Equal(t, &Report{
		Channel: "c", Chaincode: "cc", Genesis: "ab", Source: "the block files in dir", Blocks: 4, Tip: "cd", Complete: true,
		From: 2, Transactions: 9, Invalid: 3, Records: 8, Findings: []Finding{}, Notes: []string{"note"},
	}, r)
	files.partial = &blockfile.Partial{File: "file", Offset: 7}
	assert.Len(t, a.Report(files).Notes, 2)
	assert.Contains(t, a.Report(files).Notes[1], "file ends within a block, which begins at byte 7")

	a.Note(make([]Finding, mostKept-1)...)
	assert.Len(t, a.Report(noBlocks{}).Notes, 1)
	a.Note(Finding{})
	assert.Equal(t, []string{"only the first 10000 findings are kept", "note"}, a.Report(noBlocks{}).Notes)
}

func TestAReportIsCleanIfNothingWasFoundUpToTheEnd(t *testing.T) {
	assert.True(t, (&Report{Complete: true}).Clean())
	assert.False(t, (&Report{}).Clean())
	assert.False(t, (&Report{Complete: true, Findings: make([]Finding, 1)}).Clean())
}

func TestAReportIsWrittenForPeople(t *testing.T) {
	write := func(r Report) string {
		var b strings.Builder
		r.Source, r.Channel, r.Chaincode, r.Genesis, r.Tip, r.Seconds = "a source", "c", "cc", "ab", "cd", 1.5
		require.NoError(t, r.WriteText(&b))
		return b.String()
	}
	head := "Audited a source.\n  channel c, chaincode cc, from the genesis block ab\n"
	one := inBlock(7, Fork, "detail")
	for name, c := range map[string]struct {
		report Report
		want   string
	}{
		"nothing is wrong": {Report{Complete: true, Blocks: 1, Transactions: 1, Records: 1},
			"  1 block up to cd\n  1 transaction, of them 0 invalid; 1 record\n  it took 1.5s\nNothing is wrong.\n"},
		"a run that went on": {Report{Complete: true, Blocks: 9, From: 1, Transactions: 20, Invalid: 2},
			"  9 blocks up to cd\n  20 transactions, of them 2 invalid; 0 records\n" +
				"  this run went on from block 1 and took 1.5s\nNothing is wrong.\n"},
		"what was compared": {Report{Complete: true, Blocks: 9, Notes: []string{"a note"}, Heights: []SignedHeight{{"M", "p", 9, ""}},
			Gateway: &Comparison{URL: "u", At: 8, Records: 3, Lineages: 2}},
			"  9 blocks up to cd\n  0 transactions, of them 0 invalid; 0 records\n  it took 1.5s\n  M signs that it has 9 blocks (p)\n" +
				"  compared 3 records and 2 lineages with u, as of block 8\nNote: a note.\nNothing is wrong.\n"},
		"a finding": {Report{Complete: true, Blocks: 9, Findings: []Finding{one}},
			"  9 blocks up to cd\n  0 transactions, of them 0 invalid; 0 records\n  it took 1.5s\nfork: block 7: detail\n1 finding.\n"},
		"a finding that ended it": {Report{Blocks: 9, Findings: []Finding{one, one}},
			"  9 blocks up to cd\n  0 transactions, of them 0 invalid; 0 records\n  it took 1.5s\nfork: block 7: detail\n" +
				"fork: block 7: detail\n2 findings. The audit ended at block 9: none after it can be judged.\n"},
		"an end without a finding": {Report{},
			"  not even the first block could be judged\n  0 transactions, of them 0 invalid; 0 records\n  it took 1.5s\n" +
				"0 findings. The audit ended at block 0: none after it can be judged.\n"},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, head+c.want, write(c.report)) })
	}
	many := write(Report{Complete: true, Findings: make([]Finding, 102)})
	assert.Equal(t, 100, strings.Count(many, "\n: "))
	assert.Contains(t, many, "\n… and 2 more; --json has them all\n102 findings.\n")
	assert.NotContains(t, write(Report{Complete: true, Findings: make([]Finding, 100)}), "more; --json")

	broken := errors.New("the pipe is broken")
	assert.ErrorIs(t, (&Report{}).WriteText(brokenPipe{broken}), broken)
	assert.ErrorIs(t, (&Report{}).WriteJSON(brokenPipe{broken}), broken)
}

type brokenPipe struct{ err error }

func (b brokenPipe) Write([]byte) (int, error) { return 0, b.err }

func TestAReportIsWrittenAsJSON(t *testing.T) {
	var b bytes.Buffer
	want := &Report{Source: "a < b", Findings: []Finding{inBlock(7, Fork, "detail")}}
	require.NoError(t, want.WriteJSON(&b))
	assert.Contains(t, b.String(), "\n  \"source\": \"a < b\",\n")
	got := new(Report)
	require.NoError(t, json.Unmarshal(b.Bytes(), got))
	assert.Equal(t, want, got)
}
