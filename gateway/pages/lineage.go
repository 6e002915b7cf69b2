package pages

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/catalogue"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/web"
	"github.com/pedigree-ledger/pedigree/web/picture"
)

// How far a page walks, in nodes. Most of what is far is folded anyway.
const (
	mostWalked  = 2_000
	mostFurther = 20_000
)

// mostUnfolded is how many folds can be open at once.
const mostUnfolded = 32

func (p *Pages) lineageRoutes() []route {
	return []route{
		{"GET /lineage", members, p.lineage},
		{"GET /lineage/export", members, p.exportLineage},
	}
}

// question is what the address of a lineage page asks for.
type question struct {
	node      string // as the ledger has it
	direction string
	depth     int // 0: all
	at        string
	further   bool
	unfolded  map[string]int
}

var directions = []web.Choice{
	{Value: "both", Text: "Both ways"},
	{Value: "ancestors", Text: "Where it comes from"},
	{Value: "descendants", Text: "What it touched"},
}

var depths = []int{1, 2, 3, 5, 10, 20}

// ask reads the address. What makes no sense is left out, but for the node and the block, whose faults are told.
func (v *visit) ask() (question, error) {
	form := v.URL.Query()
	q := question{direction: "both", further: form.Get("further") != ""}
	for _, d := range directions {
		if d.Value == form.Get("direction") {
			q.direction = d.Value
		}
	}
	if n, err := strconv.Atoi(form.Get("depth")); err == nil && n > 0 && n <= 1000 {
		q.depth = n
	}
	q.unfolded = unfolded(form.Get("unfold"))
	if at := strings.TrimSpace(form.Get("at")); at != "" {
		n, err := strconv.ParseUint(at, 10, 63)
		if err != nil {
			return q, fmt.Errorf("%q is no block: those have whole numbers", record.Brief(at))
		}
		q.at = strconv.FormatUint(n, 10)
	}
	var err error
	q.node, _, err = record.ParseNode(form.Get("node"))
	return q, err
}

// unfolded reads which folds are open: "key.40,other.80".
func unfolded(text string) map[string]int {
	open := map[string]int{}
	for _, part := range strings.Split(text, ",") {
		key, extra, _ := strings.Cut(part, ".")
		if n, err := strconv.Atoi(extra); err == nil && n > 0 && n <= 100_000 && key != "" && len(open) < mostUnfolded {
			open[key] = n
		}
	}
	return open
}

// values are the question as the parameters of an address.
func (q question) values() url.Values {
	form := url.Values{"node": {q.node}}
	if q.direction != "both" {
		form.Set("direction", q.direction)
	}
	if q.depth > 0 {
		form.Set("depth", strconv.Itoa(q.depth))
	}
	if q.at != "" {
		form.Set("at", q.at)
	}
	if q.further {
		form.Set("further", "yes")
	}
	return form
}

// path is the address of the question, with these folds open.
func (q question) path(open map[string]int) string {
	path := "/lineage?" + q.values().Encode()
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(open)) {
		parts = append(parts, fmt.Sprintf("%s.%d", key, open[key]))
	}
	if len(parts) > 0 {
		path += "&unfold=" + url.QueryEscape(strings.Join(parts, ","))
	}
	return path
}

func (q question) unfold(key string, extra int) string {
	open := maps.Clone(q.unfolded)
	open[key] = extra
	return q.path(open)
}

// walk answers the question.
func (q question) walk(v *visit) (*lineage.Answer, error) {
	query := lineage.Query{Node: q.node, At: index.Latest, Depth: q.depth, Nodes: mostWalked}
	if q.further {
		query.Nodes = mostFurther
	}
	if n, err := strconv.ParseUint(q.at, 10, 63); err == nil {
		query.At = n
	}
	var answers []*lineage.Answer
	for _, d := range []lineage.Direction{lineage.Ancestors, lineage.Descendants} {
		if q.direction != "both" && q.direction != string(d) {
			continue
		}
		query.Direction = d
		a, err := lineage.Trace(v.Context(), v.pages.Index, query)
		if err != nil {
			return nil, err
		}
		answers = append(answers, a)
		query.At = a.Block // both halves show one ledger
	}
	return lineage.Join(answers...), nil
}

// lineage shows where something comes from and what it touched.
func (p *Pages) lineage(v *visit) error {
	page := &web.Lineage{Frame: v.frame("lineage"), Asked: strings.TrimSpace(v.URL.Query().Get("node"))}
	q, err := v.ask()
	page.Direction, page.At = q.direction, q.at
	page.Directions, page.Depths = slices.Clone(directions), []web.Choice{{Value: "", Text: "All", Chosen: q.depth == 0}}
	for i := range page.Directions {
		page.Directions[i].Chosen = page.Directions[i].Value == q.direction
	}
	known := append(slices.Clone(depths), q.depth)
	slices.Sort(known)
	for _, n := range slices.Compact(known) {
		if n > 0 {
			page.Depths = append(page.Depths, web.Choice{Value: strconv.Itoa(n), Text: strconv.Itoa(n), Chosen: n == q.depth})
		}
	}
	if page.Asked == "" {
		return v.show(http.StatusOK, "lineage", page)
	}
	if err != nil {
		page.Fault = sentence(err.Error())
		return v.show(http.StatusBadRequest, "lineage", page)
	}
	a, err := q.walk(v)
	var unknown *lineage.UnknownNodeError
	var future *index.FutureError
	switch {
	case errors.As(err, &unknown):
		page.Fault = fmt.Sprintf("No record up to block %d names it.", unknown.Block)
		return v.show(http.StatusNotFound, "lineage", page)
	case errors.As(err, &future):
		page.Fault = sentence(future.Error())
		return v.show(http.StatusNotFound, "lineage", page)
	case err != nil:
		return err
	}
	affected, err := q.affected(v, a)
	if err != nil {
		return err
	}
	p.draw(page, q, a, affected)
	return v.show(http.StatusOK, "lineage", page)
}

