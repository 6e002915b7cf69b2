package epcis

// What an event does to a thing decides who may speak for the thing.

// Makes reports whether the event brings the things of a field into being: it
// commissions them (an object event with the action ADD), they are outputs of a
// transformation, or the event packs other things into them.
func (e *Event) Makes(field string) bool {
	if e.ErrorDeclaration != nil {
		return false
	}
	switch field {
	case "outputEPCList", "outputQuantityList":
		return true
	case "epcList", "quantityList":
		return e.Type == "ObjectEvent" && e.Action == "ADD"
	case "parentID":
		return e.Type == "AggregationEvent" && e.Action == "ADD"
	}
	return false
}

// Takes reports whether whoever reports the event takes the things of a field
// into their hands, or uses them up: they are received, or they are inputs of a
// transformation.
func (e *Event) Takes(field string) bool {
	if e.ErrorDeclaration != nil {
		return false
	}
	return IsReceiving(e.BizStep) || field == "inputEPCList" || field == "inputQuantityList"
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
