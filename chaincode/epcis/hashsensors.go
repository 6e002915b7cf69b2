package epcis

import "github.com/pedigree-ledger/pedigree/chaincode/canonical"

var hashedSensorMetadata = inOrder([]hashedField{
	{"time", (*hasher).time},
	{"startTime", (*hasher).time},
	{"endTime", (*hasher).time},
	{"deviceID", (*hasher).scalar},
	{"deviceMetadata", (*hasher).scalar},
	{"rawData", (*hasher).scalar},
	{"dataProcessingMethod", (*hasher).scalar},
	{"bizRules", (*hasher).scalar},
})

var hashedSensorReport = inOrder([]hashedField{
	{"type", hashedWord(measurementTypes)},
	{"exception", hashedWord(sensorExceptions)},
	{"deviceID", (*hasher).scalar},
	{"deviceMetadata", (*hasher).scalar},
	{"rawData", (*hasher).scalar},
	{"dataProcessingMethod", (*hasher).scalar},
	{"time", (*hasher).time},
	{"microorganism", (*hasher).scalar},
	{"chemicalSubstance", (*hasher).scalar},
	{"value", (*hasher).scalar},
	{"component", hashedWord(components)},
	{"stringValue", (*hasher).scalar},
	{"booleanValue", (*hasher).scalar},
	{"hexBinaryValue", (*hasher).scalar},
	{"uriValue", (*hasher).scalar},
	{"minValue", (*hasher).scalar},
	{"maxValue", (*hasher).scalar},
	{"meanValue", (*hasher).scalar},
	{"sDev", (*hasher).scalar},
	{"percRank", (*hasher).scalar},
	{"percValue", (*hasher).scalar},
	{"uom", (*hasher).scalar},
	{"coordinateReferenceSystem", (*hasher).scalar},
})

// sensorElements writes the sensor elements after the name of their list. CBV
// 2.0 has no name there, so sensorElements removes it.
func sensorElements(h *hasher, v *canonical.Value) bool {
	if h.version == CBV20 {
		h.buf = h.buf[:len(h.buf)-len("sensorElementList")]
	}
	return h.list(v, func(h *hasher, v *canonical.Value) {
		h.field("sensorElement", v, func(h *hasher, v *canonical.Value) bool {
			from := len(h.buf)
			h.fieldOf(v, "sensorMetadata", sensorMetadata)
			h.sensorReports(v, sensorReport)
			h.extensionsInPlace(v)
			return len(h.buf) > from
		})
	})
}

func sensorMetadata(h *hasher, v *canonical.Value) bool {
	return h.sensorFields(v, hashedSensorMetadata)
}

func sensorReport(h *hasher, v *canonical.Value) bool {
	return h.sensorFields(v, hashedSensorReport)
}

func (h *hasher) sensorFields(v *canonical.Value, fields *hashedFields) bool {
	from := len(h.buf)
	h.fields(v, fields)
	h.extensionsInPlace(v)
	return len(h.buf) > from
}

// sensorReports writes the reports of a sensor element, each under the name
// sensorReport.
func (h *hasher) sensorReports(element *canonical.Value, report func(*hasher, *canonical.Value) bool) {
	if reports := find(element, "sensorReport"); reports != nil {
		h.list(reports, func(h *hasher, v *canonical.Value) { h.field("sensorReport", v, report) })
	}
}

// innerExtensions writes the block in which CBV 2.0 collects the extensions of
// places and sensor elements, each group under the names of the fields on its
// path.
func (h *hasher) innerExtensions(event *canonical.Value) {
	h.fieldOf(event, "readPoint", extensionsOnly)
	h.fieldOf(event, "bizLocation", extensionsOnly)
	elements := find(event, "sensorElementList")
	if elements == nil || elements.Kind != canonical.Array {
		return
	}
	h.list(elements, func(h *hasher, v *canonical.Value) {
		h.field("sensorElement", v, func(h *hasher, v *canonical.Value) bool {
			from := len(h.buf)
			h.fieldOf(v, "sensorMetadata", extensionsOnly)
			h.sensorReports(v, extensionsOnly)
			h.extensions(v)
			return len(h.buf) > from
		})
	})
}

func extensionsOnly(h *hasher, v *canonical.Value) bool {
	from := len(h.buf)
	h.extensions(v)
	return len(h.buf) > from
}

// extensionsInPlace writes the extensions of an inner object right after its
// fields, as CBV 2.1 does. For CBV 2.0 it writes nothing.
func (h *hasher) extensionsInPlace(v *canonical.Value) {
	if h.version == CBV21 {
		h.extensions(v)
	}
}
