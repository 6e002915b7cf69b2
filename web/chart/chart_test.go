package chart_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/web/chart"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(minutes int, value float64) chart.Reading {
	return chart.Reading{Time: noon.Add(time.Duration(minutes) * time.Minute), Low: value, High: value}
}

func to(x float64) *float64 { return &x }

// trip is a small chart that has everything: two devices, a limit, an excursion, recalled readings and a silence.
func trip() chart.Chart {
	c := chart.Chart{Title: "Temperature", Unit: "°C", Zone: time.FixedZone("", 3600), Limits: []chart.Limit{{Low: to(-2), High: to(4), Source: "HarborMSP"}}}
	var seven, eight []chart.Reading
	for i := range 12 {
		r := at(30*i, -1+0.4*float64(i))
		r.Recalled = true
		seven = append(seven, r)
		if i < 5 || i > 8 {
			eight = append(eight, at(30*i+5, 2+0.4*float64(i)))
		}
	}
	c.Series = []chart.Series{{Name: "logger 7", Readings: seven}, {Name: "logger 8", Readings: eight}}
	return c
}

func TestGolden(t *testing.T) {
	alarm := chart.Chart{Title: "Relative humidity", Unit: "%", Series: []chart.Series{{Name: "H1", Readings: []chart.Reading{
		{Time: noon, Low: 40, High: 60}, {Time: noon.Add(24 * time.Hour), Low: 45, High: 95, Alarm: true}, {Time: noon.Add(48 * time.Hour), Low: 44, High: 58}}}}}
	for name, c := range map[string]chart.Chart{"trip": trip(), "ranges with an alarm": alarm, "one reading": {Title: "Temperature", Unit: "°C", Series: []chart.Series{{Name: "x", Readings: []chart.Reading{at(0, 3)}}}}} {
		t.Run(name, func(t *testing.T) {
			d := c.Draw()
			file := filepath.Join("testdata", strings.ReplaceAll(name, " ", "-")+".svg")
			text := strings.ReplaceAll(string(d.Wide)+"\n"+string(d.Narrow)+"\n", "><", ">\n<")
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), text)
		})
	}
}

func TestTheTableSaysWhatTheChartShows(t *testing.T) {
	d := trip().Draw()
	require.Len(t, d.Rows, 2)
	seven, eight := d.Rows[0], d.Rows[1]
	assert.Equal(t, "logger 7", seven.Name)
	assert.Equal(t, 12, seven.Recalled)
	assert.Equal(t, "−1\u00a0°C", seven.Lowest.Text)
	assert.Equal(t, "3.4\u00a0°C", seven.Highest.Text)
	assert.Zero(t, seven.Beyond)
	assert.Equal(t, 8, eight.Count)
	assert.Equal(t, 3, eight.Beyond)
	assert.Equal(t, 1, eight.Gaps)
	assert.Equal(t, 150*time.Minute, eight.LongestGap)
	require.Len(t, d.Excursions, 1)
	assert.Equal(t, "above 4\u00a0°C", d.Excursions[0].Kind)
	assert.Equal(t, "6.4\u00a0°C", d.Excursions[0].Worst)
	assert.Equal(t, 3, d.Excursions[0].Count)
	assert.Equal(t, "UTC+01:00", d.Zone)
}

func TestNoLimitIsMadeUp(t *testing.T) {
	c := trip()
	c.Limits = nil
	d := c.Draw()
	assert.Empty(t, d.Excursions)
	assert.NotContains(t, string(d.Wide), `class="limit"`)
	assert.NotContains(t, string(d.Wide), `class="beyond"`)
	c.Limits = []chart.Limit{{High: to(math.NaN()), Low: to(math.Inf(-1))}}
	assert.Empty(t, c.Draw().Limits, "limits that are no numbers")
}

