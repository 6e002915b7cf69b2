package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/web"
)

// cosignPatience is how long other organisations may take, all together. The gateway itself waits for less.
const cosignPatience = 20 * time.Second

func (p *Pages) cosignedRoutes() []route {
	return []route{
		{"GET /cosigned", members, p.cosigned},
		{"GET /cosigned/said", members, p.cosignedPart},
	}
}

// cosigners is who can be asked for the answer to a question of the API.
func (p *Pages) cosigners(ctx context.Context, path string, query url.Values) web.Cosigners {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	if p.Cosigners == nil {
		return web.Cosigners{Question: path}
	}
	return web.Cosigners{Question: path, Gateways: len(p.Cosigners(ctx))}
}

// cosigned shows what several organisations say of a question.
func (p *Pages) cosigned(v *visit) error {
	page, status := p.askAll(v)
	return v.show(status, "cosigned", page)
}

// cosignedPart is what a script puts into the page that has the question. What goes wrong is told there.
func (p *Pages) cosignedPart(v *visit) error {
	page, _ := p.askAll(v)
	return v.part("cosigned", "said", page)
}

// askAll has the organisations answer, and checks what they signed as anybody can.
func (p *Pages) askAll(v *visit) (page *web.Cosigned, status int) {
	page = &web.Cosigned{Frame: v.frame(""), Cosigners: p.cosigners(v.Context(), v.URL.Query().Get("question"), nil)}
	q, err := cosigned.NewQuestion(page.Question)
	switch {
	case err != nil:
		page.Problem = sentence(err.Error())
		return page, http.StatusBadRequest
	case !page.Asks():
		page.Problem = "This gateway knows no other gateways that it could ask."
		return page, http.StatusNotFound
	}
	ctx, cancel := context.WithTimeout(v.Context(), cosignPatience)
	defer cancel()
	to := *v
	to.Request = v.WithContext(ctx)
	a, err := to.call(http.MethodGet, withQuery(page.Question, "cosign", strconv.Itoa(page.Gateways)), "", nil, "Accept", "*/*")
	var trouble *Trouble
	if errors.As(err, &trouble) {
		page.Problem, page.Later = trouble.Title+". "+trouble.Detail, trouble.Status >= http.StatusInternalServerError
		return page, trouble.Status
	}
	if err != nil {
		page.Problem = "That can't be asked."
		return page, http.StatusBadRequest
	}
	if err := p.hear(&to, page, q, a.body.Bytes()); err != nil {
		p.Logger.Warn("an answer that organisations signed can't be accepted", "question", q, "error", err)
		page.Problem = "They answered, and the answer was refused when it was checked: " + err.Error()
		return page, http.StatusBadGateway
	}
	return page, http.StatusOK
}

// hear verifies a signed answer against the channel's own configuration, and puts into words what it says. It accepts
// what is too little for others: the page tells how many there are.
func (p *Pages) hear(v *visit, page *web.Cosigned, q cosigned.Question, text []byte) error {
	channel, err := p.Trust(v.Context())
	if err != nil {
		return err
	}
	trust := *channel
	page.Of = len(trust.Organisations)
	page.Needed, trust.Agree = page.Of/2+1, 1 // the first as a trust file has it
	f, err := cosigned.Parse(text)
	if err != nil {
		return err
	}
	verdict, err := f.Verify(&trust, cosigned.Wanted{Question: q, Cut: true})
	if err != nil {
		return err
	}
	page.Block, page.Cut = verdict.Block, verdict.Cut
	page.Agree, page.Differ = voices(verdict.Agree), voices(verdict.Differ)
	for _, s := range verdict.SetAside {
		page.Silent = append(page.Silent, web.Silence{By: s.MSPID, Why: "Its signature doesn't count: " + s.Why + "."})
	}
	for _, s := range f.Silent {
		page.Silent = append(page.Silent, web.Silence{By: s.MSPID, Why: sentence(s.Why)})
	}
	page.Found = inWords(q, verdict)
	page.File = withQuery(q.At(verdict.Block), "cosign", strconv.Itoa(page.Gateways))
	page.Verify = "pedigree verify cosigned.json --trust consortium.json --question '" +
		strings.ReplaceAll(string(q), "'", "%27") + "'"
	return nil
}

