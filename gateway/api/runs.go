package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/runs"
)

// runView is a run that OpenLineage events told about, as the API shows it.
type runView struct {
	RunID       string           `json:"runId"`
	Kind        string           `json:"kind"`
	State       string           `json:"state"`
	Job         *identityView    `json:"job,omitempty"`
	Dataset     *identityView    `json:"dataset,omitempty"`
	EventType   string           `json:"eventType,omitempty"`
	CreatedAt   time.Time        `json:"createdAt"`
	UpdatedAt   time.Time        `json:"updatedAt"`
	EndedAt     time.Time        `json:"endedAt,omitzero"`
	Events      int              `json:"events"`
	Bytes       int              `json:"bytes"`
	Late        int              `json:"late,omitempty"`
	LateEvents  []lateView       `json:"lateEvents,omitempty"`
	Waiting     string           `json:"waiting,omitempty"`
	Inputs      []inputView      `json:"inputs,omitempty"`
	Activity    record.ID        `json:"activity,omitempty"`
	Transaction string           `json:"tx,omitempty"`
	Block       *uint64          `json:"block,omitempty"`
	Used        []string         `json:"used,omitempty"`
	Generated   []runs.Version   `json:"generated,omitempty"`
	Declared    []runs.Version   `json:"declared,omitempty"`
	Extensions  []runs.Extension `json:"more,omitempty"`
	Breaches    []runs.Breach    `json:"breaches,omitempty"`
	LeftOut     []runs.Problem   `json:"left,omitempty"`
	Adjusted    []runs.Problem   `json:"notes,omitempty"`
	Problems    []runs.Problem   `json:"problems,omitempty"`
}

type identityView struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

type inputView struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Ref       string `json:"ref"`
}

type lateView struct {
	EventType string `json:"eventType,omitempty"`
	EventTime string `json:"eventTime"`
}

func viewRun(r runs.Run) runView {
	v := runView{
		RunID: r.ID, Kind: r.Kind, State: string(r.State), EventType: r.Type, CreatedAt: r.CreatedAt,
		UpdatedAt: r.UpdatedAt, EndedAt: r.EndedAt,
		Events: r.Events, Bytes: r.Bytes, Late: r.Late, Waiting: r.Waiting, Activity: r.Activity,
		Transaction: r.Transaction,
		Used:        r.Used, Generated: r.Generated, Declared: r.Declared, Problems: r.Problems,
		Extensions: r.Extensions, Breaches: r.Breaches, LeftOut: r.LeftOut, Adjusted: r.Adjusted,
	}
	of := &identityView{r.Job.Namespace, r.Job.Name}
	if r.Kind == "dataset" {
		v.Dataset, v.EventType = of, ""
	} else {
		v.Job = of
	}
	if r.Transaction != "" {
		v.Block = &r.Block
	}
	for _, in := range r.Inputs {
		v.Inputs = append(v.Inputs, inputView{in.Namespace, in.Name, in.Ref})
	}
	for _, e := range r.LateEvents {
		v.LateEvents = append(v.LateEvents, lateView{e.EventType, e.EventTime})
	}
	return v
}

// runsView is one page of runs. It isn't of the ledger, so it has no block.
type runsView struct {
	Items []runView `json:"items"`
	Next  string    `json:"nextPageToken,omitempty"`
}

// listRuns lists the runs that this gateway has been told about.
func (s *Server) listRuns(c *call) error {
	after := int64(0)
	if t := c.value("pageToken"); t != "" {
		text, err := cursor("pageToken", t)
		if err == nil {
			after, err = strconv.ParseInt(text, 10, 64)
		}
		if err != nil || after <= 0 {
			return damaged("pageToken")
		}
	}
	f := runs.Filter{State: runs.State(c.value("state")), Job: c.value("job"), MSPID: c.caller.Identity.MSPID}
	list, next, err := s.Runs.List(c.Request.Context(), f, after, min(max(c.number("pageSize"), 1), index.MaxPage))
	if err != nil {
		return err
	}
	page := runsView{Items: make([]runView, len(list))}
	for i, r := range list {
		page.Items[i] = viewRun(r)
	}
	if next > 0 {
		page.Next = opaque(strconv.FormatInt(next, 10))
	}
	return c.answer(http.StatusOK, page)
}

// runByID tells how a run is doing.
func (s *Server) runByID(c *call) error {
	r, err := s.Runs.Get(c.Request.Context(), c.caller.Identity.MSPID, c.value("runId"))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, viewRun(r))
}
