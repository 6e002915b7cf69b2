package pages

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/web"
	"github.com/pedigree-ledger/pedigree/web/picture"
)

// How many touched nodes the page lists; the table that it links to has them all.
const (
	mostThings = 60
	mostOthers = 40
)

func (p *Pages) impactRoutes() []route {
	return []route{
		{"GET /impact", members, p.impact},
		{"GET /impact/csv", members, p.impactTable},
		{"POST /impact/acknowledge", []access.Role{access.Submitter}, p.acknowledge},
	}
}

// impactQuery reads what the address asks about.
func (v *visit) impactQuery() (lineage.Query, error) {
	form := v.URL.Query()
	q := lineage.Query{At: index.Latest, Nodes: mostWalked, Organisation: form.Get("organisation")}
	if at := strings.TrimSpace(form.Get("at")); at != "" {
		n, err := strconv.ParseUint(at, 10, 63)
		if err != nil {
			return q, fmt.Errorf("%q is no block: those have whole numbers", record.Brief(at))
		}
		q.At = n
	}
	node := strings.TrimSpace(form.Get("node"))
	if node == "" {
		return q, nil
	}
	var err error
	q.Organisation = ""
	q.Node, _, err = record.ParseNode(node)
	return q, err
}

// impact shows what something touched.
func (p *Pages) impact(v *visit) error {
	form := v.URL.Query()
	page := &web.Impact{
		Frame: v.frame("impact"),
		Asked: strings.TrimSpace(form.Get("node")),
		At:    strings.TrimSpace(form.Get("at")),
		Shown: time.Now(),
	}
	if form.Get("done") == "acknowledged" {
		page.Done = "Recorded: everybody can see now that your organisation knows of the recall."
	}
	q, err := v.impactQuery()
	page.Of = q.Organisation
	if err != nil {
		page.Fault = sentence(err.Error())
		return v.show(http.StatusBadRequest, "impact", page)
	}
	if q.Node == "" && q.Organisation == "" {
		return v.show(http.StatusOK, "impact", page)
	}
	im, err := lineage.Assess(v.Context(), p.Index, q)
	if fault := unknown(err); fault != "" {
		page.Fault = fault
		return v.show(http.StatusNotFound, "impact", page)
	}
	if err != nil {
		return err
	}
	if err := p.describe(v, page, q, im); err != nil {
		return err
	}
	return v.show(http.StatusOK, "impact", page)
}

// unknown puts into words that what was asked about isn't there; "" if the error is another.
func unknown(err error) string {
	var node *lineage.UnknownNodeError
	var organisation *lineage.UnknownOrganisationError
	var future *index.FutureError
	switch {
	case errors.As(err, &node):
		return fmt.Sprintf("No record up to block %d names it.", node.Block)
	case errors.As(err, &organisation):
		return sentence(organisation.Error())
	case errors.As(err, &future):
		return sentence(future.Error())
	}
	return ""
}

// describe puts an impact into the page.
func (p *Pages) describe(v *visit, page *web.Impact, q lineage.Query, im *lineage.Impact) error {
	page.Found, page.Node, page.Block, page.Total, page.OnTheMove = true, im.Node, im.Block, im.Total, len(im.OnTheMove)
	page.Cut = cuts(im.Truncated)
	form := url.Values{"at": {strconv.FormatUint(im.Block, 10)}}
	if im.Node == "" {
		form.Set("organisation", im.Organisation)
		page.Title = page.Org(im.Organisation).Name
	} else {
		form.Set("node", im.Node)
		picture := url.Values{"node": {im.Node}, "direction": {"descendants"}}
		if q.At != index.Latest {
			picture.Set("at", form.Get("at"))
		}
		page.Picture = "/lineage?" + picture.Encode()
		if err := p.nameStart(v, page, im); err != nil {
			return err
		}
	}
	page.Table = "/impact/csv?" + form.Encode()
	asked := url.Values{}
	for _, name := range []string{"node", "organisation"} {
		if value := form.Get(name); value != "" {
			asked.Set(name, value)
		}
	}
	if q.At != index.Latest {
		asked.Set("at", form.Get("at"))
	}
	page.Cosigners = p.cosigners(v.Context(), "/v1/impact", asked)
	page.Recalls = viewRecalls(im, p.MSPID)
	addTouched(page, im)
	return nil
}

