package pages

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/draft"
	"github.com/pedigree-ledger/pedigree/gateway/sensor"
	"github.com/pedigree-ledger/pedigree/web"
)

var submitters = []access.Role{access.Submitter}

func (p *Pages) captureRoutes() []route {
	return []route{
		{"GET /capture", submitters, p.capture},
		{"POST /capture", submitters, p.takeDraft},
		{"GET /capture/template.csv", submitters, p.template},
		{"GET /capture/drafts/{id}", submitters, p.draft},
		{"POST /capture/drafts/{id}", submitters, p.sendDraft},
		{"GET /capture/jobs/{id}", submitters, p.job},
	}
}

// capture shows the form for a document, and lists the latest jobs.
func (p *Pages) capture(v *visit) error {
	page, err := p.capturePage(v)
	if err != nil {
		return err
	}
	return v.show(http.StatusOK, "capture", page)
}

func (p *Pages) capturePage(v *visit) (*web.Capture, error) {
	page := &web.Capture{Frame: v.frame("capture"), MaxBytes: draft.MaxBytes, MaxEvents: draft.MaxEvents}
	for _, c := range draft.Columns {
		page.Columns = append(page.Columns, web.Column{Name: c.Name, Help: c.Help, Example: c.Example, Required: c.Required})
	}
	a, err := v.call(http.MethodGet, "/epcis/v2/capture?perPage=10", "", nil)
	if err != nil {
		return nil, err
	}
	var jobs []jobAnswer
	if err := json.Unmarshal(a.body.Bytes(), &jobs); err != nil {
		return nil, fmt.Errorf("couldn't read the list of jobs: %w", err)
	}
	for _, j := range jobs {
		page.Jobs = append(page.Jobs, j.view())
	}
	return page, nil
}

// template is a table to begin with.
func (p *Pages) template(v *visit) error {
	v.w.Header().Set("Content-Disposition", `attachment; filename="events.csv"`)
	send(v.w, http.StatusOK, "text/csv; charset=utf-8", draft.Template())
	return nil
}

// takeDraft reads what was dropped, and leads to what was found in it.
func (p *Pages) takeDraft(v *visit) error {
	name, text, err := v.document()
	if err != nil {
		return err
	}
	select {
	case p.drafts.places <- struct{}{}:
		defer func() { <-p.drafts.places }()
	case <-v.Context().Done():
		return &Trouble{
			http.StatusServiceUnavailable,
			"Too many documents at once",
			"Nothing was sent: other documents are being read.",
			"Try again in a moment.",
		}
	}
	reader := draft.Reader{Index: p.Index, MSPID: p.MSPID}
	d, err := reader.Read(v.Context(), name, text)
	if err != nil {
		return err
	}
	return v.lead(http.StatusSeeOther, "/capture/drafts/"+p.drafts.keep(v.session.Caller.ID, d, time.Now()))
}

// mostParts is how many fields the form may have.
const mostParts = 8

// document is what the form has: a file, or else a text.
func (v *visit) document() (name string, text []byte, err error) {
	if v.files == nil {
		return "", []byte(v.PostForm.Get("text")), nil
	}
	for range mostParts {
		part, err := v.files.NextPart()
		if errors.Is(err, io.EOF) {
			return name, text, nil
		}
		if err != nil {
			return "", nil, unreadable(err)
		}
		if field := part.FormName(); field != "file" && field != "text" {
			continue
		}
		found, err := readPart(part)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return "", nil, unreadable(err)
		}
		if err != nil {
			return "", nil, &Trouble{
				http.StatusBadRequest,
				"The upload broke off",
				err.Error(),
				"Nothing was sent. Choose the file again.",
			}
		}
		if len(found) > draft.MaxBytes {
			v.w.Header().Set("Connection", "close") // what is left of it is not waited for
			return part.FileName(), found, nil
		}
		if len(bytes.TrimSpace(found)) > 0 && len(text) == 0 {
			name, text = part.FileName(), found
		}
	}
	return name, text, nil
}

func readPart(part *multipart.Part) ([]byte, error) {
	return io.ReadAll(io.LimitReader(part, draft.MaxBytes+1))
}

// Sizes of pages of drafts and jobs.
const (
	problemsAtOnce = 50
	eventsAtOnce   = 50
	resultsAtOnce  = 50
)

