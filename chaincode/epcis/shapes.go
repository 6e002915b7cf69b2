package epcis

import (
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// The tables below are the shapes of GS1's JSON schema for EPCIS 2.0. Fields are
// in the order of their names.

var quantityShape = shape{noun: "a quantity element", fields: []field{
	{"epcClass", uri, true},
	{"quantity", decimal, false},
	{"uom", unit, false},
}}

var bizTransactionShape = shape{noun: "a business transaction", fields: []field{
	{"bizTransaction", uri, true},
	{"type", word(bizTransactionTypes), false},
}}

var sourceShape = shape{noun: "a source", fields: []field{
	{"source", uri, true},
	{"type", word(sourceTypes), true},
}}

var destinationShape = shape{noun: "a destination", fields: []field{
	{"destination", uri, true},
	{"type", word(sourceTypes), true},
}}

var placeShape = shape{noun: "a place", others: extensions, fields: []field{
	{"id", uri, true},
}}

var persistentDispositionShape = shape{noun: "a persistent disposition", fields: []field{
	{"set", listOf(word(dispositions), distinct|nonempty), false},
	{"unset", listOf(word(dispositions), distinct|nonempty), false},
}}

var errorDeclarationShape = shape{noun: "an error declaration", others: extensions, fields: []field{
	{"correctiveEventIDs", listOf(uri, 0), false},
	{"declarationTime", dateTime, true},
	{"reason", word(errorReasons), false},
}}

var sensorMetadataShape = shape{noun: "sensor metadata", others: extensions, fields: []field{
	{"bizRules", uri, false},
	{"dataProcessingMethod", uri, false},
	{"deviceID", uri, false},
	{"deviceMetadata", uri, false},
	{"endTime", dateTime, false},
	{"rawData", uri, false},
	{"startTime", dateTime, false},
	{"time", dateTime, false},
}}

var sensorReportShape = shape{noun: "a sensor report", others: extensions, fields: []field{
	{"bizRules", uri, false},
	{"booleanValue", boolean, false},
	{"chemicalSubstance", uri, false},
	{"component", word(components), false},
	{"coordinateReferenceSystem", uri, false},
	{"dataProcessingMethod", uri, false},
	{"deviceID", uri, false},
	{"deviceMetadata", uri, false},
	{"exception", word(sensorExceptions), false},
	{"hexBinaryValue", hexBinary, false},
	{"maxValue", decimal, false},
	{"meanValue", decimal, false},
	{"microorganism", uri, false},
	{"minValue", decimal, false},
	{"percRank", decimal, false},
	{"percValue", decimal, false},
	{"rawData", uri, false},
	{"sDev", decimal, false},
	{"stringValue", anyText, false},
	{"time", dateTime, false},
	{"type", word(measurementTypes), true},
	{"uom", anyText, false},
	{"uriValue", uri, false},
	{"value", decimal, false},
}}

var sensorElementShape = shape{noun: "a sensor element", others: extensions, fields: []field{
	{"sensorMetadata", shaped(&sensorMetadataShape), false},
	{"sensorReport", listOf(shaped(&sensorReportShape), nonempty), true},
}}

// ilmdShape has no fields, because ILMD consists of extensions only.
var ilmdShape = shape{noun: "ilmd", others: extensions}

var quantities = listOf(shaped(&quantityShape), 0)

// eventFields are the fields that every event has.
var eventFields = []field{
	{"@context", sentContext, false},
	{"certificationInfo", uriOrURIs, false},
	{"errorDeclaration", shaped(&errorDeclarationShape), false},
	{"eventID", uri, false},
	{"eventTime", dateTime, true},
	{"eventTimeZoneOffset", zoneOffset, true},
	{"recordTime", dateTime, false},
	{"type", anyText, true},
}

// stepFields say what happened, where, and in which business. All event types
// have them, but a type may have its own check for one of them.
var stepFields = []field{
	{"bizLocation", shaped(&placeShape), false},
	{"bizStep", word(bizSteps), false},
	{"bizTransactionList", listOf(shaped(&bizTransactionShape), 0), false},
	{"destinationList", listOf(shaped(&destinationShape), 0), false},
	{"disposition", word(dispositions), false},
	{"readPoint", shaped(&placeShape), false},
	{"sensorElementList", listOf(shaped(&sensorElementShape), 0), false},
	{"sourceList", listOf(shaped(&sourceShape), 0), false},
}

var action = field{"action", oneOf("an action", "OBSERVE", "ADD", "DELETE"), true}

// eventType is one of the five event types: the shape of its events, and the
// rules that concern several fields at once.
type eventType struct {
	name  string
	shape shape
	rules func(c *checker, event *canonical.Value)
}

var eventTypes = [...]eventType{
	newType("ObjectEvent", objectRules,
		action,
		field{"epcList", listOf(uri, distinct), false},
		field{"ilmd", shaped(&ilmdShape), false},
		field{"persistentDisposition", persistentDisposition, false},
		field{"quantityList", quantities, false}),
	newType("AggregationEvent", childRules,
		action,
		field{"childEPCs", listOf(uri, 0), false},
		field{"childQuantityList", quantities, false},
		field{"parentID", uri, false}),
	newType("TransactionEvent", transactionRules,
		action,
		field{"bizTransactionList", listOf(shaped(&bizTransactionShape), nonempty), true},
		field{"epcList", listOf(uri, 0), false},
		field{"parentID", uri, false},
		field{"quantityList", quantities, false}),
	newType("TransformationEvent", transformationRules,
		field{"ilmd", shaped(&ilmdShape), false},
		field{"inputEPCList", listOf(uri, distinct), false},
		field{"inputQuantityList", quantities, false},
		field{"outputEPCList", listOf(uri, distinct), false},
		field{"outputQuantityList", quantities, false},
		field{"persistentDisposition", persistentDisposition, false},
		field{"transformationID", uri, false}),
	newType("AssociationEvent", childRules,
		action,
		field{"childEPCs", listOf(uri, 0), false},
		field{"childQuantityList", quantities, false},
		field{"parentID", uri, true}),
}

// newType makes an event type. Its own fields replace those of the same name
// that all types have.
func newType(name string, rules func(*checker, *canonical.Value), own ...field) eventType {
	fields := own
	for _, f := range slices.Concat(eventFields, stepFields) {
		if !slices.ContainsFunc(own, func(o field) bool { return o.name == f.name }) {
			fields = append(fields, f)
		}
	}
	slices.SortFunc(fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	noun := "an " + name
	if name[0] == 'T' {
		noun = "a " + name
	}
	return eventType{name, shape{noun: noun, fields: fields, others: extensions}, rules}
}

func typeOf(name string) *eventType {
	for i := range eventTypes {
		if eventTypes[i].name == name {
			return &eventTypes[i]
		}
	}
	return nil
}

func typeNames() []string {
	names := make([]string, len(eventTypes))
	for i := range eventTypes {
		names[i] = eventTypes[i].name
	}
	return names
}

func persistentDisposition(c *checker, v *canonical.Value) {
	c.object(v, &persistentDispositionShape)
	if v.Kind == canonical.Object && find(v, "set") == nil && find(v, "unset") == nil {
		c.add(CodeMissingField, "a persistent disposition must have set, unset or both")
	}
}

// event checks an event of any type.
func (c *checker) event(v *canonical.Value) {
	if v.Kind != canonical.Object {
		c.add(CodeWrongType, "an event must be an object, not %s", kindNoun(v.Kind))
		return
	}
	name := find(v, "type")
	if name == nil {
		c.member("type")
		c.add(CodeMissingField, "an event must have the field type, one of %s", strings.Join(typeNames(), ", "))
		c.up()
		return
	}
	t := typeOf(name.Text)
	if t == nil { // no value but a string has the text of a type
		c.member("type")
		c.add(
			CodeUnknownType,
			"type must be one of %s; not %s%s",
			strings.Join(typeNames(), ", "),
			quote(name.Text),
			didYouMean(name.Text, typeNames()),
		)
		c.up()
		return
	}
	c.object(v, &t.shape)
	t.rules(c, v)
}

// objectRules checks that an ObjectEvent is about things, or reports sensors at a
// place. It may have ilmd only if it adds things.
func objectRules(c *checker, event *canonical.Value) {
	if !has(event, "epcList") && !some(event, "quantityList") &&
		(!some(event, "sensorElementList") || !has(event, "readPoint")) {
		c.add(
			CodeNothingHappened,
			"an ObjectEvent must have an epcList, or a quantityList with something in it, or a sensorElementList with something in it and a readPoint",
		)
	}
	if action := find(event, "action"); has(event, "ilmd") && action != nil && action.Text != "ADD" {
		c.member("ilmd")
		c.add(CodeNotAllowed, "an ObjectEvent may have ilmd only if its action is ADD")
		c.up()
	}
}

// childRules checks that an event has children, unless its action is DELETE: a
// DELETE without children removes all of them.
func childRules(c *checker, event *canonical.Value) {
	if !some(event, "childEPCs") && !some(event, "childQuantityList") && !deletes(event) {
		c.add(
			CodeNothingHappened,
			"unless its action is DELETE, an event of this type must have childEPCs or a childQuantityList with something in it",
		)
	}
}

func transactionRules(c *checker, event *canonical.Value) {
	if !has(event, "epcList") && !some(event, "quantityList") && !deletes(event) {
		c.add(
			CodeNothingHappened,
			"unless its action is DELETE, a TransactionEvent must have an epcList, or a quantityList with something in it",
		)
	}
}

// transformationRules checks that a TransformationEvent has inputs and outputs.
// Several events with the same transformationID can describe one transformation;
// then each needs only inputs or outputs.
func transformationRules(c *checker, event *canonical.Value) {
	in := some(event, "inputEPCList") || some(event, "inputQuantityList")
	out := some(event, "outputEPCList") || some(event, "outputQuantityList")
	if has(event, "transformationID") && !in && !out {
		c.add(CodeNothingHappened, "a TransformationEvent must have inputs or outputs")
	} else if !has(event, "transformationID") && (!in || !out) {
		c.add(CodeNothingHappened, "a TransformationEvent must have inputs and outputs, or a transformationID that joins it with the event that has the others")
	}
}

func has(v *canonical.Value, name string) bool { return find(v, name) != nil }

// some reports whether an object has a list of that name with items in it.
func some(v *canonical.Value, name string) bool {
	list := find(v, name)
	return list != nil && len(list.Items) > 0
}

func deletes(event *canonical.Value) bool {
	action := find(event, "action")
	return action != nil && action.Text == "DELETE"
}
