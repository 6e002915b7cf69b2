package journey_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/journey"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

func TestMain(m *testing.M) { indextest.Main(m) }

const (
	catch   = "https://id.gs1.org/01/09521234543213/10/CATCH"
	fillets = "https://id.gs1.org/01/09521234543213/10/FILLETS"
	soup    = "https://id.gs1.org/01/09521234543213/10/SOUP"
	pallet  = "https://id.gs1.org/00/095212340000000017"
)

type story struct {
	*testing.T
	ledger *indextest.Ledger
	ix     *index.Index
}

// tell begins a ledger with a story: a catch becomes fillets, which travel on a pallet, are measured, decided about and
// made into soup.
func tell(t *testing.T) *story {
	s := &story{t, indextest.New(t), indextest.Open(t)}
	for _, b := range s.ledger.Blocks {
		require.NoError(t, s.ix.Apply(t.Context(), b))
	}
	s.ledger.Follower = s.ix
	return s
}

func (s *story) event(org, text string) string {
	s.Helper()
	return s.ledger.Put(org, indextest.Event(s.T, text))
}

func (s *story) of(thing string) *journey.Journey {
	s.Helper()
	j, err := journey.Of(s.Context(), s.ix, thing, index.Latest)
	require.NoError(s, err)
	return j
}

func (s *story) travel() (measured string) {
	s.event("Harbor", `{"type":"TransformationEvent","eventTime":"2026-03-01T08:00:00Z","bizStep":"commissioning","inputQuantityList":[{"epcClass":"`+catch+`","quantity":12,"uom":"KGM"}],"outputQuantityList":[{"epcClass":"`+fillets+`","quantity":7,"uom":"KGM"}],"ilmd":{"x:limits":[{"type":"Temperature","maxValue":4,"uom":"CEL"}]},"@context":{"x":"https://example.org/"}}`)
	s.event("Harbor", `{"type":"AggregationEvent","eventTime":"2026-03-01T09:00:00Z","action":"ADD","bizStep":"packing","parentID":"`+pallet+`","childQuantityList":[{"epcClass":"`+fillets+`"}]}`)
	measured = s.event("Market", `{"type":"ObjectEvent","eventTime":"2026-03-01T10:00:00Z","action":"OBSERVE","bizStep":"transporting","epcList":["`+pallet+`"],"sensorElementList":[{"sensorMetadata":{"deviceID":"urn:epc:id:giai:9520002.L7"},"sensorReport":[{"type":"Temperature","value":6,"uom":"CEL"}]}]}`)
	s.event("Market", `{"type":"AggregationEvent","eventTime":"2026-03-01T11:00:00Z","action":"DELETE","bizStep":"unpacking","parentID":"`+pallet+`","childQuantityList":[{"epcClass":"`+fillets+`"}]}`)
	s.event("Market", `{"type":"ObjectEvent","eventTime":"2026-03-02T10:00:00Z","action":"OBSERVE","bizStep":"transporting","epcList":["`+pallet+`"]}`) // empty by now
	s.event("Market", `{"type":"TransformationEvent","eventTime":"2026-03-03T08:00:00Z","inputQuantityList":[{"epcClass":"`+fillets+`"}],"outputQuantityList":[{"epcClass":"`+soup+`"}]}`)
	return measured
}

func TestStepsAreThoseOfTheThingAndOfWhatCarriedItMeanwhile(t *testing.T) {
	s := tell(t)
	s.travel()
	j := s.of(fillets)
	var told []string
	for _, step := range j.Steps {
		told = append(told, step.Time.Format("02 15h ")+step.Role+" "+step.Carrier)
	}
	assert.Equal(t, []string{"01 08h made ", "01 09h seen ", "01 10h seen " + pallet, "01 11h seen ", "03 08h used "}, told)
	assert.Equal(t, []string{"MarketMSP", "HarborMSP"}, j.Organisations())
	assert.Equal(t, "03", j.Last().Time.Format("02"))
	require.Len(t, j.Carriers, 1)
	assert.Equal(t, pallet, j.Carriers[0].ID)
	assert.Equal(t, 1, s.of(pallet).HeldCount)
}

func TestAFamilyIsWhatTransformationsSay(t *testing.T) {
	s := tell(t)
	measured := s.travel()
	s.ledger.Put("Lab", indextest.Artifact(t, "dataset/lab/readings@1", measured))
	j := s.of(fillets)
	require.Equal(t, 1, j.Made.ThingCount, "not the pallet that it travelled on")
	assert.Equal(t, catch, j.Made.Things[0].ID)
	assert.Zero(t, j.Made.ArtifactCount)
	require.Equal(t, 1, j.Became.ThingCount)
	assert.Equal(t, soup, j.Became.Things[0].ID)
	require.Equal(t, 1, j.Became.ArtifactCount)
	assert.Equal(t, "dataset/lab/readings@1", j.Became.Artifacts[0].ID)
	assert.False(t, j.Made.Cut)
}

