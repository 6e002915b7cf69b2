// Package chart draws what devices measured as a line chart in SVG, and says the same as a table.
//
// # What is drawn
//
// Each device has a line of its own, told apart by colour, by dashes and by the shape of its markers. A line is broken where a device was silent for
// more than three times its usual interval. Readings that are recalled are drawn thin and crossed out. Limits are lines across, and beyond them is
// shaded; the time for which a device was beyond one, or reported an alarm, is shaded from top to bottom, with a
// mark at the worst reading.
//
// The chart knows no limits of its own. It marks what somebody stated, and what a device itself called an alarm.
//
// # What can be relied on
//
// However many readings there are, a drawing stays small: of those that fall into one narrow column the lowest and the highest are drawn, so that no extreme is lost.
// The table is made of all of them. A drawing depends on nothing but the chart. Text is escaped. There are no style attributes and
// no scripts in it: looks come from classes, by the page's style sheet, and so do light, dark and paper.
package chart
