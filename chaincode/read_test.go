package chaincode_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// reading calls a function that answers with a record that is on the ledger.
func (l *ledger) reading(function string, args ...string) (reading chaincode.Reading) {
	l.t.Helper()
	text, rejection := l.read(function, args...)
	require.Nil(l.t, rejection)
	require.NoError(l.t, json.Unmarshal([]byte(text), &reading))
	return reading
}

// page reads one page of a list.
func (l *ledger) page(function string, args ...string) (page chaincode.Page) {
	l.t.Helper()
	text, rejection := l.read(function, args...)
	require.Nil(l.t, rejection)
	require.NoError(l.t, json.Unmarshal([]byte(text), &page))
	return page
}

func TestAReadingSaysWhoRecordedWhatWhenAndWhere(t *testing.T) {
	l := consortium(t)
	d := artifact(t, "dataset/lab/readings@1", "a")
	tx := l.accept(lab, "Artifacts:Submit", nil, d)
	want := []chaincode.Recording{{Tx: tx, Header: record.Header{MSPID: "LabMSP", Subject: "CN=somebody,OU=client", Time: "2026-03-01T08:00:03Z"}}}
	list := l.page("Artifacts:Versions", "dataset/lab/readings", "1", "")
	require.Len(t, list.Items, 1)
	assert.Empty(t, list.Bookmark)
	for _, r := range []chaincode.Reading{l.reading("Artifacts:Read", string(d.ID)), l.reading("Artifacts:Resolve", "dataset/lab/readings@1"), list.Items[0]} {
		assert.Equal(t, d.ID, r.ID)
		assert.Equal(t, string(d.Body), string(r.Record))
		assert.Equal(t, want, r.Recordings)
		assert.False(t, r.More)
	}
}

func TestAReadingSaysThatThereAreMoreRecordings(t *testing.T) {
	l := consortium(t)
	e := event(t, "A")
	for n := 1; n <= 17; n++ {
		l.accept(market, "Events:Submit", nil, e)
		r := l.reading("Events:Read", string(e.ID))
		assert.Len(t, r.Recordings, min(n, 16))
		assert.Equal(t, n > 16, r.More, n)
	}
}

func TestARecordingThatAReaderNamesIsListedHoweverManyOthersThereAre(t *testing.T) {
	l := consortium(t)
	e, other := event(t, "A"), event(t, "B")
	l.tx = strings.Repeat("cf3cf3", 10) + "cf3c" // "zzz…" in the key: nothing comes after it in the list
	first := l.accept(harbor, "Events:Submit", nil, e)
	elsewhere := l.accept(harbor, "Events:Submit", nil, other)
	for range 17 {
		l.accept(market, "Events:Submit", nil, e)
	}
	buried := l.reading("Events:Read", string(e.ID))
	for _, r := range buried.Recordings {
		require.Equal(t, "MarketMSP", r.MSPID, "the others fill the list")
	}
	named := l.reading("Events:Read", string(e.ID), first)
	require.Equal(t, []string{first}, named.Named)
	require.Len(t, named.Recordings, 17)
	require.True(t, named.More)
	last := named.Recordings[16]
	require.Equal(t, first, last.Tx)
	require.Equal(t, "HarborMSP", last.MSPID)

	// Transactions that don't hold the record are not listed, and nothing stands twice.
	same := l.reading("Events:Read", string(e.ID), strings.Join([]string{elsewhere, strings.Repeat("0", 64), named.Recordings[0].Tx}, ","))
	require.Equal(t, buried.Recordings, same.Recordings)
	for code, text := range map[string]string{
		"bad_id":   first + "," + first,
		"too_many": strings.Repeat(first+",", 16) + first,
	} {
		_, rejection := l.read("Events:Read", string(e.ID), text)
		require.NotNil(t, rejection)
		require.Equal(t, code, rejection.Problems[0].Code)
	}
	for _, text := range []string{"", "ab", strings.ToUpper(first), strings.Repeat("g", 64)} {
		_, rejection := l.read("Events:Read", string(e.ID), text)
		require.NotNil(t, rejection, text)
		require.Equal(t, "bad_id", rejection.Problems[0].Code)
	}
}

