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
	"slices"
	"strconv"
	"strings"
	"time"
)

// dataset is a dataset that Lab made: the values of its numeric column, with their unit.
type dataset struct {
	ref    string
	pallet string
	table  []float64
	unit   string
}

// trained is a model that Lab trained. Its limit is the highest value that the fish tolerates: the mean of the data
// plus two standard deviations.
type trained struct {
	ref     string
	dataset dataset
	// Name is ref, in the model's file. Without it, the models of two runs of the demo would be the same bytes, and
	// lineage crosses from one name of the same bytes to the other.
	Name      string  `json:"name"`
	Mean      float64 `json:"mean"`
	Deviation float64 `json:"deviation"`
	Limit     float64 `json:"limit"`
}

// dataset makes a dataset of the temperatures measured on a pallet. It gets the events from Lab's own gateway, as any
// data engineer would.
func (s *story) dataset(name string, pallet int) (dataset, error) {
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
	query := url.Values{"MATCH_epc": {s.pallet(pallet)}, "EQ_bizStep": {"transporting"}, "perPage": {"1000"}}
	lab, err := s.as("lab")
	if err != nil {
		return dataset{}, err
	}
	if err := lab.Get(s.ctx, "/epcis/v2/events", query, &document); err != nil {
		return dataset{}, fmt.Errorf("lab couldn't read the temperatures: %w", err)
	}
	var from []string
	for i, r := range readings() {
		if r.pallet == pallet {
			from = append(from, s.measured[i])
		}
	}
	// The pallet in each row also keeps the tables of two runs of the demo apart.
	d := dataset{ref: "dataset/lab/" + name + "@" + s.run, unit: "°C", pallet: s.pallet(pallet)}
	rows := [][]string{{"pallet", "time", "logger", "celsius"}}
	for _, e := range document.Body.Results.Body.Events {
		for _, sensor := range e.Sensors {
			for _, report := range sensor.Reports {
				celsius := strconv.FormatFloat(report.Value, 'f', 1, 64)
				rows = append(rows, []string{d.pallet, e.EventTime, sensor.Metadata.Device, celsius})
				d.table = append(d.table, report.Value)
			}
		}
	}
	if len(d.table) != len(from) {
		return d, fmt.Errorf(
			"the ledger has %d temperatures of the pallet, not the %d that were measured",
			len(d.table),
			len(from),
		)
	}
	artifact, err := s.table(name, rows, fmt.Sprintf("temperatures measured on pallet %d of salmon", pallet))
	if err != nil {
		return d, err
	}
	artifact["derivedFrom"] = from
	_, err = s.record("lab", fmt.Sprintf("made %s of %d readings", d.ref, len(d.table)), "/v1/artifacts", artifact)
	return d, err
}

// hours makes a table of degree-hours from each of two datasets, in one run. The run says which output was made from
// which input, and which column from which column. hours returns the second table, which only logger 9 contributed to.
func (s *story) hours(first, second dataset) (dataset, error) {
	made := dataset{ref: "dataset/lab/hours-loins@" + s.run, unit: "degree-hours"}
	var generated []any
	for _, d := range []struct {
		dataset
		name, words string
	}{{first, "hours", "degree-hours of the fillets"},
		{second, "hours-loins", "degree-hours of loins and smoked salmon"}} {
		rows, sum := [][]string{{"pallet", "hour", "degree_hours"}}, 0.0
		for i, celsius := range d.table {
			sum += max(0, celsius) * 2
			rows = append(rows, []string{d.pallet, strconv.Itoa(2 * i), strconv.FormatFloat(sum, 'f', 1, 64)})
			if d.name == "hours-loins" {
				made.table = append(made.table, sum)
			}
		}
		artifact, err := s.table(d.name, rows, d.words)
		if err != nil {
			return made, err
		}
		source := func(column, how string) []any {
			return []any{
				map[string]any{
					"ref":    d.ref,
					"column": column,
					"transformations": []any{map[string]any{"type": "DIRECT", "subtype": "TRANSFORMATION",
						"description": how}},
				},
			}
		}
		generated = append(generated, map[string]any{"artifact": artifact, "from": []string{d.ref},
			"columns": map[string]any{
				"hour": source(
					"time",
					"hours since the first reading",
				), "degree_hours": source("celsius", "sum of degrees above zero, times hours"),
			}})
	}
	_, err := s.record(
		"lab",
		"worked out degree-hours of both, in one run that says what was made of what",
		"/v1/activities",
		map[string]any{
			"type": "transformation", "startedAt": "2026-03-01T19:50:00+01:00", "endedAt": "2026-03-01T19:51:00+01:00",
			"used":      []any{map[string]string{"ref": first.ref}, map[string]string{"ref": second.ref}},
			"generated": generated},
	)
	return made, err
}

