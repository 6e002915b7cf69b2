package pages

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/web"
)

func (p *Pages) auditRoutes() []route {
	return []route{
		{"GET /audit", members, p.audit},
		{"GET /audit/records.csv", members, p.auditCSV},
		{"GET /audit/proofs.zip", members, p.auditZip},
	}
}

// Sizes of the audit page and its files.
const (
	auditedAtOnce  = 25     // records on a page, which are verified together
	mostCSV        = 20_000 // rows of a table
	mostZip        = 200    // proofs in an archive
	mostZipBytes   = 64 << 20
	archivesAtOnce = 4 // each is made in memory, of hundreds of answers of peers
)

// audit lists the records that were asked for and, if that was asked for too, has them proved and verifies the proofs.
func (p *Pages) audit(v *visit) error {
	q := v.URL.Query()
	page := &web.Audit{Frame: v.frame("audit"), Ask: askOf(q), MostZip: mostZip}
	host := "http://" + v.Host
	if v.TLS != nil {
		host = "https://" + v.Host
	}
	page.Whole = fmt.Sprintf(
		"pedigree audit --as %s --trust consortium.json \\\n  --gateway %s --token auditor.token",
		p.Name,
		host,
	)
	page.Commands = fmt.Sprintf(
		"unzip proofs.zip\nfor f in proofs/*.proof; do\n  pedigree verify \"$f\" --trust consortium.json --level %s\ndone",
		page.Ask.Level,
	)
	filter, err := filterOf(page.Ask)
	page.Ask.From, page.Ask.To = fieldTime(page.Ask.From), fieldTime(page.Ask.To)
	if err != nil {
		page.Problem = err.Error()
		return v.show(http.StatusBadRequest, "audit", page)
	}
	list, err := p.Index.Records(v.Context(), filter, index.Latest, index.Page{Size: auditedAtOnce, Token: q.Get("page")})
	if err != nil {
		if _, ok := err.(*index.TokenError); !ok {
			return err
		}
		page.Problem = "This page of the list is of another question. Ask again."
		return v.show(http.StatusBadRequest, "audit", page)
	}
	page.Block, page.More = list.Block, list.Next != ""
	address := func(path, token string, more ...string) string {
		values := asked(page.Ask)
		if token != "" {
			values.Set("page", token)
		}
		for i := 0; i+1 < len(more); i += 2 {
			values.Set(more[i], more[i+1])
		}
		return path + "?" + values.Encode()
	}
	token := q.Get("page")
	page.Page, page.Verify = address("/audit", token), address("/audit", token, "verify", "1")+"#verified"
	page.CSV, page.Zip = address("/audit/records.csv", ""), address("/audit/proofs.zip", "")
	if token != "" {
		page.First = address("/audit", "")
	}
	if list.Next != "" {
		page.Next = address("/audit", list.Next)
	}
	for _, r := range list.Items {
		page.Rows = append(page.Rows, p.auditRow(v, r, page.Ask.Level))
	}
	if q.Get("verify") != "" && len(page.Rows) > 0 {
		p.verifyRows(v, page)
	}
	return v.show(http.StatusOK, "audit", page)
}

// askOf reads the form.
func askOf(q url.Values) web.AuditQuery {
	ask := web.AuditQuery{
		Organisation: q.Get(
			"organisation",
		), Noun: q.Get("noun"), From: q.Get("from"), To: q.Get("to"), FromBlock: q.Get("fromBlock"), ToBlock: q.Get("toBlock"), Level: q.Get("level"),
	}
	if ask.Level != string(proof.LevelBlock) {
		ask.Level = string(proof.LevelReceipt)
	}
	return ask
}

// asked is the form's question as a query.
func asked(ask web.AuditQuery) url.Values {
	values := url.Values{}
	for name, value := range map[string]string{"organisation": ask.Organisation, "noun": ask.Noun, "from": ask.From, "to": ask.To, "fromBlock": ask.FromBlock, "toBlock": ask.ToBlock, "level": ask.Level} {
		if value != "" {
			values.Set(name, value)
		}
	}
	return values
}

