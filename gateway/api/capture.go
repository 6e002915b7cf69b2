package api

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/capture"
	"github.com/pedigree-ledger/pedigree/gateway/intake"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// capture takes a document of events and queues it.
func (s *Server) capture(c *call) (err error) {
	s.captureLimits(c.Writer.Header(), c.op, c.value("GS1-Capture-Error-Behaviour"))
	defer func() {
		if err != nil {
			// Else the server would wait for some more of the body before it answers, in order to keep the connection.
			c.Header("Connection", "close")
		}
	}()
	// Who would be turned away at the end is told so before a gigabyte has been sent.
	if err := s.Queue.Room(c.caller.Signer, max(0, c.Request.ContentLength)); err != nil {
		return err
	}
	release, err := s.captures.Take(c.Request.Context(), c.caller.ID)
	if err != nil {
		return err
	}
	defer release()
	if err := s.hear(c); err != nil {
		return err
	}
	job, err := s.takeDocument(c)
	if err != nil {
		return err
	}
	c.Header("Location", "/epcis/v2/capture/"+url.PathEscape(job.ID))
	return c.answer(http.StatusAccepted, viewJob(job))
}

// takeDocument reads the document into the queue, and makes a job of it once all of it has been understood.
func (s *Server) takeDocument(c *call) (capture.Job, error) {
	ctx, behaviour := c.Request.Context(), capture.Behaviour(c.value("GS1-Capture-Error-Behaviour"))
	body, err := c.open()
	if err != nil {
		return capture.Job{}, err
	}
	defer body.Close()
	queue, err := s.Queue.Begin(
		capture.Request{Owner: c.caller.ID, Identity: c.caller.Signer, Function: "Events:Submit", Behaviour: behaviour},
	)
	if err != nil {
		return capture.Job{}, err
	}
	defer queue.Discard()
	in := intake.New(
		ctx,
		intake.Config{
			Index:     s.Index,
			Sink:      queue,
			MSPID:     c.caller.Identity.MSPID,
			Behaviour: behaviour,
			Limit:     s.captureLimit(),
		},
	)
	if err := in.Finish(readEvents(in, body)); err != nil {
		return capture.Job{}, malformed(err)
	}
	return queue.Commit(ctx)
}

// readEvents gives a document to an intake, by the form that its media type names.
func readEvents(in *intake.Intake, b *body) error {
	if b.media == ndjson {
		return in.Lines(b)
	}
	return in.Document(b)
}

// ndjson is the media type of newline-delimited JSON.
const ndjson = "application/x-ndjson"

// jobView is a capture job as EPCIS 2.0 describes it, and with what became of each event.
type jobView struct {
	CaptureID  string       `json:"captureID"`
	CreatedAt  time.Time    `json:"createdAt"`
	FinishedAt time.Time    `json:"finishedAt,omitzero"`
	Running    bool         `json:"running"`
	Success    bool         `json:"success"`
	Behaviour  string       `json:"captureErrorBehaviour"`
	Errors     []jobError   `json:"errors"`
	Warnings   []jobWarning `json:"warnings"`
	Counts     jobCounts    `json:"counts"`
	Waiting    string       `json:"waiting,omitempty"`
	Results    []resultView `json:"results,omitempty"`
	Next       string       `json:"nextPageToken,omitempty"`
}

type jobCounts struct {
	Total     int `json:"total"`
	Recorded  int `json:"recorded"`
	Duplicate int `json:"duplicate"`
	Rejected  int `json:"rejected"`
	Pending   int `json:"pending"`
	Warnings  int `json:"warnings"`
}

// jobWarning is what is odd about an event that was taken, or about the document.
type jobWarning struct {
	Index    *int   `json:"index,omitempty"` // of the event; the document's have none
	Code     string `json:"code"`
	Pointer  string `json:"pointer"`
	Detail   string `json:"detail"`
	Existing string `json:"existing,omitempty"`
}

// jobError is a problem of the standard's form.
type jobError struct {
	Type     string           `json:"type"`
	Title    string           `json:"title"`
	Status   int              `json:"status"`
	Detail   string           `json:"detail"`
	Instance string           `json:"instance"`
	Problems []problem.Reason `json:"problems"`
}

type resultView struct {
	Index       int              `json:"index"`
	State       string           `json:"state"`
	ID          record.ID        `json:"id,omitempty"`
	EventID     string           `json:"eventID,omitempty"`
	Transaction string           `json:"tx,omitempty"`
	Block       *uint64          `json:"block,omitempty"`
	Problems    []problem.Reason `json:"problems,omitempty"`
}

