// Package picture draws the answer to a lineage question as an SVG, with causes on the left and effects on the right.
//
// [Draw] draws an answer. The [Picture] also has the same information as a table, and a legend.
//
// # What is where
//
// The nodes are in layers: everything that causes a node is to the left of it. Each organisation has a lane, a
// horizontal band with its nodes. There are three kinds of line. A solid line with an arrow leads from a cause to its
// effect. A dashed line that begins with a diamond leads from a parent to a child that it held. A dotted line without
// an arrow connects an event with a thing that it names. Only solid lines always lead to the right.
//
// # What is folded
//
// Siblings that look alike have the same parent, kind of record, organisation and marks. Only the first few of them are
// drawn. The others become a fold: one node that shows their number, with a link that unfolds it. Nodes that are only
// behind folded nodes are folded, too. Long chains without branches are folded in the middle.
//
// If there are still too many nodes, fewer of each group are drawn. If that isn't enough, groups of the same depth
// are joined, and finally everything beyond some depth becomes one fold. So the picture of any answer stays readable,
// and each node of the answer is either drawn or counted in a fold.
//
// # What can be relied on
//
// A picture depends only on the answer and the options, not on the order in which the answer lists its nodes and
// edges. All text is escaped. There are no style attributes and no scripts. The page's style sheet defines how the
// classes look, in light and in dark.
package picture
