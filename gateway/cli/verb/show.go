package verb

import (
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
	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/cli/text"
)

// Show returns the verb that prints what an identifier names.
func Show() *cobra.Command {
	var t client.Target
	var raw, card bool
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show a record, an artifact, an event, a thing or a transaction",
		Long: `Print what ID names:

  a record            ni:///sha-256;…, or the hexadecimal digits alone
  an artifact         dataset/lab/temperatures@1; without @1, all its versions
  an event            its event id or event hash id
  a thing             EPC URN or GS1 Digital Link; prints its events and claims
  a transaction       its id; prints its records
` + client.TargetHelp,
		Example: `  pedigree show --as market model/lab/spoilage@1
  pedigree show --as market urn:epc:class:lgtin:952005.0101010.A
  pedigree show --as lab --raw 052d7115c44a… | sha256sum
  pedigree show --as market --card model/lab/spoilage@1 > README.md`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			gateway, err := t.Client()
			if err != nil {
				return err
			}
			if card {
				call, err := cardPath(client.ID(args[0]))
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
				answer, err := gateway.Do(c.Context(), client.Call{
					Method: http.MethodGet, Path: client.RecordPath(client.ID(args[0])),
					Query: url.Values{"format": {"raw"}},
				})
				if err != nil {
					return err
				}
				_, err = c.OutOrStdout().Write(answer.Body)
				return err
			}
			found, err := finder{gateway}.find(c.Context(), client.ID(args[0]))
			if err != nil {
				return err
			}
			if t.JSON {
				return terminal.JSON(c.OutOrStdout(), found.body)
			}
			return found.print(c.OutOrStdout())
		},
	}
	t.AddFlags(c)
	c.Flags().BoolVar(&card, "card", false, "print the card of an artifact version, byte for byte")
	c.Flags().BoolVar(&raw, "raw", false, "print the canonical bytes of a record; their SHA-256 is the record id")
	return c
}

// found is the answer of the gateway and a function that prints it as text.
type found struct {
	body  []byte
	print func(io.Writer) error
}

// finder asks a gateway what an identifier names.
type finder struct{ *client.Client }

// find tries every meaning that an identifier can have, the most exact first.
func (c finder) find(ctx context.Context, id string) (*found, error) {
	var tries []func(context.Context, string) (*found, error)
	node, kind, err := record.ParseNode(id)
	digits := strings.TrimPrefix(id, "ni:///sha-256;")
	switch {
	case len(digits) == 64 && !strings.ContainsAny(digits, "/:"):
		tries = append(tries, c.findRecord, c.findTransaction)
	case err == nil && kind == record.NodeArtifact:
		return c.findRecordAt(ctx, client.ArtifactPath(node))
	case err == nil && kind == record.NodeThing:
		tries = append(tries, c.findEvents, c.findThing)
	case strings.Contains(id, "?ver="):
		tries = append(tries, c.findEvents)
	default:
		if _, err := record.ParseArtifactRef(id + "@0"); err == nil {
			return c.findList(ctx, client.ArtifactPath(id), nil)
		}
		return nil, exit.With(exit.Usage, err)
	}
	for _, try := range tries {
		answer, err := try(ctx, id)
		var p *client.Problem
		if errors.As(err, &p) && (p.Status == http.StatusNotFound || p.Status == http.StatusBadRequest) {
			continue
		}
		return answer, err
	}
	return nil, exit.Refusedf("the ledger knows nothing of %s", terminal.Plain(id))
}

func (c finder) findRecord(ctx context.Context, id string) (*found, error) {
	return c.findRecordAt(ctx, client.RecordPath(id))
}

func (c finder) findRecordAt(ctx context.Context, path string) (*found, error) {
	answer, err := c.Do(ctx, client.Call{Method: http.MethodGet, Path: path})
	if err != nil {
		return nil, err
	}
	var v client.View
	if err := answer.Decode(&v); err != nil {
		return nil, err
	}
	return &found{answer.Body, func(w io.Writer) error { return text.Record(w, v) }}, nil
}

func (c finder) findTransaction(ctx context.Context, id string) (*found, error) {
	return c.findList(ctx, "/v1/records", url.Values{"tx": {id}})
}

func (c finder) findList(ctx context.Context, path string, query url.Values) (*found, error) {
	answer, err := c.Do(ctx, client.Call{Method: http.MethodGet, Path: path, Query: query})
	if err != nil {
		return nil, err
	}
	var list client.Views
	if err := answer.Decode(&list); err != nil {
		return nil, err
	}
	if len(list.Items) == 0 {
		return nil, &client.Problem{Status: http.StatusNotFound, Title: "Not found"}
	}
	return &found{answer.Body, func(w io.Writer) error {
		lines := terminal.Lines{Out: w}
		for _, v := range list.Items {
			lines.Print("%s", text.Line(v))
		}
		if list.NextPageToken != "" {
			lines.Print("… and more; --json has the token of the next page")
		}
		return lines.Err
	}}, nil
}

func (c finder) findEvents(ctx context.Context, id string) (*found, error) {
	return c.events(ctx, "/epcis/v2/events/"+url.PathEscape(id), nil)
}

// findThing finds what the ledger says about a thing: its events, its sources and containers, decisions and claims.
func (c finder) findThing(ctx context.Context, id string) (*found, error) {
	query := url.Values{"node": {id}, "direction": {"both"}, "depth": {"1"}}
	answer, err := c.Do(ctx, client.Call{Method: http.MethodGet, Path: "/v1/lineage", Query: query})
	if err != nil {
		return nil, err
	}
	var graph client.Graph
	if err := answer.Decode(&graph); err != nil {
		return nil, err
	}
	graph.Truncated = nil // the question was for one step only
	var claims client.Views
	if err := c.Get(ctx, "/v1/statements", url.Values{"about": {id}}, &claims); err != nil {
		return nil, err
	}
	return &found{answer.Body, func(w io.Writer) error {
		for _, claim := range claims.Items {
			fmt.Fprintln(w, text.Line(claim))
		}
		return text.Graph(w, graph, false)
	}}, nil
}

// events returns nil, and no error, for an empty list.
func (c finder) events(ctx context.Context, path string, query url.Values) (*found, error) {
	answer, err := c.Do(ctx, client.Call{Method: http.MethodGet, Path: path, Query: query})
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
	if err := answer.Decode(&document); err != nil {
		return nil, err
	}
	events := document.Body.Results.Body.Events
	if len(events) == 0 {
		return nil, nil
	}
	return &found{answer.Body, func(w io.Writer) error { return text.Events(w, events) }}, nil
}
