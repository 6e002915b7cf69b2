package pages

import (
	"cmp"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/gateway/journey"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/gateway/sensor"
	"github.com/pedigree-ledger/pedigree/web"
	"github.com/pedigree-ledger/pedigree/web/chart"
	"github.com/pedigree-ledger/pedigree/web/picture"
)

// stage is a run of similar steps, such as the hourly reports of a truck.
type stage []journey.Step

// leastRun is how many similar steps make a run.
const leastRun = 4

func alike(a, b *journey.Step) bool {
	return a.Type == b.Type && a.BizStep == b.BizStep && a.Action == b.Action && a.ReadPoint == b.ReadPoint && a.BizLocation == b.BizLocation &&
		a.MSPID == b.MSPID && a.Carrier == b.Carrier && a.Role == journey.Seen &&
		b.Role == journey.Seen &&
		len(a.Errors)+len(b.Errors) == 0
}

// stages groups steps, unless each is to stand alone.
func stages(steps []journey.Step, alone bool) []stage {
	var list []stage
	for i := 0; i < len(steps); {
		n := i + 1
		for !alone && n < len(steps) && alike(&steps[i], &steps[n]) {
			n++
		}
		if n-i >= leastRun {
			list = append(list, stage(steps[i:n]))
			i = n
			continue
		}
		for ; i < n; i++ {
			list = append(list, stage(steps[i:i+1]))
		}
	}
	return list
}

// steps fills in one page of the journey.
func (p *Pages) steps(v *visit, j *journey.Journey, s *web.Story) error {
	s.All = v.URL.Query().Get("all") != ""
	list, size := stages(j.Steps, s.All), stagesAtOnce
	if s.All {
		size = stepsAtOnce
	}
	from, err := strconv.Atoi(cmp.Or(v.URL.Query().Get("from"), "0"))
	if err != nil || from < 0 || from > 0 && from >= len(list) {
		from = 0
	}
	to := min(from+size, len(list))
	address := func(from int) string {
		q := url.Values{"from": {strconv.Itoa(from)}}
		if s.All {
			q.Set("all", "1")
		}
		return v.URL.EscapedPath() + "?" + q.Encode() + "#journey"
	}
	s.Pager = web.Pager{From: from + 1, To: to, Of: len(list)}
	if from > 0 {
		s.Pager.Previous = address(max(0, from-size))
	}
	if to < len(list) {
		s.Pager.Next = address(to)
	}
	for _, group := range list[from:to] {
		one, err := p.stage(v, j, group)
		if err != nil {
			return err
		}
		if n := len(s.Days); n == 0 || !sameDay(s.Days[n-1].Date, one.First.Time) {
			s.Days = append(s.Days, web.Day{Date: one.First.Time})
		}
		day := &s.Days[len(s.Days)-1]
		day.Stages = append(day.Stages, one)
	}
	if last := j.Last(); last != nil {
		steps, err := p.viewSteps(v, j, []journey.Step{*last}, false)
		if err != nil {
			return err
		}
		s.Now = &steps[0]
	}
	return nil
}

func sameDay(a, b time.Time) bool {
	return a.Year() == b.Year() && a.YearDay() == b.YearDay()
}

// stage views one.
func (p *Pages) stage(v *visit, j *journey.Journey, group stage) (web.Stage, error) {
	shown := group
	if len(group) > stepsInAStage {
		shown = slices.Concat(group[:stepsInAStage-1], group[len(group)-1:])
	}
	steps, err := p.viewSteps(v, j, shown, len(group) == 1)
	if err != nil {
		return web.Stage{}, err
	}
	one := web.Stage{First: steps[0], Last: steps[len(steps)-1], Count: len(group)}
	if len(group) == 1 {
		return one, nil
	}
	one.Steps, one.More = steps[:min(len(steps), stepsInAStage-1)], max(0, len(group)-stepsInAStage+1)
	if len(group) == len(steps) {
		one.Steps, one.More = steps, 0
	}
	for i := range group {
		if group[i].Warned() {
			one.Recalled++
		}
	}
	return one, nil
}

// viewSteps views steps with what their records tell.
func (p *Pages) viewSteps(v *visit, j *journey.Journey, steps []journey.Step, confirm bool) ([]web.Step, error) {
	details, err := j.Details(v.Context(), p.Index, steps, confirm)
	if err != nil {
		return nil, err
	}
	views := make([]web.Step, len(steps))
	for i := range steps {
		views[i] = viewStep(&steps[i], &details[i])
	}
	return views, nil
}

