package index_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
)

func TestTheFirstRecorderNeverChanges(t *testing.T) {
	l, ix := follow(t)
	r := indextest.Seen(t, 1)
	id := l.Put("Harbor", r)
	l.Put("Market", r)
	l.Submit("Harbor", indextest.Seen(t, 2), r, r)
	l.Cut()
	got, err := ix.Record(t.Context(), id, index.Latest)
	require.NoError(t, err)
	require.Equal(t, "HarborMSP", got.MSPID)
	require.EqualValues(t, 1, got.Block)
	require.Equal(t, record.NounEvent, got.Noun)
	require.Equal(t, r.Body, got.Body)
	require.Equal(t, "CN=submitter,O=Harbor", got.Subject)
	require.Equal(t, l.Blocks[1].Transactions[0].ID, got.TxID)
	require.Equal(t, l.Blocks[1].Transactions[0].Time, got.Time)

	all, err := ix.Recordings(t.Context(), id, index.Latest)
	require.NoError(t, err)
	var who []string
	for _, again := range all {
		who = append(who, again.MSPID)
	}
	require.Equal(t, []string{"HarborMSP", "MarketMSP", "HarborMSP", "HarborMSP"}, who)
	require.Equal(t, 2, all[3].Line)

	then, err := ix.Recordings(t.Context(), id, 1)
	require.NoError(t, err)
	require.Len(t, then, 1, "as it was at block 1")
}

func TestRecordsAreFoundAsOfAHeight(t *testing.T) {
	l, ix := follow(t)
	l.Put("Harbor", indextest.Seen(t, 1))
	id := l.Put("Harbor", indextest.Seen(t, 2))
	_, err := ix.Record(t.Context(), id, 1)
	require.ErrorIs(t, err, index.ErrNotFound)
	_, err = ix.Record(t.Context(), id, 2)
	require.NoError(t, err)
	_, err = ix.Record(t.Context(), id, 3)
	require.True(t, is[*index.FutureError](err))
	for _, bad := range []string{"", "ni:///sha-256;", "ni:///sha-256;zz", string(id) + "?ver=CBV2.0",
		"'; DROP TABLE node; --", "\x00"} {
		_, err := ix.Record(t.Context(), bad, index.Latest)
		require.ErrorIs(t, err, index.ErrNotFound, bad)
	}
}

func TestTheFateOfTransactions(t *testing.T) {
	l, ix := follow(t)
	good := l.Submit("Harbor", indextest.Seen(t, 1), indextest.Seen(t, 2))
	bad := l.SubmitAs("Market", 11, indextest.Seen(t, 3))
	l.Cut()
	// A peer marks a second transaction with the same id as a duplicate.
	copied := l.Blocks[1].Transactions[0]
	copied.Code, copied.Position = 9, 0
	require.NoError(t, ix.Apply(t.Context(), index.Block{Number: 2, Hash: []byte{2}, PreviousHash: ix.LastHash(),
		Transactions: []index.Transaction{copied}}))

	tx, err := ix.Transaction(t.Context(), good, index.Latest)
	require.NoError(t, err)
	require.EqualValues(t, 0, tx.Code)
	require.Equal(t, []string{string(indextest.Seen(t, 1).ID), string(indextest.Seen(t, 2).ID)}, tx.Records)
	tx, err = ix.Transaction(t.Context(), bad, index.Latest)
	require.NoError(t, err)
	require.EqualValues(t, 11, tx.Code)
	require.Equal(t, "MarketMSP", tx.MSPID)
	require.Empty(t, tx.Records)
	_, err = ix.Record(t.Context(), string(indextest.Seen(t, 3).ID), index.Latest)
	require.ErrorIs(t, err, index.ErrNotFound, "records of invalid transactions count for nothing")
	_, err = ix.Transaction(t.Context(), "unknown", index.Latest)
	require.ErrorIs(t, err, index.ErrNotFound)
	_, err = ix.Transaction(t.Context(), good, 0)
	require.ErrorIs(t, err, index.ErrNotFound, "not yet at block 0")
}

func TestATransactionListsRepeatsInTheirPlace(t *testing.T) {
	l, ix := follow(t)
	l.Put("Harbor", indextest.Seen(t, 2))
	id := l.Submit("Market", indextest.Seen(t, 1), indextest.Seen(t, 2), indextest.Seen(t, 3))
	l.Cut()
	l.Put("Market", indextest.Seen(t, 4))
	tx, err := ix.Transaction(t.Context(), id, index.Latest)
	require.NoError(t, err)
	require.Equal(t, []string{string(indextest.Seen(t, 1).ID), string(indextest.Seen(t, 2).ID),
		string(indextest.Seen(t, 3).ID)}, tx.Records)
}

