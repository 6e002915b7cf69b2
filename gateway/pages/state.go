package pages

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/web"
)

func (p *Pages) stateRoutes() []route {
	return []route{
		{"GET /state", submitters, p.state},
		{"POST /state", submitters, p.stated},
		{"GET /key", submitters, p.key},
	}
}

// statedKinds are the kinds of statement that have a form, with what its button and its fields say. The script sign.js signs
// the same kinds.
var statedKinds = map[string]struct{ title, hint string }{
	record.Recall:     {"Recall it", "Everybody with something that came of it reads this."},
	record.Retraction: {"Take it back", "Why it no longer stands."},
	record.Approval:   {"Approve it", "What you have approved, if not all of it."},
}

var fieldLabels = map[string]string{"reason": "Why", "instructions": "What is to be done", "scope": "What for"}

// key shows what the browser knows of a key of the person's own.
func (p *Pages) key(v *visit) error {
	return v.show(http.StatusOK, "key", &web.Key{Frame: v.frame("key"), Signing: p.signing()})
}

func (p *Pages) signing() web.Signing {
	return web.Signing{Channel: p.Channel, Chaincode: p.Chaincode}
}

// state shows the form for a statement about something on the ledger.
func (p *Pages) state(v *visit) error {
	form := v.URL.Query()
	return p.showState(v, http.StatusOK, form.Get("kind"), form.Get("about"), nil, "")
}

func (p *Pages) showState(v *visit, status int, kind, about string, typed url.Values, fault string) error {
	texts, known := statedKinds[kind]
	if !known {
		return missing("Here one recalls, takes back and approves.")
	}
	page := &web.State{
		Frame: v.frame(""), Signing: p.signing(), Kind: kind, Title: texts.title, Problem: fault,
	}
	node, _, err := record.ParseNode(about)
	if err != nil {
		page.Problem = sentence(err.Error())
		return v.show(http.StatusBadRequest, "state", page)
	}
	page.About, page.Node = node, p.refer(v.Context(), []string{node})
	k, _ := record.StatementKindOf(kind)
	for i, m := range k.Predicate {
		f := web.StateField{Name: m.Name, Label: fieldLabels[m.Name], Required: m.Required, Value: typed.Get(m.Name)}
		if i == 0 {
			f.Hint = texts.hint
		}
		page.Fields = append(page.Fields, f)
	}
	if kind == record.Recall {
		if err := p.reach(v, page); err != nil {
			return err
		}
	}
	return v.show(status, "state", page)
}

// reach tells what a recall would reach.
func (p *Pages) reach(v *visit, page *web.State) error {
	im, err := lineage.Assess(v.Context(), p.Index, lineage.Query{Node: page.About, At: index.Latest, Nodes: mostWalked})
	var unknown *lineage.UnknownNodeError
	if errors.As(err, &unknown) {
		return nil
	}
	if err != nil {
		return err
	}
	page.Walked, page.Reach, page.Whole = true, im.Total, im.Truncated == nil
	return nil
}

// stated records the statement, signed by the gateway. A script may sign it instead; see sign.js.
func (p *Pages) stated(v *visit) error {
	form := v.PostForm
	kind, about := form.Get("kind"), form.Get("about")
	if _, known := statedKinds[kind]; !known {
		return missing("Here one recalls, takes back and approves.")
	}
	predicate := map[string]string{}
	k, _ := record.StatementKindOf(kind)
	for _, m := range k.Predicate {
		if text := strings.TrimSpace(strings.ReplaceAll(form.Get(m.Name), "\r\n", "\n")); text != "" {
			predicate[m.Name] = text
		}
	}
	body, err := json.Marshal(map[string]any{"kind": kind, "subject": []string{about}, "predicate": predicate})
	if err != nil {
		return err
	}
	a, err := v.call(http.MethodPost, "/v1/statements", "application/json", bytes.NewReader(body))
	if fault, ok := wrongOrder(err); ok {
		return p.showState(v, fault.Status, kind, about, form, fault.Detail)
	}
	if err != nil {
		return err
	}
	var receipt struct{ ID string }
	if err := json.Unmarshal(a.body.Bytes(), &receipt); err != nil || receipt.ID == "" {
		return fmt.Errorf("couldn't read the receipt of a statement: %w", err)
	}
	return v.lead(http.StatusSeeOther, "/records/"+url.PathEscape(receipt.ID))
}

// states are the statements that the reader may make of something, which an organisation recorded first. Of a thing,
// that is nobody: who answers for it depends on much, and the ledger knows.
func (p *Pages) states(v *visit, about, by, statement string, flags []string) (list []web.Statable) {
	if v.session == nil || v.session.Caller.Role != access.Submitter {
		return nil
	}
	add := func(kind string) {
		list = append(list, web.Statable{Kind: kind, Title: statedKinds[kind].title, About: about})
	}
	switch ours := by == p.MSPID; {
	case statement == record.Retraction || slices.Contains(flags, record.FlagOf(record.Retraction)):
	case statement != "" && ours:
		add(record.Retraction)
	case statement == record.Prefix:
		add(record.Approval)
	case statement != "":
	case by == "" || ours:
		add(record.Recall)
	default:
		add(record.Recall)
		add(record.Approval)
	}
	return list
}
