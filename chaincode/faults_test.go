package chaincode_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// invocation is one submit or read that succeeds if nothing fails.
type invocation struct {
	name      string
	who       who
	function  string
	records   []*record.Record // for a submit
	witnesses map[string]record.Place
	args      []string // for a read

	// fetches has, for each round trip, the number of keys that it reads.
	fetches []int
	// broken has, by kind of key, the number of values on the ledger that it has to understand.
	broken map[string]int
}

func (c *invocation) on(l *ledger) (*peer.Response, *transaction) {
	if c.records == nil {
		var raw [][]byte
		for _, a := range c.args {
			raw = append(raw, []byte(a))
		}
		return l.invoke(c.who, c.function, raw...)
	}
	var bodies [][]byte
	for _, r := range c.records {
		bodies = append(bodies, r.Body)
	}
	pack, err := record.Pack(bodies)
	require.NoError(l.t, err)
	witnesses, err := json.Marshal(c.witnesses)
	require.NoError(l.t, err)
	return l.send(c.who, c.function, pack, witnesses)
}

// busyLedger makes a ledger with a bit of everything, and invocations that succeed on it.
func busyLedger(t *testing.T) (*ledger, []invocation) {
	l := consortium(t)
	e := event(t, "A")
	observed := l.accept(harbor, "Events:Submit", nil, e)
	lot := map[string]record.Place{lotA: {ID: e.ID, Tx: observed}}
	readings, private := artifact(t, "dataset/lab/readings@1", "a"), artifact(t, "dataset/lab/private@1", "p")
	l.accept(lab, "Artifacts:Submit", nil, readings, private)
	run := activity(t, `{"type":"training","used":[{"ref":"dataset/lab/readings@1"}],"generated":[{"ref":"model/lab/spoilage@1"}]}`)
	l.accept(lab, "Activities:Submit", nil, run, artifact(t, "model/lab/spoilage@1", "m"))
	certificate := statement(t, record.Certificate, lotA, `{"scheme":"MSC","number":"C-1"}`)
	certified := l.accept(market, "Statements:Submit", lot, certificate)
	withdraw := func(reason string) *record.Record {
		return statement(t, record.Withdrawal, "dataset/lab/private@1", `{"reason":"`+reason+`"}`, private.Artifact.Digest.Value)
	}
	withdrawal := withdraw("the crew asked")
	withdrew := l.accept(lab, "Statements:Submit", nil, withdrawal)
	retraction := statement(t, record.Retraction, string(withdrawal.ID), `{"reason":"a mistake"}`)
	freed := statement(t, record.Withdrawal, "dataset/lab/readings@1", `{"reason":"for a day"}`, readings.Artifact.Digest.Value)
	l.accept(lab, "Statements:Submit", nil, freed, statement(t, record.Retraction, string(freed.ID), `{"reason":"over"}`))

	both := maps.Clone(lot)
	both[string(e.ID)] = record.Place{ID: e.ID, Tx: observed}
	return l, []invocation{
		{name: "an event", who: harbor, function: "Events:Submit", records: []*record.Record{event(t, "B")}},
		{name: "a member", who: harborAdmin, function: "Members:Submit", records: []*record.Record{member(t, "HarborMSP", "harbor", "harbor.new")},
			fetches: []int{1, 3}},
		{name: "an artifact version", who: lab, function: "Artifacts:Submit", witnesses: both, fetches: []int{1, 6, 2},
			records: []*record.Record{artifact(t, "dataset/lab/clean@1", "c", "dataset/lab/readings@1", string(e.ID))},
			broken:  map[string]int{"w": 1}},
		{name: "an artifact version again", who: lab, function: "Artifacts:Submit", records: []*record.Record{readings},
			fetches: []int{1, 3}, broken: map[string]int{"a": 1}},
		{name: "a run", who: lab, function: "Activities:Submit", witnesses: both, fetches: []int{1, 10},
			records: []*record.Record{
				activity(t, `{"type":"training","used":[{"ref":"dataset/lab/readings@1"},{"ref":"`+string(e.ID)+`"}],"about":["`+lotA+`"],"generated":[{"ref":"model/lab/other@1"}]}`),
				artifact(t, "model/lab/other@1", "o"),
			},
			broken: map[string]int{"w": 1, "p": 1, "r": 1}},
		{name: "a run again", who: lab, function: "Activities:Submit", records: []*record.Record{run}, fetches: []int{1, 6},
			broken: map[string]int{"w": 1, "g": 1}},
		{name: "a recall of an artifact version", who: lab, function: "Statements:Submit", fetches: []int{1, 3},
			records: []*record.Record{statement(t, record.Recall, "dataset/lab/readings@1", `{"reason":"x"}`, readings.Artifact.Digest.Value)},
			broken:  map[string]int{"a": 1}},
		{name: "an approval of a statement", who: harbor, function: "Statements:Submit", witnesses: at(certified, certificate), fetches: []int{1, 3},
			records: []*record.Record{statement(t, record.Approval, string(certificate.ID), `{}`)}, broken: map[string]int{"p": 1, "r": 1}},
		{name: "a retraction of a withdrawal", who: lab, function: "Statements:Submit", witnesses: at(withdrew, withdrawal), fetches: []int{1, 3, 1, 1},
			records: []*record.Record{retraction}, broken: map[string]int{"p": 1, "r": 1, "w": 1, "a": 1}},
		{name: "a withdrawal", who: lab, function: "Statements:Submit", fetches: []int{1, 3, 1},
			records: []*record.Record{statement(t, record.Withdrawal, "dataset/lab/readings@1", `{"reason":"again"}`, readings.Artifact.Digest.Value)},
			broken:  map[string]int{"a": 1, "w": 1}},
		{name: "a correction", who: harbor, function: "Statements:Submit", witnesses: at(observed, e), fetches: []int{1, 5},
			records: []*record.Record{statement(t, record.Correction, string(e.ID), `{"reason":"typo","replacedBy":"dataset/lab/readings@1"}`)},
			broken:  map[string]int{"p": 1, "r": 1}},

		{name: "reading", who: market, function: "Events:Read", args: []string{string(e.ID)}, fetches: []int{1}, broken: map[string]int{"p": 1, "r": 1}},
		{name: "reading a run", who: market, function: "Activities:Read", args: []string{string(run.ID)}, fetches: []int{1}, broken: map[string]int{"p": 1, "r": 1}},
		{name: "asking whether a record exists", who: market, function: "Events:Exists", args: []string{string(run.ID)}},
		{name: "resolving", who: market, function: "Artifacts:Resolve", args: []string{"model/lab/spoilage@1"}, fetches: []int{1, 1},
			broken: map[string]int{"a": 1, "p": 1, "r": 1}},
		{name: "versions", who: market, function: "Artifacts:Versions", args: []string{"dataset/lab/private", "10", ""}, fetches: []int{1},
			broken: map[string]int{"a": 1, "p": 1, "r": 1}},
		{name: "statements", who: market, function: "Statements:About", args: []string{lotA, "10", ""}, fetches: []int{1},
			broken: map[string]int{"s": 1, "p": 1, "r": 1}},
		{name: "members", who: market, function: "Members:List", args: []string{"10", ""}, fetches: []int{1, 1}, broken: map[string]int{"m": 2, "p": 2, "r": 2}},
		{name: "a namespace", who: market, function: "Members:Namespace", args: []string{"lab"}},
	}
}

