package record_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

var (
	submitter = record.Header{MSPID: "LabMSP", Subject: "CN=somebody", Time: "2026-03-01T06:00:00Z"}
	submitTx  = strings.Repeat("ab", 32)
)

// writesOf returns what a submit of the records may write, and what it must write.
func writesOf(t *testing.T, records ...[]byte) (*record.Writes, []record.Write) {
	t.Helper()
	pack, err := record.Pack(records)
	require.NoError(t, err)
	w, err := record.SubmitWrites(submitter, submitTx, pack)
	require.NoError(t, err)
	value, err := record.PackValue(submitter, pack)
	require.NoError(t, err)
	must := []record.Write{{Key: record.PackKey(submitTx), Value: value}}
	for line, body := range records {
		must = append(must, record.Write{Key: record.PointerKey(record.Sum(body), submitTx),
			Value: fmt.Append(nil, line)})
	}
	return w, must
}

func TestASubmitWritesItsPackAndItsPointers(t *testing.T) {
	w, must := writesOf(t, bodies(t, 12)...)
	require.NoError(t, w.Check(must))
	for i := range must {
		less := append(append([]record.Write{}, must[:i]...), must[i+1:]...)
		assert.ErrorContains(t, w.Check(less), "12 of the 13 keys")
		assert.ErrorContains(t, w.Check(append(less, record.Write{Key: must[i].Key, Value: []byte("x")})),
			"something else")
		assert.ErrorContains(t, w.Check(append(less, record.Write{Key: must[i].Key, Value: must[i].Value,
			Delete: true})), "deletes")
		assert.ErrorContains(t, w.Check(append(less, must[i], must[i])), "twice")
	}
	assert.ErrorContains(t, w.Check(append(must, record.Write{Key: "x/y"})),
		`"x/y", which no record of the pack asks for`)
	_, err := record.SubmitWrites(submitter, submitTx, []byte("no pack"))
	assert.Error(t, err)
}

func TestASubmitWritesNoRuleOfARecordThatIsNone(t *testing.T) {
	w, must := writesOf(t, []byte("{}"))
	require.NoError(t, w.Check(must), "the chaincode judges records, and this one wrote nothing else")
	assert.ErrorContains(t, w.Check(append(must, record.Write{Key: "x/y"})), "a record that the ledger refuses")
}

func TestASubmitWithdrawsAndRetractsWhatItsRecordsSay(t *testing.T) {
	statement := func(kind, subject string) *record.Record {
		r, problems := record.NewStatement(value(t, fmt.Sprintf(`{"kind":%q,"subject":[%q],"predicate":{"reason":"x"}}`,
			kind, subject)), "LabMSP", nil)
		require.Empty(t, problems)
		return r
	}
	const thing, ref = "https://example.com/crate/7", "dataset/lab/readings@1"
	ofThing, ofArtifact, retraction := statement(record.Withdrawal, thing), statement(record.Withdrawal, ref),
		statement(record.Retraction, anyID)
	w, must := writesOf(t, ofThing.Body, ofArtifact.Body, retraction.Body)
	otherTx := strings.Repeat("cd", 32)
	for _, c := range []struct {
		node      string
		id        record.ID
		tx        string
		retracted bool
		says      string // what is wrong; empty if nothing is
	}{
		{thing, ofThing.ID, submitTx, false, ""},
		{ref, ofArtifact.ID, submitTx, false, ""},
		{anyID, ofArtifact.ID, submitTx, false, ""}, // as the id of the artifact's record
		{thing, anyID, otherTx, true, ""},           // what was retracted, wherever it lies
		{ref, anyID, otherTx, true, ""},
		{ref, ofThing.ID, submitTx, false, "something else"},
		{anyID, ofThing.ID, submitTx, false, "something else"},
		{thing, ofArtifact.ID, submitTx, false, "something else"},
		{thing, ofThing.ID, otherTx, false, "something else"},
		{thing, ofThing.ID, submitTx, true, "something else"}, // a withdrawal that is void from the start
		{thing, anyID, otherTx, false, "something else"},
		{thing, "ni:///sha-256;00", submitTx, false, "something else"},
		{thing, retraction.ID, submitTx, false, "something else"},
	} {
		text := fmt.Sprintf(`{"id":%q,"tx":%q}`, c.id, c.tx)
		if c.retracted {
			text = fmt.Sprintf(`{"id":%q,"tx":%q,"retracted":true}`, c.id, c.tx)
		}
		err := w.Check(append(must, record.Write{Key: record.WithdrawalKey(c.node), Value: []byte(text)}))
		if c.says == "" {
			assert.NoError(t, err, c)
		} else {
			assert.ErrorContains(t, err, c.says, c)
		}
	}
	assert.ErrorContains(t, w.Check(append(must, record.Write{Key: record.WithdrawalKey(thing), Value: []byte("{")})),
		"can't be read")
}
