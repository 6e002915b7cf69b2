package test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
)

// documents gives the documents of a case by their names, such as "05b" for the second one of case 5.
type documents func(t *testing.T, name string) []byte

// Each case is a document that could be taken wrongly, or another thing in silence, and what must be answered. They run
// with documents that are made here, and with those of the folder "epcis" in the one that PEDIGREE_CASES names, if it
// names one.
func TestDocumentsAreAnsweredAsTheirSendersExpect(t *testing.T) {
	sources := map[string]documents{"made here": made}
	if folder := os.Getenv("PEDIGREE_CASES"); folder != "" {
		sources["of a folder"] = func(t *testing.T, name string) []byte {
			files, err := filepath.Glob(filepath.Join(folder, "epcis", name+"-*.json"))
			require.NoError(t, err)
			require.Len(t, files, 1, name)
			text, err := os.ReadFile(files[0])
			require.NoError(t, err)
			return text
		}
	}
	for source, documents := range sources {
		for name, check := range map[string]func(*testing.T, documentsOf){
			"lots lead to their items": lotsLeadToTheirItems, "a recall of a product": aRecallOfAProduct,
			"a page never reassures": aPageNeverReassures, "twins are kept": twinsAreKept, "odd documents": oddDocuments,
			"broken rules": brokenRules, "announced limits": announcedLimits, "another's error": anothersError,
			"a label leads to its lot": aLabelLeadsToItsLot,
		} {
			t.Run(source+"/"+name, func(t *testing.T) { check(t, documentsOf{documents}) })
		}
	}
}

type documentsOf struct{ get documents }

// send captures a document of Harbor, whole or not at all, and returns its job.
func (d documentsOf) send(t *testing.T, name string) *client.Job {
	t.Helper()
	job, err := capture(t.Context(), as(t, "harbor"), d.get(t, name))
	require.NoError(t, err, name)
	require.True(t, job.Success, "%s: %+v", name, job.Results)
	return job
}

// identifiers are the GS1 Digital Links in a document, in the order of its text. Names of members come in any order, so
// a case names the one that it means by a part of it.
func (d documentsOf) identifier(t *testing.T, name, pattern string) string {
	t.Helper()
	found := regexp.MustCompile(`https://id\.gs1\.org/` + pattern).Find(d.get(t, name))
	require.NotNil(t, found, "%s has no %s", name, pattern)
	return string(found)
}

func codes(job *client.Job) []string {
	var all []string
	for _, w := range job.Warnings {
		all = append(all, w.Code)
	}
	return all
}

// blockOf is the block that has the last event of a job.
func blockOf(job *client.Job) uint64 { return job.Results[len(job.Results)-1].Block }

func descendants(t *testing.T, node string, block uint64) string {
	t.Helper()
	gateway := as(t, "harbor", "auditor")
	atHeight(t, gateway, block)
	var answer json.RawMessage
	get(t, gateway, "/v1/lineage", url.Values{"node": {node}, "direction": {"descendants"}}, &answer)
	return string(answer)
}

func lotsLeadToTheirItems(t *testing.T, d documentsOf) {
	job := d.send(t, "01")
	reached := descendants(t, d.identifier(t, "01", `01/\d+/10/LOT1\b`), blockOf(job))
	assert.Contains(t, reached, "/21/S1", "of a lot and serial number in one link")
	assert.Contains(t, reached, d.identifier(t, "01", `00/\d+`), "the case that it is packed in")
	job = d.send(t, "02")
	reached = descendants(t, d.identifier(t, "02", `01/\d+/10/LOT2\b`), blockOf(job))
	assert.Contains(t, reached, "/21/S2", "of a lot beside the item")
}

// recall has Harbor recall a node, and returns the block.
func recall(t *testing.T, node string) (uint64, error) {
	t.Helper()
	_, receipt, err := as(t, "harbor").Record(t.Context(), "/v1/statements", map[string]any{
		"kind": "recall", "subject": []string{node},
		"predicate": map[string]string{"reason": "a trial", "instructions": "hold it"},
	})
	if err != nil {
		return 0, err
	}
	return receipt.Block, nil
}

