package indextest

import (
	"fmt"
	"testing"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Seen makes the record of an event in which an item was seen in the n-th minute.
func Seen(t testing.TB, n int) *record.Record {
	t.Helper()
	return Event(t, fmt.Sprintf(`{"type":"ObjectEvent","eventTime":"2026-03-01T08:%02d:00Z","action":"OBSERVE",
		"bizStep":"shipping","epcList":["urn:epc:id:sgtin:9521234.054321.%d"]}`, n%60, n))
}

// Mixed makes a small ledger with records of all nouns.
func Mixed(t testing.TB) *Ledger {
	t.Helper()
	l := New(t)
	first := Seen(t, 1)
	l.Submit("Harbor", Member(t, `{"mspId":"HarborMSP","name":"Harbor","namespaces":["harbor"]}`))
	l.Submit("Lab", Member(t, `{"mspId":"LabMSP","name":"Lab","namespaces":["lab"]}`))
	l.Cut()
	l.Submit("Harbor", first, Seen(t, 2))
	l.Submit("Market", first)
	l.SubmitAs("Market", 11, Seen(t, 99))
	l.Cut()
	l.Submit("Lab", Activity(t, `{"type":"training","used":[{"ref":"dataset/lab/d@1"}],
			"generated":[{"ref":"model/lab/m@1","from":["dataset/lab/d@1"]}]}`),
		Artifact(t, "dataset/lab/d@1", string(first.ID)), Artifact(t, "model/lab/m@1"))
	l.Cut()
	l.Submit("Lab", Statement(t, "recall", `{"reason":"bad"}`, "dataset/lab/d@1", string(first.ID)))
	l.Cut()
	l.Cut() // an empty block
	l.Submit("Harbor", Seen(t, 3), Event(t, `{"type":"AggregationEvent",
		"eventTime":"2026-03-02T08:00:00Z","action":"ADD","parentID":"urn:epc:id:sscc:9521234.0000000001",
		"childEPCs":["urn:epc:id:sgtin:9521234.054321.1"],
		"bizTransactionList":[{"type":"po","bizTransaction":"urn:epcglobal:cbv:bt:9521234000013:1"}]}`))
	l.Cut()
	return l
}