func TestAPageEndsBeforeItGrowsLong(t *testing.T) {
	l := consortium(t)
	big := func(letter string, n int) string { return `{"x":"` + strings.Repeat(letter, n) + `"}` }
	var ids []string
	for i, n := range []int{400 << 10, 400 << 10, 400 << 10, 3 << 20, 10} {
		tx := strings.Repeat(fmt.Sprintf("%02x", i+1), 32)
		l.putIn(tx, big("a", n), big("b", 7<<20-n)) // a transaction of a few bytes, and 7 MiB when it is unpacked
		id := record.Sum([]byte(big("a", n)))
		l.state[record.AboutKey(lotA, tx, 0, 0)] = []byte(id)
		ids = append(ids, string(id))
	}
	var seen []string
	var sizes []int
	for bookmark := ""; ; {
		text, rejection := l.read("Statements:About", lotA, "100", bookmark)
		require.Nil(t, rejection)
		var p chaincode.Page
		require.NoError(t, json.Unmarshal([]byte(text), &p))
		sizes = append(sizes, len(p.Items))
		for _, item := range p.Items {
			seen = append(seen, string(item.ID))
		}
		if len(p.Items) > 1 {
			require.Less(t, len(text), 1<<20+1000)
		}
		if bookmark = p.Bookmark; bookmark == "" {
			break
		}
	}
	require.Equal(t, ids, seen)
	require.Equal(t, []int{2, 1, 1, 1}, sizes, "packs of 8 MiB, then 1 MiB of records, and a long record alone")
}

func TestTheBytesOfARecordAreNotEscapedInAnAnswer(t *testing.T) {
	l := consortium(t)
	d := artifact(t, "dataset/lab/readings@1", "a")
	l.accept(lab, "Artifacts:Submit", nil, d)
	r := statement(t, record.Recall, "dataset/lab/readings@1", `{"reason":"<5 °C & wet"}`, d.Artifact.Digest.Value)
	l.accept(lab, "Statements:Submit", nil, r)
	text, _ := l.read("Statements:Read", string(r.ID))
	assert.Contains(t, text, string(r.Body))
}

func TestPagesFollowEachOther(t *testing.T) {
	l := consortium(t)
	for i := range 3 {
		l.accept(lab, "Artifacts:Submit", nil, artifact(t, fmt.Sprintf("dataset/lab/readings@%d", i), "a"))
	}
	// They follow the versions of readings on the ledger.
	l.accept(lab, "Artifacts:Submit", nil, artifact(t, "dataset/lab/readingsA@1", "a"), artifact(t, "dataset/lab/readings_@1", "a"),
		artifact(t, "dataset/lab/readinga@1", "a"), artifact(t, "dataset/lab/reading@1", "a"))
	all := l.page("Artifacts:Versions", "dataset/lab/readings", "100", "")
	require.Len(t, all.Items, 3)
	require.Empty(t, all.Bookmark)
	for size := 1; size <= 4; size++ {
		var seen []chaincode.Reading
		bookmark, pages := "", 0
		for {
			p := l.page("Artifacts:Versions", "dataset/lab/readings", fmt.Sprint(size), bookmark)
			seen, pages = append(seen, p.Items...), pages+1
			if bookmark = p.Bookmark; bookmark == "" {
				break
			}
		}
		assert.Equal(t, all.Items, seen)
		assert.Equal(t, (3+size-1)/size, pages, size)
	}
}

