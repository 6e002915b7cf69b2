package compare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/gateway/verify/audit"
)

// All as the number of records means that every record is compared.
const All = -1

// mostGatewayFindings is the number of findings at which a comparison stops. A gateway with so many errors needs no
// further proof.
const mostGatewayFindings = 1000

// comparing is a comparison in progress.
type comparing struct {
	index   *index.Index
	gateway *client.Client
	result  *audit.Comparison
	found   []audit.Finding
}

// Gateway asks a gateway and the rebuilt index the same questions as of the same block, and returns where the answers
// differ. It compares the content of records and who recorded them where, for the given number of random records or for
// all of them. For some of these it also compares ancestors and descendants. If the gateway has indexed less than was
// audited, Gateway waits for it up to patience.
func (x *Index) Gateway(
	ctx context.Context,
	gateway *client.Client,
	records int,
	patience time.Duration,
) (*audit.Comparison, []audit.Finding, error) {
	c := &comparing{index: x.index, gateway: gateway, result: &audit.Comparison{URL: gateway.URL()}}
	height := x.index.Height()
	if height == 0 {
		return c.result, nil, nil
	}
	c.result.At = height - 1
	err := c.await(ctx, height, patience)
	if err != nil || len(c.found) > 0 {
		return c.result, c.found, err
	}
	var sample []index.Record
	if records == All {
		sample, err = c.all(ctx)
	} else {
		sample, err = c.sample(ctx, records)
	}
	if err == nil {
		err = c.lineages(ctx, sample)
	}
	return c.result, c.found, err
}

// await waits until the gateway has indexed what was audited. If that takes too long, it adds a finding.
func (c *comparing) await(ctx context.Context, height uint64, patience time.Duration) error {
	inner, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := c.gateway.AwaitBlock(inner, height-1)
	if inner.Err() != nil && ctx.Err() == nil {
		c.add(GatewayBehind, "the gateway hasn't indexed block %d, which was audited", height-1)
		return nil
	}
	return err
}

func (c *comparing) add(code audit.Code, format string, args ...any) {
	c.found = append(c.found, audit.Finding{Code: code, Detail: fmt.Sprintf(format, args...)})
}

// aboutRecord adds a finding about a record, with the record's place on the ledger.
func (c *comparing) aboutRecord(code audit.Code, r *index.Record, format string, args ...any) {
	f := audit.Finding{Code: code, Tx: r.TxID, Detail: fmt.Sprintf(format, args...)}
	f.Block, f.Position = &r.Block, &r.Position
	c.found = append(c.found, f)
}

// shown is a record as the gateway shows it.
type shown struct {
	ID         string          `json:"id"`
	Noun       record.Noun     `json:"noun"`
	Record     json.RawMessage `json:"record"`
	Recordings []struct {
		MSPID       string    `json:"mspId"`
		Subject     string    `json:"subject"`
		Transaction string    `json:"tx"`
		Block       uint64    `json:"block"`
		Position    int       `json:"position"`
		Line        int       `json:"line"`
		Time        time.Time `json:"time"`
	} `json:"recordings"`
}

