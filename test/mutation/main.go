// Mutation changes the code of packages, one small change at a time, and runs their tests on each: a change that no
// test notices is a check that carries no weight.
//
//	go run ./test/mutation [flags] PACKAGE...
//
// The changes, called mutants, are built into one test binary all together, and an environment variable switches one of
// them on. So a package is compiled once. Each test is run once without a mutant, to learn how long it takes and which
// mutants it reaches; then each mutant is run with the tests that reach it, the quickest first, until one fails.
//
// It exits with 1 if a mutant survives that has no reason in the file of known survivors, or if a reason there belongs
// to no survivor any more.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// options are the command's flags.
type options struct {
	with      []string       // further packages whose tests are run
	json      string         // file for the reports
	survivors string         // file of known survivors
	again     string         // file of earlier reports, whose survivors are tried
	only      *regexp.Regexp // of the keys of mutants
	skip      *regexp.Regexp // of the names of tests
	long      bool
	list      bool
	workers   int
}

func main() {
	log := func(err error) { fmt.Fprintln(os.Stderr, "mutation:", err) }
	o, patterns, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	} else if err != nil {
		log(err)
		os.Exit(2)
	}
	clean, err := run(o, patterns)
	if err != nil {
		log(err)
		os.Exit(2)
	}
	if !clean {
		os.Exit(1)
	}
}

func parse(args []string) (options, []string, error) {
	var o options
	flags := flag.NewFlagSet("mutation", flag.ContinueOnError)
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "usage: go run ./test/mutation [flags] PACKAGE...")
		flags.PrintDefaults()
	}
	flags.Func("with", "further `packages` whose tests may kill a mutant, separated by commas", func(text string) error {
		o.with = append(o.with, strings.Split(text, ",")...)
		return nil
	})
	pattern := func(into **regexp.Regexp) func(string) error {
		return func(text string) (err error) {
			*into, err = regexp.Compile(text)
			return err
		}
	}
	flags.Func(
		"only",
		"try only mutants whose key (FILE FUNCTION: OPERATOR: SOURCE) matches this `pattern`",
		pattern(&o.only),
	)
	flags.Func("skip", "leave out tests whose name matches this `pattern`", pattern(&o.skip))
	flags.StringVar(&o.json, "json", "", "write the reports to this `file` as JSON")
	flags.StringVar(
		&o.survivors,
		"survivors",
		"",
		"`file` of known survivors (default test/mutation/survivors.txt of the module)",
	)
	flags.StringVar(&o.again, "again", "", "try only what survived in this `file`, which -json wrote")
	flags.BoolVar(&o.long, "long", false, "run tests without -short")
	flags.BoolVar(&o.list, "list", false, "list the mutants and run nothing")
	flags.IntVar(&o.workers, "workers", max(1, runtime.NumCPU()/2), "how many mutants are run at once")
	if err := flags.Parse(args); err != nil {
		return o, nil, err
	}
	if flags.NArg() == 0 {
		flags.Usage()
		return o, nil, errors.New("no package is given")
	}
	return o, flags.Args(), nil
}

// run tries the mutants of packages. It says whether none survived without a reason.
func run(o options, patterns []string) (clean bool, err error) {
	root, err := moduleRoot()
	if err != nil {
		return false, err
	}
	if o.survivors == "" {
		o.survivors = filepath.Join(root, "test", "mutation", "survivors.txt")
	}
	known, err := readReasons(o.survivors)
	if err != nil {
		return false, err
	}
	packages, err := expand(patterns)
	if err != nil {
		return false, err
	}
	var earlier map[string]bool
	if o.again != "" {
		if earlier, err = survivorsOf(o.again); err != nil {
			return false, err
		}
	}
	clean = true
	var reports []*report
	for _, p := range packages {
		r, err := mutate(p, root, o, known, func(m *outcome) bool {
			return (o.only == nil || o.only.MatchString(m.key())) && (earlier == nil || earlier[m.key()])
		})
		if err != nil {
			return false, err
		}
		if o.list {
			for _, m := range r.Mutants {
				fmt.Println(m.key())
			}
			continue
		}
		reports = append(reports, r)
		stale := known.explain(r)
		r.write(os.Stdout)
		clean = clean && len(r.unexplained()) == 0
		if o.only != nil || o.again != "" {
			continue // what was not tried may still survive
		}
		for _, key := range stale {
			fmt.Printf("no survivor any more, so its reason can go: %s\n", key)
			clean = false
		}
	}
	if o.json != "" {
		text, err := json.MarshalIndent(reports, "", " ")
		if err != nil {
			return false, err
		}
		if err := os.WriteFile(o.json, text, 0o644); err != nil {
			return false, err
		}
	}
	return clean, nil
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("there is no go.mod here or above")
		}
		dir = parent
	}
}

