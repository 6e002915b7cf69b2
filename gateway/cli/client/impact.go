package client

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Impact tells what something touched, and who has to know.
func Impact() *cobra.Command {
	var t Target
	var asCSV bool
	var depth, limit int
	var at string
	c := &cobra.Command{
		Use:   "impact NODE|ORGANISATION",
		Short: "What something touched, why, and who has acknowledged its recall",
		Long: `Sum up what NODE touched: a dataset or model, an event, a thing, a run, or a
recall, which has the impact of all that it is about. Or what all that an
ORGANISATION recorded touched, which is named by its MSP id or as it calls itself.

The summary tells what was touched of whom, what is still on the move, which
recalls reach it and who has acknowledged them. --csv has a line for each node, with
the path that says why; --json has everything.
` + whereHelp,
		Example: `  pedigree impact --as market dataset/lab/temperatures@1
  pedigree impact --as harbor 052d7115c44a… --csv > recall.csv
  pedigree impact --as lab MarketMSP`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if t.json && asCSV {
				return usage("--json and --csv ask for two answers; give one of them")
			}
			gateway, err := t.client()
			if err != nil {
				return err
			}
			query := url.Values{}
			if node := spell(args[0]); isNode(node) {
				query.Set("node", node)
			} else if query["organisation"], err = gateway.organisation(c.Context(), args[0]); err != nil {
				return err
			}
			for name, value := range map[string]int{"depth": depth, "limit": limit} {
				if c.Flags().Changed(name) {
					query.Set(name, strconv.Itoa(value))
				}
			}
			if at != "" {
				query.Set("at", at)
			}
			if asCSV {
				query.Set("format", "csv")
			}
			answer, err := gateway.Do(c.Context(), Call{Method: http.MethodGet, Path: "/v1/impact", Query: query, Accept: "*/*"})
			if err != nil {
				return err
			}
			switch {
			case asCSV:
				_, err := c.OutOrStdout().Write(answer.Body)
				return err
			case t.json:
				return printJSON(c.OutOrStdout(), answer.Body)
			}
			var im Touched
			if err := decode(answer.Body, &im); err != nil {
				return err
			}
			im.Asked = args[0]
			return im.Print(c.OutOrStdout())
		},
	}
	t.flags(c)
	c.Flags().BoolVar(&asCSV, "csv", false, "print a table with a line for each node that was touched")
	c.Flags().IntVar(&depth, "depth", 0, "steps to walk; all of them if left out")
	c.Flags().IntVar(&limit, "limit", 0, "the greatest number of nodes; 10000 if left out")
	c.Flags().StringVar(&at, "at", "", "answer as it was after this block, or at this date and time")
	return c
}

func isNode(text string) bool {
	_, _, err := record.ParseNode(text)
	return err == nil
}

// organisation finds the MSP id of an organisation by what it is called. What nobody is called so is taken for an MSP id.
func (c *Client) organisation(ctx context.Context, name string) ([]string, error) {
	var members struct {
		Items []struct {
			Record struct {
				MSPID string `json:"mspId"`
				Name  string `json:"name"`
			} `json:"record"`
		} `json:"items"`
	}
	if err := c.Get(ctx, "/v1/members", nil, &members); err != nil {
		return nil, err
	}
	for _, m := range members.Items {
		if m.Record.MSPID == name || strings.EqualFold(m.Record.Name, name) {
			return []string{m.Record.MSPID}, nil
		}
	}
	return []string{name}, nil
}

// Touched is the gateway's answer about an impact, as far as the command line reads it.
type Touched struct {
	Node          string `json:"node"`
	Organisation  string `json:"organisation"`
	Starts        int    `json:"starts"`
	Block         uint64 `json:"block"`
	Total         int    `json:"total"`
	Organisations []struct {
		MSPID          string              `json:"mspId"`
		Total          int                 `json:"total"`
		Kinds          map[string][]string `json:"kinds"`
		Recalled       int                 `json:"recalled"`
		OnTheMove      int                 `json:"onTheMove"`
		Unacknowledged []string            `json:"unacknowledged"`
	} `json:"organisations"`
	Touched []struct {
		ID           string   `json:"id"`
		Kind         string   `json:"kind"`
		Name         string   `json:"name"`
		MSPID        string   `json:"mspId"`
		Depth        int      `json:"depth"`
		Flags        []string `json:"flags"`
		Recalls      []string `json:"recalls"`
		Acknowledged []string `json:"acknowledged"`
		OnTheMove    bool     `json:"onTheMove"`
		Why          []struct {
			Node string `json:"node"`
			Edge string `json:"edge"`
		} `json:"why"`
	} `json:"touched"`
	Recalls []struct {
		ID           string `json:"id"`
		Kind         string `json:"kind"`
		MSPID        string `json:"mspId"`
		Reason       string `json:"reason"`
		Instructions string `json:"instructions"`
		Touched      int    `json:"touched"`
		Acknowledged []struct {
			MSPID  string `json:"mspId"`
			Action string `json:"action"`
			Block  uint64 `json:"block"`
		} `json:"acknowledged"`
		Missing []string `json:"missing"`
	} `json:"recalls"`
	OnTheMove []struct {
		ID          string `json:"id"`
		MSPID       string `json:"mspId"`
		BizStep     string `json:"bizStep"`
		BizLocation string `json:"bizLocation"`
	} `json:"onTheMove"`
	Truncated *struct {
		Reasons []string `json:"reasons"`
	} `json:"truncated"`

	Asked string `json:"-"` // what it is called for people
}

