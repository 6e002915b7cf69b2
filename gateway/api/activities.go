package api

import (
	"errors"
	"fmt"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// recordActivity records a run together with the artifact versions that stand in full under "generated".
func (s *Server) recordActivity(c *call) error {
	body, err := c.json(canonical.Limits{Depth: record.MaxDepth + 4})
	if err != nil {
		return err
	}
	outputs, records, pointers, problems := readActivity(body, c.caller.Identity.MSPID)
	if len(problems) > 0 {
		return problem.Refused(problems, false)
	}
	var warnings []warning
	var here []string
	for _, a := range outputs {
		here = append(here, a.Artifact.ArtifactRef.String())
	}
	for _, a := range outputs {
		odd, err := s.warnings(
			c.Request.Context(),
			a,
			append(a.sources(), made(records[len(records)-1].Activity, a.Artifact.ArtifactRef.String())...),
			here...)
		if err != nil {
			return err
		}
		warnings = append(warnings, odd...)
	}
	receipts, err := s.submit(c, "Activities:Submit", records...)
	if err != nil {
		return locate(err, pointers)
	}
	run := receipts[len(receipts)-1]
	run.Warnings = warnings
	for _, r := range receipts[:len(receipts)-1] {
		run.Generated = append(run.Generated, generatedBy{r.Ref, r.ID})
	}
	return c.recorded(run)
}

// readActivity makes the records of a body that the organisation by has sent: the artifact versions first, then the
// run, which then only refers to them. outputs are those with what their cards say, and pointers tell where in the body
// each record stands.
func readActivity(
	body canonical.Value,
	by string,
) (outputs []described, records []*record.Record, pointers []string, problems []record.Problem) {
	if generated, ok := body.Lookup("generated"); ok && generated.Kind == canonical.Array {
		entries := make([]canonical.Value, len(generated.Items))
		for i, entry := range generated.Items {
			entries[i] = entry
			full, ok := entry.Lookup("artifact")
			if !ok {
				continue
			}
			at := canonical.Pointer("generated", i, "artifact")
			r, wrong := describe(full, by)
			for _, p := range wrong {
				p.Pointer = at + p.Pointer
				problems = append(problems, p)
			}
			if len(wrong) > 0 {
				continue
			}
			ref := r.Artifact.ArtifactRef.String()
			if given, ok := entry.Lookup("ref"); ok && given.Text != ref {
				problems = append(problems, record.Problem{Code: "bad_value", Pointer: canonical.Pointer("generated", i,
					"ref"),
					Detail: fmt.Sprintf("ref must be %s, which the artifact beside it is called, or be left out", ref)})
			}
			entries[i] = entry.Without("artifact").With("ref", canonical.Str(ref))
			outputs, records, pointers = append(outputs, r), append(records, r.Record), append(pointers, at)
		}
		body = body.With("generated", canonical.Arr(entries...))
	}
	if len(problems) > 0 {
		return nil, nil, nil, problems
	}
	run, problems := record.NewActivity(body, by)
	return outputs, append(records, run), append(pointers, ""), problems
}

// made is what an activity's output was made of.
func made(a *record.Activity, ref string) []string {
	for _, g := range a.Generated {
		if g.Ref == ref {
			return a.Sources(g)
		}
	}
	return nil
}

// locate makes the problems of several records those of the body they came in.
func locate(err error, pointers []string) error {
	var rejected *record.Rejection
	if !errors.As(err, &rejected) {
		return err
	}
	problems := make([]record.Problem, len(rejected.Problems))
	for i, p := range rejected.Problems {
		if p.Index >= 0 && p.Index < len(pointers) {
			p.Pointer = pointers[p.Index] + p.Pointer
		}
		problems[i] = p
	}
	return problem.Refused(problems, false)
}

// listActivities lists runs.
func (s *Server) listActivities(c *call) error {
	f := index.ActivityFilter{Type: c.value("type"), MSPID: c.value("org")}
	for name, into := range map[string]*string{"used": &f.Used, "generated": &f.Generated, "about": &f.About} {
		if c.value(name) == "" {
			continue
		}
		node, err := c.node(name)
		if err != nil {
			return err
		}
		*into = node
	}
	list, err := s.Index.Activities(c.Request.Context(), f, c.at(), c.page())
	if err != nil {
		return err
	}
	return listed(c, list, func(a index.Activity) index.Record { return a.Record })
}

// node reads a parameter that names a node, in any spelling.
func (c *call) node(name string) (string, error) {
	node, _, err := record.ParseNode(c.value(name))
	if err != nil {
		return "", problem.WrongParameter(name, "%v", err)
	}
	return node, nil
}

// activityByID reads one run.
func (s *Server) activityByID(c *call) error {
	id, err := c.recordID()
	if err != nil {
		return err
	}
	return s.showRecord(c, id, record.NounActivity)
}