// all walks both lists of records side by side. It returns a random sample of the records.
func (c *comparing) all(ctx context.Context) (sample []index.Record, err error) {
	c.result.Nouns = map[string]int{}
	ours, theirs := pages[index.Record]{}, pages[shown]{}
	ours.fetch = func(token string) ([]index.Record, string, error) {
		list, err := c.index.Records(ctx, index.RecordFilter{}, c.result.At,
			index.Page{Size: index.MaxPage, Token: token})
		return list.Items, list.Next, err
	}
	theirs.fetch = func(token string) ([]shown, string, error) {
		query := url.Values{"at": {strconv.FormatUint(c.result.At, 10)}, "pageSize": {strconv.Itoa(index.MaxPage)}}
		if token != "" {
			query.Set("pageToken", token)
		}
		var list struct {
			Items []shown `json:"items"`
			Next  string  `json:"nextPageToken"`
		}
		err := c.gateway.Get(ctx, "/v1/records", query, &list)
		return list.Items, list.Next, err
	}
	for len(c.found) < mostGatewayFindings {
		our, err := ours.next()
		if err != nil {
			return nil, err
		}
		their, err := theirs.next()
		if err != nil {
			return nil, err
		}
		if our == nil && their == nil {
			break
		}
		switch {
		case their == nil:
			c.aboutRecord(GatewayLacks, our, "the gateway's list of records ends before %s", our.ID)
			return sample, nil
		case our == nil:
			c.add(
				GatewayInvents,
				"the gateway's list of records continues with %s after the last record of the ledger",
				record.Brief(their.ID),
			)
			return sample, nil
		case our.ID != their.ID:
			// Asking for our record shows whether it is missing at the gateway, or whether the other one is
			// superfluous.
			if err := c.one(ctx, our); err != nil {
				return nil, err
			}
			c.aboutRecord(GatewayDiffers, our, "the gateway lists %s where the ledger has %s", record.Brief(their.ID),
				our.ID)
			return sample, nil
		}
		c.result.Records++
		c.result.Nouns[string(our.Noun)]++
		c.check(our, their)
		if n := c.result.Records; len(sample) < mostLineages {
			sample = append(sample, *our)
		} else if at := rand.IntN(n); at < mostLineages {
			sample[at] = *our
		}
	}
	return sample, nil
}

// pages reads a list page by page.
type pages[T any] struct {
	fetch func(token string) ([]T, string, error)
	items []T
	token string
	ended bool
}

// next returns the next item, or nil at the end.
func (p *pages[T]) next() (*T, error) {
	for len(p.items) == 0 {
		if p.ended {
			return nil, nil
		}
		var err error
		if p.items, p.token, err = p.fetch(p.token); err != nil {
			return nil, err
		}
		p.ended = p.token == ""
	}
	item := &p.items[0]
	p.items = p.items[1:]
	return item, nil
}

// sample compares up to n records from random blocks and returns them.
func (c *comparing) sample(ctx context.Context, n int) (sample []index.Record, err error) {
	seen := map[string]bool{}
	for misses := 0; len(sample) < n && misses < 200 && len(c.found) < mostGatewayFindings; {
		block := rand.Uint64N(c.result.At + 1)
		list, err := c.index.Records(
			ctx,
			index.RecordFilter{FromBlock: &block, ToBlock: &block},
			c.result.At,
			index.Page{Size: index.MaxPage},
		)
		if err != nil {
			return nil, err
		}
		fresh := slices.DeleteFunc(list.Items, func(r index.Record) bool { return seen[r.ID] })
		if len(fresh) == 0 {
			misses++
			continue
		}
		misses = 0
		rand.Shuffle(len(fresh), func(i, j int) { fresh[i], fresh[j] = fresh[j], fresh[i] })
		for i := range fresh[:min(len(fresh), n-len(sample), max(1, n/100))] {
			seen[fresh[i].ID] = true
			if err := c.one(ctx, &fresh[i]); err != nil {
				return nil, err
			}
			c.result.Records++
			sample = append(sample, fresh[i])
		}
	}
	return sample, nil
}

// one compares a single record, which it asks for by its id.
func (c *comparing) one(ctx context.Context, r *index.Record) error {
	var their shown
	err := c.gateway.Get(
		ctx,
		"/v1/records/"+record.ID(r.ID).Hex(),
		url.Values{"at": {strconv.FormatUint(c.result.At, 10)}},
		&their,
	)
	if problem, ok := errors.AsType[*client.Problem](err); ok && problem.Status == http.StatusNotFound {
		c.aboutRecord(GatewayLacks, r, "the gateway doesn't have %s", r.ID)
		return nil
	}
	if err != nil {
		return err
	}
	c.check(r, &their)
	return nil
}

