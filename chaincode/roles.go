package chaincode

import (
	"fmt"

	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/cid"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// RoleAttribute names the attribute of a certificate that says which role its holder has. It stands where Fabric CA
// puts attributes, in the extension 1.2.3.4.5.6.7.8.1.
const RoleAttribute = "pedigree.role"

// The roles that submit. Holders of all other roles only read. A certificate without a role is not limited by one.
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
	if !has || role == RoleSubmitter || role == RoleOperator {
		return nil
	}
	return refuse("not_submitter", fmt.Sprintf("the certificate has the role %q; only %s and %s submit records",
		record.Brief(role), RoleSubmitter, RoleOperator))
}
