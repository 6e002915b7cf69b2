package chaincode_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

func TestOnlyRolesThatSubmitDo(t *testing.T) {
	l := newLedgerBy(t, chaincode.Newest())
	for _, role := range []string{"", "submitter", "operator"} {
		l.accept(who{"HarborMSP", "client", role}, "Events:Submit", nil, event(t, "A"))
	}
	for _, role := range []string{"auditor", "Submitter", "submitter ", "admin", "?"} {
		p := l.refuse("not_submitter", who{"HarborMSP", "client", role}, "Events:Submit", nil, event(t, "A"))
		assert.Contains(t, p.Detail, role)
	}
	l.accept(who{"HarborMSP", "admin", "operator"}, "Members:Submit", nil, again(t, harbor, member(t, "HarborMSP", "harbor")))
	claims := again(t, lab, member(t, "LabMSP", "lab"))
	l.refuse("not_submitter", who{"LabMSP", "admin", "auditor"}, "Members:Submit", nil, claims)
	l.refuse("not_admin", who{"LabMSP", "client", "operator"}, "Members:Submit", nil, claims)
}

// A Fabric CA gives whoever asks a certificate with fewer attributes than they have.
func TestARoleIsNotPutOff(t *testing.T) {
	l := newLedgerBy(t, chaincode.Newest())
	p := l.refuse("not_submitter", who{"HarborMSP", "client", withoutRole}, "Events:Submit", nil, event(t, "A"))
	assert.Contains(t, p.Detail, "no pedigree.role among them")
	newLedger(t).accept(who{"HarborMSP", "client", withoutRole}, "Events:Submit", nil, event(t, "A"))
}

func TestTheFirstRulesKnowNoRoles(t *testing.T) {
	newLedger(t).accept(who{"HarborMSP", "client", "auditor"}, "Events:Submit", nil, event(t, "A"))
}

func TestAnOrganisationSaysWhereItsGatewayIs(t *testing.T) {
	with := func(msp, gateway string) *record.Record {
		return made(t)(record.NewMember(value(t, fmt.Sprintf(`{"mspId":%q,"name":"An organisation","gateway":%q}`, msp, gateway))))
	}
	l := newLedgerBy(t, chaincode.Newest())
	l.accept(who{"HarborMSP", "admin", "operator"}, "Members:Submit", nil, with("HarborMSP", "https://gateway.harbor.example:7053"))
	l.refuse("not_yours", labAdmin, "Members:Submit", nil, with("HarborMSP", "https://gateway.lab.example"))
	p := newLedger(t).refuse("unknown_field", harborAdmin, "Members:Submit", nil, with("HarborMSP", "https://gateway.harbor.example"))
	assert.Equal(t, "/gateway", p.Pointer, "the first rules know no address")
}
