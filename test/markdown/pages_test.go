package markdown

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	link   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	schema = regexp.MustCompile(`^[a-z]+:`)
)

// markdown returns the Markdown pages of the project.
func markdown(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "test/*/*.md", "gateway/formats/*/*.md"} {
		found, err := filepath.Glob(filepath.Join("../..", pattern))
		require.NoError(t, err)
		all = append(all, found...)
	}
	require.Greater(t, len(all), 8)
	return all
}

// prose returns the lines of a page outside fenced blocks, by their number.
func prose(t *testing.T, file string) map[int]string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	lines, code := map[int]string{}, false
	for i, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "```") {
			code = !code
		} else if !code {
			lines[i+1] = line
		}
	}
	return lines
}

func TestLinksBetweenPagesResolve(t *testing.T) {
	links := 0
	for _, file := range markdown(t) {
		for n, line := range prose(t, file) {
			for _, found := range link.FindAllStringSubmatch(line, -1) {
				to, err := url.Parse(found[1])
				require.NoError(t, err, "%s:%d", file, n)
				if schema.MatchString(found[1]) || to.Path == "" {
					continue
				}
				_, err = os.Stat(filepath.Join(filepath.Dir(file), filepath.FromSlash(to.Path)))
				assert.NoError(t, err, "%s:%d", file, n)
				links++
			}
		}
	}
	assert.Greater(t, links, 10)
}

// TestPagesFitAWindow finds lines of more than 120 columns, except where they can't be broken: tables, URLs, code.
func TestPagesFitAWindow(t *testing.T) {
	for _, file := range markdown(t) {
		for n, line := range prose(t, file) {
			breakable := !strings.HasPrefix(line, "|") && !strings.HasPrefix(line, "    ") && strings.Count(strings.TrimSpace(line), " ") > 0
			if breakable && !strings.Contains(line, "://") {
				assert.LessOrEqual(t, utf8.RuneCountInString(line), 120, "%s:%d", file, n)
			}
		}
	}
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	assert.LessOrEqual(t, strings.Count(string(readme), "\n"), 150)
}

// The map of CONTRIBUTING.md has a row for each package, so that a newcomer finds where something belongs.
func TestTheMapHasEveryPackage(t *testing.T) {
	text, err := os.ReadFile("../../CONTRIBUTING.md")
	require.NoError(t, err)
	packages := map[string]bool{}
	require.NoError(t, filepath.WalkDir("../..", func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && (name == "testdata" || len(name) > 2 && name[0] == '.') {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") && filepath.Dir(path) != "../.." {
			folder, err := filepath.Rel("../..", filepath.Dir(path))
			packages[filepath.ToSlash(folder)] = true
			return err
		}
		return nil
	}))
	require.Greater(t, len(packages), 50)
	for folder := range packages {
		assert.True(t, strings.Contains(string(text), "`"+folder+"/`"), "CONTRIBUTING.md has no row for %s", folder)
	}
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?) \\|").FindAllStringSubmatch(string(text), -1) {
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			_, err := os.Stat(filepath.Join("../..", name[1]))
			assert.NoError(t, err, "CONTRIBUTING.md has a row for what isn't there")
		}
	}
}
