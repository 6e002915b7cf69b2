package tree

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// write returns a short notation of a tree, for comparison.
func write(n Node) string {
	switch n.Kind {
	case Array:
		var items []string
		for _, item := range n.Items {
			items = append(items, write(item))
		}
		return "[" + strings.Join(items, " ") + "]"
	case Object:
		var members []string
		for _, m := range n.Members {
			members = append(members, m.Name+"="+write(m.Value))
		}
		return "{" + strings.Join(members, " ") + "}"
	case Null:
		return "null"
	}
	return fmt.Sprintf("%s:%s", n.Kind, n.Text)
}

func TestWhatIsReadKeepsItsSpelling(t *testing.T) {
	for _, test := range []struct{ name, text, json, yaml string }{
		{"numbers", `[1.10, 0.12345678901234567890, 1e30]`, "[number:1.10 number:0.12345678901234567890 number:1e30]", "[number:1.10 number:0.12345678901234567890 number:1e30]"},
		{"words", `{"a": true, "b": null, "c": "x"}`, "{a=boolean:true b=null c=text:x}", "{a=boolean:true b=null c=text:x}"},
		{"a byte order mark", "\ufeff[1]", "[number:1]", "[number:1]"},
		{"the word of YAML 1.1 that is a country", "no", "", "text:no"},
		{"dates", "published: 2026-03-01", "", "{published=text:2026-03-01}"},
		{"versions", "version: 1.10", "", "{version=number:1.10}"},
		{"nothing", "", "", "null"},
		{"nothing but a comment", "# nothing", "", "null"},
		{"names that are no texts", "{1: a, true: b, 2026-03-01: c}", "", "{1=text:a true=text:b 2026-03-01=text:c}"},
		{"aliases", "a: &x [1]\nb: *x", "", "{a=[number:1] b=[number:1]}"},
		{"merges, where what is nearer wins", "a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}", "", "{a={p=number:1 q=number:2} b={q=number:3 p=number:1}}"},
		{"merges of several", "a: &x {p: 1}\nb: &y {p: 2, q: 2}\nc: {<<: [*x, *y]}", "", "{a={p=number:1} b={p=number:2 q=number:2} c={p=number:1 q=number:2}}"},
	} {
		t.Run(test.name, func(t *testing.T) {
			n, err := YAML(test.text, 1)
			require.NoError(t, err)
			require.Equal(t, test.yaml, write(n))
			if test.json != "" {
				n, err = JSON(test.text)
				require.NoError(t, err)
				require.Equal(t, test.json, write(n))
			}
		})
	}
}

func TestEveryNodeKnowsWhereItStands(t *testing.T) {
	n, err := JSON("{\n \"a/b\": [\n 1,\n {\"c\": 2}]}")
	require.NoError(t, err)
	c := n.Get("a/b").Items[1].Get("c")
	require.Equal(t, "/a~1b/1/c", c.Pointer)
	require.Equal(t, 4, c.Line)
	require.Equal(t, "/none", n.Get("none").Pointer, "what isn't there has a place too")
	n, err = YAML("a:\n  - b: 1\n", 10)
	require.NoError(t, err)
	b := n.Get("a").Items[0].Get("b")
	require.Equal(t, "/a/0/b", b.Pointer)
	require.Equal(t, 11, b.Line)
}

// laughs returns a YAML document of ten nested lists, each of which refers ten times to the one before.
func laughs() string {
	var b strings.Builder
	b.WriteString("l0: &l0 ha\n")
	for i := 1; i <= 10; i++ {
		fmt.Fprintf(&b, "l%d: &l%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*l%d,", i-1), 10),
			","))
	}
	return b.String()
}

