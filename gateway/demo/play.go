package demo

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/client"
)

func (s *story) play() error {
	s.tell("Three organisations, one ledger. Harbor lands and packs salmon, Market ships and\nsells it, Lab learns from everybody's temperatures. None of them runs the ledger\nalone: a record counts when two of the three have checked and signed it.")

	s.chapter("1  From the sea to a pallet")
	if _, err := s.capture("harbor", s.landing(), s.packing(), s.loading(), s.shipping()); err != nil {
		return err
	}

	s.chapter("2  On the road")
	var steps []step
	for _, r := range readings() {
		steps = append(steps, s.measuring(r))
	}
	measured, err := s.capture("market", steps...)
	if err != nil {
		return err
	}
	if _, err := s.capture("market", s.receiving(), s.unloading()); err != nil {
		return err
	}

	s.chapter("3  Readings become a dataset, the dataset a model")
	dataset, table, err := s.dataset(measured)
	if err != nil {
		return err
	}
	model, trained, err := s.model(dataset, table)
	if err != nil {
		return err
	}

	s.chapter("4  The model decides about a lot")
	if err := s.decide(model, trained, table); err != nil {
		return err
	}
	if _, err := s.capture("market", s.selling()); err != nil {
		return err
	}

	s.chapter("5  Logger 7 was wrong")
	recall, err := s.record("market", "recalled the readings of logger 7, which read three degrees too low", "/v1/statements",
		map[string]any{"kind": "recall", "subject": loggersReadings(measured, "7"), "predicate": map[string]string{
			"reason": "logger 7 read three degrees too low", "instructions": "do not rely on what was made of these readings; hold the lots it was decided about"}})
	if err != nil {
		return err
	}
	if _, err := s.record("lab", "acknowledged the recall", "/v1/statements",
		map[string]any{"kind": "acknowledgement", "subject": []string{recall.ID}, "predicate": map[string]string{"action": "the model is no longer used"}}); err != nil {
		return err
	}

	s.chapter("6  What did it touch? Asked of Harbor's gateway")
	if err := s.trace("harbor", loggersReadings(measured, "7")[0], "descendants"); err != nil {
		return err
	}
	s.chapter("7  Where does this lot come from? Asked of Lab's gateway")
	if err := s.trace("lab", s.filletLot(), "ancestors"); err != nil {
		return err
	}
	s.tell("\nSee for yourself:\n  pedigree trace --as market --down %s\n  pedigree show --as harbor model/lab/spoilage@%s", dataset, s.run)
	return nil
}

func loggersReadings(measured []string, logger string) []string {
	var ids []string
	for i, r := range readings() {
		if r.logger == logger {
			ids = append(ids, measured[i])
		}
	}
	return ids
}

// dataset makes a table of what the ledger says was measured on the pallet:
// it asks its own gateway for the events, as any data engineer would.
func (s *story) dataset(from []string) (ref string, table []float64, err error) {
	var document struct {
		Body struct {
			Results struct {
				Body struct {
					Events []struct {
						EventTime string `json:"eventTime"`
						Sensors   []struct {
							Metadata struct {
								Device string `json:"deviceID"`
							} `json:"sensorMetadata"`
							Reports []struct {
								Value float64 `json:"value"`
							} `json:"sensorReport"`
						} `json:"sensorElementList"`
					} `json:"eventList"`
				} `json:"resultsBody"`
			} `json:"queryResults"`
		} `json:"epcisBody"`
	}
	query := url.Values{"MATCH_epc": {s.pallet()}, "EQ_bizStep": {"transporting"}, "perPage": {"1000"}}
	lab, err := s.as("lab")
	if err != nil {
		return "", nil, err
	}
	if err := lab.Get(s.ctx, "/epcis/v2/events", query, &document); err != nil {
		return "", nil, fmt.Errorf("lab couldn't read the temperatures: %w", err)
	}
	var text strings.Builder
	rows := csv.NewWriter(&text)
	write := func(row ...string) { err = firstOf(err, rows.Write(row)) }
	write("time", "logger", "celsius")
	for _, e := range document.Body.Results.Body.Events {
		for _, sensor := range e.Sensors {
			for _, report := range sensor.Reports {
				write(e.EventTime, sensor.Metadata.Device, strconv.FormatFloat(report.Value, 'f', 1, 64))
				table = append(table, report.Value)
			}
		}
	}
	rows.Flush()
	if err = firstOf(err, rows.Error()); err != nil {
		return "", nil, fmt.Errorf("couldn't write the table: %w", err)
	}
	if len(table) != len(from) {
		return "", nil, fmt.Errorf("the ledger has %d temperatures of the pallet, not the %d that were measured", len(table), len(from))
	}
	digest, err := s.keep("temperatures-"+s.run+".csv", text.String())
	if err != nil {
		return "", nil, err
	}
	receipt, err := s.record("lab", fmt.Sprintf("made a dataset of the %d readings", len(table)), "/v1/artifacts", map[string]any{
		"kind": "dataset", "namespace": "lab", "name": "temperatures", "version": s.run, "digest": digest, "size": text.Len(), "mediaType": "text/csv",
		"licence": "CC-BY-4.0", "description": "temperatures measured on one pallet of salmon", "derivedFrom": from})
	if err != nil {
		return "", nil, err
	}
	return receipt.Ref, table, nil
}