func aRecallOfAProduct(t *testing.T, d documentsOf) {
	d.send(t, "03")
	product, _, _ := strings.Cut(d.identifier(t, "03", `01/\d+/10/LA`), "/10/")
	_, err := recall(t, product)
	p := refused(t, err)
	require.NotEmpty(t, p.Problems)
	assert.Equal(t, "not_yours", p.Problems[0].Code, "who only used the product up doesn't answer for it")
	digits := strings.TrimPrefix(product, "https://id.gs1.org/01/")
	owned := claim(t, digits[1:8])
	atHeight(t, as(t, "harbor"), owned)
	block, err := recall(t, product)
	require.NoError(t, err)
	made := d.identifier(t, "03", `01/\d+/10/LB`)
	var reached []string
	for _, touched := range impactOf(t, product, block).Touched {
		reached = append(reached, touched.ID)
	}
	assert.Contains(t, reached, made)
}

// claim makes Harbor the owner of a company prefix, with the approval of the others.
func claim(t *testing.T, prefix string) (block uint64) {
	t.Helper()
	var list struct {
		Items []struct {
			ID     string
			Record struct{ MSPID string }
		} `json:"items"`
	}
	harbor := as(t, "harbor")
	get(t, harbor, "/v1/members", nil, &list)
	for _, m := range list.Items {
		if m.Record.MSPID != "HarborMSP" {
			continue
		}
		_, claimed, err := harbor.Record(t.Context(), "/v1/statements", map[string]any{
			"kind": "prefix", "subject": []string{m.ID}, "predicate": map[string]string{"prefix": prefix},
		})
		require.NoError(t, err)
		for _, org := range []string{"market", "lab"} {
			_, approved, err := as(t, org).Record(t.Context(), "/v1/statements", map[string]any{
				"kind": "approval", "subject": []string{claimed.ID}, "predicate": map[string]string{},
			})
			require.NoError(t, err)
			block = approved.Block
		}
		return block
	}
	require.Fail(t, "Harbor is no member", "%+v", list)
	return 0
}

func aPageNeverReassures(t *testing.T, d documentsOf) {
	d.send(t, "04")
	block, err := recall(t, d.identifier(t, "04", `01/\d+/10/BAD`))
	require.NoError(t, err)
	harbor := as(t, "harbor")
	atHeight(t, harbor, block)
	shelf := strings.TrimPrefix(d.identifier(t, "04", `01/\d+/10/SHELF`), "https://id.gs1.org")
	page := pageOf(t, new(http.Client), harbor.URL()+shelf)
	assert.Contains(t, page, "SHELF")
	assert.NotContains(t, page, "No recall")
}

// pageOf reads a page.
func pageOf(t *testing.T, c *http.Client, address string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	r.Header.Set("Accept", "text/html")
	response, err := c.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, address)
	return string(text)
}

func twinsAreKept(t *testing.T, d documentsOf) {
	for _, number := range []string{"05", "06", "22"} {
		d.send(t, number+"a")
		second := d.send(t, number+"b")
		assert.Equal(t, 1, second.Counts.Recorded, number)
		assert.Equal(t, []string{"twin"}, codes(second), number)
	}
	twice := d.send(t, "11")
	assert.Equal(t, client.JobCounts{Total: 2, Recorded: 1, Duplicate: 1}, twice.Counts)
}

func oddDocuments(t *testing.T, d documentsOf) {
	for number, warning := range map[string]string{
		"07": "not_kept", "12": "", "13": "not_kept", "14": "not_kept", "15": "wrong_check_digit", "17": "not_a_gs1_key",
	} {
		job := d.send(t, number)
		if warning == "" {
			assert.Empty(t, codes(job), number)
		} else {
			assert.Contains(t, codes(job), warning, number)
		}
	}
	gtin := regexp.MustCompile(`/01/\d{14}`).FindString(string(d.get(t, "17")))
	var found struct {
		EpcisBody struct {
			QueryResults struct {
				ResultsBody struct{ EventList []json.RawMessage }
			}
		}
	}
	item := "https://id.gs1.org" + gtin + "/21/2018"
	get(t, as(t, "harbor"), "/epcis/v2/events", url.Values{"MATCH_epc": {item}}, &found)
	events := found.EpcisBody.QueryResults.ResultsBody.EventList
	assert.Empty(t, events, "a qualifier before its key is no serial number of it")
}

func brokenRules(t *testing.T, d documentsOf) {
	d.send(t, "08a")
	for name, code := range map[string]string{
		"08b": "declaration_differs", "10": "missing_field", "18": "not_allowed", "23": "undeclared_prefix",
	} {
		_, err := capture(t.Context(), as(t, "harbor"), d.get(t, name))
		p := refused(t, err)
		require.NotEmpty(t, p.Problems, name)
		assert.Equal(t, code, p.Problems[0].Code, name)
	}
}

