package record

import (
	"net/url"
	"regexp"

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
	// Gateway is the address at which the gateways of other organisations reach that of this one, such as
	// https://gateway.harbor.example:8081. Rules 2 and later have it.
	Gateway string
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
		Gateway:    f.named("gateway", optional, gatewayRule),
	}
}

// gatewayForm is that of a gateway's address: a name in lower case or an IP address, and perhaps a port.
var gatewayForm = regexp.MustCompile(`^https://([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(:[1-9][0-9]{0,4})?$`)

func gatewayRule(s string) string {
	if !gatewayForm.MatchString(s) {
		return "is not the address of a gateway: https://, a host in lower case and perhaps a port, and nothing after that"
	}
	return ""
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