func TestAnAlarmOfTheDeviceIsAnExcursion(t *testing.T) {
	c := chart.Chart{Title: "Temperature", Series: []chart.Series{{Name: "x", Readings: []chart.Reading{at(0, 1), {Time: noon.Add(time.Hour), Low: 2, High: 2, Alarm: true}, at(120, 1)}}}}
	d := c.Draw()
	require.Len(t, d.Excursions, 1)
	assert.Equal(t, "alarm", d.Excursions[0].Kind)
	assert.Contains(t, string(d.Narrow), `class="peak"`)
}

func TestNothingIsDrawnOfNothing(t *testing.T) {
	assert.Nil(t, chart.Chart{Title: "Temperature"}.Draw())
	assert.Nil(t, chart.Chart{Series: []chart.Series{{Readings: []chart.Reading{at(0, math.NaN()), at(1, math.Inf(1)), {Low: 1, High: 1}}}}}.Draw())
}

func TestHostileTextStaysText(t *testing.T) {
	hostile := "<script>alert(1)</script>\" onload=\"x' ]]> & \u202e"
	c := trip()
	c.Title, c.Unit, c.Series[0].Name, c.Series[1].Name = hostile, hostile, hostile, hostile
	d := c.Draw()
	for _, svg := range []string{string(d.Wide), string(d.Narrow)} {
		elements := parse(t, svg)
		assert.NotContains(t, elements, "script")
		assert.NotContains(t, svg, "<script")
		assert.NotContains(t, svg, `" onload`)
	}
}

// parse reads a drawing as XML and lists its elements. It checks that there are no style attributes and no scripts.
func parse(t *testing.T, svg string) []string {
	t.Helper()
	var elements []string
	for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return elements
		}
		require.NoError(t, err, svg)
		if e, ok := token.(xml.StartElement); ok {
			elements = append(elements, e.Name.Local)
			for _, a := range e.Attr {
				require.NotEqual(t, "style", a.Name.Local)
				require.False(t, strings.HasPrefix(a.Name.Local, "on"), a.Name.Local)
				require.NotContains(t, a.Value, "NaN")
				require.NotContains(t, a.Value, "Inf")
			}
		}
	}
}

// yOf finds all heights that the lines of a drawing reach.
func yOf(t *testing.T, svg string) map[string]bool {
	t.Helper()
	heights := map[string]bool{}
	for _, path := range regexp.MustCompile(`class="line[^"]*" d="([^"]*)"`).FindAllStringSubmatch(svg, -1) {
		for _, y := range regexp.MustCompile(`[ML][-\d.]+ ([-\d.]+)`).FindAllStringSubmatch(path[1], -1) {
			heights[y[1]] = true
		}
	}
	return heights
}

func TestExtremesSurviveHoweverManyReadingsThereAre(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 20 {
		n := 100 + random.IntN(20_000)
		var readings []chart.Reading
		for i := range n {
			readings = append(readings, at(i, random.Float64()))
		}
		lowest, highest := random.IntN(n), random.IntN(n)
		readings[lowest].Low, readings[highest].High = -9, 12 // one reading each, anywhere
		c := chart.Chart{Title: "Temperature", Series: []chart.Series{{Name: "x", Readings: readings}}, Limits: []chart.Limit{{High: to(10)}}}
		d := c.Draw()
		assert.Equal(t, -9.0, d.Rows[0].Lowest.Value)
		assert.Equal(t, 12.0, d.Rows[0].Highest.Value)
		require.Len(t, d.Excursions, 1, "round %d", round)
		for _, svg := range []string{string(d.Wide), string(d.Narrow)} {
			heights := yOf(t, svg)
			top, bottom := math.Inf(1), math.Inf(-1)
			for text := range heights {
				y, err := strconv.ParseFloat(text, 64)
				require.NoError(t, err)
				top, bottom = min(top, y), max(bottom, y)
			}
			// The range of the axis is that of the readings and 8 % above and below.
			height, margin := 320.0, 64.0
			if strings.Contains(svg, "narrow") {
				height = 280
			}
			plot := height - margin
			assert.InDelta(t, 20+plot*0.08/1.16, top, 0.2)
			assert.InDelta(t, 20+plot*1.08/1.16, bottom, 0.2)
			assert.Less(t, len(svg), 40_000)
		}
	}
}