// filterOf reads what was asked for. Errors are for people.
func filterOf(ask web.AuditQuery) (index.RecordFilter, error) {
	f := index.RecordFilter{MSPID: ask.Organisation, Noun: record.Noun(ask.Noun)}
	if f.Noun != "" && !slices.Contains(nouns, f.Noun) {
		return f, fmt.Errorf("%q is no kind of record", record.Brief(ask.Noun))
	}
	for _, b := range []struct {
		text, name string
		to         **uint64
	}{{ask.FromBlock, "first", &f.FromBlock}, {ask.ToBlock, "last", &f.ToBlock}} {
		if b.text == "" {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(b.text), 10, 63)
		if err != nil {
			return f, fmt.Errorf("the %s block is a number, not %q", b.name, record.Brief(b.text))
		}
		*b.to = &n
	}
	if f.FromBlock != nil && f.ToBlock != nil && *f.FromBlock > *f.ToBlock {
		return f, fmt.Errorf("the first block, %d, comes after the last, %d", *f.FromBlock, *f.ToBlock)
	}
	var err error
	if f.From, err = formTime(ask.From, 0); err != nil {
		return f, err
	}
	if f.Before, err = formTime(ask.To, time.Minute); err != nil {
		return f, err
	}
	if !f.From.IsZero() && !f.Before.IsZero() && !f.From.Before(f.Before) {
		return f, fmt.Errorf("the period ends before it begins")
	}
	return f, nil
}

// formTime reads a time as forms send it, in UTC, and adds what makes the minute that it names its own.
func formTime(text string, add time.Duration) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339, "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC().Add(add), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time; write it like 2026-03-01T08:30", record.Brief(text))
}

// fieldTime writes a time as a form's field takes it; "" if it is none.
func fieldTime(text string) string {
	t, err := formTime(text, 0)
	if err != nil || t.IsZero() {
		return ""
	}
	return fieldOf(t)
}

// fieldOf writes a time for a field of the type datetime-local.
func fieldOf(t time.Time) string { return t.UTC().Format("2006-01-02T15:04") }

func (p *Pages) auditRow(v *visit, r index.Record, level string) web.AuditRow {
	d := p.summary(v.Context(), r)
	return web.AuditRow{
		Kind: d.Kind, What: d.Did, Nodes: d.Nodes, By: r.MSPID, At: r.Time, Block: r.Block, Record: r.ID,
		Proof: recordProofAddress(r.ID, level), File: proofFile(r.ID),
	}
}

func recordProofAddress(id, level string) string {
	return "/v1/records/" + url.PathEscape(id) + "/proof?level=" + level
}

func proofFile(id string) string {
	hex := record.ID(id).Hex()
	return hex[:min(16, len(hex))] + ".proof"
}

// verifyRows has each record of a page proved, and verifies the proofs.
func (p *Pages) verifyRows(v *visit, page *web.Audit) {
	sum := &web.Verified{Level: page.Ask.Level}
	for i := range page.Rows {
		row := &page.Rows[i]
		seal := p.prove(v, row.Proof, proof.Wanted{ID: record.ID(row.Record), Level: proof.Level(page.Ask.Level)})
		row.Verdict = &web.Verdict{
			Problem:       seal.Problem,
			Later:         seal.Later,
			Organisations: seal.Organisations,
			Bytes:         seal.Bytes,
		}
		switch {
		case seal.Problem == "":
			if sum.Good++; sum.Good == 1 {
				sum.OfAll, sum.Agree, sum.Checks = seal.OfAll, seal.Agree, seal.Steps
			}
		case seal.Later:
			sum.Later++
		default:
			sum.Bad++
		}
	}
	page.Verified = sum
}
