package runs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func from(list ...string) string {
	var inputs []string
	for _, name := range list {
		inputs = append(inputs, fmt.Sprintf(`{"namespace":"n","name":%q,"type":"DATASET"}`, name))
	}
	return `"lineage":{"inputs":[` + strings.Join(inputs, ",") + `]}`
}

func TestWhatAnOutputWasMadeOf(t *testing.T) {
	for _, c := range []struct {
		name, inputs, outputs string
		more                  []string
		want                  map[string][]string // output to sources; nil is: of all that was used
	}{
		{name: "nothing is said: of all", inputs: ds("a") + "," + ds("b"), outputs: ds("x"), want: map[string][]string{"x": nil}},
		{name: "each of some", inputs: ds("a") + "," + ds("b"), outputs: ds("x", from("a")) + "," + ds("y", from("b")), want: map[string][]string{"x": {"a"}, "y": {"b"}}},
		{name: "of nothing", inputs: ds("a"), outputs: ds("x", from()), want: map[string][]string{"x": {}}},
		{name: "of what the event doesn't list", inputs: ds("a"), outputs: ds("x", from("c")), want: map[string][]string{"x": {"c"}}},
		{name: "said for one and not for the other", inputs: ds("a") + "," + ds("b"), outputs: ds("x", from("a")) + "," + ds("y"), want: map[string][]string{"x": {"a"}, "y": nil}},
		{name: "of what the run itself made, which stands for what that was made of", inputs: ds("a") + "," + ds("b"), outputs: ds("x", from("y")) + "," + ds("y", from("a")), want: map[string][]string{"x": {"a"}, "y": {"a"}}},
		{name: "of what the run read and made anew: of what it read", inputs: ds("a") + "," + ds("y"), outputs: ds("x", from("y")) + "," + ds("y", from("a")), want: map[string][]string{"x": {"y"}, "y": {"a"}}},
		{name: "of each other: of nothing that was there before", inputs: ds("a"), outputs: ds("x", from("y")) + "," + ds("y", from("x")), want: map[string][]string{"x": {}, "y": {}}},
		{name: "of itself, as it was before", inputs: ds("a"), outputs: ds("x", from("x")), want: map[string][]string{"x": {"x"}}},
		{name: "as the job says", inputs: ds("a") + "," + ds("b"), outputs: ds("x"), want: map[string][]string{"x": {"b"}, "z": {}},
			more: []string{`"name":"job"`, `"name":"job","facets":{"lineage":{"entries":[{"type":"DATASET","namespace":"n","name":"x",` + strings.TrimPrefix(strings.TrimSuffix(from("b"), "}"), `"lineage":{`) + `},{"type":"DATASET","namespace":"n","name":"z","inputs":[{"type":"JOB"}]}]}}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, Config{})
			f.run()
			f.add(ev("one", "COMPLETE", c.inputs, c.outputs, c.more...))
			body := f.body(f.ended("one", Recorded).Activity)
			got := map[string][]string{}
			for _, g := range body.Get("generated").Items {
				name := nameOf(g.Get("ref").Text)
				got[name] = nil
				if list, ok := g.Lookup("from"); ok {
					got[name] = []string{}
					for _, source := range list.Items {
						got[name] = append(got[name], nameOf(source.Text))
					}
				}
			}
			assert.Equal(t, c.want, got)
		})
	}
}

// nameOf is the legible name in an artifact's.
func nameOf(ref string) string {
	name := ref[strings.LastIndexByte(ref, '/')+1:]
	return name[:strings.IndexByte(name, '-')]
}

func TestColumnsPassThroughWhatTheRunItselfMade(t *testing.T) {
	column := func(of, name, field string) string {
		return fmt.Sprintf(`"lineage":{"inputs":[],"fields":{%q:{"inputs":[{"namespace":"n","name":%q,"type":"DATASET","field":%q}]}}}`, of, name, field)
	}
	f := newFixture(t, Config{})
	f.run()
	f.add(ev("one", "COMPLETE", ds("a"), ds("y", column("c", "a", "temp"))+","+ds("x", column("celsius", "y", "c"))))
	for _, g := range f.body(f.ended("one", Recorded).Activity).Get("generated").Items {
		column := "celsius"
		if nameOf(g.Get("ref").Text) == "y" {
			column = "c"
		}
		assert.Equal(t, fmt.Sprintf(`[{"column":"temp","ref":%q}]`, ref("a", "declared")),
			string(g.Get("columns").Get(column).Bytes()))
	}
}

func TestColumnsThatMultiplyAreRefusedAndNotFollowed(t *testing.T) {
	var outputs []string
	for layer := range 40 { // each made of two fields of the one below, so there are 2^40 ways down
		var inputs []string
		for _, field := range []string{"l", "r"} {
			inputs = append(inputs, fmt.Sprintf(`{"namespace":"n","name":"d%d","type":"DATASET","field":%q}`, layer,
				field))
		}
		fields := fmt.Sprintf(`"l":{"inputs":[%s]},"r":{"inputs":[%s]}`, strings.Join(inputs, ","),
			strings.Join(inputs, ","))
		outputs = append(outputs, ds(fmt.Sprint("d", layer+1), `"lineage":{"fields":{`+fields+`}}`))
	}
	f := newFixture(t, Config{})
	f.run()
	f.add(ev("one", "COMPLETE", "", strings.Join(outputs, ",")))
	assert.Equal(t, "too_many", f.ended("one", Failed).Problems[0].Code)
}