func ids(items []index.Record) []string {
	all := []string{}
	for _, r := range items {
		all = append(all, r.ID)
	}
	return all
}

func TestRecordsAreListedInLedgerOrder(t *testing.T) {
	l := indextest.Mixed(t)
	ix := indextest.Open(t)
	require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
	two, three := uint64(2), uint64(3)
	for _, test := range []struct {
		name   string
		filter index.RecordFilter
		want   int
	}{
		{"all", index.RecordFilter{}, 10},
		{"events", index.RecordFilter{Noun: record.NounEvent}, 4},
		{"of Lab", index.RecordFilter{MSPID: "LabMSP"}, 5},
		{"Lab's artifacts", index.RecordFilter{MSPID: "LabMSP", Noun: record.NounArtifact}, 2},
		{"since block 3", index.RecordFilter{FromBlock: &three}, 6},
		{"in block 2", index.RecordFilter{FromBlock: &two, ToBlock: &two}, 2},
		{"of a transaction", index.RecordFilter{TxID: l.Blocks[2].Transactions[0].ID}, 2},
		{"of nobody", index.RecordFilter{MSPID: "' OR 1=1 --"}, 0},
		{"of a noun that isn't one", index.RecordFilter{Noun: "nonsense"}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			list, err := ix.Records(t.Context(), test.filter, index.Latest, index.Page{Size: 100})
			require.NoError(t, err)
			require.Len(t, list.Items, test.want)
			require.Empty(t, list.Next)
			var paged []index.Record
			for page := (index.Page{Size: 1}); ; {
				part, err := ix.Records(t.Context(), test.filter, index.Latest, page)
				require.NoError(t, err)
				paged = append(paged, part.Items...)
				if page.Token = part.Next; page.Token == "" {
					break
				}
			}
			require.Equal(t, ids(list.Items), ids(paged), "page by page it is the same")
		})
	}
}

func TestArtifacts(t *testing.T) {
	l, ix := follow(t)
	l.Put("Lab", indextest.Artifact(t, "dataset/lab/readings@1"), indextest.Artifact(t, "dataset/lab/readings@2"))
	l.Put("Harbor", indextest.Artifact(t, "model/harbor/readings@1"))
	l.Put("Market", indextest.Artifact(t, "dataset/lab/readings@1", "dataset/lab/readings@2")) // describes it again

	a, err := ix.Artifact(t.Context(), "dataset/lab/readings@1", index.Latest)
	require.NoError(t, err)
	require.Equal(t, "LabMSP", a.MSPID)
	require.Equal(t, "sha-256", a.Digest.Algorithm)
	require.Equal(t, "dataset/lab/readings@1", a.Ref)
	for _, missing := range []string{"dataset/lab/readings@3", "nonsense", "", "dataset/lab/readings@' OR '1'='1"} {
		_, err := ix.Artifact(t.Context(), missing, index.Latest)
		require.ErrorIs(t, err, index.ErrNotFound)
	}

	versions, err := ix.ArtifactVersions(t.Context(), "dataset/lab/readings", index.Latest, index.Page{})
	require.NoError(t, err)
	require.Len(t, versions.Items, 2)
	require.Equal(t, "2", versions.Items[1].Version)
	by, err := ix.Artifacts(t.Context(), index.ArtifactFilter{Digest: a.Digest.Value}, index.Latest, index.Page{})
	require.NoError(t, err)
	require.Len(t, by.Items, 1)
	by, err = ix.Artifacts(t.Context(), index.ArtifactFilter{MSPID: "HarborMSP"}, index.Latest, index.Page{})
	require.NoError(t, err)
	require.Equal(t, "model/harbor/readings@1", by.Items[0].Ref)
}

