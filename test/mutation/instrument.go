package main

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// instrumented is a package with all its mutants in it, each of which can be switched on.
type instrumented struct {
	*source
	texts   map[string][]byte // of the files that have mutants, by their path
	mutants []*mutant         // in the order of their numbers
	skipped map[string]int    // what the operators would have changed but for these reasons
}

// cantCompile is why a mutant is skipped that the compiler refuses.
const cantCompile = "the compiler refuses the switch"

// instrument puts all mutants of a package into its source. A mutant that the compiler would refuse is left out: some
// places take no call, such as those that need a constant.
func instrument(s *source) (*instrumented, error) {
	edits, skipped := find(s)
	count := 0
	for _, e := range edits {
		count += len(e.mutants)
	}
	for {
		in := &instrumented{source: s, texts: map[string][]byte{}, skipped: skipped}
		spans := map[string][]span{}
		for _, f := range s.files {
			var here []*edit
			for _, e := range edits {
				if e.mutants[0].file == f {
					here = append(here, e)
					in.mutants = append(in.mutants, e.mutants...)
				}
			}
			if len(here) > 0 {
				in.texts[f.path], spans[f.path] = s.rewrite(f, here)
			}
		}
		errs, err := s.recheck(in.texts)
		if err != nil {
			return nil, fmt.Errorf("%s: the instrumented source can't be parsed: %w", s.path, err)
		}
		if len(errs) == 0 {
			return in, nil
		}
		refused := map[*edit]bool{}
		for _, e := range errs {
			at := s.fset.Position(e.Pos)
			culprit := innermost(spans[at.Filename], at.Offset)
			if culprit == nil {
				return nil, fmt.Errorf("%s: the instrumented source is refused outside of any mutant: %w", s.path, e)
			}
			refused[culprit] = true
		}
		for e := range refused {
			skipped[cantCompile] += len(e.mutants)
		}
		edits = slices.DeleteFunc(edits, func(e *edit) bool { return refused[e] })
	}
}

// span is where an edit stands in the instrumented text.
type span struct {
	edit       *edit
	start, end int
}

func innermost(spans []span, offset int) *edit {
	var best *span
	for _, s := range spans {
		if s.start <= offset && offset <= s.end && (best == nil || s.end-s.start < best.end-best.start) {
			best = &s
		}
	}
	if best == nil {
		return nil
	}
	return best.edit
}

// insertion is text to be put at an offset in place of the bytes there, which are none or those of an operator.
type insertion struct {
	offset, replaced int
	text             string
	edit             *edit
	closes           bool
	size             int // of the node of the edit
}

// rewrite applies edits to a file. No line of it moves, and none gets longer but by the edits, so that directives and
// positions stay as they are.
func (s *source) rewrite(f *sourceFile, edits []*edit) ([]byte, []span) {
	file := s.fset.File(f.syntax.FileStart)
	var insertions []insertion
	for order, e := range edits {
		start, end := file.Offset(e.at.Pos()), file.Offset(e.at.End())
		id := strconv.Itoa(e.mutants[0].id)
		// Of edits of the same node the later one goes inside: sizes must differ to say so.
		size := (end-start)*len(edits) + len(edits) - order
		insertions = append(insertions,
			insertion{offset: start, text: strings.ReplaceAll(e.before, idMark, id), edit: e, size: size},
			insertion{offset: end, text: e.after, edit: e, closes: true, size: size})
		if e.operator.IsValid() {
			insertions = append(insertions, insertion{offset: file.Offset(e.operator), replaced: e.length, text: ",", size: -1})
		}
	}
	name := file.Offset(f.syntax.Name.End())
	insertions = append(insertions, insertion{offset: name, text: "; import toggle " + strconv.Quote(togglePackage)})
	slices.SortStableFunc(insertions, func(a, b insertion) int {
		if a.offset != b.offset {
			return a.offset - b.offset
		}
		if a.closes != b.closes { // what ends here, before what begins here
			if a.closes {
				return -1
			}
			return 1
		}
		if a.closes {
			return cmp.Compare(a.size, b.size) // the inner one closes first
		}
		return cmp.Compare(b.size, a.size) // the outer one opens first
	})
	var out bytes.Buffer
	starts := map[*edit]int{}
	var spans []span
	last := 0
	for _, i := range insertions {
		out.Write(f.text[last:i.offset])
		last = i.offset + i.replaced
		if i.edit != nil && !i.closes {
			starts[i.edit] = out.Len()
		}
		out.WriteString(i.text)
		if i.closes {
			spans = append(spans, span{i.edit, starts[i.edit], out.Len()})
		}
	}
	out.Write(f.text[last:])
	return out.Bytes(), spans
}
