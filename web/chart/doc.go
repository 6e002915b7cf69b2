// Package chart draws the readings of devices as a line chart in SVG, and returns the same as a table.
//
// [Chart] says what to draw, and [Chart.Draw] draws it.
//
// # What is drawn
//
// Each device has its own line. Lines differ in their colour, their dashes and the shape of their markers. A line is
// broken where the device was silent for more than three times its usual interval. Recalled readings are drawn thin
// and crossed out. Limits are horizontal lines, and the area beyond them is shaded. The time for which a device was
// beyond a limit, or reported an alarm, is shaded from top to bottom, with a mark at the worst reading.
//
// The chart has no limits of its own. It shows limits that somebody stated, and alarms that a device reported.
//
// # What can be relied on
//
// A drawing stays small however many readings there are. In each narrow column it shows only the lowest and the
// highest reading, so it loses no extreme. The table takes all readings into account. A drawing depends only on the
// chart. All text is escaped. There are no style attributes and no scripts. The page's style sheet defines how the
// classes look, in light, in dark and on paper.
package chart
