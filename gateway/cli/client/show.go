package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Show prints whatever an identifier names.
func Show() *cobra.Command {
	var t Target
	var raw, card bool
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show a record, an artifact, an event, a thing or a transaction",
		Long: `Show what an identifier names. ID is

  a record id (ni:///sha-256;…, or its hexadecimal digits alone)
  an artifact version (dataset/lab/temperatures@1), or all of them without @
  an event id or event hash id
  a thing: EPC URN or GS1 Digital Link; its events and what is claimed about it
  a transaction id: the records of it
` + whereHelp,
		Example: `  pedigree show --as market model/lab/spoilage@1
  pedigree show --as market urn:epc:class:lgtin:952005.0101010.A
  pedigree show --as lab --raw 052d7115c44a… | sha256sum
  pedigree show --as market --card model/lab/spoilage@1 > README.md`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			gateway, err := t.client()
			if err != nil {
				return err
			}
			if card {
				call, err := cardPath(spell(args[0]))
				if err != nil {
					return err
				}
				answer, err := gateway.Do(c.Context(), call)
				if err != nil {
					return err
				}
				_, err = c.OutOrStdout().Write(answer.Body)
				return err
			}
			if raw {
				answer, err := gateway.Do(c.Context(), Call{Method: http.MethodGet, Path: recordPath(spell(args[0])), Query: url.Values{"format": {"raw"}}})
				if err != nil {
					return err
				}
				_, err = c.OutOrStdout().Write(answer.Body)
				return err
			}
			found, err := gateway.find(c.Context(), spell(args[0]))
			if err != nil {
				return err
			}
			if t.json {
				return printJSON(c.OutOrStdout(), found.body)
			}
			return found.print(c.OutOrStdout())
		},
	}
	t.flags(c)
	c.Flags().BoolVar(&card, "card", false, "print the card of an artifact version, byte for byte as it was registered")
	c.Flags().BoolVar(&raw, "raw", false, "print the canonical bytes of a record, whose SHA-256 is its id")
	return c
}

// found is an answer, and how to show it to people.
type found struct {
	body  []byte
	print func(io.Writer) error
}

// find tries the meanings that an identifier can have, the exact ones first.
func (c *Client) find(ctx context.Context, id string) (*found, error) {
	var tries []func(context.Context, string) (*found, error)
	node, kind, err := record.ParseNode(id)
	digits := strings.TrimPrefix(id, "ni:///sha-256;")
	switch {
	case len(digits) == 64 && !strings.ContainsAny(digits, "/:"):
		tries = append(tries, c.findRecord, c.findTransaction)
	case err == nil && kind == record.NodeArtifact:
		return c.findRecordAt(ctx, artifactPath(node))
	case err == nil && kind == record.NodeThing:
		tries = append(tries, c.findEvents, c.findThing)
	case strings.Contains(id, "?ver="):
		tries = append(tries, c.findEvents)
	default:
		if _, err := record.ParseArtifactRef(id + "@0"); err == nil {
			return c.findList(ctx, artifactPath(id), nil)
		}
		return nil, failure{err, ExitUsage}
	}
	for _, try := range tries {
		answer, err := try(ctx, id)
		var p *Problem
		if errors.As(err, &p) && (p.Status == http.StatusNotFound || p.Status == http.StatusBadRequest) {
			continue
		}
		return answer, err
	}
	return nil, failure{fmt.Errorf("the ledger knows nothing of %s", plain(id)), ExitRefused}
}

func (c *Client) findRecord(ctx context.Context, id string) (*found, error) {
	return c.findRecordAt(ctx, recordPath(id))
}

func (c *Client) findRecordAt(ctx context.Context, path string) (*found, error) {
	answer, err := c.Do(ctx, Call{Method: http.MethodGet, Path: path})
	if err != nil {
		return nil, err
	}
	var v View
	if err := decode(answer.Body, &v); err != nil {
		return nil, err
	}
	return &found{answer.Body, v.print}, nil
}

func (c *Client) findTransaction(ctx context.Context, id string) (*found, error) {
	return c.findList(ctx, "/v1/records", url.Values{"tx": {id}})
}

func (c *Client) findList(ctx context.Context, path string, query url.Values) (*found, error) {
	answer, err := c.Do(ctx, Call{Method: http.MethodGet, Path: path, Query: query})
	if err != nil {
		return nil, err
	}
	var list Views
	if err := decode(answer.Body, &list); err != nil {
		return nil, err
	}
	if len(list.Items) == 0 {
		return nil, &Problem{Status: http.StatusNotFound, Title: "Not found"}
	}
	return &found{answer.Body, func(w io.Writer) error {
		for _, v := range list.Items {
			fmt.Fprintln(w, v.line())
		}
		if list.NextPageToken != "" {
			fmt.Fprintln(w, "… and more; --json has the token of the next page")
		}
		return nil
	}}, nil
}