func viewStep(s *journey.Step, d *journey.Detail) web.Step {
	view := web.Step{
		Word: stepWord(s.Node), Type: s.Type, Action: s.Action, Disposition: lastWord(s.Disposition), Role: s.Role,
		Time: s.Time.In(
			zoneOf(d.Event.Get("eventTimeZoneOffset").Text),
		), Place: viewPlace(cmp.Or(s.ReadPoint, s.BizLocation)),
		Carrier: s.Carrier, Quantity: d.Quantity, By: s.MSPID, Block: s.Block, Record: s.ID, Flags: s.Flags,
	}
	for _, r := range d.Recorded {
		if r.MSPID != s.MSPID && !slices.Contains(view.Also, r.MSPID) {
			view.Also = append(view.Also, r.MSPID)
		}
	}
	for i, r := range d.Readings {
		if i == 3 {
			view.Measured = append(view.Measured, fmt.Sprintf("and %d more readings", len(d.Readings)-3))
			break
		}
		text := valueText(r.Low, r.Unit)
		if r.High != r.Low {
			text += " to " + valueText(r.High, r.Unit)
		}
		view.Measured = append(view.Measured, text+" by "+sensor.Device(r.Device))
	}
	return view
}

func valueText(x float64, unit string) string {
	text := strings.Replace(strconv.FormatFloat(x, 'f', -1, 64), "-", "−", 1)
	if unit == "" {
		return text
	}
	return text + "\u00a0" + sensor.Unit(unit)
}

// zoneOf returns the time zone of an eventTimeZoneOffset. It returns UTC if the offset is invalid.
func zoneOf(offset string) *time.Location {
	t, err := time.Parse("-07:00", offset)
	if err != nil {
		return time.UTC
	}
	_, seconds := t.Zone()
	return time.FixedZone("", seconds)
}

// stepWord names an event for people: by its business step, or by its type.
func stepWord(n *lineage.Node) string {
	if word := lastWord(n.BizStep); word != "" {
		return strings.ToUpper(word[:1]) + word[1:]
	}
	switch n.Type {
	case "TransformationEvent":
		return "Transformation"
	case "AggregationEvent", "AssociationEvent":
		if n.Action == "DELETE" {
			return "Unpacked"
		}
		return "Packed"
	case "TransactionEvent":
		return "Transaction"
	}
	return map[string]string{"ADD": "Began", "DELETE": "Ended"}[n.Action] + map[bool]string{true: "Observed"}[n.Action == "OBSERVE"]
}

// lastWord is the last part of a word of CBV, without underscores.
func lastWord(uri string) string {
	uri = uri[strings.LastIndexAny(uri, "-:/")+1:]
	return strings.ReplaceAll(uri, "_", " ")
}

// viewPlace names a place for people.
func viewPlace(id string) web.Place {
	if id == "" {
		return web.Place{}
	}
	var words []string
	for _, part := range epcis.Parts(id) {
		words = append(words, part.Title+" "+part.Value)
	}
	if len(words) == 0 {
		words = []string{web.Brief(id)}
	}
	return web.Place{Text: strings.Join(words, ", "), Node: id}
}

// mostListed is how many readings are listed one by one beside a chart, and mostCharts how many charts there are.
const (
	mostListed = 60
	mostCharts = 4
)

// measured fills in the charts.
func (p *Pages) measured(v *visit, j *journey.Journey, s *web.Story) error {
	time := patience
	if v.URL.Query().Get("measured") == "all" {
		time = greatPatience
	}
	m, err := j.Measure(v.Context(), p.Index, time)
	if err != nil {
		return err
	}
	if m.Cut {
		s.Unread = len(j.Steps) - m.Steps
	}
	readings := make([]sensor.Reading, 0, len(m.Readings))
	for _, r := range m.Readings {
		readings = append(readings, r.Reading)
	}
	limits := make([]sensor.Limit, 0, len(m.Limits))
	for _, l := range m.Limits {
		limits = append(limits, l.Limit)
	}
	groups := sensor.Groups(readings, limits)
	for i, g := range groups[:min(len(groups), mostCharts)] {
		if c := viewChart(i, g, m, chart.DefaultPoints/min(len(groups), mostCharts)); c != nil {
			s.Charts = append(s.Charts, *c)
		}
	}
	// A page of the timeline says of a run what was measured in it.
	for d := range s.Days {
		for i := range s.Days[d].Stages {
			if one := &s.Days[d].Stages[i]; one.Count > 1 {
				one.Summary = summary(m, one)
			}
		}
	}
	return nil
}

