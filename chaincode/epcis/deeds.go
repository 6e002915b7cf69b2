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

// Receives reports whether whoever reports the event takes the things that it
// names into their hands.
func (e *Event) Receives() bool { return e.ErrorDeclaration == nil && IsReceiving(e.BizStep) }

// IsReceiving reports whether a business step takes things into somebody's hands.
func IsReceiving(bizStep string) bool {
	return bizStep == cbvVocabulary+"BizStep-receiving" || bizStep == cbvVocabulary+"BizStep-accepting"
}

// IsShipping reports whether a business step gives things out of somebody's hands.
func IsShipping(bizStep string) bool {
	return bizStep == cbvVocabulary+"BizStep-shipping" || bizStep == cbvVocabulary+"BizStep-departing" ||
		bizStep == cbvVocabulary+"BizStep-consigning"
}