func viewJob(j capture.Job) jobView {
	return jobView{
		CaptureID: j.ID, CreatedAt: j.CreatedAt.UTC(), FinishedAt: j.FinishedAt.UTC(), Running: j.Running(),
		Success:   j.Rejected == 0,
		Behaviour: string(j.Behaviour), Errors: []jobError{}, Waiting: j.Waiting,
		Counts: jobCounts{
			Total: j.Total, Recorded: j.Recorded, Duplicate: j.Duplicate, Rejected: j.Rejected,
			Pending: j.Total - j.Recorded - j.Duplicate - j.Rejected, Warnings: j.Warnings.Total,
		},
		Warnings: viewWarnings(j.Warnings.List),
	}
}

func viewWarnings(list []record.Problem) []jobWarning {
	views := make([]jobWarning, len(list))
	for i, w := range list {
		views[i] = jobWarning{Code: w.Code, Pointer: w.Pointer, Detail: w.Detail, Existing: w.Existing}
		if w.Index >= 0 {
			views[i].Index = &w.Index
		}
	}
	return views
}

func viewResult(r capture.Result) resultView {
	v := resultView{
		Index:       r.Index,
		State:       string(r.State),
		ID:          r.RecordID,
		EventID:     r.EventID,
		Transaction: r.TransactionID,
	}
	if r.TransactionID != "" {
		v.Block = &r.Block
	}
	for _, p := range r.Problems {
		v.Problems = append(v.Problems, problem.ReasonOf(p, true))
	}
	return v
}

// captureJobs lists the jobs of this gateway.
func (s *Server) captureJobs(c *call) error {
	after, err := cursor("nextPageToken", c.value("nextPageToken"))
	if err != nil {
		return err
	}
	jobs, next, err := s.Queue.Jobs(c.Request.Context(), "", after, c.epcisSize())
	if err != nil {
		return err
	}
	views := make([]jobView, len(jobs))
	for i, j := range jobs {
		views[i] = viewJob(j) // how many warnings there are; the job itself lists them
	}
	c.linkNext(opaque(next))
	return c.answer(http.StatusOK, views)
}

// captureJob tells how a job is doing.
func (s *Server) captureJob(c *call) error {
	ctx, id := c.Request.Context(), c.value("id")
	job, err := s.Queue.Job(ctx, id)
	if err != nil {
		return err
	}
	if job.Warnings, err = s.Queue.Warnings(ctx, id); err != nil {
		return err
	}
	view := viewJob(job)
	if job.Rejected > 0 {
		rejected, _, err := s.Queue.Results(ctx, id, 0, maxErrors, capture.Rejected)
		if err != nil {
			return err
		}
		for _, r := range rejected {
			view.Errors = append(view.Errors, errorOf(id, viewResult(r)))
		}
	}
	if what := c.value("results"); what != "none" {
		if err := s.listResults(c, &view, what); err != nil {
			return err
		}
	}
	c.linkNext(view.Next)
	return c.answer(http.StatusOK, view)
}

// maxErrors is how many refused events the standard's list of errors has; the results have them all.
const maxErrors = 10

func (s *Server) listResults(c *call, view *jobView, what string) error {
	from := 0
	if t := c.value("nextPageToken"); t != "" {
		after, err := cursor("nextPageToken", t)
		if err != nil {
			return err
		}
		if from, err = strconv.Atoi(after); err != nil || from < 0 {
			return damaged("nextPageToken")
		}
	}
	only := capture.State("")
	if what == "rejected" {
		only = capture.Rejected
	}
	results, next, err := s.Queue.Results(c.Request.Context(), view.CaptureID, from, c.epcisSize(), only)
	if err != nil {
		return err
	}
	for _, r := range results {
		view.Results = append(view.Results, viewResult(r))
	}
	if next >= 0 {
		view.Next = opaque(strconv.Itoa(next))
	}
	return nil
}

func errorOf(job string, r resultView) jobError {
	e := jobError{
		Type: "epcisException:ValidationException", Title: problem.Invalid.Title, Status: http.StatusBadRequest,
		Instance: fmt.Sprintf("/epcis/v2/capture/%s#%d", url.PathEscape(job), r.Index), Problems: r.Problems,
	}
	if len(r.Problems) > 0 {
		e.Detail = fmt.Sprintf("event %d: %s", r.Index, r.Problems[0].Detail)
		kind := problem.KindOf(r.Problems[0].Code)
		e.Type, e.Title, e.Status = "epcisException:"+kind.EPCIS(http.MethodPost), kind.Title, kind.Status
	}
	return e
}

// opaque and cursor keep page tokens opaque.
func opaque(cursor string) string {
	if cursor == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(cursor))
}

// cursor reads the page token in a parameter.
func cursor(parameter, token string) (string, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return "", damaged(parameter)
	}
	return string(raw), nil
}

func damaged(parameter string) error {
	return problem.WrongParameter(parameter, "the page token is damaged; ask for the first page again")
}
