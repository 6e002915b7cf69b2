package demo

import "fmt"

// step is an event, with the words in which the story tells it.
type step struct {
	words string
	event map[string]any
}

// The identifiers begin with 952, which GS1 reserves for examples.
const (
	quay      = "urn:epc:id:sgln:9520001.00001.0"
	plant     = "urn:epc:id:sgln:9520001.00002.0"
	store     = "urn:epc:id:sgln:9520002.00001.0"
	bench     = "urn:epc:id:sgln:9520003.00001.0"
	harborPGL = "urn:epc:id:pgln:9520001.00000"
	marketPGL = "urn:epc:id:pgln:9520002.00000"
	labPGL    = "urn:epc:id:pgln:9520003.00000"
)

// Names of the lots. The first catch becomes fillets, which travel with loggers 7 and 8. The second becomes loins and
// smoked salmon, which travel with logger 9.
func (s *story) catchLot() string  { return "urn:epc:class:lgtin:9520001.010001.CATCH-" + s.run }
func (s *story) filletLot() string { return "urn:epc:class:lgtin:9520001.020001.FILLET-" + s.run }
func (s *story) secondLot() string { return "urn:epc:class:lgtin:9520001.010001.SECOND-" + s.run }
func (s *story) loinLot() string   { return "urn:epc:class:lgtin:9520001.020002.LOIN-" + s.run }
func (s *story) smokedLot() string { return "urn:epc:class:lgtin:9520001.020003.SMOKED-" + s.run }