func (c *Client) findEvents(ctx context.Context, id string) (*found, error) {
	return c.events(ctx, "/epcis/v2/events/"+url.PathEscape(id), nil)
}

// findThing shows what the ledger says about a thing: its events, what it was
// made of or packed in, decisions and claims.
func (c *Client) findThing(ctx context.Context, id string) (*found, error) {
	answer, err := c.Do(ctx, Call{Method: http.MethodGet, Path: "/v1/lineage", Query: url.Values{"node": {id}, "direction": {"both"}, "depth": {"1"}}})
	if err != nil {
		return nil, err
	}
	var graph Graph
	if err := decode(answer.Body, &graph); err != nil {
		return nil, err
	}
	graph.Truncated = nil // one step was asked for, not all that there is
	var claims Views
	if err := c.Get(ctx, "/v1/statements", url.Values{"about": {id}}, &claims); err != nil {
		return nil, err
	}
	return &found{answer.Body, func(w io.Writer) error {
		for _, claim := range claims.Items {
			fmt.Fprintln(w, claim.line())
		}
		return graph.Print(w)
	}}, nil
}

// events answers nil, without an error, for an empty list.
func (c *Client) events(ctx context.Context, path string, query url.Values) (*found, error) {
	answer, err := c.Do(ctx, Call{Method: http.MethodGet, Path: path, Query: query})
	if err != nil {
		return nil, err
	}
	var document struct {
		Body struct {
			Results struct {
				Body struct {
					Events []json.RawMessage `json:"eventList"`
				} `json:"resultsBody"`
			} `json:"queryResults"`
		} `json:"epcisBody"`
	}
	if err := decode(answer.Body, &document); err != nil {
		return nil, err
	}
	events := document.Body.Results.Body.Events
	if len(events) == 0 {
		return nil, nil
	}
	return &found{answer.Body, func(w io.Writer) error {
		for _, text := range events {
			if len(events) == 1 {
				return printJSON(w, text)
			}
			var e struct {
				Type, EventTime, BizStep, Disposition, EventID string
			}
			if err := decode(text, &e); err != nil {
				return err
			}
			fmt.Fprintf(w, "%s  %s %s %s\n    %s\n", plain(e.EventTime), plain(e.Type), plain(e.BizStep), plain(e.Disposition), plain(e.EventID))
		}
		return nil
	}}, nil
}

// line says in a few words what a record is.
func (v View) line() string {
	var r struct {
		Type, Name, PredicateType string
		Predicate                 struct{ Reason, Detail, Scope, Note string }
	}
	what := v.Noun
	if json.Unmarshal(v.Record, &r) == nil {
		switch v.Noun {
		case "artifact":
			what = v.Ref
		case "activity":
			what = r.Type
		case "member":
			what = "member " + r.Name
		case "statement":
			kind := strings.TrimSuffix(r.PredicateType, "/v1")
			what = kind[strings.LastIndexByte(kind, '/')+1:]
			for _, words := range []string{r.Predicate.Reason, r.Predicate.Detail, r.Predicate.Scope, r.Predicate.Note} {
				if words != "" {
					what += ": " + words
					break
				}
			}
		}
	}
	by := ""
	if len(v.Recordings) > 0 {
		by = fmt.Sprintf("  by %s in block %d", v.Recordings[0].MSPID, v.Recordings[0].Block)
	}
	return plain(what) + plain(by) + "\n    " + plain(v.ID)
}

// print shows a record to people: who recorded it, what is said about it, and
// what it says.
func (v View) print(w io.Writer) error {
	name := v.Noun
	if v.Ref != "" {
		name = v.Ref
	}
	fmt.Fprintf(w, "%s\n%s\n", plain(name), plain(v.ID))
	for i, r := range v.Recordings {
		how := "recorded by"
		if i > 0 {
			how = "and by"
		}
		fmt.Fprintf(w, "  %-11s %s in block %d, %s\n", how, plain(r.MSPID), r.Block, r.Time.Format("2006-01-02 15:04:05 MST"))
	}
	if len(v.Status) > 0 {
		fmt.Fprintf(w, "  %-11s %s\n", "status", plain(strings.Join(v.Status, ", ")))
	}
	for _, s := range v.Statements {
		retracted := ""
		if s.Retracted {
			retracted = ", retracted"
		}
		fmt.Fprintf(w, "  %-11s by %s in block %d%s  %s\n", plain(s.Kind), plain(s.MSPID), s.Block, retracted, plain(s.ID))
	}
	printAbout(w, v.About)
	var out bytes.Buffer
	if err := json.Indent(&out, abridged(v.Record), "", "  "); err != nil {
		return fmt.Errorf("couldn't understand the record: %w", err)
	}
	for line := range strings.Lines(out.String()) {
		fmt.Fprintln(w, plain(strings.TrimSuffix(line, "\n")))
	}
	return nil
}