// affected tells whether the node came of something recalled, if the answer, being one of effects only, doesn't show
// it.
func (q question) affected(v *visit, a *lineage.Answer) (bool, error) {
	if q.direction != string(lineage.Descendants) {
		return false, nil
	}
	up, err := lineage.Trace(
		v.Context(),
		v.pages.Index,
		lineage.Query{Node: q.node, Direction: lineage.Ancestors, At: a.Block, Nodes: mostWalked},
	)
	return err == nil && picture.Affected(up), err
}

// draw puts the answer into the page.
func (p *Pages) draw(page *web.Lineage, q question, a *lineage.Answer, affected bool) {
	start := &a.Nodes[0]
	page.Node, page.Word, page.Flags, page.Block = a.Node, picture.Word(start), start.Flags, a.Block
	page.Title, page.Sub = picture.Label(start)
	if start.Kind != "artifact" {
		page.Title = capital(page.Title)
	}
	page.Picture = picture.Draw(a, picture.Options{
		Link: func(n *lineage.Node) string {
			if n.Kind == "missing" {
				return ""
			}
			return web.Href(n.ID)
		},
		Unfold: q.unfold, Unfolded: q.unfolded, Affected: affected,
		Organisation: func(mspID string) string { return page.Org(mspID).Name },
	})
	seen := map[string]bool{}
	for _, row := range page.Picture.Rows {
		if !seen[row.Organisation] {
			seen[row.Organisation] = true
			page.Lanes++
		}
	}
	for i := range a.Nodes {
		if slices.ContainsFunc(a.Nodes[i].Flags, record.IsWarning) {
			page.Recalled++
		}
	}
	if affected {
		both := q
		both.direction = string(lineage.Ancestors)
		page.Causes = both.path(nil)
	}
	if len(q.unfolded) > 0 {
		page.Fold = q.path(nil)
	}
	page.Cut = cuts(a.Truncated)
	if t := a.Truncated; t != nil && slices.Contains(t.Reasons, "nodes") && !q.further {
		further := q
		further.further = true
		page.Further = further.path(q.unfolded)
	}
	form := q.values()
	form.Set("at", strconv.FormatUint(a.Block, 10))
	for _, f := range catalogue.Formats {
		if f.Fits(a.Node, start.Kind) != nil {
			continue
		}
		form.Set("format", f.Name)
		page.Exports = append(
			page.Exports,
			web.Export{Name: f.Name, About: f.About, Path: "/lineage/export?" + form.Encode()},
		)
	}
}

// cuts says why an answer is incomplete.
func cuts(t *lineage.Truncation) []string {
	if t == nil {
		return nil
	}
	behind := fmt.Sprintf("%d of these nodes", len(t.Frontier))
	words := map[string]string{
		"depth":   "There is more behind " + behind + ", beyond the steps that were asked for.",
		"nodes":   "This is not all: the walk stopped at the greatest number of nodes. There is more behind " + behind + ".",
		"time":    "This is not all: the walk took too long. There is more behind " + behind + ".",
		"starts":  "This is not all: the organisation has recorded more than can be looked at here. The newest of it was.",
		"recalls": "Not all recalls could be looked at, so there may be more of them, and they may reach more than is said here.",
	}
	var list []string
	for _, reason := range t.Reasons {
		list = append(list, words[reason])
	}
	return list
}

// sentence makes one of an error's words.
func sentence(s string) string { return capital(s) + "." }

func capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}

// exportLineage serves the answer of /v1/lineage as a download.
func (p *Pages) exportLineage(v *visit) error {
	q, err := v.ask()
	if err != nil {
		return &Trouble{http.StatusBadRequest, "That can't be downloaded", sentence(err.Error()), ""}
	}
	f, ok := catalogue.ByName(v.URL.Query().Get("format"))
	if !ok {
		return &Trouble{http.StatusNotFound, "There is no such format", "Formats are " + catalogue.Names() + ".", ""}
	}
	form := q.values()
	form.Del("further")
	form.Set("direction", q.direction)
	if f.Direction != "" {
		form.Set("direction", string(f.Direction))
	}
	form.Set("format", f.Name)
	a, err := v.call(http.MethodGet, "/v1/lineage?"+form.Encode(), "", nil)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Disposition", `attachment; filename="lineage`+f.Extension+`"`)
	send(v.w, a.status, a.header.Get("Content-Type"), a.body.Bytes())
	return nil
}