func TestWhatFailsOnThePeerFailsTheTransaction(t *testing.T) {
	l, invocations := busyLedger(t)
	for _, c := range invocations {
		t.Run(c.name, func(t *testing.T) {
			l.t = t
			s := c.failingEachCall(l)
			assert.Equal(t, c.fetches, s.fetches, "keys are read many at a time")
		})
	}
}

// failingEachCall runs the invocation again and again, and each time another call to the peer fails. It returns the
// transaction of the last run, in which no call fails.
func (c *invocation) failingEachCall(l *ledger) *transaction {
	l.t.Helper()
	before := maps.Clone(l.state)
	defer func() { l.state = before }()
	for n := 1; ; n++ {
		l.state, l.failAt = maps.Clone(before), n
		response, s := c.on(l)
		if s.calls < n {
			require.EqualValues(l.t, shim.OK, response.Status, response.Message)
			return s
		}
		require.NotEqualValues(l.t, shim.OK, response.Status, "call %d failed and nobody noticed", n)
		_, rejected := record.ParseRejection(response.Message)
		require.False(l.t, rejected, response.Message)
		require.Contains(l.t, response.Message, errNoPeer.Error())
	}
}

func TestAReadingOfWhatWasRecordedTwiceNeedsBothPacks(t *testing.T) {
	l := consortium(t)
	e := event(t, "A")
	l.accept(harbor, "Events:Submit", nil, e)
	l.accept(market, "Events:Submit", nil, e)
	c := invocation{who: market, function: "Events:Read", args: []string{string(e.ID)}}
	c.failingEachCall(l)
	packs := 0
	for key, value := range l.state {
		if !strings.HasPrefix(key, record.PackPrefix) {
			continue
		}
		l.state[key] = []byte("{\n")
		if response, _ := c.on(l); response.Status != shim.OK {
			packs++
		}
		l.state[key] = value
	}
	assert.Equal(t, 2, packs)
}

func TestAPackIsReadOnceForAllRecordsOfIt(t *testing.T) {
	l := consortium(t)
	a, b := event(t, "A"), event(t, "B")
	tx := l.accept(harbor, "Events:Submit", nil, a, b)
	witnesses := map[string]record.Place{string(a.ID): {ID: a.ID, Tx: tx}, string(b.ID): {ID: b.ID, Tx: tx}}
	finding := func(r *record.Record) *record.Record {
		return statement(t, record.Finding, string(r.ID), `{"detail":"x"}`)
	}
	c := invocation{who: market, function: "Statements:Submit", witnesses: witnesses, records: []*record.Record{finding(a), finding(b)}}
	_, s := c.on(l)
	assert.Equal(t, 1, s.gets)
	c = invocation{who: market, function: "Events:Read", args: []string{string(a.ID)}}
	_, s = c.on(l)
	assert.Equal(t, 1, s.gets, "the header comes with the body")
}

func TestALedgerThatCantBeUnderstoodFailsTheTransaction(t *testing.T) {
	l, invocations := busyLedger(t)
	state := l.state
	for _, c := range invocations {
		t.Run(c.name, func(t *testing.T) {
			l.t = t
			defer func() { l.state = state }()
			for _, garbage := range []string{"{", "{}\n{"} {
				broken := map[string]int{}
				for _, key := range slices.Sorted(maps.Keys(state)) {
					kind, _, _ := strings.Cut(key, "/")
					if kind == "n" || kind == "f" { // any text is a valid MSP id
						continue
					}
					l.state = maps.Clone(state)
					l.state[key] = []byte(garbage)
					response, _ := c.on(l)
					if response.Status == shim.OK {
						continue
					}
					broken[kind]++
					_, rejected := record.ParseRejection(response.Message)
					require.False(t, rejected, response.Message)
				}
				if c.broken == nil {
					c.broken = map[string]int{}
				}
				assert.Equal(t, c.broken, broken, fmt.Sprintf("%q", garbage))
			}
		})
	}
}
