package chart

import (
	"cmp"
	"html/template"
	"math"
	"slices"
	"time"
)

// Chart says what to draw.
type Chart struct {
	Title  string // what was measured, such as "Temperature"
	Unit   string // as people write it, such as "°C"; may be empty
	Series []Series
	Limits []Limit
	Zone   *time.Location // time zone of the times in the drawing; UTC if nil
	Points int            // approximate number of points of all lines together; DefaultPoints if zero
}

// Series has the readings of one device, in any order.
type Series struct {
	Name     string
	Readings []Reading
}

// Reading is one value, or the lowest and the highest value of a period.
type Reading struct {
	Time      time.Time
	Low, High float64 // equal if there is one value
	Alarm     bool    // the device reported an alarm
	Recalled  bool    // somebody has recalled it, so it isn't reliable
}

// Limit is a limit that somebody stated.
type Limit struct {
	Low, High *float64 // one may be nil
	Source    string   // who stated it
}

// Drawing is the drawing of a chart.
type Drawing struct {
	// Wide and Narrow are the same picture for screens and for phones. Show only one of them.
	Wide, Narrow template.HTML
	Rows         []Row       // one for each device, in the order of the legend
	Excursions   []Excursion // by time
	More         int         // excursions that are not listed
	Limits       []Limit     // those of the chart that are numbers
	Readings     int         // number of all readings
	Dropped      int         // number of readings that are not drawn, because they are not finite numbers
	Zone         string      // name of the time zone, for people
	From, To     time.Time
}

// Row says the same about one device as the picture.
type Row struct {
	Symbol        template.HTML // its line and marker
	Name          string
	Count         int
	Recalled      int
	Beyond        int // readings beyond a limit, or with an alarm
	Lowest        Extreme
	Highest       Extreme
	From, To      time.Time
	Gaps          int           // number of silences
	LongestGap    time.Duration // 0 if there is none
	LongestGapEnd time.Time
}

// Silence writes the length of the longest silence for people.
func (r Row) Silence() string {
	switch d := r.LongestGap; {
	case d >= 48*time.Hour:
		return plural(int(d/day), "day")
	case d >= 2*time.Hour:
		return plural(int(d/time.Hour), "hour")
	case d >= 2*time.Minute:
		return plural(int(d/time.Minute), "minute")
	default:
		return plural(int(d/time.Second), "second")
	}
}

// Extreme is the lowest or highest value and the time when it was measured.
type Extreme struct {
	Value float64
	Text  string // with the unit
	Time  time.Time
}

// Excursion is a period in which one device was beyond a limit, or reported an alarm.
type Excursion struct {
	Device   string
	From, To time.Time
	Count    int    // readings
	Worst    string // value with the unit
	Kind     string // "above 4 °C", "below −1 °C", "alarm"
	Recalled bool   // all of its readings are recalled

	at    time.Time // of the worst
	value float64
}

// DefaultPoints is the approximate number of points of all lines together: two for each column of pixels that people
// can tell apart.
const DefaultPoints = 640

const (
	mostSeries     = 12 // lines that are drawn; the last one joins all devices beyond the others
	mostExcursions = 50 // excursions that are listed
)

// Draw draws a chart. It returns nil if there are no readings.
func (c Chart) Draw() *Drawing {
	if c.Points == 0 {
		c.Points = DefaultPoints
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	d := &Drawing{}
	c.Limits = finiteLimits(c.Limits)
	lines := c.lines(d)
	if len(lines) == 0 {
		return nil
	}
	d.Limits = c.Limits
	d.From, d.To = lines[0].readings[0].Time, lines[0].readings[0].Time
	for i, l := range lines {
		d.Rows = append(d.Rows, c.row(i, l))
		d.Readings += len(l.readings)
		d.Excursions = append(d.Excursions, c.excursions(l)...)
		if row := d.Rows[i]; row.From.Before(d.From) {
			d.From = row.From
		}
		if row := d.Rows[i]; row.To.After(d.To) {
			d.To = row.To
		}
	}
	slices.SortStableFunc(d.Excursions, func(a, b Excursion) int { return a.From.Compare(b.From) })
	for i := range d.Excursions {
		e := &d.Excursions[i]
		e.From, e.To, e.at = e.From.In(c.Zone), e.To.In(c.Zone), e.at.In(c.Zone)
	}
	d.Zone = zoneName(c.Zone, d.From)
	d.Wide = c.picture(lines, d, wide)
	d.Narrow = c.picture(lines, d, narrow)
	if more := len(d.Excursions) - mostExcursions; more > 0 {
		d.More, d.Excursions = more, d.Excursions[:mostExcursions]
	}
	return d
}

// line is a series in the order of time, with the places where it is broken.
type line struct {
	name     string
	readings []Reading
	silences []int // silences[i] is the number of silences before reading i
}

// lines sorts the series, drops readings that can't be drawn, and joins the series beyond the first few.
func (c Chart) lines(d *Drawing) []line {
	var lines []line
	for _, s := range c.Series {
		l := line{name: s.Name, readings: make([]Reading, 0, len(s.Readings))}
		for _, r := range s.Readings {
			if r.Low > r.High {
				r.Low, r.High = r.High, r.Low
			}
			if !drawable(r.Low) || !drawable(r.High) || r.Time.IsZero() {
				d.Dropped++
				continue
			}
			l.readings = append(l.readings, r)
		}
		if len(l.readings) == 0 {
			continue
		}
		if len(lines) == mostSeries {
			last := &lines[mostSeries-1]
			last.name = "all other devices"
			last.readings = append(last.readings, l.readings...)
			continue
		}
		lines = append(lines, l)
	}
	for i := range lines {
		slices.SortStableFunc(lines[i].readings, func(a, b Reading) int {
			return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Low, b.Low))
		})
		lines[i].findSilences()
	}
	return lines
}

