package chart

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// minus is the minus sign, which is as wide as a digit.
const minus = "−"

// number writes a value for people, with up to three decimals.
func number(x float64) string {
	text := ""
	switch size := math.Abs(x); {
	case size != 0 && (size < 0.001 || size >= 1e7):
		text = strconv.FormatFloat(x, 'g', 4, 64)
	default:
		text = strconv.FormatFloat(x, 'f', 3, 64)
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		text = "0"
	}
	return strings.Replace(text, "-", minus, 1)
}

// value writes a value with the chart's unit.
func (c Chart) value(x float64) string {
	if c.Unit == "" {
		return number(x)
	}
	return number(x) + "\u00a0" + c.Unit
}

// scale maps a range onto pixels.
type scale struct{ from, to, low, high float64 }

func (s scale) at(x float64) float64 {
	return s.low + (x-s.from)/(s.to-s.from)*(s.high-s.low)
}

// ticks returns about as many round values within a range as wanted. The step between them is one, two or five times a
// power of ten.
func ticks(from, to float64, wanted int) []float64 {
	rough := (to - from) / float64(wanted)
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	step := 10 * power
	for _, m := range []float64{1, 2, 5} {
		if m*power >= rough {
			step = m * power
			break
		}
	}
	var list []float64
	for n := math.Ceil(from / step); n*step <= to && len(list) <= 4*wanted; n++ {
		list = append(list, n*step)
	}
	return list
}

// moment is a tick of the axis of time.
type moment struct {
	at          time.Time
	label, date string // date stands below, where it changes; may be empty
}

// steps are the steps of the axis of time. Longer steps are whole months.
var steps = []time.Duration{
	time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	day, 2 * day, 7 * day, 14 * day,
}

const day = 24 * time.Hour

// moments returns round times within a range, at most as many as wanted.
func moments(from, to time.Time, zone *time.Location, wanted int) []moment {
	span := to.Sub(from)
	for _, step := range steps {
		if int(span/step)+1 <= wanted {
			return even(from.In(zone), to, step)
		}
	}
	from = from.In(zone)
	for _, months := range []int{1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 6000} {
		if span <= time.Duration(wanted)*time.Duration(months)*30*day || months == 6000 {
			return monthly(from, to, months, wanted)
		}
	}
	return nil
}

// even returns the times that are a whole number of steps after midnight.
func even(from, to time.Time, step time.Duration) []moment {
	midnight := time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, from.Location())
	at := midnight.Add(from.Sub(midnight).Truncate(step))
	if at.Before(from) {
		at = at.Add(step)
	}
	var list []moment
	last := ""
	for ; !at.After(to); at = at.Add(step) {
		m := moment{at: at, label: at.Format("15:04")}
		switch date := at.Format("2 Jan"); {
		case step >= day:
			m.label = date
		case step < time.Minute:
			m.label = at.Format("15:04:05")
			fallthrough
		default:
			if date != last {
				m.date, last = date, date
			}
		}
		list = append(list, m)
	}
	return list
}

// monthly returns the first days of months.
func monthly(from, to time.Time, months, most int) []moment {
	var first time.Time
	if months >= 12 {
		years := months / 12
		first = time.Date((from.Year()/years)*years, 1, 1, 0, 0, 0, 0, from.Location())
	} else {
		first = time.Date(from.Year(), time.Month((int(from.Month())-1)/months*months+1), 1, 0, 0, 0, 0, from.Location())
	}
	var list []moment
	for at := first; !at.After(to) && len(list) < 2*most; at = at.AddDate(0, months, 0) {
		if at.Before(from) {
			continue
		}
		m := moment{at: at, label: at.Format("Jan 2006")}
		if months >= 12 {
			m.label = at.Format("2006")
		}
		list = append(list, m)
	}
	return list
}

// zoneName names a time zone for people, as it applies at a time.
func zoneName(zone *time.Location, at time.Time) string {
	_, offset := at.In(zone).Zone()
	if offset == 0 {
		return "UTC"
	}
	sign := "+"
	if offset < 0 {
		sign, offset = minus, -offset
	}
	return fmt.Sprintf("UTC%s%02d:%02d", sign, offset/3600, offset%3600/60)
}