// mine finds a draft of the person who asks.
func (p *Pages) mine(v *visit) (string, *draft.Draft, error) {
	id := v.PathValue("id")
	d := p.drafts.find(v.session.Caller.ID, id, time.Now())
	if d == nil {
		return "", nil, &Trouble{
			http.StatusNotFound,
			"This draft is gone",
			"Drafts are kept for half an hour, in memory, for who made them. Nothing of it was sent from this page.",
			"Choose the document again.",
		}
	}
	return id, d, nil
}

// draft shows what was found in a document.
func (p *Pages) draft(v *visit) error {
	id, d, err := p.mine(v)
	if err != nil {
		return err
	}
	path := "/capture/drafts/" + id
	page := &web.Draft{
		Frame: v.frame("capture"), Path: path, Name: d.Name, Kind: d.Kind, Events: len(d.Events), Faulty: d.Faulty,
		Problems: d.Problems.Total, Warnings: d.Warnings.Total, Known: d.Known, Sendable: d.Sendable(),
		Table: d.Kind == draft.Table, Whole: d.Kind == draft.Document && d.Faulty == 0 && len(d.Events) <= rollbackEvents,
		Large: len(d.Events) > rollbackEvents,
	}
	for _, problem := range d.Problems.List {
		if problem.Event < 0 {
			page.Fatal++
		}
	}
	page.Found, page.ProblemPager = findings(v, path, "problems", "from", d.Problems.List)
	page.Odd, page.WarningPager = findings(v, path, "warnings", "odd", d.Warnings.List)
	var from, to int
	from, to, page.EventPager = window(v, path, "event", eventsAtOnce, len(d.Events), "events")
	for i, e := range d.Events[from:to] {
		page.Preview = append(page.Preview, viewPreview(from+i, e))
	}
	return v.show(http.StatusOK, "draft", page)
}

// findings are the page of problems or warnings that a query parameter asks for.
func findings(v *visit, path, fragment, parameter string, list []draft.Finding) ([]web.Found, web.Pager) {
	from, to, pager := window(v, path, parameter, problemsAtOnce, len(list), fragment)
	var shown []web.Found
	for _, f := range list[from:to] {
		shown = append(shown, web.Found{
			Line: f.Line, Column: f.Column, Field: f.Field, Pointer: f.Pointer, Code: f.Code, Detail: f.Detail,
		})
	}
	return shown, pager
}

// window is the page of a list that a query parameter asks for.
func window(v *visit, path, parameter string, size, of int, fragment string) (from, to int, pager web.Pager) {
	from, err := strconv.Atoi(v.URL.Query().Get(parameter))
	if err != nil || from < 0 || from >= of {
		from = 0
	}
	to = min(from+size, of)
	pager = web.Pager{From: from + 1, To: to, Of: of}
	address := func(from int) string { return fmt.Sprintf("%s?%s=%d#%s", path, parameter, from, fragment) }
	if from > 0 {
		pager.Previous = address(max(0, from-size))
	}
	if to < of {
		pager.Next = address(to)
	}
	return from, to, pager
}

func viewPreview(n int, e draft.Event) web.Preview {
	view := web.Preview{
		Number: n + 1,
		Line:   e.Line,
		What:   strings.ReplaceAll(e.Step, "_", " "),
		Type:   e.Type,
		Action: e.Action,
		When:   e.Time,
		More:   e.More,
		Where:  viewPlace(e.Place).Text,
		Wrong:  e.Wrong,
		Odd:    e.Odd,
		Known:  e.Known,
	}
	for _, thing := range e.Things {
		amount := thing.Quantity
		if amount != "" && thing.Unit != "" {
			amount += " " + sensor.Unit(thing.Unit)
		}
		view.Things = append(view.Things, web.PreviewThing{URI: thing.URI, Amount: amount})
	}
	for _, r := range e.Readings {
		view.Measured = append(view.Measured, valueText(r.Low, r.Unit)+" by "+sensor.Device(r.Device))
	}
	return view
}

// rollbackEvents is how many events can be sent as one: they are one transaction.
const rollbackEvents = 2_000