// pallet returns the SSCC of the first or second pallet. It depends on the play's name, so plays don't share pallets.
func (s *story) pallet(which int) string {
	n := 0
	for _, r := range s.run {
		n = (n*62 + int(r)) % 999_999_937
	}
	return fmt.Sprintf("urn:epc:id:sscc:9520001.%d%09d", which-1, n)
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

func (s *story) landing(lot, at string, kilograms float64, vessel string) step {
	return step{
		fmt.Sprintf("landed %.0f kg of Atlantic salmon from %s at the quay", kilograms, vessel),
		event("ObjectEvent", at, "ADD", "commissioning", "active", map[string]any{
			"quantityList": quantity(lot, kilograms), "readPoint": place(quay), "bizLocation": place(quay),
			"ilmd": map[string]any{"demo:species": "Salmo salar", "demo:catchArea": "FAO 27.4.a",
				"demo:vessel": vessel},
		}),
	}
}

func (s *story) packing() step {
	return step{
		"cut and packed it into 700 kg of fillets, a new lot",
		event("TransformationEvent", "2026-03-01T09:00:00+01:00", "", "commissioning", "active", map[string]any{
			"inputQuantityList": quantity(
				s.catchLot(),
				1200,
			), "outputQuantityList": quantity(s.filletLot(), 700), "readPoint": place(plant),
			"bizLocation": place(plant),
			"ilmd":        keepChilled(),
		}),
	}
}

// keepChilled returns the temperature limits that the packer sets for the lots.
func keepChilled() map[string]any {
	return map[string]any{
		"demo:limits": []any{map[string]any{"type": "Temperature", "minValue": -2, "maxValue": alarm, "uom": "CEL"}},
	}
}

func (s *story) smoking() step {
	return step{
		"cut the second catch into 300 kg of loins, and smoked 150 kg: two new lots",
		event("TransformationEvent", "2026-03-01T09:30:00+01:00", "", "commissioning", "active", map[string]any{
			"inputQuantityList": quantity(
				s.secondLot(),
				800,
			), "outputQuantityList": append(quantity(s.loinLot(), 300), quantity(s.smokedLot(), 150)...),
			"readPoint": place(plant), "bizLocation": place(plant),
			"ilmd": keepChilled(),
		}),
	}
}

func (s *story) loading(pallet int, at, words string, load []any) step {
	return step{words, event("AggregationEvent", at, "ADD", "packing", "in_progress", map[string]any{
		"parentID": s.pallet(pallet), "childQuantityList": load, "readPoint": place(plant), "bizLocation": place(plant),
	})}
}

// The loads of the two pallets.
func (s *story) fillets() []any { return quantity(s.filletLot(), 700) }
func (s *story) loinsAndSmoked() []any {
	return append(quantity(s.loinLot(), 300), quantity(s.smokedLot(), 150)...)
}

func (s *story) shipping(pallet int, at, words string) step {
	number := "DESADV-" + s.run
	if pallet > 1 {
		number += fmt.Sprintf("-%d", pallet)
	}
	return step{words, event("ObjectEvent", at, "OBSERVE", "shipping", "in_transit", map[string]any{
		"epcList": []string{s.pallet(pallet)}, "readPoint": place(plant),
		"bizTransactionList": []any{
			map[string]any{"type": "desadv", "bizTransaction": "urn:epcglobal:cbv:bt:9520001000004:" + number},
		},
		"sourceList":      []any{map[string]any{"type": "owning_party", "source": harborPGL}},
		"destinationList": []any{map[string]any{"type": "owning_party", "destination": marketPGL}},
	})}
}

// reading is a temperature that a logger measured on a pallet.
type reading struct {
	pallet  int
	time    string
	logger  string
	celsius float64
}

// alarm is the temperature in °C from which a logger raises an alarm.
const alarm = 7.0

// readings returns what the loggers measure on the way. Logger 7 reads three degrees too low, which nobody knows yet.
// Logger 9 sees that a door was left open.
func readings() []reading {
	return []reading{
		{1, "2026-03-01T12:00:00+01:00", "7", -0.9}, {1, "2026-03-01T12:00:00+01:00", "8", 2.1},
		{1, "2026-03-01T14:00:00+01:00", "7", 0.2}, {1, "2026-03-01T14:00:00+01:00", "8", 3.3},
		{1, "2026-03-01T16:00:00+01:00", "7", 2.4}, {1, "2026-03-01T16:00:00+01:00", "8", 5.6},
		{1, "2026-03-01T18:00:00+01:00", "7", 3.0}, {1, "2026-03-01T18:00:00+01:00", "8", 6.1},
		{2, "2026-03-01T12:30:00+01:00", "9", 1.8}, {2, "2026-03-01T14:30:00+01:00", "9", 8.4},
		{2, "2026-03-01T16:30:00+01:00", "9", 2.9}, {2, "2026-03-01T18:30:00+01:00", "9", 2.2},
	}
}

func (s *story) measuring(r reading) step {
	report := map[string]any{"type": "Temperature", "value": r.celsius, "uom": "CEL"}
	words := fmt.Sprintf("logger %s measured %.1f °C on pallet %d", r.logger, r.celsius, r.pallet)
	if r.celsius >= alarm {
		report["exception"] = "ALARM_CONDITION"
		words += ", which is too warm"
	}
	return step{words, event("ObjectEvent", r.time, "OBSERVE", "transporting", "in_transit", map[string]any{
		"epcList": []string{s.pallet(r.pallet)},
		"sensorElementList": []any{map[string]any{
			"sensorMetadata": map[string]any{"time": r.time, "deviceID": "urn:epc:id:giai:9520002.LOGGER-" + r.logger},
			"sensorReport":   []any{report},
		}},
	})}
}

func (s *story) receiving(pallet int, at string) step {
	return step{
		fmt.Sprintf("received pallet %d at the store", pallet),
		event("ObjectEvent", at, "OBSERVE", "receiving", "in_progress", map[string]any{
			"epcList": []string{s.pallet(pallet)}, "readPoint": place(store), "bizLocation": place(store),
		}),
	}
}

func (s *story) unloading(pallet int, at, words string, load []any) step {
	return step{words, event("AggregationEvent", at, "DELETE", "unpacking", "in_progress", map[string]any{
		"parentID": s.pallet(pallet), "childQuantityList": load, "readPoint": place(store), "bizLocation": place(store),
	})}
}

// selling puts a lot up for sale.
func (s *story) selling(lot, at, words string, kilograms float64) step {
	return step{words, event("ObjectEvent", at, "OBSERVE", "stocking", "sellable_accessible", map[string]any{
		"quantityList": quantity(lot, kilograms), "readPoint": place(store), "bizLocation": place(store),
	})}
}

// sold sells the smoked salmon.
func (s *story) sold() step {
	return step{
		"sold the smoked salmon",
		event("ObjectEvent", "2026-03-02T17:00:00+01:00", "OBSERVE", "retail_selling", "retail_sold", map[string]any{
			"quantityList": quantity(s.smokedLot(), 150), "readPoint": place(store), "bizLocation": place(store),
		}),
	}
}

// sending and inspecting bring a sample of the loins to the third organisation.
func (s *story) sending() step {
	return step{
		"sent a sample of the loins to Lab",
		event("ObjectEvent", "2026-03-01T20:30:00+01:00", "OBSERVE", "shipping", "in_transit", map[string]any{
			"quantityList": quantity(s.loinLot(), 1), "readPoint": place(store),
			"sourceList":      []any{map[string]any{"type": "possessing_party", "source": marketPGL}},
			"destinationList": []any{map[string]any{"type": "possessing_party", "destination": labPGL}},
		}),
	}
}

func (s *story) inspecting() step {
	return step{
		"received the sample and found nothing wrong with it",
		event("ObjectEvent", "2026-03-01T22:00:00+01:00", "OBSERVE", "inspecting", "conformant", map[string]any{
			"quantityList": quantity(s.loinLot(), 1), "readPoint": place(bench), "bizLocation": place(bench),
			"sourceList":      []any{map[string]any{"type": "possessing_party", "source": marketPGL}},
			"destinationList": []any{map[string]any{"type": "possessing_party", "destination": labPGL}},
		}),
	}
}

// holding takes the loins off sale.
func (s *story) holding() step {
	return step{
		"took the loins off the shelf",
		event("ObjectEvent", "2026-03-03T09:00:00+01:00", "OBSERVE", "holding", "recalled", map[string]any{
			"quantityList": quantity(s.loinLot(), 299), "readPoint": place(store), "bizLocation": place(store),
		}),
	}
}