// table writes rows to a file and returns the artifact that describes it.
func (s *story) table(name string, rows [][]string, words string) (map[string]any, error) {
	var text strings.Builder
	if err := csv.NewWriter(&text).WriteAll(rows); err != nil {
		return nil, fmt.Errorf("couldn't write a table: %w", err)
	}
	digest, err := s.keep(name+"-"+s.run+".csv", text.String())
	return map[string]any{
		"kind":        "dataset",
		"namespace":   "lab",
		"name":        name,
		"version":     s.run,
		"digest":      digest,
		"size":        text.Len(),
		"mediaType":   "text/csv",
		"licence":     "CC-BY-4.0",
		"description": words,
	}, err
}

func learn(d dataset) trained {
	var sum, squares float64
	for _, x := range d.table {
		sum += x
	}
	mean := sum / float64(len(d.table))
	for _, x := range d.table {
		squares += (x - mean) * (x - mean)
	}
	deviation := math.Sqrt(squares / float64(len(d.table)))
	round := func(x float64) float64 { return math.Round(x*1000) / 1000 }
	return trained{dataset: d, Mean: round(mean), Deviation: round(deviation), Limit: round(mean + 2*deviation)}
}

// evening is when Lab's first training run begins. The others follow every two minutes.
var evening = time.Date(2026, 3, 1, 20, 0, 0, 0, time.FixedZone("CET", 3600))

// model trains a model on a dataset, or fine-tunes another model on it.
func (s *story) model(name, how string, on dataset, base ...trained) (trained, error) {
	m := learn(on)
	m.ref = "model/lab/" + name + "@" + s.run
	m.Name = m.ref
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return m, fmt.Errorf("couldn't encode the model: %w", err)
	}
	digest, err := s.keep(name+"-"+s.run+".json", string(text)+"\n")
	if err != nil {
		return m, err
	}
	used, words := []any{map[string]string{"ref": on.ref, "role": "training"}}, "trained "+m.ref+" on "+on.ref
	for _, b := range base {
		used, words = append(
			used,
			map[string]string{"ref": b.ref, "role": "base"},
		), "fine-tuned "+b.ref+" on "+on.ref+": "+m.ref
	}
	began := evening.Add(time.Duration(len(s.models)) * 2 * time.Minute)
	s.models = append(s.models, m.ref)
	_, err = s.record("lab", words+"; the run and the model are one transaction", "/v1/activities", map[string]any{
		"type": how, "startedAt": began.Format(time.RFC3339), "endedAt": began.Add(time.Minute).Format(time.RFC3339),
		"used": used,
		"generated": []any{
			map[string]any{"artifact": map[string]any{"kind": "model", "namespace": "lab", "name": name,
				"version": s.run,
				"digest":  digest, "size": len(text) + 1, "mediaType": "application/json", "licence": "Apache-2.0"}},
		},
		"parameters": map[string]any{"deviations": 2}})
	return m, err
}

// decide asks a model about a lot and records the decision.
func (s *story) decide(model trained, lot, what string) error {
	highest := slices.Max(model.dataset.table)
	verdict := map[bool]string{true: "sell", false: "hold"}[highest <= model.Limit]
	_, err := s.record(
		"lab",
		fmt.Sprintf(
			"asked %s about %s: %s (highest %.1f, limit %.1f %s)",
			model.ref,
			what,
			verdict,
			highest,
			model.Limit,
			model.dataset.unit,
		),
		"/v1/activities",
		map[string]any{
			"type": "inference", "startedAt": "2026-03-01T20:05:00+01:00",
			"used":  []any{map[string]string{"ref": model.ref}},
			"about": []string{lot}, "outcome": map[string]any{"decision": verdict, "highest": highest,
				"limit": model.Limit}},
	)
	return err
}

// keep writes a file into the demo's folder, so that people can check its digest.
func (s *story) keep(name, text string) (digest map[string]string, err error) {
	folder := filepath.Join(s.dir, "demo")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("couldn't make the demo's folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("couldn't keep %s: %w", name, err)
	}
	return map[string]string{
		"algorithm": "sha-256",
		"coverage":  "full",
		"value":     fmt.Sprintf("%x", sha256.Sum256([]byte(text))),
	}, nil
}
