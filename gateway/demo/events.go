package demo

import "fmt"

// step is an event and how to tell it.
type step struct {
	words string
	event map[string]any
}

// Identifiers begin with 952, which GS1 keeps for examples.
const (
	quay      = "urn:epc:id:sgln:9520001.00001.0"
	plant     = "urn:epc:id:sgln:9520001.00002.0"
	store     = "urn:epc:id:sgln:9520002.00001.0"
	harborPGL = "urn:epc:id:pgln:9520001.00000"
	marketPGL = "urn:epc:id:pgln:9520002.00000"
)

func (s *story) catchLot() string  { return "urn:epc:class:lgtin:9520001.010001.CATCH-" + s.run }
func (s *story) filletLot() string { return "urn:epc:class:lgtin:9520001.020001.FILLET-" + s.run }

// pallet numbers the play's SSCC by its name, so that plays don't share one.
func (s *story) pallet() string {
	n := 0
	for _, r := range s.run {
		n = (n*62 + int(r)) % 999_999_937
	}
	return fmt.Sprintf("urn:epc:id:sscc:9520001.%010d", n)
}

func event(kind, time, action, bizStep, disposition string, more map[string]any) map[string]any {
	e := map[string]any{"type": kind, "eventTime": time, "eventTimeZoneOffset": "+01:00", "bizStep": bizStep}
	if disposition != "" {
		e["disposition"] = disposition
	}
	if action != "" {
		e["action"] = action
	}
	for name, value := range more {
		e[name] = value
	}
	return e
}

func quantity(class string, kilograms float64) []any {
	return []any{map[string]any{"epcClass": class, "quantity": kilograms, "uom": "KGM"}}
}

func place(id string) map[string]any { return map[string]any{"id": id} }

func (s *story) landing() step {
	return step{"landed 1 200 kg of Atlantic salmon at the quay", event("ObjectEvent", "2026-03-01T05:30:00+01:00", "ADD", "commissioning", "active", map[string]any{
		"quantityList": quantity(s.catchLot(), 1200), "readPoint": place(quay), "bizLocation": place(quay),
		"ilmd": map[string]any{"demo:species": "Salmo salar", "demo:catchArea": "FAO 27.4.a", "demo:vessel": "Demo Vessel One"},
	})}
}

func (s *story) packing() step {
	return step{"cut and packed it into 700 kg of fillets, a new lot", event("TransformationEvent", "2026-03-01T09:00:00+01:00", "", "commissioning", "active", map[string]any{
		"inputQuantityList": quantity(s.catchLot(), 1200), "outputQuantityList": quantity(s.filletLot(), 700), "readPoint": place(plant), "bizLocation": place(plant),
	})}
}

func (s *story) loading() step {
	return step{"put the lot on a pallet", event("AggregationEvent", "2026-03-01T10:00:00+01:00", "ADD", "packing", "in_progress", map[string]any{
		"parentID": s.pallet(), "childQuantityList": quantity(s.filletLot(), 700), "readPoint": place(plant), "bizLocation": place(plant),
	})}
}

func (s *story) shipping() step {
	return step{"shipped the pallet to Market", event("ObjectEvent", "2026-03-01T11:00:00+01:00", "OBSERVE", "shipping", "in_transit", map[string]any{
		"epcList": []string{s.pallet()}, "readPoint": place(plant),
		"bizTransactionList": []any{map[string]any{"type": "desadv", "bizTransaction": "urn:epcglobal:cbv:bt:9520001000004:DESADV-" + s.run}},
		"sourceList":         []any{map[string]any{"type": "owning_party", "source": harborPGL}},
		"destinationList":    []any{map[string]any{"type": "owning_party", "destination": marketPGL}},
	})}
}

// reading is one temperature that a logger measured on the pallet.
type reading struct {
	time    string
	logger  string
	celsius float64
}

// readings of two loggers on the way. Logger 7 reads three degrees too low,
// which nobody knows yet.
func readings() []reading {
	return []reading{
		{"2026-03-01T12:00:00+01:00", "7", -0.9}, {"2026-03-01T12:00:00+01:00", "8", 2.1},
		{"2026-03-01T14:00:00+01:00", "7", 0.2}, {"2026-03-01T14:00:00+01:00", "8", 3.3},
		{"2026-03-01T16:00:00+01:00", "7", 2.4}, {"2026-03-01T16:00:00+01:00", "8", 5.6},
		{"2026-03-01T18:00:00+01:00", "7", 3.0}, {"2026-03-01T18:00:00+01:00", "8", 6.1},
	}
}

func (s *story) measuring(r reading) step {
	return step{fmt.Sprintf("logger %s measured %.1f °C on the pallet", r.logger, r.celsius), event("ObjectEvent", r.time, "OBSERVE", "transporting", "in_transit", map[string]any{
		"epcList": []string{s.pallet()},
		"sensorElementList": []any{map[string]any{
			"sensorMetadata": map[string]any{"time": r.time, "deviceID": "urn:epc:id:giai:9520002.LOGGER-" + r.logger},
			"sensorReport":   []any{map[string]any{"type": "Temperature", "value": r.celsius, "uom": "CEL"}},
		}},
	})}
}

func (s *story) receiving() step {
	return step{"received the pallet at the store", event("ObjectEvent", "2026-03-01T19:00:00+01:00", "OBSERVE", "receiving", "in_progress", map[string]any{
		"epcList": []string{s.pallet()}, "readPoint": place(store), "bizLocation": place(store),
	})}
}

func (s *story) unloading() step {
	return step{"took the lot off the pallet", event("AggregationEvent", "2026-03-01T19:30:00+01:00", "DELETE", "unpacking", "in_progress", map[string]any{
		"parentID": s.pallet(), "childQuantityList": quantity(s.filletLot(), 700), "readPoint": place(store), "bizLocation": place(store),
	})}
}

func (s *story) selling() step {
	return step{"put the fillets up for sale", event("ObjectEvent", "2026-03-02T07:00:00+01:00", "OBSERVE", "stocking", "sellable_accessible", map[string]any{
		"quantityList": quantity(s.filletLot(), 700), "readPoint": place(store), "bizLocation": place(store),
	})}
}
