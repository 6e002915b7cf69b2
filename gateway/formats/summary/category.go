package summary

import (
	"regexp"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
)

// Numbers of the headings in section 2 of the template.
const (
	public     = "2.1"
	licensed   = "2.2.1"
	thirdParty = "2.2.2"
	crawled    = "2.3"
	userData   = "2.4"
	synthetic  = "2.5"
	other      = "2.6"
)

// headings lists the headings in the order of the template, with an explanation of each.
var headings = []struct{ number, title, help string }{
	{public, "Publicly available datasets", "Datasets that others have compiled and that anybody can get."},
	{
		licensed,
		"Private datasets licensed by rightsholders",
		"Datasets for which a rightsholder, or somebody acting for one, has granted a licence.",
	},
	{
		thirdParty,
		"Private datasets obtained from other third parties",
		"Datasets of other organisations that aren't publicly available.",
	},
	{
		crawled,
		"Data crawled and scraped from online sources",
		"Data that the provider, or somebody acting for it, collected from web sites.",
	},
	{userData, "User data", "Data collected from users of the provider's services and products."},
	{synthetic, "Synthetic data", "Data that models generated."},
	{other, "Other sources of data", "Everything else."},
}

// sourceWords maps the values of a version's metadata.dataSource to headings. With it the registrant says under which
// heading the version belongs.
var sourceWords = map[string]string{
	"public": public, "licensed": licensed, "third-party": thirdParty, "crawled": crawled, "user": userData,
	"synthetic": synthetic, "other": other,
}

var (
	crawling = regexp.MustCompile(`(?i)\b(crawl(ed|er|ers|ing|s)?|scrap(ed|er|ers|ing|es)|web ?crawl)\b`)
	// open matches licences that let anybody obtain and use the data.
	open = regexp.MustCompile(
		`^(CC0-|CC-BY-|CC-PDDC|PDDL-|ODC-By-|ODbL-|CDLA-Permissive-|CDLA-Sharing-|OGL-|Apache-|MIT\b|BSD-|Unlicense|C-UDA-|O-UDA-)`,
	)
)

// category returns the heading that a source belongs under, and the rule that says so. The first rule that applies
// decides:
//
//   - the registrant says so in the member dataSource of the metadata;
//   - a run of type "generation" made it: synthetic;
//   - a statement on the ledger grants a licence for it: licensed;
//   - its card says that it was crawled or scraped: crawled;
//   - its card has a public URL and its licence is an open one: public;
//   - it was taken from events on the ledger: other;
//   - an organisation other than the model's registered it: third party;
//   - everything else: other.
func (s *sources) category(v *version) (number, why string) {
	if v.record == nil {
		return other, "nobody has registered it"
	}
	if word := v.record.Metadata.Get("dataSource").Text; sourceWords[word] != "" {
		return sourceWords[word], "its registrant says “" + word + "” (metadata.dataSource)"
	}
	if v.run != nil && v.run.Type == "generation" {
		return synthetic, "a run of the type “generation” made it"
	}
	for _, flag := range v.flags {
		if flag == record.FlagOf(record.Licence) {
			return licensed, "a licence for it was granted on the ledger"
		}
	}
	if v.card != nil {
		for _, p := range v.card.Passages {
			if word := crawling.FindString(p.Text); word != "" &&
				(p.Topic == about.TopicCollection || p.Topic == about.TopicPreparation) {
				return crawled, "its card says “" + word + "” about how it was collected"
			}
		}
		if address, licence := publicAddress(v.card), licenceOf(v); address != "" && open.MatchString(licence) {
			return public, "its card has a public address, and the licence " + licence + " is an open one"
		}
	}
	if len(v.events) > 0 {
		return other, "it was made from what organisations recorded on the ledger"
	}
	if s.model.at != nil && v.at.MSPID != s.model.at.MSPID {
		return thirdParty, "an organisation other than the model's registered it, and nothing says that it is public"
	}
	return other, "the model's own organisation registered it, and nothing says where it is from"
}

func publicAddress(d *about.Description) string {
	for _, url := range d.URLs {
		if strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://") {
			return url
		}
	}
	return ""
}

// licenceOf returns the licence of a version from its record, or else from its card.
func licenceOf(v *version) string {
	if v.record.Licence != "" || v.card == nil {
		return v.record.Licence
	}
	return v.card.Licence()
}

// isSource reports whether data is a source of its own, rather than made only from other data that is listed.
func (s *sources) isSource(v *version) bool {
	if v.record == nil || v.run != nil && v.run.Type == "generation" ||
		sourceWords[v.record.Metadata.Get("dataSource").Text] != "" {
		return true
	}
	for _, ref := range v.data {
		if r, err := record.ParseArtifactRef(ref); err == nil && r.Kind != "model" {
			return false
		}
	}
	return true
}