// nameStart says for people what was asked about.
func (p *Pages) nameStart(v *visit, page *web.Impact, im *lineage.Impact) error {
	a, err := lineage.Trace(
		v.Context(),
		p.Index,
		lineage.Query{Node: im.Node, Direction: lineage.Ancestors, At: im.Block, Depth: 1, Nodes: 1},
	)
	if err != nil {
		return err
	}
	n := &a.Nodes[0]
	page.Title, page.Sub = picture.Label(n)
	page.Word, page.Flags = picture.Word(n), n.Flags
	if n.Kind != "artifact" {
		page.Title = capital(page.Title)
	}
	switch n.Kind {
	case "statement":
		page.Title += " by " + page.Org(n.MSPID).Name
	case "event", "activity":
		if page.Sub != "" {
			page.Title += ", " + page.Sub
		}
	}
	return nil
}

// urgency orders recalls. The recall that was asked about is the most urgent, and then those that the gateway's own
// organisation must acknowledge.
func urgency(im *lineage.Impact, r web.ImpactRecall) int {
	switch {
	case r.ID == im.Node:
		return 2
	case r.Owed:
		return 1
	}
	return 0
}

// viewRecalls is how the page shows recalls, the most urgent first.
func viewRecalls(im *lineage.Impact, ours string) []web.ImpactRecall {
	var list []web.ImpactRecall
	for _, r := range im.Notices {
		view := web.ImpactRecall{
			ID: r.ID, Kind: r.Kind, MSPID: r.MSPID, Reason: r.Reason, Instructions: r.Instructions, Recorded: r.Recorded,
			Touched: r.Touched,
			Missing: r.Missing, Ours: r.MSPID == ours, Owed: slices.Contains(r.Missing, ours),
		}
		for _, a := range r.Acknowledged {
			view.Acknowledged = append(
				view.Acknowledged,
				web.Acknowledged{
					MSPID: a.MSPID, Action: a.Action, ID: a.ID, Recorded: a.Recorded, Since: r.Touched - a.Covers,
				},
			)
			view.Answered = view.Answered || a.MSPID == ours && !view.Owed
		}
		list = append(list, view)
	}
	slices.SortStableFunc(list, func(a, b web.ImpactRecall) int { return cmp.Compare(urgency(im, b), urgency(im, a)) })
	return list
}

// columns are the kinds in which an impact is counted, lots first, with the words for them.
var columns = []struct {
	kind         string
	one, several string
}{
	{
		"lot",
		"lot",
		"lots",
	}, {"item", "item", "items"}, {"logistic unit", "logistic unit", "logistic units"}, {"thing", "other thing", "other things"}, {"dataset", "dataset", "datasets"}, {"model", "model", "models"},
	{
		"code",
		"code base",
		"code bases",
	}, {"document", "document", "documents"}, {"decision", "decision", "decisions"}, {"run", "run", "runs"},
	{"event", "event", "events"}, {"record", "other record", "other records"},
}

// columnOf is the kind in which a node is counted.
func columnOf(n *lineage.Node) string {
	switch n.Kind {
	case "thing", "class":
		if word := picture.Word(n); word == "lot" || word == "item" || word == "logistic unit" {
			return word
		}
		return "thing"
	case "artifact":
		kind, _, _ := strings.Cut(n.ID, "/")
		return kind
	case "activity":
		if n.Type == "inference" {
			return "decision"
		}
		return "run"
	case "event":
		return "event"
	}
	return "record"
}

