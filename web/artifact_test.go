package web

import (
	"reflect"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
)

var references = []Reference{{hostile, hostile, Kinds[0], []string{hostile}}, {"javascript:alert(1)", hostile, Kinds[1], nil}}

func init() {
	deed := RecordSummary{Kind: Kinds[0], Did: hostile, Times: 2, Nodes: references, More: 1, Note: hostile, ID: hostile}
	saying := Saying{ID: hostile, Kind: "recall", By: hostile, Text: hostile, At: time.Unix(0, 0)}
	taken := saying
	taken.Retracted = true
	row := ArtifactRow{Ref: "dataset/" + hostile, Version: hostile, By: hostile, Digest: "0123456789abcdef" + hostile, Kind: Kinds[0], Flags: []string{hostile}, Current: true}
	other := row
	other.Current = false
	run := Run{ID: hostile, Type: hostile, By: hostile, Role: hostile, Description: hostile, Used: references, Generated: references, MoreUsed: 1, MoreGenerated: 1, About: references}
	card := new(about.Description)
	fill(reflect.ValueOf(card).Elem())
	pages["artifacts"] = &Artifacts{Frame: framed(), Kind: hostile, Kinds: Kinds[:2], Rows: []ArtifactRow{row}, Earlier: "/artifacts?before=1"}
	pages["artifact"] = &Artifact{
		Frame: framed(), Ref: hostile, Series: hostile, Name: hostile, Version: hostile, Record: hostile, Kind: Kinds[4], By: hostile, Flags: []string{hostile}, Newer: references, Recalled: references, MoreRecalled: 1,
		Description: hostile, Licence: hostile, MediaType: hostile, Size: 1, Algorithm: hostile, Digest: hostile, Coverage: hostile, Aliases: []Alias{{hostile, hostile, hostile, hostile}},
		Versions: []ArtifactRow{row, other}, Made: []Run{run}, DerivedFrom: references, MoreSources: 1, Uses: []Run{run}, Derived: references, MoreDerived: 1, Claims: []Saying{saying, taken},
		Files: []ArtifactFile{{hostile, "0123456789abcdef" + hostile, 1, 0}, {hostile, "", 1, 3}}, MoreFiles: 1, Card: card, Exports: []Export{{hostile, hostile, "/x"}},
	}
	pages["record"] = &Record{
		Frame: framed(), ID: hostile, Kind: Kinds[0], Title: hostile, Flags: []string{hostile}, Summary: deed, About: hostile, Names: references, MoreNames: 1,
		Extends: references, Breaches: []Breach{{references[0], hostile}},
		Recordings: []Recording{{By: hostile, Subject: hostile, Tx: hostile}}, Claims: []Saying{saying, taken}, JSON: hostile, Cut: true,
	}
	pages["transaction"] = &Transaction{Frame: framed(), ID: hostile, By: hostile, Subject: hostile, Valid: true, Total: 3, Records: []RecordSummary{deed}, More: 2}
	pages["organisation"] = &OrganisationPage{
		Frame: framed(), Of: NewOrganisation(1, hostile, hostile), Known: true, Namespaces: []string{hostile}, Record: hostile, Nouns: []NounCount{{Kinds[0], 1}}, Artifacts: []ArtifactRow{row},
		Transactions: []TransactionSummary{{By: hostile, Tx: hostile, Records: []RecordSummary{deed}, More: 1}},
	}
	pages["search"] = &Search{Frame: framed(), Hits: []Hit{{Kinds[0], hostile, hostile, hostile, "/x", hostile, []string{hostile}, hostile}}, Some: true, Digit: hostile}
}

// fill puts hostile text into every string of a value.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(hostile)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i))
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	}
}