func announcedLimits(t *testing.T, d documentsOf) {
	harbor := as(t, "harbor")
	document := d.get(t, "19")
	answer, err := harbor.Do(t.Context(), client.Call{Method: http.MethodOptions, Path: "/epcis/v2/capture"})
	require.NoError(t, err)
	limit, err := strconv.Atoi(answer.Header.Get("GS1-EPCIS-Capture-Limit"))
	require.NoError(t, err)
	_, err = harbor.Do(t.Context(), client.Call{
		Method: http.MethodPost, Path: "/epcis/v2/capture", Type: "application/ld+json", Body: document,
	})
	if err != nil {
		assert.Equal(t, http.StatusRequestEntityTooLarge, refused(t, err).Status)
		assert.Less(t, limit, strings.Count(string(document), `"eventTime"`))
	}
}

func anothersError(t *testing.T, d documentsOf) {
	job := d.send(t, "21a")
	lab := as(t, "lab")
	atHeight(t, lab, blockOf(job))
	declared, err := capture(t.Context(), lab, d.get(t, "21b"))
	require.NoError(t, err)
	require.True(t, declared.Success)
	harbor := as(t, "harbor")
	atHeight(t, harbor, blockOf(declared))
	answer, err := harbor.Do(t.Context(), client.Call{
		Method: http.MethodGet, Path: "/epcis/v2/events/" + url.PathEscape(job.Results[0].EventID),
	})
	require.NoError(t, err)
	assert.Contains(t, answer.Header.Get("Pedigree-Flags"), "1=disputed")
	assert.NotContains(t, answer.Header.Get("Pedigree-Flags"), "1=declared-in-error")
}

func aLabelLeadsToItsLot(t *testing.T, d documentsOf) {
	job := d.send(t, "24")
	harbor := as(t, "harbor")
	atHeight(t, harbor, blockOf(job))
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar}
	token, err := os.ReadFile(filepath.Join(dir, "harbor", "auditor.token"))
	require.NoError(t, err)
	response, err := browser.PostForm(harbor.URL()+"/sign-in", url.Values{"token": {strings.TrimSpace(string(token))}})
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	lot := d.identifier(t, "24", `01/\d+/10/[A-Z0-9]+`)
	gtin, number, _ := strings.Cut(strings.TrimPrefix(lot, "https://id.gs1.org/01/"), "/10/")
	for name, label := range map[string]string{
		"the lot": number, "the link": lot, "a scan": "01" + gtin + "17270101" + "10" + number,
		"a pallet's label": "(02)" + gtin + "(37)3(10)" + number, "a GTIN": gtin,
		"a lot and a serial number": "(01)" + gtin + "(10)" + number + "(21)7",
	} {
		page := pageOf(t, browser, harbor.URL()+"/search?"+url.Values{"q": {label}}.Encode())
		assert.Contains(t, page, "/01/"+gtin, name)
		assert.Contains(t, page, number, name)
	}
}