func TestReadsRefuseWhatMakesNoSense(t *testing.T) {
	l := consortium(t)
	for _, c := range []struct {
		code, function string
		args           []string
	}{
		{"bad_id", "Events:Exists", []string{"A"}},
		{"bad_id", "Artifacts:Versions", []string{"readings", "1", ""}},
		{"bad_id", "Statements:About", []string{"lot A", "1", ""}},
		{"bad_id", "Members:Namespace", []string{"a b"}},
		{"not_found", "Artifacts:Resolve", []string{"dataset/lab/readings@1"}},
		{"bad_page", "Members:List", []string{"0", ""}},
		{"bad_page", "Members:List", []string{"-1", ""}},
		{"bad_page", "Members:List", []string{"101", ""}},
		{"bad_bookmark", "Members:List", []string{"1", record.ArtifactKey("dataset/lab/readings@1")}},
	} {
		_, rejection := l.read(c.function, c.args...)
		require.NotNil(t, rejection, c)
		assert.Equal(t, c.code, rejection.Problems[0].Code, c)
		assert.NotEmpty(t, rejection.Problems[0].Detail)
	}
	require.Len(t, l.page("Members:List", "100", "").Items, 2)
}

// fail calls a function that must fail although nothing is wrong with the call.
func (l *ledger) fail(function string, args ...string) string {
	l.t.Helper()
	var raw [][]byte
	for _, a := range args {
		raw = append(raw, []byte(a))
	}
	response, _ := l.invoke(market, function, raw...)
	require.NotEqualValues(l.t, shim.OK, response.Status)
	_, rejected := record.ParseRejection(response.Message)
	require.False(l.t, rejected, response.Message)
	return response.Message
}

func TestKeysThatNoRuleWroteAreNotGuessedAt(t *testing.T) {
	e := event(t, "A")
	about := record.AboutPrefix(lotA)
	for name, c := range map[string]struct {
		key  string
		read []string
		says string
	}{
		"a pointer to nothing":              {record.PointerPrefix(e.ID) + "A", []string{"Events:Read", string(e.ID)}, "is no pointer"},
		"a pack of no transaction":          {record.PackPrefix + strings.Repeat("A", 16) + "!", []string{"Events:Read", string(e.ID)}, "is no pack's"},
		"a member at no place":              {record.MemberKey("MarketMSP"), []string{"Members:List", "1", ""}, "couldn't read a place"},
		"a statement without a position":    {about + strings.Repeat("A", 43) + "/000000", []string{"Statements:About", lotA, "1", ""}, "is none of a statement"},
		"a statement with a part too many":  {about + strings.Repeat("A", 43) + "/000000/000000/0", []string{"Statements:About", lotA, "1", ""}, "is none of a statement"},
		"a statement without a transaction": {about + "!/000000/000000", []string{"Statements:About", lotA, "1", ""}, "has no transaction"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger(t)
			l.state[record.PointerKey(e.ID, strings.Repeat("0", 64))] = []byte("0")
			l.state[c.key] = []byte("0")
			assert.Contains(t, l.fail(c.read[0], c.read[1:]...), c.says)
		})
	}
}

func TestAPackThatIsGoneIsMissed(t *testing.T) {
	l := consortium(t)
	e, d := event(t, "A"), artifact(t, "dataset/lab/readings@1", "a")
	observed, registered := l.accept(harbor, "Events:Submit", nil, e), l.accept(lab, "Artifacts:Submit", nil, d)
	delete(l.state, record.PackKey(observed))
	delete(l.state, record.PackKey(registered))
	_, rejection := l.read("Events:Read", string(e.ID))
	require.NotNil(t, rejection)
	assert.Equal(t, "not_found", rejection.Problems[0].Code)
	assert.Contains(t, l.fail("Artifacts:Resolve", "dataset/lab/readings@1"), "is not where its key says")
}

// put writes a pack that the rules would refuse, and says where.
func (l *ledger) put(bodies ...string) map[string]record.Place {
	return l.putIn(strings.Repeat("ab", 32), bodies...)
}

func (l *ledger) putIn(tx string, bodies ...string) map[string]record.Place {
	raw := make([][]byte, len(bodies))
	for i, b := range bodies {
		raw[i] = []byte(b)
	}
	pack, err := record.Pack(raw)
	require.NoError(l.t, err)
	l.state[record.PackKey(tx)], err = record.PackValue(record.Header{MSPID: "MarketMSP"}, pack)
	require.NoError(l.t, err)
	places := map[string]record.Place{}
	for i, b := range raw {
		id := record.Sum(b)
		l.state[record.PointerKey(id, tx)] = fmt.Append(nil, i)
		places[string(id)] = record.Place{ID: id, Tx: tx}
	}
	return places
}

