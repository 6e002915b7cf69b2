package cyclonedx

import (
	"cmp"
	"maps"
	"net/url"
	"slices"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats"
)

// tasks maps types of run to CycloneDX's types of task. CycloneDX has none for most runs.
var tasks = map[string]cdx.TaskType{
	"training": cdx.TaskTypeBuild, "fine-tuning": cdx.TaskTypeBuild, "generation": cdx.TaskTypeBuild,
	"evaluation": cdx.TaskTypeTest,
}

// formulate adds a workflow for each run, in the order of the walk.
func (b *bill) formulate() error {
	var workflows []cdx.Workflow
	for _, n := range b.graph.Answer.Nodes {
		r := b.runs[n.ID]
		if r == nil {
			continue
		}
		w := cdx.Workflow{
			BOMRef: "workflow:" + r.id, UID: r.id, Name: r.Type, Description: r.Description,
			TaskTypes: &[]cdx.TaskType{cmp.Or(tasks[r.Type], cdx.TaskTypeOther)},
			TimeStart: stamp(r.StartedAt), TimeEnd: stamp(r.EndedAt),
		}
		var inputs []cdx.TaskInput
		for _, use := range r.Used {
			resource, err := b.resource(use.Ref)
			if err != nil {
				return err
			}
			inputs = append(inputs, cdx.TaskInput{Resource: resource, Properties: list(properties("role", use.Role))})
		}
		if parameters := parameters(r.Parameters); len(parameters) > 0 {
			inputs = append(inputs, cdx.TaskInput{Parameters: &parameters})
		}
		var outputs []cdx.TaskOutput
		for _, output := range r.Generated {
			resource, err := b.resource(output.Ref)
			if err != nil {
				return err
			}
			more := properties("role", output.Role)
			if output.Explicit {
				more = append(more, cdx.Property{Name: "pedigree:from", Value: string(texts(output.From).Bytes())})
			}
			outputs = append(
				outputs,
				cdx.TaskOutput{Type: cdx.TaskOutputTypeArtifact, Resource: resource, Properties: list(more)},
			)
		}
		w.Inputs, w.Outputs = list(inputs), list(outputs)
		more := properties("type", r.Type, "mspId", n.MSPID, "tx", n.Transaction)
		for _, node := range r.About {
			more = append(more, properties("about", node)...)
		}
		if r.Outcome.Kind == canonical.Object {
			more = append(more, properties("outcome", string(r.Outcome.Bytes()))...)
		}
		w.Properties = list(more)
		workflows = append(workflows, w)
	}
	if len(workflows) > 0 {
		b.Formulation = &[]cdx.Formula{{Workflows: &workflows}}
	}
	return nil
}

func texts(all []string) canonical.Value {
	items := make([]canonical.Value, len(all))
	for i, text := range all {
		items[i] = canonical.Str(text)
	}
	return canonical.Arr(items...)
}

// resource refers to an input or output of a run: a component of the bill, or something that the bill's subject wasn't
// made from.
func (b *bill) resource(name string) (*cdx.ResourceReferenceChoice, error) {
	id, err := b.node(name)
	if err != nil {
		return nil, err
	}
	if b.isComponent(id) {
		return &cdx.ResourceReferenceChoice{Ref: reference(id)}, nil
	}
	address := id
	if _, err := record.ParseArtifactRef(id); err == nil {
		address = formats.ArtifactURI(id)
	}
	return &cdx.ResourceReferenceChoice{
		ExternalReference: &cdx.ExternalReference{
			Type:    cdx.ERTypeOther,
			URL:     address,
			Comment: "not a component of this bill",
		},
	}, nil
}

// parameters returns the parameters of a run. Values that aren't strings are written as JSON.
func parameters(v canonical.Value) []cdx.Parameter {
	var all []cdx.Parameter
	for _, m := range v.Members {
		p := cdx.Parameter{Name: m.Name, Value: m.Value.Text, DataType: m.Value.Kind.String()}
		if m.Value.Kind != canonical.String {
			p.Value = string(m.Value.Bytes())
		}
		all = append(all, p)
	}
	return all
}

// warn adds a vulnerability for each recall, withdrawal of consent and warning in force. It affects everything in the bill
// that was made from the subjects of the statement.
func (b *bill) warn() error {
	about := map[string][]string{} // the nodes that each statement is about
	counted := map[string]string{} // as what each statement counts, of any of them
	var order []string
	for _, n := range b.graph.Answer.Nodes {
		if n.ID != b.graph.Start().ID && !b.isComponent(n.ID) && b.runs[n.ID] == nil {
			continue
		}
		for _, claim := range n.Claims {
			if claim.Retracted || !record.Warns(claim.Kind) {
				continue
			}
			if about[claim.ID] == nil {
				order = append(order, claim.ID)
			}
			about[claim.ID] = append(about[claim.ID], n.ID)
			if counted[claim.ID] == "" || claim.Kind != record.Warning {
				counted[claim.ID] = claim.Kind
			}
		}
	}
	users := b.users()
	var all []cdx.Vulnerability
	for _, id := range order {
		found, r, err := b.graph.Record(b.ctx, id)
		if err != nil {
			return err
		}
		b.seen(found.Time)
		by, err := b.organisation(found.MSPID)
		if err != nil {
			return err
		}
		s := r.Statement
		v := cdx.Vulnerability{
			BOMRef: id, ID: id, Source: &cdx.Source{Name: by.Name,
				URL: b.graph.URL + "/v1/records/" + url.PathEscape(id)},
			Description: counted[id] + ": " + s.Predicate.Get(
				"reason",
			).Text, Detail: s.Predicate.Get("note").Text, Recommendation: s.Predicate.Get("instructions").Text,
			Created: stamp(found.Time),
			Properties: list(append(properties("kind", counted[id], "mspId", found.MSPID, "tx", found.TxID),
				subjects(about[id])...)),
		}
		var affects []cdx.Affects
		for _, node := range reached(about[id], users) {
			if b.isComponent(node) {
				affects = append(affects, cdx.Affects{Ref: reference(node)})
			}
		}
		v.Affects = list(affects)
		all = append(all, v)
	}
	b.Vulnerabilities = list(all)
	return nil
}

func subjects(nodes []string) []cdx.Property {
	var all []cdx.Property
	for _, node := range nodes {
		all = append(all, properties("subject", node)...)
	}
	return all
}

// users returns, for each component, the components that were made from it, and for each run its outputs.
func (b *bill) users() map[string][]string {
	users := map[string][]string{}
	for of, from := range b.depends {
		for _, source := range from {
			users[source] = append(users[source], of)
		}
	}
	for output, run := range b.generated {
		users[run] = append(users[run], output)
	}
	return users
}

// reached returns the given nodes and everything that was made from them, in order.
func reached(from []string, users map[string][]string) []string {
	seen := map[string]bool{}
	for open := slices.Clone(from); len(open) > 0; {
		node := open[len(open)-1]
		open = open[:len(open)-1]
		if !seen[node] {
			seen[node] = true
			open = append(open, users[node]...)
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
