package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pedigree-ledger/pedigree/test/mutation/toggle"
)

// suite is the test binary of one package, built with the instrumented code.
type suite struct {
	pkg, dir string
	binary   string
	flags    []string
	tests    []*test
}

// test is one test, fuzz test or example, as it passes without a mutant.
type test struct {
	name    string
	took    time.Duration
	reached map[int]int64 // mutants, and about how often
}

// build builds the test binaries of packages into a folder. Packages without tests have none.
func (in *instrumented) build(into string, packages []string, options options) ([]*suite, error) {
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for path, text := range in.texts {
		copied := filepath.Join(into, fmt.Sprintf("%d-%s", len(overlay.Replace), filepath.Base(path)))
		if err := os.WriteFile(copied, text, 0o644); err != nil {
			return nil, err
		}
		overlay.Replace[path] = copied
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		return nil, err
	}
	overlayFile := filepath.Join(into, "overlay.json")
	if err := os.WriteFile(overlayFile, text, 0o644); err != nil {
		return nil, err
	}
	found, err := goList(append([]string{"-json=ImportPath,Dir"}, packages...)...)
	if err != nil {
		return nil, err
	}
	var suites []*suite
	for i, p := range found {
		s := &suite{pkg: p.ImportPath, dir: p.Dir, binary: filepath.Join(into, strconv.Itoa(i)+".test")}
		if out, err := exec.Command("go", "test", "-c", "-overlay", overlayFile, "-o", s.binary, p.ImportPath).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("couldn't build the tests of %s: %w\n%s", p.ImportPath, err, out)
		}
		if _, err := os.Stat(s.binary); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		s.flags = []string{"-test.failfast"}
		if !options.long {
			s.flags = append(s.flags, "-test.short")
		}
		usage, _ := exec.Command(s.binary, "-help").CombinedOutput()
		if bytes.Contains(usage, []byte("-rapid.nofailfile")) {
			// The same draws each time, a quarter of the usual number, and no effort for what nobody reads.
			s.flags = append(s.flags, "-rapid.seed=1", "-rapid.checks=25", "-rapid.nofailfile", "-rapid.shrinktime=1ms")
		}
		if err := s.list(options.skip); err != nil {
			return nil, err
		}
		suites = append(suites, s)
	}
	return suites, nil
}

func (s *suite) list(skip *regexp.Regexp) error {
	cmd := exec.Command(s.binary, "-test.list", ".")
	cmd.Dir = s.dir
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("couldn't list the tests of %s: %w", s.pkg, err)
	}
	for name := range strings.Lines(string(out)) {
		name = strings.TrimSpace(name)
		if !regexp.MustCompile("^(Test|Fuzz|Example)").MatchString(name) || skip != nil && skip.MatchString(name) {
			continue
		}
		s.tests = append(s.tests, &test{name: name})
	}
	return nil
}

// result is how a run of tests ended.
type result int

const (
	passed result = iota
	failed
	timedOut
)

// run runs some tests of a suite in a folder for their temporary files, which is emptied.
func (s *suite) run(tests []*test, temporary string, patience time.Duration, env ...string) (result, string, error) {
	if err := os.MkdirAll(temporary, 0o755); err != nil {
		return 0, "", err
	}
	defer os.RemoveAll(temporary)
	names := make([]string, len(tests))
	for i, t := range tests {
		names[i] = t.name
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(
		ctx,
		s.binary,
		append([]string{"-test.run", "^(" + strings.Join(names, "|") + ")$"}, s.flags...)...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), append([]string{"TMPDIR=" + temporary}, env...)...)
	// Tests may have children, which must not outlive them.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return passed, string(out), nil
	case ctx.Err() != nil, exited && exit.ExitCode() == toggle.RunawayCode:
		return timedOut, string(out), nil
	case exited, errors.Is(err, exec.ErrWaitDelay):
		return failed, string(out), nil
	}
	return 0, "", fmt.Errorf("couldn't run the tests of %s: %w", s.pkg, err)
}

// measure runs one test without a mutant and notes which mutants it reaches, and how long it takes.
func (s *suite) measure(t *test, temporary string) error {
	trace := temporary + ".trace"
	defer os.Remove(trace)
	started := time.Now()
	got, out, err := s.run([]*test{t}, temporary, 10*time.Minute, toggle.Trace+"="+trace)
	if err != nil {
		return err
	}
	if got != passed {
		return fmt.Errorf("%s of %s fails without any mutant:\n%s", t.name, s.pkg, out)
	}
	t.took = time.Since(started)
	t.reached = map[int]int64{}
	f, err := os.Open(trace)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var id int
		var count int64
		if _, err := fmt.Sscan(lines.Text(), &id, &count); err != nil {
			return fmt.Errorf("%s: %q: %w", trace, lines.Text(), err)
		}
		t.reached[id] = max(t.reached[id], count)
	}
	return nil
}

// group is some tests of one suite that are run together.
type group struct {
	suite *suite
	tests []*test
	took  time.Duration
}

// firstGroup is about how long the quickest tests of a group may take together. Each group after it may take four times
// as long as the one before: most mutants are killed by a quick test, and a process for each test would cost more.
const firstGroup = time.Second

// groups are all tests that reach a mutant, the quickest first.
func groups(suites []*suite, id int) (all []group, times int64) {
	for _, s := range suites {
		var reaching []*test
		for _, t := range s.tests {
			if n := t.reached[id]; n > 0 {
				reaching, times = append(reaching, t), times+n
			}
		}
		slices.SortStableFunc(reaching, func(a, b *test) int { return int(a.took - b.took) })
		g, most := group{suite: s}, firstGroup
		for _, t := range reaching {
			if len(g.tests) > 0 && g.took+t.took > most {
				all = append(all, g)
				g, most = group{suite: s}, most*4
			}
			g.tests, g.took = append(g.tests, t), g.took+t.took
		}
		if len(g.tests) > 0 {
			all = append(all, g)
		}
	}
	slices.SortStableFunc(all, func(a, b group) int { return int(a.took - b.took) })
	return all, times
}

var failure = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// try runs the tests that reach a mutant until one fails.
func try(m *outcome, suites []*suite, temporary string) error {
	all, times := groups(suites, m.id)
	if len(all) == 0 {
		m.Status = unreached
		return nil
	}
	m.Status = survived
	for _, g := range all {
		got, out, err := g.suite.run(g.tests, temporary, 15*time.Second+10*g.took,
			toggle.Active+"="+strconv.Itoa(m.id), toggle.Limit+"="+strconv.FormatInt(1_000_000+100*times, 10))
		switch {
		case err != nil:
			return err
		case got == timedOut:
			m.Status, m.By = stuck, g.suite.pkg
			return nil
		case got == failed:
			m.Status, m.By = killed, g.suite.pkg
			if found := failure.FindStringSubmatch(out); found != nil {
				m.By = found[1]
			}
			return nil
		}
	}
	return nil
}
