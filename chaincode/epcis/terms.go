package epcis

import "github.com/pedigree-ledger/pedigree/chaincode/canonical"

// terms are the names that the context of EPCIS 2.0 defines and protects: of a document's members, and of an event's.
var terms = func() map[string]bool {
	all := map[string]bool{"epcisBody": true, "eventList": true, "queryResults": true, "resultsBody": true}
	shapes := []*shape{
		&documentShape, &queryDocumentShape, &headerShape, &quantityShape, &bizTransactionShape, &sourceShape,
		&destinationShape, &placeShape, &persistentDispositionShape, &errorDeclarationShape, &sensorMetadataShape,
		&sensorReportShape, &sensorElementShape,
	}
	for i := range eventTypes {
		all[eventTypes[i].name] = true
		shapes = append(shapes, &eventTypes[i].shape)
	}
	for _, s := range shapes {
		for _, f := range s.fields {
			all[f.name] = true
		}
	}
	delete(all, "@context")
	return all
}()

// Redefined finds the terms of EPCIS to which an @context gives a meaning of its own. Another reader would understand
// the document in another way than this package, which goes by the names. JSON-LD refuses it, because the terms of
// EPCIS are protected (JSON-LD 1.1, section 4.1.11). Decode accepts it, since ledgers hold such events.
func Redefined(context canonical.Value) []string {
	var found []string
	for _, part := range contextParts(&context) {
		for _, m := range part.Members {
			if terms[m.Name] && !sameMeaning(m.Name, &m.Value) {
				found = append(found, m.Name)
			}
		}
	}
	return found
}

// sameMeaning tells whether a definition gives a term the meaning that it has in EPCIS, which JSON-LD allows.
func sameMeaning(name string, definition *canonical.Value) bool {
	meaning := definition.Text
	if definition.Kind == canonical.Object {
		meaning = text(definition, "@id")
	}
	switch meaning {
	case "https://ref.gs1.org/epcis/" + name, "epcis:" + name:
		return true
	case "@id", "@type":
		return name == meaning[1:]
	}
	return false
}