func TestRecordsThatCantBeUnderstoodProveNothing(t *testing.T) {
	for name, body := range map[string]string{"no JSON": "{", "no record": "{}", "a record of a kind to come": `{"record":"event/9"}`} {
		t.Run(name, func(t *testing.T) {
			l := consortium(t)
			places := l.put(body)
			for id := range places {
				c := invocation{who: market, function: "Statements:Submit", witnesses: places,
					records: []*record.Record{statement(t, record.Finding, id, `{"detail":"x"}`)}}
				response, _ := c.on(l)
				assert.Contains(t, response.Message, "can't be understood")
				if body == "{" {
					assert.Contains(t, l.fail("Events:Read", id), "couldn't encode an answer")
				} else {
					assert.Equal(t, body, string(l.reading("Events:Read", id).Record), "what once was accepted stays readable")
				}
			}
		})
	}
}

func TestAPointerIsAHint(t *testing.T) {
	l := consortium(t)
	a, b := event(t, "A"), event(t, "B")
	tx := l.accept(harbor, "Events:Submit", nil, a, b)
	for _, line := range []string{"0", "1", "2", "3", "-1", "5000"} {
		l.state[record.PointerKey(a.ID, tx)] = []byte(line)
		l.state[record.PointerKey(b.ID, tx)] = []byte(line)
		assert.Equal(t, string(a.Body), string(l.reading("Events:Read", string(a.ID)).Record), line)
		assert.Equal(t, string(b.Body), string(l.reading("Events:Read", string(b.ID)).Record), line)
	}
}

func TestWritesAreThoseThatAreDocumented(t *testing.T) {
	l := consortium(t)
	events := make([]*record.Record, 12)
	for i := range events {
		events[i] = event(t, fmt.Sprint(i))
	}
	c := invocation{who: harbor, function: "Events:Submit", records: events}
	_, s := c.on(l)
	assert.Len(t, s.writes, 13, "a pack, and a pointer for each event")
	for i, e := range events {
		assert.Equal(t, fmt.Sprint(i), string(s.writes[record.PointerKey(e.ID, s.tx)]), "the line, from 0")
	}

	withdrawal := statement(t, record.Withdrawal, string(events[0].ID), `{"reason":"x"}`)
	retraction := statement(t, record.Retraction, string(withdrawal.ID), `{"reason":"x"}`)
	c = invocation{who: harbor, function: "Statements:Submit", witnesses: at(s.tx, events[0]), records: []*record.Record{withdrawal}}
	_, s = c.on(l)
	assert.Equal(t, fmt.Sprintf(`{"id":%q,"tx":%q}`, withdrawal.ID, s.tx), string(s.writes[record.WithdrawalKey(string(events[0].ID))]))
	assert.Len(t, s.writes, 5, "a pack, a pointer, who was first, what it is about, and the withdrawal")
	c = invocation{who: harbor, function: "Statements:Submit", witnesses: at(s.tx, withdrawal), records: []*record.Record{retraction}}
	_, s = c.on(l)
	assert.Len(t, s.writes, 5)
	_, s = c.on(l)
	assert.Len(t, s.writes, 3, "a retraction of what is retracted changes nothing")
}

func TestContractsIntroduceThemselves(t *testing.T) {
	l := newLedger(t)
	response, _ := l.invoke(market, "org.hyperledger.fabric:GetMetadata")
	require.EqualValues(t, shim.OK, response.Status, response.Message)
	v, err := canonical.Parse(response.Payload, canonical.Limits{})
	require.NoError(t, err)
	var names []string
	for _, c := range v.Get("contracts").Members {
		info := c.Value.Get("info")
		if !strings.HasPrefix(c.Name, "org.hyperledger.") {
			names = append(names, c.Name)
			assert.Equal(t, c.Name, info.Get("title").Text)
			assert.NotEmpty(t, info.Get("description").Text)
		}
	}
	slices.Sort(names)
	assert.Equal(t, []string{"Activities", "Artifacts", "Events", "Members", "Statements"}, names)
}