func TestADrawingStaysSmall(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	c := chart.Chart{Title: "Temperature", Unit: "°C", Limits: []chart.Limit{{High: to(0.5)}}}
	for device := range 40 {
		var readings []chart.Reading
		for i := range 2500 {
			r := at(i*random.IntN(50), random.Float64())
			r.Recalled, r.Alarm = random.IntN(2) == 0, random.IntN(2) == 0
			readings = append(readings, r)
		}
		c.Series = append(c.Series, chart.Series{Name: fmt.Sprint("device ", device), Readings: readings})
	}
	d := c.Draw()
	assert.Equal(t, 100_000, d.Readings)
	require.Len(t, d.Rows, 12)
	assert.Equal(t, "all other devices", d.Rows[11].Name)
	assert.Equal(t, 29*2500, d.Rows[11].Count)
	assert.Less(t, len(d.Wide)+len(d.Narrow), 80_000)
	assert.LessOrEqual(t, len(d.Excursions), 50)
	parse(t, string(d.Wide))
	parse(t, string(d.Narrow))
}

func TestOrderDoesNotMatter(t *testing.T) {
	c := trip()
	want := c.Draw().Wide
	rand.New(rand.NewPCG(5, 6)).Shuffle(len(c.Series[1].Readings), func(i, j int) {
		c.Series[1].Readings[i], c.Series[1].Readings[j] = c.Series[1].Readings[j], c.Series[1].Readings[i]
	})
	assert.Equal(t, want, c.Draw().Wide)
}

func TestAxesHaveRoundTicks(t *testing.T) {
	text := regexp.MustCompile(`<text[^>]*class="(end|middle|middle date)">([^<]*)</text>`)
	for _, c := range []struct {
		name     string
		low      float64
		high     float64
		span     time.Duration
		contains []string
	}{
		{"a trip", -0.9, 6.1, 6 * time.Hour, []string{"0", "2", "4", "6", "12:00", "1 Mar"}},
		{"minus signs are as wide as digits", -22, -17, 10 * time.Minute, []string{"−20", "−18"}},
		{"a month", 1000, 1_000_000, 30 * 24 * time.Hour, []string{"400000", "8 Mar"}},
		{"years", 0.001, 0.002, 4 * 365 * 24 * time.Hour, []string{"2027", "0.002"}},
		{"centuries", 0, 1, 150 * 365 * 24 * time.Hour, []string{"2040"}},
		{"seconds", 0, 1, 20 * time.Second, []string{"12:00:05", "0.4"}},
		{"large numbers", -1e15, 1e15, time.Hour, []string{"5e+14"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := chart.Chart{Title: "x", Series: []chart.Series{{Name: "x", Readings: []chart.Reading{{Time: noon, Low: c.low, High: c.low}, {Time: noon.Add(c.span), Low: c.high, High: c.high}}}}}.Draw()
			for _, svg := range []string{string(d.Wide), string(d.Narrow)} {
				var labels []string
				for _, m := range text.FindAllStringSubmatch(svg, -1) {
					labels = append(labels, m[2])
				}
				assert.GreaterOrEqual(t, len(labels), 4, labels)
				assert.LessOrEqual(t, len(labels), 36, labels)
				if strings.Contains(svg, "wide") {
					assert.Subset(t, labels, c.contains)
				}
			}
		})
	}
}

func BenchmarkDraw(b *testing.B) {
	var readings []chart.Reading
	for i := range 100_000 {
		readings = append(readings, at(i, math.Sin(float64(i)/900)))
	}
	c := chart.Chart{Title: "Temperature", Unit: "°C", Series: []chart.Series{{Name: "x", Readings: readings}}, Limits: []chart.Limit{{High: to(0.9)}}}
	for b.Loop() {
		c.Draw()
	}
}
