// Package picture draws the answer to a lineage question as an SVG: cause on the left, effect on the right.
//
// # What is where
//
// The nodes stand in layers, so that everything that causes a node stands to the left of it. Each organisation has a lane, a
// horizontal band in which its nodes are. Cause and effect are drawn as solid lines with an arrow; that a parent held a child as a dashed line
// that begins with a diamond; that an event names a thing as a dotted line without an arrow. Only lines of the first kind keep to the direction: a thing
// may be seen by an event that is a cause of something that became of the thing.
//
// # What is folded
//
// Of siblings that look alike (same parent, same kind of record, same organisation, same marks) the first few are drawn; the others become one
// node that says how many there are and that unfolds by following a link. What is only behind folded nodes is folded with its like. Long chains
// in which nothing branches are folded in the middle. If there are still too many nodes, less is shown of each group, then groups are joined
// that have the same depth, and in the end everything beyond some depth. So the picture of any answer stays readable, and each of its nodes is either drawn or
// counted in a fold.
//
// # What can be relied on
//
// A picture depends on the answer and on the options alone, not on the order in which the answer lists its nodes and edges. Text is escaped. There are no style attributes
// and no scripts in it: looks come from the classes, by the page's style sheet, and so do light and dark.
package picture