// drawable reports whether x is small enough for an axis to distinguish it from other values.
func drawable(x float64) bool { return math.Abs(x) <= 1e15 }

func finiteLimits(limits []Limit) []Limit {
	var kept []Limit
	for _, l := range limits {
		if l.Low != nil && !drawable(*l.Low) {
			l.Low = nil
		}
		if l.High != nil && !drawable(*l.High) {
			l.High = nil
		}
		if l.Low != nil || l.High != nil {
			kept = append(kept, l)
		}
	}
	return kept
}

// silent is the number of usual intervals after which a silence breaks the line.
const silent = 3

// findSilences finds where the line is broken.
func (l *line) findSilences() {
	l.silences = make([]int, len(l.readings))
	usual := l.usual()
	for i := 1; i < len(l.readings); i++ {
		l.silences[i] = l.silences[i-1]
		if usual > 0 && l.readings[i].Time.Sub(l.readings[i-1].Time) > silent*usual {
			l.silences[i]++
		}
	}
}

// usual is the median time between readings, or 0 if there are too few.
func (l *line) usual() time.Duration {
	var between []time.Duration
	for i := 1; i < len(l.readings); i++ {
		if pause := l.readings[i].Time.Sub(l.readings[i-1].Time); pause > 0 {
			between = append(between, pause)
		}
	}
	if len(between) < 3 {
		return 0
	}
	slices.Sort(between)
	return between[len(between)/2]
}

func (c Chart) row(n int, l line) Row {
	first := l.readings[0]
	row := Row{
		Symbol: symbol(n), Name: l.name, Count: len(l.readings), From: first.Time, To: l.readings[len(l.readings)-1].Time,
		Lowest: Extreme{Value: first.Low, Time: first.Time}, Highest: Extreme{Value: first.High, Time: first.Time},
		Gaps: l.silences[len(l.silences)-1],
	}
	for i, r := range l.readings {
		if r.Recalled {
			row.Recalled++
		}
		if c.beyond(r) != "" {
			row.Beyond++
		}
		if r.Low < row.Lowest.Value {
			row.Lowest = Extreme{Value: r.Low, Time: r.Time}
		}
		if r.High > row.Highest.Value {
			row.Highest = Extreme{Value: r.High, Time: r.Time}
		}
		if i > 0 && l.silences[i] > l.silences[i-1] {
			if pause := r.Time.Sub(l.readings[i-1].Time); pause > row.LongestGap {
				row.LongestGap, row.LongestGapEnd = pause, r.Time
			}
		}
	}
	row.Lowest.Text, row.Highest.Text = c.value(row.Lowest.Value), c.value(row.Highest.Value)
	return row
}

// beyond says which limit a reading is beyond, or that it is an alarm. It returns "" if neither.
func (c Chart) beyond(r Reading) string {
	for _, l := range c.Limits {
		if l.High != nil && r.High > *l.High {
			return "above " + c.value(*l.High)
		}
		if l.Low != nil && r.Low < *l.Low {
			return "below " + c.value(*l.Low)
		}
	}
	if r.Alarm {
		return "alarm"
	}
	return ""
}

// excursions finds the excursions of one device.
func (c Chart) excursions(l line) []Excursion {
	var list []Excursion
	open := false
	for i, r := range l.readings {
		kind := c.beyond(r)
		if kind == "" {
			open = false
			continue
		}
		last := len(list) - 1
		if !open || list[last].Kind != kind || l.silences[i] != l.silences[i-1] {
			list = append(
				list,
				Excursion{Device: l.name, From: r.Time, To: r.Time, Kind: kind, Recalled: true, at: r.Time, value: worse(kind, r)},
			)
			last, open = len(list)-1, true
		}
		e := &list[last]
		e.To = r.Time
		e.Count++
		e.Recalled = e.Recalled && r.Recalled
		if v := worse(kind, r); kind[0] == 'b' && v < e.value || kind[0] != 'b' && v > e.value {
			e.at, e.value = r.Time, v
		}
	}
	for i := range list {
		list[i].Worst = c.value(list[i].value)
	}
	return list
}

// worse returns the end of a reading that is further out.
func worse(kind string, r Reading) float64 {
	if kind[0] == 'b' {
		return r.Low
	}
	return r.High
}
