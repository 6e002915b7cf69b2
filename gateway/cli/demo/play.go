package demo

import (
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/text"
)

func (s *story) play() error {
	s.tell(
		"Three organisations, one ledger. Harbor lands and packs salmon, Market ships and\nsells it, Lab learns from everybody's temperatures. None of them runs the ledger\nalone: a record counts when two of the three have checked and signed it.",
	)
	if err := s.travel(); err != nil {
		return err
	}
	if err := s.learn(); err != nil {
		return err
	}
	recall, err := s.regret()
	if err != nil {
		return err
	}

	s.chapter("7  What did it touch? Asked of Harbor's gateway")
	if err := s.impact("harbor", recall); err != nil {
		return err
	}
	s.chapter("8  Harbor knows now")
	if _, err := s.record("harbor", "acknowledged the recall", "/v1/statements",
		map[string]any{"kind": "acknowledgement", "subject": []string{recall},
			"predicate": map[string]string{"action": "what is left of the catch is kept apart"}}); err != nil {
		return err
	}
	s.chapter("9  Where do these fillets come from? Asked of Lab's gateway")
	if err := s.trace("lab", s.filletLot(), "ancestors"); err != nil {
		return err
	}
	s.tell(
		"\nSee for yourself:\n  pedigree impact --as market %s\n  pedigree trace --as market --down dataset/lab/temperatures@%s\n  pedigree show --as harbor model/lab/spoilage@%s",
		recall[len("ni:///sha-256;"):],
		s.run,
		s.run,
	)
	return nil
}

// travel takes the fish from the sea to the store and measures its temperature on the way.
func (s *story) travel() error {
	s.chapter("1  From the sea to two pallets")
	if _, err := s.capture("harbor",
		s.landing(s.catchLot(), "2026-03-01T05:30:00+01:00", 1200, "Demo Vessel One"), s.packing(),
		s.loading(1, "2026-03-01T10:00:00+01:00", "put the fillets on a pallet", s.fillets()),
		s.shipping(1, "2026-03-01T11:00:00+01:00", "shipped the pallet to Market"),
		s.landing(s.secondLot(), "2026-03-01T06:10:00+01:00", 800, "Demo Vessel Two"), s.smoking(),
		s.loading(2, "2026-03-01T10:20:00+01:00", "put the loins and the smoked salmon on a second pallet",
			s.loinsAndSmoked()), s.shipping(2, "2026-03-01T11:05:00+01:00", "shipped the second pallet")); err != nil {
		return err
	}
	if _, err := s.record("harbor", "stated the catch certificate of the first catch", "/v1/statements",
		map[string]any{"kind": "certificate", "subject": []string{s.catchLot()},
			"predicate": map[string]string{"scheme": "catch certificate of the demo", "number": "DEMO-" + s.run,
				"validFrom": "2026-03-01T00:00:00Z", "validUntil": "2027-03-01T00:00:00Z"}}); err != nil {
		return err
	}

	s.chapter("2  On the road")
	var steps []step
	for _, r := range readings() {
		steps = append(steps, s.measuring(r))
	}
	var err error
	if s.measured, err = s.capture("market", steps...); err != nil {
		return err
	}
	if _, err := s.capture("market",
		s.receiving(1, "2026-03-01T19:00:00+01:00"), s.unloading(1, "2026-03-01T19:30:00+01:00",
			"took the fillets off the pallet", s.fillets()),
		s.receiving(2, "2026-03-01T19:05:00+01:00"), s.unloading(2, "2026-03-01T19:40:00+01:00",
			"took loins and smoked salmon off the pallet", s.loinsAndSmoked()),
		s.sending()); err != nil {
		return err
	}
	if _, err := s.capture("lab", s.inspecting()); err != nil {
		return err
	}
	_, err = s.record(
		"lab",
		"found that logger 9 had measured 8.4 °C",
		"/v1/statements",
		map[string]any{"kind": "finding", "subject": s.readingsOf("9")[1:2],
			"predicate": map[string]string{
				"detail":   "8.4 °C where 4 °C is the limit; the readings before and after are good",
				"severity": "minor",
			}},
	)
	return err
}