func TestActivitiesByWhatTheyTouched(t *testing.T) {
	l, ix := follow(t)
	l.Put("Lab", indextest.Artifact(t, "dataset/lab/d@1"), indextest.Artifact(t, "model/lab/m@1"))
	training := l.Put("Lab", indextest.Activity(t, `{"type":"training","endedAt":"2026-03-01T10:00:00Z","used":[{"ref":"dataset/lab/d@1","role":"training"}],"generated":[{"ref":"model/lab/m@1"}]}`))
	decision := l.Put("Market", indextest.Activity(t, `{"type":"inference","used":[{"ref":"model/lab/m@1"}],"about":["urn:epc:class:lgtin:9521234.054321.LOT7"]}`))
	for _, test := range []struct {
		name   string
		filter index.ActivityFilter
		want   []string
	}{
		{"all", index.ActivityFilter{}, []string{training, decision}},
		{"by type", index.ActivityFilter{Type: "training"}, []string{training}},
		{"by what they used", index.ActivityFilter{Used: "model/lab/m@1"}, []string{decision}},
		{"by what they generated", index.ActivityFilter{Generated: "model/lab/m@1"}, []string{training}},
		{"by what they decided about", index.ActivityFilter{About: "https://id.gs1.org/01/09521234543213/10/LOT7"}, []string{decision}},
		{"by who recorded them", index.ActivityFilter{MSPID: "MarketMSP"}, []string{decision}},
		{"by two at once", index.ActivityFilter{Used: "model/lab/m@1", Type: "training"}, []string{}},
		{"by what nobody knows", index.ActivityFilter{Used: "model/lab/unknown@1"}, []string{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			list, err := ix.Activities(t.Context(), test.filter, index.Latest, index.Page{})
			require.NoError(t, err)
			found := []string{}
			for _, a := range list.Items {
				found = append(found, a.ID)
			}
			require.Equal(t, test.want, found)
		})
	}
}

func TestStatusIsWhatStatementsSayInLedgerOrder(t *testing.T) {
	l, ix := follow(t)
	const lot = "https://id.gs1.org/01/09521234543213/10/LOT7"
	l.Put("Lab", indextest.Artifact(t, "dataset/lab/d@1"))
	recall := l.Put("Harbor", indextest.Statement(t, "recall", `{"reason":"listeria"}`, lot, "dataset/lab/d@1"))
	l.Put("Market", indextest.Statement(t, "finding", `{"detail":"smells"}`, lot))
	retraction := l.Put("Harbor", indextest.Statement(t, "retraction", `{"reason":"other lot"}`, recall))
	l.Put("Harbor", indextest.Statement(t, "retraction", `{"reason":"it was this lot"}`, retraction))

	for _, test := range []struct {
		name string
		at   uint64
		want []string
	}{
		{"at first nothing is said", 1, []string{}},
		{"then it is recalled", 2, []string{"recalled"}},
		{"and found bad by another", 3, []string{"finding", "recalled"}},
		{"then the recall is taken back", 4, []string{"finding"}},
		{"and put in force again", 5, []string{"finding", "recalled"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := ix.Status(t.Context(), lot, test.at)
			require.NoError(t, err)
			require.Equal(t, test.want, s.Flags)
		})
	}
	s, err := ix.Status(t.Context(), lot, 4)
	require.NoError(t, err)
	require.Equal(t, []index.Claim{{ID: recall, Kind: "recall", MSPID: "HarborMSP", Block: 2, Retracted: true},
		{ID: s.Claims[1].ID, Kind: "finding", MSPID: "MarketMSP", Block: 3}}, s.Claims)
	s, err = ix.Status(t.Context(), recall, 4)
	require.NoError(t, err)
	require.Equal(t, []string{"retracted"}, s.Flags)

	list, err := ix.Statements(t.Context(), index.StatementFilter{About: lot, Kind: "finding"}, index.Latest,
		index.Page{})
	require.NoError(t, err)
	require.Len(t, list.Items, 1)
	list, err = ix.Statements(t.Context(), index.StatementFilter{MSPID: "HarborMSP"}, index.Latest, index.Page{})
	require.NoError(t, err)
	require.Len(t, list.Items, 3)
}

