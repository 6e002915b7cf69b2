package chaincode

import (
	"crypto/x509/pkix"
	"fmt"
	"slices"

	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/attrmgr"
	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/cid"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// RoleAttribute names the attribute of a certificate that says which role its holder has. It stands where Fabric CA
// puts attributes, in the extension 1.2.3.4.5.6.7.8.1.
const RoleAttribute = "pedigree.role"

// The roles that submit. Holders of all other roles only read. A certificate without attributes is not limited by a
// role. One that has attributes, and no role among them, only reads: whoever has a certificate of a Fabric CA gets
// another one there with fewer attributes, but none without any, and could so put an auditor's role off.
const (
	RoleSubmitter = "submitter"
	RoleOperator  = "operator"
)

// checkRole refuses a submitter whose certificate has a role that only reads, whatever a gateway lets its holder do.
func (b *batch) checkRole(caller *cid.ClientID) error {
	if !b.rules.roles {
		return nil
	}
	role, has, err := caller.GetAttributeValue(RoleAttribute)
	if err != nil {
		return fmt.Errorf("couldn't read the role of who submits: %w", err)
	}
	if role == RoleSubmitter || role == RoleOperator {
		return nil
	}
	if !has {
		certificate, err := caller.GetX509Certificate()
		if err != nil {
			return fmt.Errorf("couldn't read the certificate of who submits: %w", err)
		}
		if !slices.ContainsFunc(certificate.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(attrmgr.AttrOID) }) {
			return nil
		}
		return refuse("not_submitter", fmt.Sprintf("the certificate has attributes, and no %s among them; only %s and %s "+
			"submit records", RoleAttribute, RoleSubmitter, RoleOperator))
	}
	return refuse("not_submitter", fmt.Sprintf("the certificate has the role %q; only %s and %s submit records",
		record.Brief(role), RoleSubmitter, RoleOperator))
}