// learn makes datasets from the readings, trains models on the datasets and has the models decide about the lots.
func (s *story) learn() error {
	s.chapter("3  Readings become datasets")
	temperatures, err := s.dataset("temperatures", 1)
	if err != nil {
		return err
	}
	loins, err := s.dataset("temperatures-loins", 2)
	if err != nil {
		return err
	}
	hours, err := s.hours(temperatures, loins)
	if err != nil {
		return err
	}

	s.chapter("4  Datasets become models")
	base, err := s.model("spoilage", "training", temperatures)
	if err != nil {
		return err
	}
	tuned, err := s.model("spoilage-loins", "fine-tuning", hours, base)
	if err != nil {
		return err
	}
	smoked, err := s.model("freshness", "training", hours)
	if err != nil {
		return err
	}
	if _, err := s.record("market", "approved "+smoked.ref+" for smoked salmon", "/v1/statements",
		map[string]any{"kind": "approval", "subject": []string{smoked.ref},
			"predicate": map[string]string{"scope": "smoked salmon"}}); err != nil {
		return err
	}

	s.chapter("5  The models decide about the lots")
	for _, about := range []struct {
		model     trained
		lot, what string
	}{{base, s.filletLot(), "the fillets"}, {tuned, s.loinLot(), "the loins"},
		{smoked, s.smokedLot(), "the smoked salmon"}} {
		if err := s.decide(about.model, about.lot, about.what); err != nil {
			return err
		}
	}
	_, err = s.capture(
		"market",
		s.selling(s.filletLot(), "2026-03-02T07:00:00+01:00", "put the fillets up for sale", 700),
		s.selling(
			s.loinLot(),
			"2026-03-02T07:10:00+01:00",
			"put the loins up for sale",
			299,
		),
		s.selling(s.smokedLot(), "2026-03-02T07:20:00+01:00", "put the smoked salmon up for sale", 150),
		s.sold(),
	)
	return err
}

// regret recalls the readings of logger 7. It returns the record id of the recall.
func (s *story) regret() (string, error) {
	s.chapter("6  Logger 7 was wrong")
	recall, err := s.record(
		"market",
		"recalled the readings of logger 7, which read three degrees too low",
		"/v1/statements",
		map[string]any{"kind": "recall", "subject": s.readingsOf("7"), "predicate": map[string]string{
			"reason":       "logger 7 read three degrees too low",
			"instructions": "do not rely on what was made of these readings; hold the lots it was decided about"}},
	)
	if err != nil {
		return "", err
	}
	if _, err := s.record("lab", "acknowledged the recall", "/v1/statements",
		map[string]any{"kind": "acknowledgement", "subject": []string{recall.ID},
			"predicate": map[string]string{"action": "the model is no longer used"}}); err != nil {
		return "", err
	}
	_, err = s.capture("market", s.holding())
	return recall.ID, err
}

// readingsOf returns the record ids of a logger's readings.
func (s *story) readingsOf(logger string) []string {
	var ids []string
	for i, r := range readings() {
		if r.logger == logger {
			ids = append(ids, s.measured[i])
		}
	}
	return ids
}

// impact prints what a node affected.
func (s *story) impact(org, node string) error {
	var im client.Impact
	if err := s.ask(org, "/v1/impact", url.Values{"node": {node}}, "impact of "+node, &im); err != nil || s.json {
		return err
	}
	return text.Impact(s.out, "the recall", im)
}

// trace prints a walk in one direction.
func (s *story) trace(org, node, direction string) error {
	var graph client.Graph
	if err := s.ask(org, "/v1/lineage", url.Values{"node": {node}, "direction": {direction}}, direction+" of "+node,
		&graph); err != nil ||
		s.json {
		return err
	}
	return text.Graph(s.out, graph, false)
}

// ask gets an answer from an organisation's gateway. With --json it prints the answer as it is.
func (s *story) ask(org, path string, query url.Values, what string, into any) error {
	gateway, err := s.as(org)
	if err != nil {
		return err
	}
	var answer json.RawMessage
	if err := gateway.Get(s.ctx, path, query, &answer); err != nil {
		return fmt.Errorf("%s's gateway couldn't answer for the %s: %w", org, what, err)
	}
	if s.json {
		line, err := json.Marshal(map[string]any{"organisation": org, "what": what, "answer": answer})
		if err != nil {
			return fmt.Errorf("couldn't encode an answer: %w", err)
		}
		_, err = fmt.Fprintf(s.out, "%s\n", line)
		return err
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("couldn't understand the %s: %w", what, err)
	}
	return nil
}
