package lineage_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/indextest"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
)

// story is a ledger with names for its nodes, so that tests read as sentences.
type story struct {
	t      testing.TB
	ledger *indextest.Ledger
	index  *index.Index
	names  map[string]string // node to name
	nodes  map[string]string // name to node
	org    string            // who records what comes next
}

func newStory(t testing.TB) *story {
	s := &story{t: t, ledger: indextest.New(t), index: indextest.Open(t), names: map[string]string{}, nodes: map[string]string{}, org: "Harbor"}
	require.NoError(t, s.index.Apply(t.Context(), s.ledger.Blocks[0]))
	s.ledger.Follower = s.index
	return s
}

func (s *story) name(name, node string) string {
	s.names[node], s.nodes[name] = name, node
	return node
}

// put records something under a name, in a block of its own.
func (s *story) put(name string, r *record.Record) string {
	return s.name(name, s.ledger.Put(s.org, r))
}

const product = "https://id.gs1.org/01/09521234543213"

// thing is a lot if its name begins with "lot", an item if it begins with "item", the product of both if it is
// "product", else a logistic unit. An item may be named with its lot, as in "item1@lotA".
func thing(name string) string {
	name, lot, named := strings.Cut(name, "@")
	switch {
	case name == "product":
		return product
	case strings.HasPrefix(name, "lot"):
		return product + "/10/" + name
	case named:
		return product + "/10/" + lot + "/21/" + name
	case strings.HasPrefix(name, "item"):
		return product + "/21/" + name
	}
	return "https://example.com/unit/" + name
}

// isClass says whether a name is that of a lot or of the product.
func isClass(name string) bool {
	return strings.HasPrefix(name, "lot") || strings.HasPrefix(name, "product")
}

func quote(all []string) string {
	var list []string
	for _, name := range all {
		list = append(list, fmt.Sprintf("%q", thing(name)))
	}
	return strings.Join(list, ",")
}

func classes(all []string) string {
	var list []string
	for _, name := range all {
		name, amount, _ := strings.Cut(name, "=")
		if amount != "" {
			amount = `,"uom":"KGM","quantity":` + amount
		}
		list = append(list, fmt.Sprintf(`{"epcClass":%q%s}`, thing(name), amount))
	}
	return strings.Join(list, ",")
}

// split divides names into instances and lots.
func (s *story) split(names []string) (instances, lots []string) {
	for _, name := range names {
		plain, _, _ := strings.Cut(name, "=")
		plain, lot, named := strings.Cut(plain, "@")
		if s.name(plain, thing(plain)); named {
			s.name(lot, thing(lot))
		}
		if isClass(name) {
			lots = append(lots, name)
		} else {
			instances = append(instances, name)
		}
	}
	return instances, lots
}

func (s *story) event(name string, day int, kind, rest string) string {
	at := indextest.Start.AddDate(0, 0, day).Format("2006-01-02T15:04:05Z")
	return s.put(name, indextest.Event(s.t, fmt.Sprintf(`{"type":%q,"eventTime":%q,"eventID":"urn:uuid:%s",%s}`, kind, at, uuid(name), rest)))
}

// uuid spells a name as a UUID, for event ids that tests can write down.
func uuid(name string) string {
	digits := fmt.Sprintf("%032x", []byte(name))
	digits = digits[len(digits)-32:]
	return digits[:8] + "-" + digits[8:12] + "-4" + digits[13:16] + "-8" + digits[17:20] + "-" + digits[20:]
}

// sees records an object event that names things.
func (s *story) sees(name string, day int, things ...string) string {
	instances, lots := s.split(things)
	return s.event(name, day, "ObjectEvent", fmt.Sprintf(`"action":"OBSERVE","epcList":[%s],"quantityList":[%s]`, quote(instances), classes(lots)))
}

// makes records a transformation.
func (s *story) makes(name string, day int, inputs, outputs []string) string {
	i, il := s.split(inputs)
	o, ol := s.split(outputs)
	return s.event(name, day, "TransformationEvent", fmt.Sprintf(`"inputEPCList":[%s],"inputQuantityList":[%s],"outputEPCList":[%s],"outputQuantityList":[%s]`, quote(i), classes(il), quote(o), classes(ol)))
}

// packs records an aggregation event; action is ADD, OBSERVE or DELETE.
func (s *story) packs(name string, day int, action, parent string, children ...string) string {
	s.name(parent, thing(parent))
	c, cl := s.split(children)
	rest := fmt.Sprintf(`"action":%q,"parentID":%q`, action, thing(parent))
	if len(children) > 0 {
		rest += fmt.Sprintf(`,"childEPCs":[%s],"childQuantityList":[%s]`, quote(c), classes(cl))
	}
	return s.event(name, day, "AggregationEvent", rest)
}

func (s *story) artifact(ref string, from ...string) string {
	s.put(ref+" record", indextest.Artifact(s.t, ref, s.all(from)...))
	return s.name(ref, ref)
}

func (s *story) all(names []string) []string {
	var nodes []string
	for _, name := range names {
		node, ok := s.nodes[name]
		require.True(s.t, ok, name)
		nodes = append(nodes, node)
	}
	return nodes
}

func (s *story) list(names []string, template string) string {
	var list []string
	for _, node := range s.all(names) {
		list = append(list, fmt.Sprintf(template, node))
	}
	return "[" + strings.Join(list, ",") + "]"
}

// runs records an activity at noon of a day. What it generates may be followed by
// < and what it was made of, as in "model/lab/m@1<dataset/lab/d@1,dataset/lab/e@1".
func (s *story) runs(name string, day int, kind string, used, generated, about []string) string {
	var outputs []string
	for _, output := range generated {
		ref, from, explicit := strings.Cut(output, "<")
		s.name(ref, ref)
		if explicit {
			sources := slices.DeleteFunc(strings.Split(from, ","), func(source string) bool { return source == "" })
			outputs = append(outputs, fmt.Sprintf(`{"ref":%q,"from":%s}`, ref, s.list(sources, `%q`)))
		} else {
			outputs = append(outputs, fmt.Sprintf(`{"ref":%q}`, ref))
		}
	}
	at := indextest.Start.AddDate(0, 0, day).Format("2006-01-02T15:04:05Z")
	return s.put(name, indextest.Activity(s.t, fmt.Sprintf(`{"type":%q,"description":%q,"endedAt":%q,"used":%s,"generated":[%s],"about":%s}`, kind, name, at,
		s.list(used, `{"ref":%q}`), strings.Join(outputs, ","), s.list(about, `%q`))))
}

func (s *story) trace(q lineage.Query) *lineage.Answer {
	s.t.Helper()
	if node, ok := s.nodes[q.Node]; ok {
		q.Node = node
	}
	if q.At == 0 {
		q.At = index.Latest
	}
	a, err := lineage.Trace(s.t.Context(), s.index, q)
	require.NoError(s.t, err)
	s.requireSound(a)
	return a
}

// found lists the names of an answer's nodes, without the one asked about.
func (s *story) found(a *lineage.Answer) []string {
	names := []string{}
	for _, n := range a.Nodes[1:] {
		name, ok := s.names[n.ID]
		require.True(s.t, ok, n.ID)
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (s *story) up(node string) []string {
	return s.found(s.trace(lineage.Query{Node: node, Direction: lineage.Ancestors}))
}

func (s *story) down(node string) []string {
	return s.found(s.trace(lineage.Query{Node: node, Direction: lineage.Descendants}))
}

func these(names ...string) []string {
	if names == nil {
		names = []string{}
	}
	slices.Sort(names)
	return names
}