// check compares the content and the first recording of a record.
func (c *comparing) check(our *index.Record, their *shown) {
	var wrong []string
	differs := func(what string, ours, theirs any) {
		wrong = append(wrong, fmt.Sprintf("%s is %v, but the gateway says %v", what, ours, theirs))
	}
	if their.ID != our.ID {
		differs("the id", our.ID, record.Brief(their.ID))
	}
	if their.Noun != our.Noun {
		differs("the noun", our.Noun, record.Brief(string(their.Noun)))
	}
	if v, err := canonical.Parse(their.Record, canonical.Limits{}); err != nil ||
		string(v.Bytes()) != string(our.Body) {
		wrong = append(wrong, "the gateway shows other content")
	}
	if len(their.Recordings) == 0 {
		wrong = append(wrong, "the gateway doesn't say who recorded it")
	} else {
		t := their.Recordings[0]
		for _, one := range []struct {
			what         string
			ours, theirs any
		}{
			{"the recorder", our.MSPID, record.Brief(t.MSPID)}, {"the submitter", our.Subject, record.Brief(t.Subject)},
			{"the transaction", our.TxID, record.Brief(t.Transaction)},
			{"the block", our.Block, t.Block}, {"the position", our.Position, t.Position}, {"the line", our.Line, t.Line},
			{"the time", our.Time.UTC().Format(time.RFC3339Nano), t.Time.UTC().Format(time.RFC3339Nano)},
		} {
			if one.ours != one.theirs {
				differs(one.what, one.ours, one.theirs)
			}
		}
	}
	for _, what := range wrong {
		c.aboutRecord(GatewayDiffers, our, "%s: %s", our.ID, what)
	}
}

// Limits of the lineages that are compared.
const (
	mostLineages = 25
	lineageDepth = 4
	lineageNodes = 500
)

// lineages compares walks in both directions from some of the records.
func (c *comparing) lineages(ctx context.Context, sample []index.Record) error {
	for i := range sample[:min(len(sample), mostLineages)] {
		for _, direction := range []lineage.Direction{lineage.Ancestors, lineage.Descendants} {
			if err := c.lineage(ctx, &sample[i], direction); err != nil {
				return err
			}
		}
		c.result.Lineages++
	}
	return nil
}

// named describes an edge in words.
func named(e lineage.Edge) string {
	return fmt.Sprintf("%s from %s to %s, by %s", e.Kind, e.From, e.To, e.Record)
}

func (c *comparing) lineage(ctx context.Context, r *index.Record, direction lineage.Direction) error {
	ours, err := lineage.Trace(
		ctx,
		c.index,
		lineage.Query{Node: r.ID, At: c.result.At, Depth: lineageDepth, Nodes: lineageNodes, Direction: direction},
	)
	if err != nil {
		return err
	}
	var theirs struct {
		Nodes []struct {
			lineage.Node
			Tx string `json:"tx"` // the API's name for the transaction
		} `json:"nodes"`
		Edges []lineage.Edge `json:"edges"`
	}
	err = c.gateway.Get(ctx, "/v1/lineage", url.Values{
		"node": {r.ID}, "direction": {string(direction)}, "at": {strconv.FormatUint(c.result.At, 10)},
		"depth": {strconv.Itoa(lineageDepth)}, "limit": {strconv.Itoa(lineageNodes)},
	}, &theirs)
	if problem, ok := errors.AsType[*client.Problem](err); ok && problem.Status == http.StatusNotFound {
		c.aboutRecord(GatewayLineage, r, "the gateway doesn't know %s", r.ID)
		return nil
	}
	if err != nil {
		return err
	}
	nodes, edges := map[string]int{}, map[string]int{}
	for _, n := range ours.Nodes {
		nodes[whole(n)]++
	}
	for _, n := range theirs.Nodes {
		n.Node.Transaction = n.Tx
		nodes[whole(n.Node)]--
	}
	for _, e := range ours.Edges {
		edges[named(e)]++
	}
	for _, e := range theirs.Edges {
		edges[named(e)]--
	}
	for what, counts := range map[string]map[string]int{"node": nodes, "edge": edges} {
		maps.DeleteFunc(counts, func(_ string, n int) bool { return n == 0 })
		for one, n := range counts {
			which := "lacks"
			if n < 0 {
				which = "invents"
			}
			c.aboutRecord(
				GatewayLineage,
				r,
				"the %s of %s differ in %d %ss; the gateway %s this one, for example: %s",
				direction,
				r.ID,
				len(counts),
				what,
				which,
				one[:min(len(one), 300)],
			)
			break
		}
	}
	return nil
}

// whole returns everything that an answer says about a node, including who recorded it and statements about it such as
// a recall.
func whole(n lineage.Node) string {
	text, err := json.Marshal(n)
	if err != nil {
		return n.ID // a time that can't be encoded; our own times can
	}
	return string(text)
}
