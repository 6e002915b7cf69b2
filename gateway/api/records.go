package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// recordView is a record as the API shows it.
type recordView struct {
	ID         string          `json:"id"`
	Noun       record.Noun     `json:"noun"`
	Ref        string          `json:"ref,omitempty"`
	Record     json.RawMessage `json:"record"`
	Recordings []recordingView `json:"recordings"`
	// MoreRecordings are not listed: organisations recorded it more often than is told of each.
	MoreRecordings int           `json:"moreRecordings,omitempty"`
	Status         []string      `json:"status,omitempty"`
	Statements     []index.Claim `json:"statements,omitempty"`
	// CountsAs is the kind that a statement counts as, if that isn't the one that it states. Standing says why.
	CountsAs string `json:"countsAs,omitempty"`
	Standing string `json:"standing,omitempty"`
	// Prefixes are the company prefixes that a member claims.
	Prefixes []index.Prefix `json:"prefixes,omitempty"`
	// About is what an artifact's card says.
	About *about.Description `json:"about,omitempty"`
}

type recordingView struct {
	MSPID       string    `json:"mspId"`
	Subject     string    `json:"subject"`
	Transaction string    `json:"tx"`
	Block       uint64    `json:"block"`
	Position    int       `json:"position"`
	Line        int       `json:"line"`
	Time        time.Time `json:"time"`
	// Actor is who had it made, which only operators and auditors of the organisation are told.
	Actor *actorView `json:"actor,omitempty"`
}

func viewRecording(r index.Recording) recordingView {
	return recordingView{r.MSPID, r.Subject, r.TxID, r.Block, r.Position, r.Line, r.Time.UTC(), nil}
}

func viewRecord(r index.Record) recordView {
	v := recordView{ID: r.ID, Noun: r.Noun, Record: r.Body, Recordings: []recordingView{viewRecording(r.Recording)}}
	if r.Noun == record.NounArtifact {
		v.Ref = refOf(r.Body)
	}
	return v
}

// refOf reads an artifact's name from its body.
func refOf(body []byte) string {
	v, err := canonical.Parse(body, canonical.Limits{})
	if err != nil {
		return ""
	}
	return record.ArtifactRef{
		Kind: v.Get(
			"kind",
		).Text, Namespace: v.Get("namespace").Text, Name: v.Get("name").Text, Version: v.Get("version").Text,
	}.String()
}

// listView is one page of anything.
type listView[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"nextPageToken,omitempty"`
	Block uint64 `json:"block"`
}

// listed answers with a page of records.
func listed[T any](c *call, list index.List[T], recordOf func(T) index.Record) error {
	page := listView[recordView]{Items: make([]recordView, len(list.Items)), Next: list.Next, Block: list.Block}
	for i, item := range list.Items {
		page.Items[i] = viewRecord(recordOf(item))
	}
	return c.answer(http.StatusOK, page)
}

// listRecords lists records of any noun.
func (s *Server) listRecords(c *call) error {
	f := index.RecordFilter{Noun: record.Noun(c.value("noun")), MSPID: c.value("org"), TxID: c.value("tx")}
	for name, into := range map[string]**uint64{"fromBlock": &f.FromBlock, "toBlock": &f.ToBlock} {
		if c.value(name) != "" {
			n := uint64(c.number(name))
			*into = &n
		}
	}
	list, err := s.Index.Records(c.Request.Context(), f, c.at(), c.page())
	if err != nil {
		return err
	}
	return listed(c, list, func(r index.Record) index.Record { return r })
}

// recordByID reads any record.
func (s *Server) recordByID(c *call) error {
	id, err := c.recordID()
	if err != nil {
		return err
	}
	if c.value("format") == "raw" {
		r, err := s.Index.Record(c.Request.Context(), id, c.at())
		if err != nil {
			return err
		}
		// A record never changes, so whoever has it may keep it.
		c.Header("Cache-Control", "private, max-age=31536000, immutable")
		c.Header("ETag", `"`+r.ID+`"`)
		c.send(http.StatusOK, "application/json", r.Body)
		return nil
	}
	return s.showRecord(c, id, "")
}

// recordID is the path's record id in full.
func (c *call) recordID() (string, error) {
	id := c.value("id")
	if !strings.Contains(id, ":") {
		id = "ni:///sha-256;" + id
	}
	if _, err := record.ParseID(id); err != nil {
		return "", problem.WrongParameter("id", "%v", err)
	}
	return id, nil
}

// showRecord answers with one record, of the noun that is wanted if one is.
func (s *Server) showRecord(c *call, id string, noun record.Noun) error {
	ctx, at := c.Request.Context(), c.at()
	r, err := s.Index.Record(ctx, id, at)
	if err != nil {
		return err
	}
	if noun != "" && r.Noun != noun {
		return problem.New(problem.NotFound, "%s is of the noun %s; /v1/records/ has every record", r.ID, r.Noun)
	}
	v := viewRecord(*r)
	if err := s.complete(ctx, &v, at); err != nil {
		return err
	}
	if err := s.actors(c, v.Recordings); err != nil {
		return err
	}
	if r.Noun == record.NounStatement {
		if err := s.weigh(ctx, &v, r); err != nil {
			return err
		}
	}
	c.Header("ETag", `"`+v.ID+`"`)
	return c.answer(http.StatusOK, v)
}

// weigh adds what a statement counts as.
func (s *Server) weigh(ctx context.Context, v *recordView, r *index.Record) error {
	w, err := s.Index.Weigh(ctx, r)
	if err != nil {
		return err
	}
	if v.Standing = w.Standing; w.Stated != "" {
		v.CountsAs = w.Kind
	}
	return nil
}

// eachRecordings is how many recordings are told of each organisation.
const eachRecordings = 8

// complete adds what lists leave out: the other recordings, and what statements say.
func (s *Server) complete(ctx context.Context, v *recordView, at uint64) error {
	all, more, err := s.Index.FirstRecordings(ctx, v.ID, at, eachRecordings)
	if err != nil {
		return err
	}
	v.Recordings, v.MoreRecordings = v.Recordings[:0], more
	for _, r := range all {
		v.Recordings = append(v.Recordings, viewRecording(r))
	}
	node := v.ID
	if v.Ref != "" {
		node = v.Ref
	}
	status, err := s.Index.Status(ctx, node, at)
	if err != nil {
		return err
	}
	v.Status, v.Statements = status.Flags, status.Claims
	if v.Noun == record.NounEvent {
		flags, err := lineage.EventFlags(ctx, s.Index, v.ID, at)
		if err != nil {
			return err
		}
		v.Status = append(v.Status, flags...)
	}
	if v.Noun == record.NounArtifact {
		v.About = aboutArtifact(v.Record)
	}
	return nil
}
