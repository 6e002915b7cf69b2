package epcis

// What an event does to a thing decides who may speak for the thing.

// Makes reports whether the event brings the mentioned thing into being: it
// commissions the thing (an object event with the action ADD), the thing is an
// output of a transformation, or the event packs other things into it.
func (e *Event) Makes(m *Mention) bool {
	if e.ErrorDeclaration != nil {
		return false
	}
	switch m.Field {
	case "outputEPCList", "outputQuantityList":
		return true
	case "epcList", "quantityList":
		return e.Type == "ObjectEvent" && e.Action == "ADD"
	case "parentID":
		return e.Type == "AggregationEvent" && e.Action == "ADD"
	}
	return false
}

// Takes reports whether whoever reports the event takes the mentioned thing into
// their hands, or uses it up: it is received, or it is an input of a
// transformation.
func (e *Event) Takes(m *Mention) bool {
	if e.ErrorDeclaration != nil {
		return false
	}
	return IsReceiving(e.BizStep) || m.Field == "inputEPCList" || m.Field == "inputQuantityList"
}

// IsReceiving reports whether a business step takes things into somebody's hands.
func IsReceiving(bizStep string) bool {
	return bizStep == cbvVocabulary+"BizStep-receiving" || bizStep == cbvVocabulary+"BizStep-accepting"
}

// IsShipping reports whether a business step gives things out of somebody's hands.
func IsShipping(bizStep string) bool {
	return bizStep == cbvVocabulary+"BizStep-shipping" || bizStep == cbvVocabulary+"BizStep-departing" ||
		bizStep == cbvVocabulary+"BizStep-consigning"
}
