package sensor_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/gateway/sensor"
)

func parse(t *testing.T, text string) canonical.Value {
	t.Helper()
	v, err := canonical.Parse([]byte(text), canonical.Limits{})
	require.NoError(t, err)
	return v
}

func TestReadingsOfAnEvent(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, event string
		want        []sensor.Reading
	}{
		{"none", `{"type":"ObjectEvent"}`, nil},
		{"a value at the time of the event", `{"eventTime":"2026-03-01T12:00:00Z","sensorElementList":[{"sensorReport":[{"type":"Temperature","value":2.5,"uom":"CEL"}]}]}`,
			[]sensor.Reading{{Type: "Temperature", Unit: "CEL", Time: noon, Low: 2.5, High: 2.5}}},
		{"the metadata's time and device", `{"eventTime":"2026-03-02T12:00:00Z","sensorElementList":[{"sensorMetadata":{"time":"2026-03-01T13:00:00+01:00","deviceID":"a"},"sensorReport":[{"type":"gs1:Temperature","value":2},{"type":"https://ref.gs1.org/voc/Speed","value":3,"deviceID":"b","time":"2026-03-01T12:00:00Z"}]}]}`,
			[]sensor.Reading{{Type: "Temperature", Device: "a", Time: noon, Low: 2, High: 2}, {Type: "Speed", Device: "b", Time: noon, Low: 3, High: 3}}},
		{"a range of a time, with an alarm", `{"sensorElementList":[{"sensorMetadata":{"startTime":"2026-03-01T12:00:00Z","endTime":"2026-03-01T13:00:00Z"},"sensorReport":[{"type":"Temperature","minValue":1,"maxValue":9,"meanValue":3,"exception":"ALARM_CONDITION"}]}]}`,
			[]sensor.Reading{{Type: "Temperature", Time: noon, Low: 1, High: 9, Alarm: true}}},
		{"an error of the device", `{"eventTime":"2026-03-01T12:00:00Z","sensorElementList":[{"sensorReport":[{"type":"Temperature","value":-999,"exception":"gs1:ERROR_CONDITION"}]}]}`,
			[]sensor.Reading{{Type: "Temperature", Time: noon, Low: -999, High: -999, Fault: true}}},
		{"texts are no readings", `{"eventTime":"2026-03-01T12:00:00Z","sensorElementList":[{"sensorReport":[{"type":"x","stringValue":"warm"},{"type":"x","value":"5"},{"type":"x","booleanValue":true}]}]}`, nil},
		{"odd shapes", `{"sensorElementList":{"sensorReport":[1]}}`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := sensor.Event(parse(t, c.event))
			for i := range got {
				got[i].Time = got[i].Time.UTC()
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestGS1sExampleHasReadings(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "epcis", "SensorDataExample1.jsonld"))
	if err != nil {
		t.Skipf("GS1's examples aren't here: %v", err)
	}
	events, _ := epcis.Document(parse(t, string(text)))
	require.NotEmpty(t, events)
	readings := sensor.Event(events[0].Event)
	require.NotEmpty(t, readings)
	assert.Equal(t, "Temperature", readings[0].Type)
	assert.Equal(t, "CEL", readings[0].Unit)
	assert.False(t, readings[0].Time.IsZero())
}

func TestLimitsAreReadWhereTheyAreStatedAndNowhereElse(t *testing.T) {
	limits := sensor.Limits(parse(t, `{"x:limits":[{"type":"gs1:Temperature","minValue":-1,"maxValue":4,"uom":"CEL"},{"type":"Temperature","uom":"CEL"},{"maxValue":3},7],"limit":5,"note":"below 4 degrees"}`))
	require.Len(t, limits, 1)
	assert.Equal(t, "Temperature", limits[0].Type)
	assert.Equal(t, -1.0, *limits[0].Low)
	assert.Equal(t, 4.0, *limits[0].High)
	assert.Empty(t, sensor.Limits(parse(t, `[{"limits":[]}]`)))
}

func TestReadingsOfOneKindAreInOneUnit(t *testing.T) {
	high := 41.0
	groups := sensor.Groups([]sensor.Reading{
		{Type: "RelativeHumidity", Unit: "P1", Low: 40, High: 60}, {Type: "Temperature", Unit: "CEL", Low: 2, High: 2},
		{Type: "Temperature", Unit: "FAH", Low: 41, High: 50}, {Type: "Temperature", Unit: "CEL", Low: 3, High: 3}, {Type: "Temperature", Unit: "C65", Low: 1, High: 1},
	}, []sensor.Limit{{Type: "Speed", Unit: "KMH", High: &high}, {Type: "Temperature", Unit: "FAH", High: &high}})
	require.Len(t, groups, 3)
	assert.Equal(t, "Temperature", groups[0].Type)
	assert.Equal(t, "CEL", groups[0].Unit)
	assert.Equal(t, 1, groups[0].Converted)
	assert.InDelta(t, 5, groups[0].Readings[1].Low, 1e-9)
	assert.InDelta(t, 10, groups[0].Readings[1].High, 1e-9)
	require.Len(t, groups[0].Limits, 1)
	assert.InDelta(t, 5, *groups[0].Limits[0].High, 1e-9)
	assert.Equal(t, []int{1}, groups[0].Sources)
	assert.Equal(t, 41.0, high, "what was given stays as it was")
	assert.Equal(t, "C65", groups[1].Unit, "a unit that can't be converted has a chart of its own")
}

func TestNamesForPeople(t *testing.T) {
	assert.Equal(t, "°C", sensor.Unit("CEL"))
	assert.Equal(t, "XYZ", sensor.Unit("XYZ"))
	assert.Equal(t, "Relative humidity", sensor.Title("RelativeHumidity"))
	assert.Equal(t, "Reading", sensor.Title(""))
	assert.Equal(t, "LOGGER-7", sensor.Device("urn:epc:id:giai:9520002.LOGGER-7"))
	assert.Equal(t, "9520002LOGGER-7", sensor.Device("https://id.gs1.org/8004/9520002LOGGER-7"))
	assert.Equal(t, "unnamed device", sensor.Device(""))
}