func voices(all []cosigned.Voice) []web.Voice {
	var list []web.Voice
	for _, v := range all {
		list = append(list, web.Voice{By: v.MSPID, Block: v.Block, Digest: v.Digest, At: v.Time})
	}
	return list
}

func withQuery(address, name, value string) string {
	joint := "?"
	if strings.Contains(address, "?") {
		joint = "&"
	}
	return address + joint + name + "=" + url.QueryEscape(value)
}

// inWords says what was answered.
func inWords(q cosigned.Question, v *cosigned.Verdict) string {
	if v.Status == http.StatusNotFound {
		return "There is no such thing."
	}
	body, err := canonical.Parse(v.Body, canonical.Limits{Bytes: cosigned.MaxFile, Depth: 96, Values: 4_000_000})
	if err != nil {
		return ""
	}
	path, _, _ := strings.Cut(string(q), "?")
	switch {
	case body.Has("linkset"):
		return foundStanding(body.Get("linkset"))
	case path == "/v1/impact":
		total, _ := body.Get("total").Int()
		return fmt.Sprintf("What it touched: %d in all. %s", total, recallsFound(len(body.Get("recalls").Items)))
	case path == "/v1/lineage":
		flagged := 0
		nodes := body.Get("nodes").Items
		for _, n := range nodes {
			if slices.ContainsFunc(n.Get("flags").Items, func(f canonical.Value) bool { return record.IsWarning(f.Text) }) {
				flagged++
			}
		}
		return fmt.Sprintf("It and what it comes from: %d in all. %s", len(nodes), flagsFound(flagged))
	case strings.HasPrefix(path, "/v1/records/"):
		return foundStatus(body)
	}
	if n, what := v.Found(); what != "" {
		return fmt.Sprintf("It lists %d %s.", n, what)
	}
	return "They have the same answer."
}

func recallsFound(n int) string {
	if n == 0 {
		return "No recall and no withdrawal that stands reaches it."
	}
	return fmt.Sprintf("Of recalls and withdrawals that stand, %d reach it.", n)
}

func flagsFound(n int) string {
	if n == 0 {
		return "None of these is recalled, withdrawn or warned of."
	}
	return fmt.Sprintf("Of these, %d are recalled, withdrawn or warned of.", n)
}

// foundStatus says what is said of a record.
func foundStatus(body canonical.Value) string {
	n := len(body.Get("statements").Items)
	if n == 0 {
		return "The record is on the ledger, and no statement is about it: nobody took it back, and nobody acknowledged it."
	}
	var words []string
	for _, s := range body.Get("status").Items {
		words = append(words, strings.ReplaceAll(s.Text, "-", " "))
	}
	said := "None of them leaves a mark on it."
	if len(words) > 0 {
		said = "So it is: " + strings.Join(words, ", ") + "."
	}
	if n == 1 {
		return "The record is on the ledger, and one statement is about it. " + said
	}
	return fmt.Sprintf("The record is on the ledger, and %d statements are about it. %s", n, said)
}

// foundStanding says what is known of recalls of a thing.
func foundStanding(linkset canonical.Value) string {
	for _, links := range linkset.Items {
		for _, m := range links.Members {
			for _, link := range m.Value.Items {
				if words := link.Get("standing").Items; len(words) > 0 {
					return sentence(standingWords(words))
				}
			}
		}
	}
	return "They have the same links."
}

// standings are the words for what is known of recalls of a thing, in words for people. The others are flags.
var standings = map[string]string{
	"affected":        "something that it comes from is recalled or withdrawn",
	"lots-recalled":   "lots or items of it are recalled",
	"unrecorded":      "no record names it, so nothing is known of recalls",
	"uncertain":       "whether a recall reaches it isn't certain",
	"no-recall-known": "no recall of it, nor of what it comes from, is on the ledger",
}

func standingWords(words []canonical.Value) string {
	var list []string
	for _, w := range words {
		text, known := standings[w.Text]
		if !known {
			text = "it is " + strings.ReplaceAll(w.Text, "-", " ")
		}
		list = append(list, text)
	}
	return strings.Join(list, ", and ")
}
