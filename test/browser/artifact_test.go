package browser

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAModelSaysWhatItWasTrainedOnAndADatasetWhatUsesIt(t *testing.T) {
	b := member(t, "market", "auditor")
	b.open("/")
	b.follow("Data and models")
	b.arrives("/artifacts")
	b.looks("artifacts")
	b.follow("model/lab/spoilage@A")
	b.arrives("/artifacts/model/lab/spoilage@A")
	b.sees("What it was trained on")
	b.sees("It rests on what was recalled")
	b.looks("model")
	assert.Contains(t, b.text("main"), "dataset/lab/temperatures@A")
	b.follow("dataset/lab/temperatures@A")
	b.arrives("/artifacts/dataset/lab/temperatures@A")
	b.sees("model/lab/spoilage@A")
	b.sees("every byte")
	b.looks("dataset")
}

func TestAnArtifactWithoutVersionIsItsNewestAndKnowsTheOthers(t *testing.T) {
	version := unique()
	register(t, "lab", "series", version+".1", "")
	register(t, "lab", "series", version+".2", "the newer one")
	b := member(t, "harbor", "auditor")
	b.open("/artifacts/dataset/lab/series")
	b.sees("the newer one")
	b.follow(version + ".1")
	b.sees("There is a newer version")
	b.expect("404")
	b.open("/artifacts/dataset/lab/series@none")
	b.sees("There is no such thing")
}

func TestARecordShowsItsBytesAndGivesItsProof(t *testing.T) {
	b := member(t, "lab", "auditor")
	b.open("/artifacts/dataset/lab/temperatures@A")
	b.click(`a[href^="/records/"][title^="ni:///"]:not(.id)`)
	b.until(`location.pathname.startsWith("/records/")`)
	b.sees("temperatures measured on pallet")
	b.sees("The first to record it")
	b.looks("record")
	id, err := url.PathUnescape(strings.TrimPrefix(b.path(), "/records/"))
	assert.NoError(t, err)
	proof := eval[string](b, `fetch("/v1/records/`+url.PathEscape(id)+`/proof").then(r => r.text())`)
	assert.Contains(t, proof, `"format":"pedigree-proof/1"`)
}

func TestATransactionListsItsRecords(t *testing.T) {
	b := member(t, "lab", "auditor")
	b.open("/records/" + url.PathEscape(register(t, "lab", "one", unique(), "")))
	b.click(`a[href^="/transactions/"]`)
	b.sees("1 record of Lab")
	b.looks("transaction")
}

func TestSearchLeadsToOneThingOrShowsWhatItCouldBe(t *testing.T) {
	b := member(t, "harbor", "auditor")
	for text, to := range map[string]string{
		"urn:epc:class:lgtin:9520001.020001.FILLET-A": "/01/09520001200014/10/FILLET-A",
		"FILLET-A":                    "/01/09520001200014/10/FILLET-A",
		"09520001200014 lot FILLET-A": "/01/09520001200014/10/FILLET-A",
		"spoilage":                    "/artifacts/model/lab/spoilage",
		"dataset/lab/temperatures@A":  "/artifacts/dataset/lab/temperatures@A",
		"MarketMSP":                   "/organisations/MarketMSP",
	} {
		b.open("/")
		b.write("#find-big", text)
		b.press(enter)
		b.arrives(to)
	}
	b.open("/search?q=lab")
	b.sees("could mean any of these")
	b.looks("search")
	b.follow("LabMSP")
	b.sees("As it introduced itself")
	b.looks("organisation")
	b.expect("404")
	b.open("/search?q=09520001200015")
	b.sees("it would have to be 4")
	b.looks("search-nothing")
	b.open("/search")
	b.sees("What can be looked for")
}