// addTouched lists and counts what was touched.
func addTouched(page *web.Impact, im *lineage.Impact) {
	last := map[string]lineage.Moving{}
	for _, m := range im.OnTheMove {
		last[m.ID] = m
	}
	owed := map[string]bool{} // recall and organisation
	for _, r := range im.Notices {
		for _, mspID := range r.Missing {
			owed[r.ID+" "+mspID] = true
		}
	}
	total, of := map[string]int{}, map[string]map[string]int{}
	byKind := map[string][]web.Touched{}
	page.Whole = im.Truncated == nil
	unwalked := map[string]bool{}
	if im.Truncated != nil {
		for _, node := range im.Truncated.Frontier {
			unwalked[node] = true
		}
	}
	for _, t := range im.Touched {
		n := &lineage.Node{ID: t.ID, Kind: t.Kind, Type: t.Type, BizStep: t.BizStep, Time: t.Time}
		kind := columnOf(n)
		total[kind]++
		if of[t.MSPID] == nil {
			of[t.MSPID] = map[string]int{}
		}
		of[t.MSPID][kind]++
		view := viewTouched(n, t, last, owed)
		view.Unwalked = unwalked[t.ID]
		byKind[kind] = append(byKind[kind], view)
	}
	for _, c := range columns {
		switch list := byKind[c.kind]; c.kind {
		case "lot", "item", "logistic unit", "thing":
			page.Things = append(page.Things, list...)
		default:
			page.Others = append(page.Others, list...)
		}
		if n := total[c.kind]; n > 0 {
			page.Tiles = append(page.Tiles, web.Tile{Count: n, Word: map[bool]string{true: c.one, false: c.several}[n == 1]})
			page.Columns = append(page.Columns, web.Tile{Count: n, Word: capital(c.several)})
		}
	}
	page.Things, page.MoreThings = first(page.Things, mostThings)
	page.Others, page.MoreOthers = first(page.Others, mostOthers)
	for _, o := range im.Organisations {
		row := web.ImpactOrganisation{
			MSPID:     o.MSPID,
			Recalled:  o.Recalled,
			OnTheMove: o.OnTheMove,
			Owes:      len(o.Unacknowledged),
		}
		for _, c := range columns {
			if total[c.kind] > 0 {
				row.Counts = append(row.Counts, of[o.MSPID][c.kind])
			}
		}
		page.ByOrganisation = append(page.ByOrganisation, row)
	}
}

func first(list []web.Touched, most int) (shown []web.Touched, more int) {
	if len(list) <= most {
		return list, 0
	}
	return list[:most], len(list) - most
}

func viewTouched(
	n *lineage.Node,
	t lineage.Touched,
	moving map[string]lineage.Moving,
	owed map[string]bool,
) web.Touched {
	view := web.Touched{
		Node: t.ID, Kind: t.Kind, Word: picture.Word(n), MSPID: t.MSPID, Flags: t.Flags, Recalled: len(t.Recalled) > 0,
		Reached:   len(t.Notices),
		OnTheMove: t.OnTheMove, Acknowledged: t.Acknowledged,
	}
	view.Title, view.Sub = picture.Label(n)
	if m, ok := moving[t.ID]; ok && m.BizStep != "" {
		view.Last, _ = picture.Label(&lineage.Node{Kind: "event", BizStep: m.BizStep})
	}
	view.Answered = slices.Contains(t.Acknowledged, t.MSPID)
	for _, id := range t.Notices {
		view.Waiting = view.Waiting || owed[id+" "+t.MSPID]
	}
	for i, s := range t.Why {
		hop := web.Hop{Name: s.Name, Node: s.Node, Omitted: s.Omitted}
		if i > 0 {
			hop.Way = s.Way()
		}
		view.Why = append(view.Why, hop)
	}
	return view
}

// impactTable serves everything that was touched as a download.
func (p *Pages) impactTable(v *visit) error {
	q, err := v.impactQuery()
	if err != nil || q.Node == "" && q.Organisation == "" {
		return missing("The address names nothing that could have touched anything.")
	}
	q.Nodes = mostFurther
	im, err := lineage.Assess(v.Context(), p.Index, q)
	if fault := unknown(err); fault != "" {
		return missing(fault)
	}
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := im.WriteCSV(&b); err != nil {
		return err
	}
	v.w.Header().Set("Content-Disposition", `attachment; filename="impact.csv"`)
	send(v.w, http.StatusOK, "text/csv; charset=utf-8", b.Bytes())
	return nil
}

// acknowledge records that the organisation knows of a recall. It does so with POST /v1/statements.
func (p *Pages) acknowledge(v *visit) error {
	statement := map[string]any{"kind": record.Acknowledgement, "subject": []string{v.PostForm.Get("recall")}}
	if action := strings.TrimSpace(v.PostForm.Get("action")); action != "" {
		statement["predicate"] = map[string]string{"action": action}
	}
	body, err := json.Marshal(statement)
	if err != nil {
		return err
	}
	if _, err := v.call(http.MethodPost, "/v1/statements", "application/json", bytes.NewReader(body)); err != nil {
		return err
	}
	to, err := url.Parse(localPath(v.PostForm.Get("next")))
	if err != nil {
		return err
	}
	form := to.Query()
	form.Set("done", "acknowledged")
	form.Del("at") // to see it, too
	to.RawQuery = form.Encode()
	return v.lead(http.StatusSeeOther, to.String())
}
