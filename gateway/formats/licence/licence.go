// Package licence finds the SPDX expression for a licence that somebody names in another way: by an identifier of
// Hugging Face, by the URL of the licence's text, or by an expression in another case. [SPDX] does this. It never
// guesses: a licence without an SPDX identifier has no expression.
package licence

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/github/go-spdx/v2/spdxexp"
	"github.com/github/go-spdx/v2/spdxexp/spdxlicenses"
)

// named maps identifiers in common use to those SPDX identifiers from which they differ in more than case.
var named = map[string]string{
	"odbl": "ODbL-1.0", "odc-by": "ODC-By-1.0", "pddl": "PDDL-1.0", "c-uda": "C-UDA-1.0", "lgpl-lr": "LGPLLR",
	"cc0": "CC0-1.0", "apache 2.0": "Apache-2.0", "apache2": "Apache-2.0", "mit license": "MIT",
	"apache license 2.0": "Apache-2.0",
}

// known maps the lower-case spelling of each identifier in the SPDX licence list, including deprecated ones, to the
// identifier.
var known = func() map[string]string {
	all := map[string]string{}
	for _, list := range [][]string{spdxlicenses.GetDeprecated(), spdxlicenses.GetLicenses()} {
		for _, id := range list {
			all[strings.ToLower(id)] = id
		}
	}
	return all
}()

// maxExpression is the length of the longest text that is parsed as an expression, in bytes.
const maxExpression = 256

var expression = regexp.MustCompile(`(?i) (and|or|with) |[()]`)

// SPDX returns the SPDX expression for a licence as somebody names it, or "" if there is none.
func SPDX(text string) string {
	text = strings.TrimSpace(text)
	lower := strings.ToLower(text)
	if id, ok := known[lower]; ok {
		return id
	}
	if id, ok := named[lower]; ok {
		return id
	}
	if strings.Contains(lower, "://") {
		return byAddress(lower)
	}
	if len(text) <= maxExpression && expression.MatchString(text) {
		return parse(text)
	}
	return ""
}

// Single reports whether an expression is a single identifier of the SPDX licence list.
func Single(spdx string) bool { return spdx != "" && known[strings.ToLower(spdx)] == spdx }

// parse reads an expression. It gives operators and identifiers their standard case. It returns "" if the text is not a
// valid expression.
func parse(text string) string {
	words := strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(text))
	for i, w := range words {
		switch upper := strings.ToUpper(w); upper {
		case "AND", "OR", "WITH":
			words[i] = upper
		default:
			if id, ok := known[strings.ToLower(w)]; ok {
				words[i] = id
			}
		}
	}
	spelled := strings.NewReplacer("( ", "(", " )", ")").Replace(strings.Join(words, " "))
	if !valid(spelled) {
		return ""
	}
	return spelled
}

func valid(text string) (ok bool) {
	// The text comes from anybody, and the parser may panic on it.
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	ok, _ = spdxexp.ValidateLicenses([]string{text})
	return ok
}

var (
	creativeCommons = regexp.MustCompile(`^/licenses/(by(?:-nc)?(?:-sa|-nd)?)/(\d\.\d)(?:/([a-z]{2,3}))?(?:/|$)`)
	openData        = regexp.MustCompile(`^/licenses/(odbl|by|pddl)(?:/1[-.]0)?(?:/|$)`)
	community       = regexp.MustCompile(`^/(sharing|permissive)-(\d)-(\d)(?:/|$)`)
	lastElement     = regexp.MustCompile(`/([^/]+?)(?:\.(?:html?|txt|json|md))?/?$`)
)

// byAddress finds a licence by the well-known URL of its text.
func byAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	last := ""
	if m := lastElement.FindStringSubmatch(u.Path); m != nil {
		last = m[1]
	}
	switch strings.TrimPrefix(u.Hostname(), "www.") {
	case "creativecommons.org":
		if strings.HasPrefix(u.Path, "/publicdomain/zero/1.0") {
			return "CC0-1.0"
		}
		if m := creativeCommons.FindStringSubmatch(u.Path); m != nil {
			id := "cc-" + m[1] + "-" + m[2]
			if m[3] != "" { // a version adapted to the law of a country
				id += "-" + m[3]
			}
			return known[id]
		}
	case "opendatacommons.org":
		if m := openData.FindStringSubmatch(u.Path); m != nil {
			return map[string]string{"odbl": "ODbL-1.0", "by": "ODC-By-1.0", "pddl": "PDDL-1.0"}[m[1]]
		}
	case "cdla.dev", "cdla.io":
		if m := community.FindStringSubmatch(u.Path); m != nil {
			return known["cdla-"+m[1]+"-"+m[2]+"."+m[3]]
		}
	case "apache.org":
		if last == "license-2.0" || last == "license-2" {
			return "Apache-2.0"
		}
	case "spdx.org", "opensource.org", "choosealicense.com", "gnu.org":
		return known[last]
	}
	return ""
}
