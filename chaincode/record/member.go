package record

import (
	"net/url"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
)

// Member is an organisation's description of itself, with the namespaces that it
// claims for its artifacts. The newest record of an organisation counts, but a
// namespace stays claimed for ever.
type Member struct {
	MSPID       string
	Name        string
	Description string
	URL         string
	GLN         string // GS1 Global Location Number of the organisation, 13 digits
	Namespaces  []string
}

// NewMember makes the record with which an organisation introduces itself.
func NewMember(v canonical.Value) (*Record, []Problem) {
	return build(NounMember, v.Get("mspId").Text, v)
}

func readMember(f *fields) *Member {
	return &Member{
		MSPID:       f.text("mspId", required, maxMSPID),
		Name:        f.text("name", required, 128),
		Description: f.text("description", optional, 2_000),
		URL: f.named("url", optional, func(s string) string {
			if u, err := url.Parse(s); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" ||
				len(s) > 512 {
				return "is not the address of a web page"
			}
			return ""
		}),
		GLN:        f.named("gln", optional, glnRule),
		Namespaces: f.texts("namespaces", optional, 64, namespaceRule),
	}
}

// glnRule checks the length and the check digit of a GLN (GS1 General Specifications, 7.9).
func glnRule(s string) string {
	for i := 0; i < len(s); i++ {
		if !digit(s[i]) {
			return "must have digits only"
		}
	}
	const rule = "is not a GLN: 13 digits, the last a check digit"
	if len(s) != 13 {
		return rule
	}
	if _, wrong := epcis.Mistyped(s); wrong {
		return rule
	}
	return ""
}

// ClaimCounts reports whether a claim to a company prefix counts: more than half of the members stand behind it, and
// among these another one than the claimant. Both maps are by MSP id.
func ClaimCounts(claimant string, members, behind map[string]bool) bool {
	votes, others := 0, 0
	for mspID := range behind {
		if members[mspID] {
			votes++
			if mspID != claimant {
				others++
			}
		}
	}
	return 2*votes > len(members) && others > 0
}
