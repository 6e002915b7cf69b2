package browser

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"io"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/check"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// download gets a file with the session of the window, and returns its bytes.
func (b *tab) download(path string) []byte {
	b.t.Helper()
	text := eval[string](b, `fetch(`+strconv.Quote(path)+`).then(r => r.blob()).then(blob => new Promise(done => {
		const reader = new FileReader();
		reader.onload = () => done(reader.result.split(",")[1] || "");
		reader.readAsDataURL(blob);
	}))`)
	data, err := base64.StdEncoding.DecodeString(text)
	require.NoError(b.t, err)
	return data
}

func TestAnAuditorVerifiesAnOrganisationsRecordsInThePage(t *testing.T) {
	b := member(t, "lab", "auditor")
	b.open("/audit")
	b.sees("What this page can't prove")
	b.looks("audit")
	b.do(choose("#organisation", "HarborMSP"))
	b.do(choose("#noun", "event"))
	b.follow("List")
	b.arrives("/audit?")
	b.sees("commissioning")
	assert.NotContains(t, b.text("#records"), "Market")
	b.follow("Verify this page")
	b.sees("on this page are proved")
	b.sees("3 signed")
	b.follow("What this gateway checked")
	b.sees("and no other question")
	b.looks("audit-verified")
	rows := eval[int](b, `document.querySelectorAll("#records tbody tr").length`)
	assert.Equal(t, rows, eval[int](b, `document.querySelectorAll("#records .badge.good").length`))
}

func TestProofsAreTakenAwayAndCheckedWithoutTheGateway(t *testing.T) {
	b := member(t, "harbor", "auditor")
	b.open("/audit?organisation=LabMSP&level=block")
	path := eval[string](b, `document.querySelector('a[download="proofs.zip"]').getAttribute("href")`)
	text := b.download(path)
	archive, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
	require.NoError(t, err)
	trust := trusted(t)
	proofs := 0
	for _, f := range archive.File {
		if !strings.HasSuffix(f.Name, ".proof") {
			continue
		}
		proofs++
		r, err := f.Open()
		require.NoError(t, err)
		file, err := io.ReadAll(r)
		require.NoError(t, err)
		p, err := proof.Parse(file)
		require.NoError(t, err)
		verdict, err := proof.Verify(p, trust, proof.Wanted{Level: proof.LevelBlock})
		require.NoError(t, err)
		assert.Equal(t, "LabMSP", verdict.Records[0].Recordings[0].MSPID)
	}
	assert.GreaterOrEqual(t, proofs, 4)
	readme, err := archive.Open("README.txt")
	require.NoError(t, err)
	words, err := io.ReadAll(readme)
	require.NoError(t, err)
	assert.Contains(t, string(words), "pedigree verify")

	table, err := csv.NewReader(bytes.NewReader(b.download(eval[string](b, `document.querySelector('a[download="records.csv"]').getAttribute("href")`)))).ReadAll()
	require.NoError(t, err)
	assert.Len(t, table, proofs+1)
}

// choose chooses an option of a list.
func choose(selector, value string) chromedp.Action[chromedp.Void] {
	return chromedp.SetValue(chromedp.CSS(selector), value, chromedp.NodeVisible)
}

// trusted is what the network's own trust file says.
func trusted(t *testing.T) *proof.Trust {
	t.Helper()
	c := check.Trust()
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetArgs([]string{"export", "--dir", dir})
	require.NoError(t, c.Execute())
	trust, err := proof.ParseTrust(out.Bytes())
	require.NoError(t, err)
	return trust
}

func TestAPeriodIsAskedForByKeyboardAndItsMistakesAreSaid(t *testing.T) {
	b := member(t, "harbor", "auditor")
	b.open("/audit")
	b.write("#fromBlock", "7")
	b.write("#toBlock", "8")
	b.press(enter)
	b.arrives("/audit?")
	assert.Equal(t, []string{"7", "8"}, eval[[]string](b, `[...new Set([...document.querySelectorAll("#records td[data-label=Block]")].map(e => e.textContent))].sort()`))
	b.expect("400")
	b.open("/audit?fromBlock=9&toBlock=3")
	b.sees("comes after the last")
	b.open("/audit?from=" + url.QueryEscape("<script>alert(1)</script>"))
	b.sees(`"<script>alert(1)</script>" is no time`)
	b.looks("audit-mistake")
	b.open("/audit?from=2040-01-01T00:00")
	b.sees("No record fits")
	b.looks("audit-empty")
}