// mostOfKind is how many nodes of a kind a summary names for each organisation.
const mostOfKind = 8

// Print writes a summary for people.
func (im Touched) Print(out io.Writer) error {
	p := &printer{out: out}
	p.line("What %s touched, as of block %d", plain(im.Asked), im.Block)
	if im.Organisation != "" {
		p.line("It begins at %d records of %s.", im.Starts, plain(im.Organisation))
	}
	if im.Total == 0 {
		p.line("\nNothing, as far as the ledger tells.")
	}
	for _, o := range im.Organisations {
		p.line("\n%s: %d", strings.TrimSuffix(plain(o.MSPID), "MSP"), o.Total)
		for _, kind := range slices.Sorted(maps.Keys(o.Kinds)) {
			im.printKind(p, o.MSPID, kind, len(o.Kinds[kind]))
		}
	}
	im.printRecalls(p)
	im.printNext(p)
	return p.err
}

// printer keeps the first error.
type printer struct {
	out io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format+"\n", args...)
	}
}

// printKind names the nodes of a kind, but not single events: of those there are many.
func (im Touched) printKind(p *printer, mspID, kind string, n int) {
	if kind == "event" {
		p.line("  %s", counted(n, kind))
		return
	}
	named := 0
	for _, t := range im.Touched {
		if t.MSPID != mspID || t.Kind != kind {
			continue
		}
		if named++; named > mostOfKind {
			p.line("  … and %d more of kind %s", n-mostOfKind, plain(kind))
			return
		}
		words := []string{plain(t.Name)}
		for _, flag := range t.Flags {
			words = append(words, strings.ToUpper(plain(flag)))
		}
		if t.OnTheMove {
			words = append(words, "on the move")
		}
		p.line("  %s", strings.Join(words, "  "))
	}
}

func (im Touched) printRecalls(p *printer) {
	for _, r := range im.Recalls {
		p.line("\n%s by %s: %s", strings.ToUpper(plain(r.Kind)), strings.TrimSuffix(plain(r.MSPID), "MSP"), plain(r.Reason))
		if r.Instructions != "" {
			p.line("  %s", plain(r.Instructions))
		}
		p.line("  %s", plain(r.ID))
		p.line("  reaches %d of these", r.Touched)
		for _, a := range r.Acknowledged {
			said := ""
			if a.Action != "" {
				said = ": " + plain(a.Action)
			}
			p.line("  acknowledged by %s in block %d%s", strings.TrimSuffix(plain(a.MSPID), "MSP"), a.Block, said)
		}
		for _, mspID := range r.Missing {
			p.line("  NOT ACKNOWLEDGED by %s", strings.TrimSuffix(plain(mspID), "MSP"))
		}
	}
}

// printNext says what there is to do.
func (im Touched) printNext(p *printer) {
	p.line("")
	for _, r := range im.Recalls {
		digits := strings.TrimPrefix(plain(r.ID), "ni:///sha-256;")
		for _, mspID := range r.Missing {
			p.line("%s has to say what it does: pedigree record statement acknowledgement %s --set action=…", strings.TrimSuffix(plain(mspID), "MSP"), digits[:min(64, len(digits))])
		}
	}
	unreached := 0
	for _, t := range im.Touched {
		if len(t.Recalls) == 0 {
			unreached++
		}
	}
	switch {
	case im.Total == 0:
	case len(im.Recalls) == 0:
		p.line("No recall reaches any of it.")
	case unreached > 0:
		p.line("No recall reaches %d of it.", unreached)
	}
	if n := len(im.OnTheMove); n > 0 {
		p.line("%s not sold, used up or destroyed, as far as the ledger tells.", are(n, "thing"))
	}
	if im.Truncated != nil {
		p.line("The answer was cut short by its limits (%s): there is more. --limit and --depth allow more.", plain(strings.Join(im.Truncated.Reasons, ", ")))
	}
	if im.Total > 0 {
		p.line("Each with the path that says why: --csv")
	}
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func are(n int, what string) string {
	if n == 1 {
		return "1 " + what + " is"
	}
	return fmt.Sprintf("%d %ss are", n, what)
}