func TestHostileDocumentsAreRefused(t *testing.T) {
	for _, test := range []struct {
		name, text string
		read       func(string) (Node, error)
		message    string
		line       int
	}{
		{"a name twice in JSON", "{\"a\": 1,\n\"a\": 2}", JSON, `"a" stands twice`, 2},
		{"a name twice in YAML", "a: 1\nb:\n  c: 1\n  c: 2\n", yamlOf, `"c" stands twice`, 4},
		{"a name twice in two spellings", "\"a\": 1\n'a': 2\n", yamlOf, `"a" stands twice`, 2},
		{"deep JSON", strings.Repeat("[", 100_000), JSON, "inside each other", 1},
		{"deep YAML", strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000), yamlOf, "inside each other", 1},
		{"very deep YAML", strings.Repeat("[", 50_000), yamlOf, "not YAML", 1},
		{"many values", "[" + strings.Repeat("0,", MaxValues) + "0]", JSON, "more than 50000 values", 1},
		{"aliases that multiply", laughs(), yamlOf, "more than 50000 values", 1},
		{"an alias inside itself", "a: &a [1, *a]\n", yamlOf, "inside the value that it stands for", 1},
		{"an alias of nothing", "a: *b\n", yamlOf, "not YAML", 1},
		{"lists as names", "? [a, b]\n: c\n", yamlOf, "a name must be a text", 1},
		{"merging a text", "<<: a\n", yamlOf, "merges objects", 1},
		{"two documents", "a: 1\n---\nb: 2\n", yamlOf, "second YAML document", 2},
		{"a list without an end", "a: 1\nb: [1,\n  2\nc: 3\n", yamlOf, "while parsing a flow sequence from line 2 on", 4},
		{"bytes that are no text", "a: \xff\n", yamlOf, "not YAML", 0},
		{"tabs", "a:\n\t- b\n", yamlOf, "not YAML", 2},
		{"JSON that ends", `{"a": [1, `, JSON, "ends too early", 1},
		{"JSON with a word too many", "{\"a\":\n nil}", JSON, "not JSON", 2},
		{"nothing at all", "", JSON, "ends too early", 1},
		{"two values", "{}\n{}", JSON, "after the end", 2},
		{"comments in JSON", "{} // hm", JSON, "after the end", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.read(test.text)
			var e *Error
			require.True(t, errors.As(err, &e), "%v", err)
			require.ErrorContains(t, err, test.message)
			if test.line > 0 {
				require.Equal(t, test.line, e.Line)
			}
		})
	}
}

func yamlOf(text string) (Node, error) { return YAML(text, 1) }

func FuzzYAML(f *testing.F) {
	for _, seed := range []string{"a: &x [1]\nb: *x\n<<: {c: d}\n", "? a\n: b\n", "- !!int 1\n- 'x'\n- |\n  y\n",
		laughs()} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) { checkTree(t, text, yamlOf) })
}

func FuzzJSON(f *testing.F) {
	f.Add(`{"a": [1, true, null, "x", {"b": []}]}`)
	f.Fuzz(func(t *testing.T, text string) { checkTree(t, text, JSON) })
}

func checkTree(t *testing.T, text string, read func(string) (Node, error)) {
	n, err := read(text)
	if err != nil {
		var e *Error
		require.True(t, errors.As(err, &e), "%T", err)
		return
	}
	var check func(n Node, depth int)
	check = func(n Node, depth int) {
		require.LessOrEqual(t, depth, MaxDepth)
		names := map[string]bool{}
		for _, m := range n.Members {
			require.False(t, names[m.Name], "names are unique")
			names[m.Name] = true
			check(m.Value, depth+1)
		}
		for _, item := range n.Items {
			check(item, depth+1)
		}
	}
	check(n, 0)
}

func TestLongNamesAreNotKeptForEachValueBelowThem(t *testing.T) {
	name := strings.Repeat("n", 200_000)
	items := strings.Repeat("1,", 40_000) + "1" // eight gigabytes, if each pointer contained the name
	for format, read := range map[string]func() (Node, error){
		"JSON": func() (Node, error) { return JSON(`{"` + name + `":[` + items + `]}`) },
		"YAML": func() (Node, error) { return YAML("? "+name+"\n: ["+items+"]\n", 1) },
	} {
		n, err := read()
		require.NoError(t, err, format)
		require.Len(t, n.Get(name).Items, 40_001, format)
		require.Equal(t, "/7", n.Get(name).Items[7].Pointer, "%s: as far as it can be said", format)
	}
	n, err := JSON(`{"a":{"b":[1]}}`)
	require.NoError(t, err)
	require.Equal(t, "/a/b/0", n.Get("a").Get("b").Items[0].Pointer)
}
