package epcis

import "strings"

// vocabulary is the set of words that GS1 defines for one field, as in the EPCIS
// 2.0 JSON schema. A field may also contain users' own words, which are URIs or
// compact names. It must not contain a barred spelling of GS1's words, because
// in JSON these are bare words.
type vocabulary struct {
	noun   string   // for messages: "a CBV business step"
	prefix string   // the web URI of a word is prefix and word
	barred []string // beginnings of URIs that the schema refuses
	words  []string
	uris   map[string]string // web URI by word
}

// The spellings that the schema refuses in fields with CBV words, and in sensor
// types.
var (
	barredCBV = []string{"urn:epcglobal:cbv", "http://ns.gs1.org/cbv/", "https://ns.gs1.org/cbv/"}
	barredVoc = []string{
		"http://gs1.org/voc/",
		"https://gs1.org/voc/",
		"http://www.gs1.org/voc/",
		"https://www.gs1.org/voc/",
	}
)

func words(noun, prefix string, barred []string, list string) *vocabulary {
	v := &vocabulary{noun: noun, prefix: prefix, barred: barred, words: strings.Fields(list)}
	v.uris = make(map[string]string, len(v.words))
	for _, w := range v.words {
		v.uris[w] = prefix + w
	}
	return v
}

var (
	bizSteps = words("a CBV business step", cbvVocabulary+"BizStep-", barredCBV, `
		accepting arriving assembling collecting commissioning consigning creating_class_instance cycle_counting
		decommissioning departing destroying disassembling dispensing encoding entering_exiting holding inspecting
		installing killing loading other packing picking receiving removing repackaging repairing replacing reserving
		retail_selling shipping staging_outbound stock_taking stocking storing transporting unloading unpacking
		void_shipping sensor_reporting sampling`)

	dispositions = words("a CBV disposition", cbvVocabulary+"Disp-", barredCBV, `
		active container_closed damaged destroyed dispensed disposed encoded expired in_progress in_transit inactive
		no_pedigree_match non_sellable_other partially_dispensed recalled reserved retail_sold returned
		sellable_accessible sellable_not_accessible stolen unknown available completeness_verified
		completeness_inferred conformant container_open mismatch_instance mismatch_class mismatch_quantity
		needs_replacement non_conformant unavailable`)

	bizTransactionTypes = words("a CBV business transaction type", cbvVocabulary+"BTT-", barredCBV, `
		bol cert desadv inv pedigree po poc prodorder recadv rma testprd testres upevt`)

	sourceTypes = words("a CBV source or destination type", cbvVocabulary+"SDT-", barredCBV, `
		owning_party possessing_party location`)

	errorReasons = words("a CBV error reason", cbvVocabulary+"ER-", barredCBV, `did_not_occur incorrect_data`)

	components = words("a CBV sensor component", cbvVocabulary+"Comp-", barredCBV, `
		x y z axial_distance azimuth height spherical_radius polar_angle elevation_angle easting northing latitude
		longitude altitude`)

	measurementTypes = words("a GS1 measurement type", gs1Vocabulary, barredVoc, `
		AbsoluteHumidity AbsorbedDose AbsorbedDoseRate Acceleration Radioactivity Altitude AmountOfSubstance
		AmountOfSubstancePerUnitVolume Angle AngularAcceleration AngularMomentum AngularVelocity Area Capacitance
		Conductance Conductivity Count Density Dimensionless DoseEquivalent DoseEquivalentRate DynamicViscosity
		ElectricCharge ElectricCurrent ElectricCurrentDensity ElectricFieldStrength Energy Exposure Force Frequency
		Illuminance Inductance Irradiance KinematicViscosity Length LinearMomentum Luminance LuminousFlux
		LuminousIntensity MagneticFlux MagneticFluxDensity MagneticVectorPotential Mass MassConcentration MassFlowRate
		MassPerAreaTime MemoryCapacity MolalityOfSolute MolarEnergy MolarMass MolarVolume Power Pressure RadiantFlux
		RadiantIntensity RelativeHumidity Resistance Resistivity SolidAngle SpecificVolume Speed SurfaceDensity
		SurfaceTension Temperature Time Torque Voltage Volume VolumeFlowRate VolumeFraction VolumetricFlux Wavenumber`)

	sensorExceptions = words("a GS1 sensor alert type", gs1Vocabulary, barredVoc, `ALARM_CONDITION ERROR_CONDITION`)
)

// uri returns the web URI of a bare word, of a compact GS1 name or of an EPCIS 1
// URN. It returns other values, which are users' own words, as they are.
func (v *vocabulary) uri(value string, ns namespaces) string {
	value = trim(value)
	if uri, ok := v.uris[value]; ok {
		return uri
	}
	if rest, ok := strings.CutPrefix(value, "urn:epcglobal:cbv:"); ok {
		if prefix, word, ok := cbvURN(rest); ok {
			return prefix + word
		}
		return value
	}
	if namespace, local, ok := ns.curie(value); ok {
		return namespace + local
	}
	return value
}

// WebURI returns the web URI of a business step, a disposition, or a type of
// transaction, source or destination. The value is what a query contains: a bare
// word ("shipping"), a compact name ("cbv:BizStep-shipping"), an EPCIS 1 URN or
// the URI itself. The field is bizStep, disposition, bizTransaction, source or
// destination. WebURI returns values that it doesn't know as they are, without
// the white space around them.
func WebURI(field, value string) string {
	v, ok := vocabularies[field]
	if !ok {
		return trim(value)
	}
	return v.uri(value, namespaces{})
}

// vocabularies are those of the fields that queries can name.
var vocabularies = map[string]*vocabulary{
	"bizStep": bizSteps, "disposition": dispositions, "bizTransaction": bizTransactionTypes,
	"source": sourceTypes, "destination": sourceTypes,
}

// NoWord says why no event can have a value in a field of WebURI: the value is neither
// a word nor a URI of one's own, or it is spelled as events may not spell it. It
// returns "" if an event can have it.
func NoWord(field, value string) string {
	v, ok := vocabularies[field]
	if !ok {
		return ""
	}
	uri := v.uri(value, namespaces{})
	word := uri[strings.LastIndexAny(uri, ":/-")+1:]
	for _, barred := range v.barred {
		if strings.HasPrefix(uri, barred) {
			return "is not spelled as in EPCIS 2.0, which has bare words" + didYouMean(word, v.words)
		}
	}
	if !isURI(uri) {
		return "is neither " + v.noun + " nor a URI" + didYouMean(word, v.words)
	}
	return ""
}

// cbvURN converts the part of a URN after "urn:epcglobal:cbv:", if it is a word.
// Business transaction identifiers (bt:) aren't words.
func cbvURN(rest string) (prefix, word string, ok bool) {
	kind, word, _ := strings.Cut(rest, ":")
	switch kind {
	case "bizstep":
		return bizSteps.prefix, word, true
	case "disp":
		return dispositions.prefix, word, true
	case "btt":
		return bizTransactionTypes.prefix, word, true
	case "sdt":
		return sourceTypes.prefix, word, true
	case "er":
		return errorReasons.prefix, word, true
	}
	return "", "", false
}
