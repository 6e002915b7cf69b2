// Package lineage answers where a node comes from and what it touched. It walks
// the graph that the index keeps: things, artifact versions, and the records
// that connect them.
//
// # Cause and effect
//
// Edges point from cause to effect. Descendants follow them, ancestors follow
// them backwards:
//
//	thing ─input→ transformation event ─output→ thing
//	source ─derivedFrom→ artifact version
//	source ─used→ activity ─generated→ artifact version
//	activity ─about→ node it decided about
//	statement ─subject→ node it speaks about (only from a statement downwards)
//	artifact version ─sameBytes→ artifact version with the same digest (in both directions)
//
// Versions with the same digest are the same bytes, whatever they are called and whoever registered them. They have the
// same causes, and what was made of one may be recorded under the name of the other.
//
// A statement leads to its subjects as if the walk had begun at each of them.
//
// A run may say of an output which of its inputs it was made of. Then the walk goes through
// the run from an input only to the outputs that were made of it, and upwards from an
// output only to what it was made of. An output of which the run says nothing was made of
// all that it used. So both ends of a run can be in an answer, and one not be made of the other. A
// walk that begins at the run itself, or comes to it by what it decided about, goes to all.
//
// A source is an artifact version or a record: a dataset may be derived from
// events, which is where the walk crosses from fish to data. A decision marks
// the lot it is about, so descending from a model reaches that lot and what was
// made of it, and ascending from the lot reaches the decision, the model and its
// data. Transformation events with the same transformationID are one
// transformation: inputs of one lead to outputs of another (edge "continues").
// Production and consumption are followed whatever the clocks say, for a
// recall must not fail over a wrong clock.
//
// # Observations
//
// Every event that names a thing is attached to it (edge "observed", from thing to
// event) in both directions, and leads on to what was derived from the event, but
// never to the other things it names: two lots on one delivery note are not made
// of each other. Upwards, an event that something was derived from leads to the
// things it names. A walk that begins at an event goes to those as well.
//
// # Containment, in time
//
// A parent holds a child from the ADD of an aggregation or association event to
// its DELETE, in the order of eventTime and, for equal times, of the ledger; both
// ends belong to it. A DELETE that names no child empties the parent. An OBSERVE
// tells that the child is inside; if no ADD was reported, it is from then on. A
// DELETE without an ADD tells of that moment only. Of a class (a lot), a
// DELETE takes out the quantity it names, and ends containment when nothing
// is left; without a quantity, all.
//
// From a child the walk goes to its parents as carriers: with the events of that
// time and with their own parents of that time, but not to other children. From a
// parent that is itself in question it goes to what it held. Each thing carries
// the time in which it mattered:
//
//   - the node asked about mattered always, and so did what is made of inputs;
//   - a thing named by an event, or decided about, mattered at that moment;
//   - a child mattered while it was inside when its parent mattered, and a carrier
//     while it held.
//
// Observations then count from that time on (descendants) or up to it
// (ancestors), but a container answers for the load of that moment only, or, if it
// was empty, for the time between the load before and the next. So a pallet
// that is used again next week for another lot does not connect the two. A walk may
// come to a thing again with more time; times only grow, and there are finitely
// many, so it ends, and where it gets does not depend on its order. Cycles and
// diamonds need no more care.
//
// # Products, lots and items
//
// A lot leads to its items, as far as an event says which those are: in one link (/01/…/10/LOT/21/SERIAL), or by a lot
// number in the ilmd or in an extension (edge "item"). They mattered when the lot did. Upwards, an item
// comes from its lot. Downwards, an item leads to its lot only if the lot was used up: whoever used it up may have used
// up the item. The lot stands in for that item, and leads to no other.
//
// A product, which is a class without a lot (a GTIN), leads to all its lots and items that any record names (edge
// "member"), if all of it is in question: the walk begins at it, a statement is about it, or it was
// made of something in question, without a word of which lot. Upwards, a lot or an item leads to its product, and there
// the walk ends: what is said of the product counts, and what other lots came from doesn't. A lot never leads
// downwards to its product.
//
// # Which recalls reach a thing
//
// A recall reaches what a walk downwards from it comes to. To find the recalls of a thing, the walk goes the other way,
// and must come to everything that a walk downwards may have come from. Ancestors are fewer: they leave out what can't
// be a cause if all clocks are right. So this walk is broad, in four ways:
//
//   - an input was used up, so what put it in question counts at whatever time it did;
//   - a carrier in question puts what it held in question, so what the carrier was made of counts, too, and so do its
//     lot and its product;
//   - a lot that was used up leads to its items, as it may have been those that were used up;
//   - a product leads to what it was made of, if an event says so without a word of the lot.
//
// A lot doesn't lead to what was made of its product without a word of the lot. Of such a thing, nobody knows whether a
// recall of the lot reaches it, and its page says so.
//
// # What is said about a node
//
// Statements become flags of the nodes they are about, not nodes of the walk. An
// event that was declared an error is walked all the same, and marked, with
// the events that stand in its place.
package lineage