// summary says what was measured during a run, of the kind that there is most of.
func summary(m *journey.Measured, one *web.Stage) string {
	var within []sensor.Reading
	for _, r := range m.Readings {
		if !r.Time.Before(one.First.Time) && !r.Time.After(one.Last.Time) {
			within = append(within, r.Reading)
		}
	}
	groups := sensor.Groups(within, nil)
	if len(groups) == 0 {
		return ""
	}
	low, high := groups[0].Readings[0].Low, groups[0].Readings[0].High
	for _, r := range groups[0].Readings {
		low, high = min(low, r.Low), max(high, r.High)
	}
	return fmt.Sprintf(
		"%s from %s to %s",
		sensor.Title(groups[0].Type),
		valueText(low, groups[0].Unit),
		valueText(high, groups[0].Unit),
	)
}

func viewChart(n int, g sensor.Group, m *journey.Measured, points int) *web.Chart {
	c := chart.Chart{Title: sensor.Title(g.Type), Unit: sensor.Unit(g.Unit), Zone: zoneOf(m.Zone), Points: points}
	records := recordsOf(m)
	at := map[string]int{}
	view := &web.Chart{ID: "measured", Title: c.Title, Unit: c.Unit, Converted: g.Converted}
	if n > 0 {
		view.ID += "-" + strconv.Itoa(n+1)
	}
	for _, r := range g.Readings {
		i, ok := at[r.Device]
		if !ok {
			i = len(c.Series)
			at[r.Device] = i
			c.Series = append(c.Series, chart.Series{Name: sensor.Device(r.Device)})
		}
		from := records[key{r.Type, r.Device, r.Time}]
		c.Series[i].Readings = append(
			c.Series[i].Readings,
			chart.Reading{Time: r.Time, Low: r.Low, High: r.High, Alarm: r.Alarm, Recalled: from.Warned},
		)
		if len(g.Readings) <= mostListed {
			value := valueText(r.Low, g.Unit)
			if r.High != r.Low {
				value += " to " + valueText(r.High, g.Unit)
			}
			view.Listed = append(
				view.Listed,
				web.Listed{
					Time:     r.Time.In(c.Zone),
					Device:   sensor.Device(r.Device),
					Value:    value,
					Record:   from.Record,
					Recalled: from.Warned,
					Alarm:    r.Alarm,
				},
			)
		}
	}
	for i, l := range g.Limits {
		c.Limits = append(c.Limits, chart.Limit{Low: l.Low, High: l.High})
		var ends []string
		if l.Low != nil {
			ends = append(ends, "at least "+valueText(*l.Low, g.Unit))
		}
		if l.High != nil {
			ends = append(ends, "at most "+valueText(*l.High, g.Unit))
		}
		from := m.Limits[g.Sources[i]]
		view.Sources = append(
			view.Sources,
			web.Source{Text: strings.Join(ends, " and "), By: from.MSPID, Record: from.Record},
		)
	}
	if view.Drawing = c.Draw(); view.Drawing == nil {
		return nil
	}
	return view
}

// key finds a reading again after its group has been made.
type key struct {
	kind, device string
	time         time.Time
}

func recordsOf(m *journey.Measured) map[key]journey.Reading {
	records := make(map[key]journey.Reading, len(m.Readings))
	for _, r := range m.Readings {
		k := key{r.Type, r.Device, r.Time}
		if known, ok := records[k]; !ok || !known.Warned {
			records[k] = r
		}
	}
	return records
}

// smallPicture draws what led to the thing and what it led to, without what was only seen on the way.
func smallPicture(j *journey.Journey, page *web.Thing) template.HTML {
	causes := map[string]bool{j.Thing: true}
	a := &lineage.Answer{Node: j.Thing, Direction: j.Ancestors.Direction, Block: j.Block}
	drawn := map[lineage.Edge]bool{}
	for _, walk := range []*lineage.Answer{j.Ancestors, j.Descendants} {
		for _, e := range walk.Edges {
			if e.Kind != lineage.EdgeObserved && e.Kind != lineage.EdgeContains && !drawn[e] {
				drawn[e] = true
				a.Edges = append(a.Edges, e)
				causes[e.From], causes[e.To] = true, true
			}
		}
	}
	for _, walk := range []*lineage.Answer{j.Ancestors, j.Descendants} {
		for _, n := range walk.Nodes {
			if causes[n.ID] {
				causes[n.ID] = false // once
				a.Nodes = append(a.Nodes, n)
			}
		}
	}
	if len(a.Nodes) < 2 {
		return ""
	}
	return picture.Draw(a, picture.Options{
		Link: func(n *lineage.Node) string { return web.Href(n.ID) }, Target: drawnNodes, Most: drawnNodes + 10,
		Organisation: func(mspID string) string { return page.Org(mspID).Name },
	}).SVG
}