// survivorsOf reads which mutants survived an earlier run.
func survivorsOf(path string) (map[string]bool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var reports []*report
	if err := json.Unmarshal(text, &reports); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	keys := map[string]bool{}
	for _, r := range reports {
		for _, m := range r.Mutants {
			if m.alive() {
				keys[m.key()] = true
			}
		}
	}
	return keys, nil
}

// mutate tries those mutants of one package that are wanted. It tells of each survivor without a reason at once.
func mutate(path, root string, o options, known reasons, wanted func(*outcome) bool) (*report, error) {
	started := time.Now()
	s, err := load(path)
	if err != nil {
		return nil, err
	}
	in, err := instrument(s)
	if err != nil {
		return nil, err
	}
	r := &report{
		Package: path,
		Skipped: in.skipped,
		Mutants: slices.DeleteFunc(in.list(root), func(m *outcome) bool { return !wanted(m) }),
	}
	if o.list || len(r.Mutants) == 0 {
		return r, nil
	}
	work, err := os.MkdirTemp("", "mut")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	suites, err := in.build(work, append([]string{path}, o.with...), o)
	if err != nil {
		return nil, err
	}
	for _, s := range suites {
		r.Tests = append(r.Tests, s.pkg)
	}

	type task func(temporary string) error
	all := func(what string, tasks []task) error {
		var workers errgroup.Group
		var next, done atomic.Int64
		ticker := time.NewTicker(30 * time.Second)
		defer ticker.Stop()
		finished := make(chan struct{})
		defer close(finished)
		go func() {
			for {
				select {
				case <-ticker.C:
					fmt.Fprintf(os.Stderr, "%s: %d of %d %s\n", path, done.Load(), len(tasks), what)
				case <-finished:
					return
				}
			}
		}()
		for w := range o.workers {
			workers.Go(func() error {
				for {
					i := int(next.Add(1)) - 1
					if i >= len(tasks) {
						return nil
					}
					if err := tasks[i](filepath.Join(work, fmt.Sprint(w))); err != nil {
						return err
					}
					done.Add(1)
				}
			})
		}
		return workers.Wait()
	}
	var tasks []task
	for _, s := range suites {
		for _, t := range s.tests {
			tasks = append(tasks, func(temporary string) error { return s.measure(t, temporary) })
		}
	}
	if err := all("tests", tasks); err != nil {
		return nil, err
	}
	tasks = nil
	for _, m := range r.Mutants {
		tasks = append(tasks, func(temporary string) error {
			err := try(m, suites, temporary)
			if err == nil && m.alive() && known[m.key()] == "" {
				fmt.Fprintln(os.Stderr, m) // the report may be hours away
			}
			return err
		})
	}
	if err := all("mutants", tasks); err != nil {
		return nil, err
	}
	r.Seconds = time.Since(started).Seconds()
	return r, nil
}

// list describes the mutants for a report.
func (in *instrumented) list(root string) []*outcome {
	var all []*outcome
	alike := map[string]int{}
	for _, m := range in.mutants {
		at := in.fset.Position(m.at.Pos())
		file, err := filepath.Rel(root, at.Filename)
		if err != nil {
			file = at.Filename
		}
		described := &outcome{id: m.id, File: filepath.ToSlash(file), Line: at.Line, Column: at.Column, Function: m.function,
			Operator: m.operator, Source: shorten(m.source)}
		key := described.key()
		if alike[key]++; alike[key] > 1 {
			described.Nth = alike[key]
		}
		all = append(all, described)
	}
	return all
}
