// Package sensor reads sensor readings from EPCIS events, and the limits that somebody stated for them.
//
// In EPCIS 2.0 an event can have readings (sensorElementList), and a reading can be marked as an alarm or a fault
// (exception). EPCIS has no words for limits. Pedigree reads them from a list named "limits", with any prefix. The list
// is in the predicate of an attestation about the thing, or in the ilmd of an event of the thing:
//
//	"limits": [{"type": "Temperature", "minValue": -1, "maxValue": 4, "uom": "CEL"}]
package sensor

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// Reading is one report of one device.
type Reading struct {
	Type      string // what was measured, such as "Temperature"
	Unit      string // UN/ECE Recommendation 20 code; may be empty
	Device    string // as sent; may be empty
	Time      time.Time
	Low, High float64 // equal if there is one value
	Alarm     bool    // the device reports that an alarm condition is met
	Fault     bool    // the device reports that it has an error itself
}

// Limit is a stated limit for readings of one type.
type Limit struct {
	Type, Unit string
	Low, High  *float64 // nil where there is no limit on that side
}

// Event returns the readings of an event in the order of the event. It leaves out reports without a number, such as a
// text or a picture.
func Event(event canonical.Value) []Reading {
	var readings []Reading
	happened := parseTime(event.Get("eventTime"))
	for _, element := range event.Get("sensorElementList").Items {
		about := element.Get("sensorMetadata")
		at := first(
			parseTime(about.Get("time")),
			parseTime(about.Get("startTime")),
			parseTime(about.Get("endTime")),
			happened,
		)
		for _, report := range element.Get("sensorReport").Items {
			low, high, ok := values(report)
			if !ok {
				continue
			}
			device := report.Get("deviceID").Text
			if device == "" {
				device = about.Get("deviceID").Text
			}
			exception := word(report.Get("exception").Text)
			readings = append(readings, Reading{
				Type: word(
					report.Get("type").Text,
				), Unit: report.Get("uom").Text, Device: device, Time: first(parseTime(report.Get("time")), at),
				Low: low, High: high, Alarm: exception == "ALARM_CONDITION", Fault: exception == "ERROR_CONDITION",
			})
		}
	}
	return readings
}

// values returns the lowest and the highest value of a report.
func values(report canonical.Value) (low, high float64, ok bool) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, name := range []string{"value", "minValue", "maxValue", "meanValue"} {
		if x, isNumber := number(report.Get(name)); isNumber {
			low, high = min(low, x), max(high, x)
		}
	}
	return low, high, low <= high
}

func number(v canonical.Value) (float64, bool) {
	if v.Kind != canonical.Number {
		return 0, false
	}
	x, err := strconv.ParseFloat(v.Text, 64)
	return x, err == nil
}

// word returns a word of GS1's vocabulary without its prefix.
func word(text string) string { return text[strings.LastIndexAny(text, ":/#")+1:] }

func parseTime(v canonical.Value) time.Time {
	t, err := time.Parse(time.RFC3339Nano, v.Text)
	if err != nil {
		return time.Time{} // the report has no time
	}
	return t
}

func first(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// Limits returns the limits that an object states, such as an attestation's predicate or an event's ilmd. It ignores
// members of any other form.
func Limits(object canonical.Value) []Limit {
	var limits []Limit
	for _, m := range object.Members {
		if word(m.Name) != "limits" {
			continue
		}
		for _, v := range m.Value.Items {
			l := Limit{Type: word(v.Get("type").Text), Unit: v.Get("uom").Text}
			if x, ok := number(v.Get("minValue")); ok {
				l.Low = &x
			}
			if x, ok := number(v.Get("maxValue")); ok {
				l.High = &x
			}
			if l.Type != "" && (l.Low != nil || l.High != nil) {
				limits = append(limits, l)
			}
		}
	}
	return limits
}