// sendDraft sends a draft through the API, and redirects to its job.
func (p *Pages) sendDraft(v *visit) error {
	id, d, err := p.mine(v)
	if err != nil {
		return err
	}
	if !d.Sendable() {
		return v.lead(http.StatusSeeOther, "/capture/drafts/"+id)
	}
	behaviour := "proceed"
	if v.PostForm.Get("behaviour") == "rollback" {
		behaviour = "rollback"
	}
	a, err := v.call(
		http.MethodPost,
		"/epcis/v2/capture",
		"application/json",
		bytes.NewReader(d.JSON),
		"GS1-Capture-Error-Behaviour",
		behaviour,
	)
	if err != nil {
		return err
	}
	p.drafts.drop(id)
	return v.lead(
		http.StatusSeeOther,
		"/capture/jobs/"+url.PathEscape(strings.TrimPrefix(a.header.Get("Location"), "/epcis/v2/capture/")),
	)
}

// jobAnswer is a job as the API tells it.
type jobAnswer struct {
	CaptureID             string
	CreatedAt, FinishedAt time.Time
	Running, Success      bool
	Behaviour             string `json:"captureErrorBehaviour"`
	Waiting               string
	Counts                struct{ Total, Recorded, Duplicate, Rejected, Pending, Warnings int }
	Warnings              []struct {
		Index                 *int
		Code, Pointer, Detail string
	}
	Results []struct {
		Index    int
		State    string
		ID       string
		EventID  string
		Tx       string
		Block    *uint64
		Problems []struct{ Code, Pointer, Detail string }
	}
	NextPageToken string
}

func (j *jobAnswer) view() web.Job {
	c := j.Counts
	return web.Job{
		ID: j.CaptureID, At: j.CreatedAt, Finished: j.FinishedAt, Running: j.Running,
		AllOrNothing: j.Behaviour == "rollback", Waiting: j.Waiting,
		Total: c.Total, Recorded: c.Recorded, Duplicate: c.Duplicate, Rejected: c.Rejected, Pending: c.Pending,
		Warnings: c.Warnings,
	}
}

// viewWarnings sorts the warnings of a job by their event. Those about the document as a whole have the number -1.
func (j *jobAnswer) viewWarnings() map[int][]web.Found {
	byEvent := map[int][]web.Found{}
	for _, w := range j.Warnings {
		event := -1
		if w.Index != nil {
			event = *w.Index
		}
		byEvent[event] = append(byEvent[event], web.Found{Pointer: w.Pointer, Code: w.Code, Detail: w.Detail})
	}
	return byEvent
}

// job shows how a job is doing, and what became of each event.
func (p *Pages) job(v *visit) error {
	id, token := v.PathValue("id"), v.URL.Query().Get("page")
	q := url.Values{"perPage": {strconv.Itoa(resultsAtOnce)}}
	only := v.URL.Query().Get("only") == "refused"
	if only {
		q.Set("results", "rejected")
	} else {
		q.Set("results", "all")
	}
	if token != "" {
		q.Set("nextPageToken", token)
	}
	a, err := v.call(http.MethodGet, "/epcis/v2/capture/"+url.PathEscape(id)+"?"+q.Encode(), "", nil)
	if err != nil {
		return err
	}
	var j jobAnswer
	if err := json.Unmarshal(a.body.Bytes(), &j); err != nil {
		return fmt.Errorf("couldn't read a job: %w", err)
	}
	page := &web.JobPage{
		Frame:       v.frame("capture"),
		Job:         j.view(),
		OnlyRefused: only,
		Path:        "/capture/jobs/" + url.PathEscape(id),
		First:       token == "",
	}
	warnings := j.viewWarnings()
	page.AboutAll, page.WarningsCut = warnings[-1], j.Counts.Warnings > len(j.Warnings)
	for _, r := range j.Results {
		one := web.Result{Number: r.Index + 1, State: r.State, Record: r.ID, EventID: r.EventID, Odd: warnings[r.Index]}
		if r.Block != nil {
			one.Committed, one.Block = true, *r.Block
		}
		for _, problem := range r.Problems {
			one.Problems = append(one.Problems, web.Found{Pointer: problem.Pointer, Code: problem.Code, Detail: problem.Detail})
		}
		page.Results = append(page.Results, one)
	}
	if j.NextPageToken != "" {
		next := url.Values{"page": {j.NextPageToken}}
		if only {
			next.Set("only", "refused")
		}
		page.Next = page.Path + "?" + next.Encode() + "#results"
	}
	if v.Header.Get("X-Pedigree-Part") == "job" {
		return v.part("job", "progress", page)
	}
	return v.show(http.StatusOK, "job", page)
}