// made makes the documents of the cases.
func made(t *testing.T, name string) []byte {
	t.Helper()
	const (
		right, wrong = "09521141123454", "09521141123455"
		withdrawn    = `,"eventID":"urn:uuid:e0000000-0000-4000-8000-000000000008"`
		declaration  = `,"errorDeclaration":{"declarationTime":"2026-04-09T08:00:00Z"}`
	)
	// thing is an identifier of another product for each case.
	product := func(n int) string {
		digits := fmt.Sprintf("0952114%s%03d", name[:2], 100+n)
		digits += strings.Repeat("0", 13-len(digits))
		sum := 0
		for i, c := range digits {
			sum += int(c-'0') * (3 - 2*(i%2))
		}
		return "https://id.gs1.org/01/" + digits + strconv.Itoa((10-sum%10)%10)
	}
	event := func(kind, members string) string {
		return `{"type":"` + kind + `","eventTime":"2026-04-0` + strconv.Itoa(1+len(name)%9) +
			`T08:00:00Z","eventTimeZoneOffset":"+00:00",` + members + `}`
	}
	amount := func(class string) string { return `[{"epcClass":"` + class + `","quantity":3,"uom":"KGM"}]` }
	transformed := func(from, into, more string) string {
		return event("TransformationEvent", `"inputQuantityList":`+amount(from)+`,"outputQuantityList":`+amount(into)+more)
	}
	seen := func(epcs, more string) string {
		return event("ObjectEvent", `"action":"OBSERVE","epcList":[`+epcs+`]`+more)
	}
	one := `"` + product(1) + `/21/1"`
	context, around, events := `{"ex":"https://ns.example.com/y/"}`, "", []string{seen(one, "")}
	mark := ""
	switch name {
	case "01":
		events = []string{
			transformed(product(1)+"/10/RAW1", product(2)+"/10/LOT1", ""),
			event("AggregationEvent", `"action":"ADD","parentID":"https://id.gs1.org/00/095211410000000014","childEPCs":["`+
				product(2)+`/10/LOT1/21/S1"]`),
		}
	case "02":
		events = []string{
			transformed(product(1)+"/10/RAW2", product(2)+"/10/LOT2", ""),
			event("ObjectEvent", `"action":"ADD","epcList":["`+product(2)+`/21/S2"],"ilmd":{"cbvmda:lotNumber":"LOT2"}`),
		}
	case "03":
		events = []string{
			event("ObjectEvent", `"action":"OBSERVE","quantityList":[{"epcClass":"`+product(1)+`","quantity":12}]`),
			transformed(product(1)+"/10/LA", product(2)+"/10/LB", ""),
		}
	case "04":
		events = []string{
			transformed(product(1)+"/10/BAD", product(2)+"/10/MID", ""),
			transformed(product(2)+"/10/MID", product(3)+"/10/SHELF", ""),
		}
	case "05a", "05b":
		lot := map[string]string{"05a": "0012", "05b": "12"}[name]
		events = []string{event("ObjectEvent", `"action":"ADD","epcList":[`+one+`],"ilmd":{"cbvmda:lotNumber":"`+lot+`"}`)}
	case "06a", "06b":
		certificates := map[string]string{
			"06a": `"https://cert.example/7"`, "06b": `["https://cert.example/7","https://cert.example/8"]`,
		}
		events = []string{seen(one, `,"certificationInfo":`+certificates[name])}
	case "07":
		around = `"epcisHeader":{"epcisMasterData":{"vocabularyList":[]}},`
	case "08a":
		events = []string{transformed(product(1)+"/10/IN", product(2)+"/10/OUT", withdrawn)}
	case "08b":
		events = []string{transformed(product(1)+"/10/IN", product(3)+"/10/OTHER", withdrawn+declaration)}
	case "10":
		events = []string{event("AggregationEvent", `"action":"DELETE","childQuantityList":`+amount(product(1)+"/10/P"))}
	case "11":
		two := `"` + product(1) + `/21/2"`
		events = []string{seen(one+","+two, ""), seen(two+","+one, "")}
	case "12":
		mark = "\ufeff"
	case "13":
		around = `"id":"_:b0",`
	case "14":
		around = `"_note":"ours",`
	case "15":
		events = []string{seen(strings.ReplaceAll(`"https://id.gs1.org/01/`+right+`/21/1"`, right, wrong), "")}
	case "17":
		key := strings.TrimPrefix(product(1), "https://id.gs1.org/")
		events = []string{seen(`"https://id.gs1.org/21/2018/`+key+`"`, "")}
	case "18":
		context = `{"childEPCs":"https://elsewhere.example/other"}`
	case "19":
		events = nil
		for i := range 2001 {
			events = append(events, seen(`"`+product(1)+`/21/`+strconv.Itoa(i)+`"`, ""))
		}
	case "21a", "21b":
		more := `,"eventID":"urn:uuid:e0000000-0000-4000-8000-000000000021"`
		if name == "21b" {
			more += declaration
		}
		events = []string{transformed(product(1)+"/10/A", product(2)+"/10/B", more)}
	case "22a", "22b":
		events = []string{seen(one, `,"eventID":"urn:uuid:e0000000-0000-4000-8000-0000000022`+name[2:]+`0"`)}
	case "23":
		context, events = `"https://contexts.example/trade.jsonld"`, []string{seen(one, `,"tr:bestBefore":"2026-10-01"`)}
	case "24":
		events = []string{event("ObjectEvent", `"action":"ADD","quantityList":`+amount(product(1)+"/10/77K3Z"))}
	default:
		require.Fail(t, "no document is made for "+name)
	}
	return []byte(mark +
		`{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",` + context + `],` + around +
		`"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-04-10T00:00:00Z",` +
		`"epcisBody":{"eventList":[` + strings.Join(events, ",") + `]}}`)
}