func TestWhatWasMeasuredComesWithTheLimitsThatWereStated(t *testing.T) {
	s := tell(t)
	measured := s.travel()
	s.ledger.Put("Market", indextest.Statement(t, "recall", `{"reason":"the logger was wrong"}`, measured))
	j := s.of(fillets)
	m, err := j.Measure(t.Context(), s.ix, time.Minute)
	require.NoError(t, err)
	assert.False(t, m.Cut)
	require.Len(t, m.Readings, 1)
	assert.Equal(t, 6.0, m.Readings[0].High)
	assert.Equal(t, measured, m.Readings[0].Record)
	assert.True(t, m.Readings[0].Warned)
	assert.Equal(t, "+00:00", m.Zone)
	require.Len(t, m.Limits, 1)
	assert.Equal(t, 4.0, *m.Limits[0].High)
	assert.Equal(t, "HarborMSP", m.Limits[0].MSPID)

	m, err = j.Measure(t.Context(), s.ix, -time.Second)
	require.NoError(t, err)
	assert.True(t, m.Cut, "who has no patience is told that there is more")
}

func TestOfManyDecisionsTheNewestAreTold(t *testing.T) {
	s := tell(t)
	s.travel()
	s.ledger.Put("Lab", indextest.Artifact(t, "model/lab/spoilage@1"))
	var last string
	for i := range journey.MaxDecisions + 3 {
		last = s.ledger.Put("Lab", indextest.Activity(t, fmt.Sprintf(
			`{"type":"inference","endedAt":"2026-03-01T12:00:00Z","used":[{"ref":"model/lab/spoilage@1"}],"about":["%s"],"outcome":{"number":%d}}`, fillets, i)))
	}
	j := s.of(fillets)
	require.Len(t, j.Decisions, journey.MaxDecisions)
	assert.Equal(t, last, j.Decisions[0].ID, "the newest first")
	numbers := map[string]bool{}
	for _, d := range j.Decisions {
		numbers[d.Outcome.Get("number").Text] = true
	}
	assert.False(t, numbers["0"] || numbers["1"] || numbers["2"], "the oldest are left out")
}

func TestADecisionTellsWhetherWhatItRestsOnIsRecalled(t *testing.T) {
	s := tell(t)
	measured := s.travel()
	s.ledger.Put("Lab", indextest.Artifact(t, "dataset/lab/readings@1", measured))
	s.ledger.Put("Lab", indextest.Artifact(t, "model/lab/spoilage@1", "dataset/lab/readings@1"))
	s.ledger.Put("Lab", indextest.Activity(t, `{"type":"inference","endedAt":"2026-03-01T12:00:00Z","used":[{"ref":"model/lab/spoilage@1"}],"about":["`+fillets+`"],"outcome":{"decision":"sell"}}`))
	j := s.of(fillets)
	require.Len(t, j.Decisions, 1)
	assert.Equal(t, []string{"model/lab/spoilage@1"}, j.Decisions[0].Models)
	assert.Equal(t, "sell", j.Decisions[0].Outcome.Get("decision").Text)
	assert.Empty(t, j.Decisions[0].Tainted)
	assert.Empty(t, j.Affected)

	recall := s.ledger.Put("Lab", indextest.Statement(t, "recall", `{"reason":"wrong","instructions":"retrain"}`, "dataset/lab/readings@1"))
	j = s.of(fillets)
	require.Len(t, j.Decisions[0].Tainted, 1)
	assert.Equal(t, "dataset/lab/readings@1", j.Decisions[0].Tainted[0].ID)
	require.Len(t, j.Affected, 1)
	assert.Equal(t, recall, j.Affected[0].Statement)
	assert.Equal(t, "retrain", j.Affected[0].Instructions)

	s.ledger.Put("Lab", indextest.Statement(t, "retraction", `{"reason":"it was right"}`, recall))
	j = s.of(fillets)
	assert.Empty(t, j.Affected, "taken back")
	assert.Empty(t, j.Decisions[0].Tainted)
}

func TestDetailsTellWhoElseRecordedAStep(t *testing.T) {
	s := tell(t)
	event := `{"type":"ObjectEvent","eventTime":"2026-03-01T09:00:00Z","action":"OBSERVE","quantityList":[{"epcClass":"` + fillets + `","quantity":3,"uom":"KGM"}]%s}`
	same := indextest.Event(t, fmt.Sprintf(event, ""))
	s.ledger.Put("Harbor", same)
	s.ledger.Put("Market", same)
	spelled := s.event("Lab", fmt.Sprintf(event, `,"recordTime":"2026-03-01T09:00:01Z"`))
	j := s.of(fillets)
	details, err := j.Details(t.Context(), s.ix, j.Steps[:1], true)
	require.NoError(t, err)
	var by []string
	for _, r := range details[0].Recorded {
		by = append(by, r.MSPID)
	}
	assert.Equal(t, []string{"HarborMSP", "MarketMSP", "LabMSP"}, by)
	assert.Equal(t, []string{spelled}, details[0].Others)
	assert.Equal(t, "3 kg", details[0].Quantity)
}

func TestAThingThatNobodyNamesIsUnknown(t *testing.T) {
	s := tell(t)
	_, err := journey.Of(t.Context(), s.ix, fillets, index.Latest)
	var unknown *lineage.UnknownNodeError
	assert.ErrorAs(t, err, &unknown)
}