func TestMembersAndNamespaces(t *testing.T) {
	l, ix := follow(t)
	l.Put("Lab", indextest.Member(t, `{"mspId":"LabMSP","name":"Lab","namespaces":["lab"]}`))
	l.Put("Harbor", indextest.Member(t, `{"mspId":"HarborMSP","name":"Harbor","namespaces":["harbor"]}`))
	l.Put("Lab", indextest.Member(t, `{"mspId":"LabMSP","name":"The Lab","namespaces":["science"]}`))
	members, err := ix.Members(t.Context(), index.Latest)
	require.NoError(t, err)
	require.Len(t, members, 2)
	require.Equal(t, "The Lab", members[1].Name)
	require.Equal(t, []string{"lab", "science"}, members[1].Namespaces)
	then, err := ix.Members(t.Context(), 2)
	require.NoError(t, err)
	require.Equal(t, "Lab", then[1].Name)
	require.Equal(t, []string{"lab"}, then[1].Namespaces)
	namespaces, err := ix.Namespaces(t.Context(), index.Latest)
	require.NoError(t, err)
	require.Equal(t, []index.Namespace{{Name: "harbor", MSPID: "HarborMSP", Since: 2},
		{Name: "lab", MSPID: "LabMSP", Since: 1}, {Name: "science", MSPID: "LabMSP", Since: 3}}, namespaces)
}

// tryEvent makes a record of an event that may be refused.
func tryEvent(v canonical.Value) (*record.Record, bool) {
	v = v.With("eventTimeZoneOffset", canonical.Str("+00:00"))
	r, problems := record.NewEvent(v, canonical.Str("https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"))
	return r, len(problems) > 0
}

func TestRecordsAreListedByTheTimeOfTheirTransactions(t *testing.T) {
	ix, l := indextest.Open(t), indextest.New(t)
	var ids []string
	for i := range 4 { // one second after the other
		r := indextest.Event(t, fmt.Sprintf(`{"type":"ObjectEvent","eventTime":"2026-03-01T08:00:00Z","action":"ADD","epcList":["urn:epc:id:sgtin:952005.0101010.S%d"]}`, i))
		ids = append(ids, string(r.ID))
		l.Submit("Harbor", r)
		l.Cut()
	}
	require.NoError(t, ix.ApplyAll(t.Context(), l.Blocks))
	list := func(f index.RecordFilter) (found []string) {
		records, err := ix.Records(t.Context(), f, index.Latest, index.Page{})
		require.NoError(t, err)
		for _, r := range records.Items {
			found = append(found, r.ID)
		}
		return found
	}
	at := func(second int) time.Time { return indextest.Start.Add(time.Duration(second) * time.Second) }
	require.Equal(t, ids[1:3], list(index.RecordFilter{From: at(2), Before: at(4)}))
	require.Equal(t, ids[2:], list(index.RecordFilter{From: at(3), MSPID: "HarborMSP"}))
	require.Equal(t, ids[:1], list(index.RecordFilter{Before: at(2)}))
	require.Empty(t, list(index.RecordFilter{From: at(9)}))
}

func TestManyRecordsAreFoundByTheirIDsAtOnce(t *testing.T) {
	l, ix := follow(t)
	var ids []string
	for i := range 5 {
		ids = append(ids, l.Put("Harbor", indextest.Seen(t, i)))
	}
	before := ix.Height() - 1
	ids = append(ids, l.Put("Market", indextest.Seen(t, 5)))
	asked := append([]string{"nonsense", string(record.Sum([]byte("unknown"))), ids[0]}, ids...)
	found, err := ix.RecordsByID(t.Context(), asked, index.Latest)
	require.NoError(t, err)
	require.Len(t, found, 6)
	for _, id := range ids {
		one, err := ix.Record(t.Context(), id, index.Latest)
		require.NoError(t, err)
		require.Equal(t, one, found[id])
	}
	found, err = ix.RecordsByID(t.Context(), asked, before)
	require.NoError(t, err)
	require.Len(t, found, 5, "as it was before the last one")
	none, err := ix.RecordsByID(t.Context(), nil, index.Latest)
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestABlockIsFoundByItsTime(t *testing.T) {
	l, ix := follow(t)
	for n := range 3 {
		l.Put("Harbor", indextest.Seen(t, n)) // a second apart
	}
	for _, test := range []struct {
		name string
		at   time.Time
		want uint64
	}{
		{"at its very time", indextest.Start.Add(2 * time.Second), 2},
		{"between two", indextest.Start.Add(2*time.Second + 900*time.Millisecond), 2},
		{"long after all", indextest.Start.AddDate(10, 0, 0), 3},
		{"in another zone", indextest.Start.Add(time.Second).In(time.FixedZone("", 3600)), 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ix.BlockAt(t.Context(), test.at)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
	_, err := ix.BlockAt(t.Context(), time.Unix(-1, 0))
	require.ErrorIs(t, err, index.ErrNotFound)
}