// spoilage is the model: degree-hours above freezing that fillets bear, learnt
// as the mean of the readings and two standard deviations.
type spoilage struct {
	Mean      float64 `json:"mean"`
	Deviation float64 `json:"deviation"`
	Limit     float64 `json:"limit"`
}

func train(table []float64) spoilage {
	var sum, squares float64
	for _, x := range table {
		sum += x
	}
	mean := sum / float64(len(table))
	for _, x := range table {
		squares += (x - mean) * (x - mean)
	}
	deviation := math.Sqrt(squares / float64(len(table)))
	round := func(x float64) float64 { return math.Round(x*1000) / 1000 }
	return spoilage{round(mean), round(deviation), round(mean + 2*deviation)}
}

func (s *story) model(dataset string, table []float64) (string, spoilage, error) {
	trained := train(table)
	text, err := json.MarshalIndent(trained, "", "  ")
	if err != nil {
		return "", trained, fmt.Errorf("couldn't encode the model: %w", err)
	}
	digest, err := s.keep("spoilage-"+s.run+".json", string(text)+"\n")
	if err != nil {
		return "", trained, err
	}
	ref := "model/lab/spoilage@" + s.run
	_, err = s.record("lab", "trained "+ref+" on it; the run and the model are one transaction", "/v1/activities", map[string]any{
		"type": "training", "startedAt": "2026-03-01T20:00:00+01:00", "endedAt": "2026-03-01T20:01:00+01:00",
		"used": []any{map[string]string{"ref": dataset, "role": "training"}},
		"generated": []any{map[string]any{"artifact": map[string]any{"kind": "model", "namespace": "lab", "name": "spoilage", "version": s.run,
			"digest": digest, "size": len(text) + 1, "mediaType": "application/json", "licence": "Apache-2.0"}}},
		"parameters": map[string]any{"deviations": 2}})
	return ref, trained, err
}

func (s *story) decide(model string, trained spoilage, table []float64) error {
	highest := table[0]
	for _, x := range table {
		highest = max(highest, x)
	}
	sell := highest <= trained.Limit
	verdict := map[bool]string{true: "sell", false: "hold"}[sell]
	_, err := s.record("lab", fmt.Sprintf("asked the model about the fillets: %s (highest %.1f °C, limit %.1f °C)", verdict, highest, trained.Limit), "/v1/activities", map[string]any{
		"type": "inference", "startedAt": "2026-03-01T20:05:00+01:00", "used": []any{map[string]string{"ref": model}},
		"about": []string{s.filletLot()}, "outcome": map[string]any{"decision": verdict, "highest": highest, "limit": trained.Limit}})
	return err
}

// trace shows one walk of the graph.
func (s *story) trace(org, node, direction string) error {
	gateway, err := s.as(org)
	if err != nil {
		return err
	}
	var graph client.Graph
	if err := gateway.Get(s.ctx, "/v1/lineage", url.Values{"node": {node}, "direction": {direction}}, &graph); err != nil {
		return fmt.Errorf("%s couldn't trace %s: %w", org, node, err)
	}
	if s.json {
		text, err := json.Marshal(map[string]any{"organisation": org, "what": direction + " of " + node, "nodes": graph.Nodes, "edges": graph.Edges})
		if err != nil {
			return fmt.Errorf("couldn't encode a walk: %w", err)
		}
		_, err = fmt.Fprintf(s.out, "%s\n", text)
		return err
	}
	return graph.Print(s.out)
}

// keep writes a file that people may check a digest by.
func (s *story) keep(name, text string) (digest map[string]string, err error) {
	folder := filepath.Join(s.dir, "demo")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("couldn't make the demo's folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("couldn't keep %s: %w", name, err)
	}
	return map[string]string{"algorithm": "sha-256", "coverage": "full", "value": fmt.Sprintf("%x", sha256.Sum256([]byte(text)))}, nil
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
