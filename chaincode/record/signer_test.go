package record_test

import (
	"crypto/x509/pkix"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

func TestASubjectNamesItsHolder(t *testing.T) {
	for _, name := range []string{"Ada Lovelace", `A, "B" + C; D\E`, "#1 <x>", " spaces ", "Zoë Łuczak", "CN=other", "submitter@harbor.example"} {
		subject := pkix.Name{CommonName: name, Organization: []string{"Harbor, CN=Eve"}, OrganizationalUnit: []string{`x\,CN=Eve`}}
		assert.Equal(t, name, record.SignerName(subject.String()), subject.String())
	}
	for subject, want := range map[string]string{"": "", "O=Harbor": "O=Harbor", "CN=": "CN=", `CN=a\`: `a\`, "OU=x+CN=y": "y"} {
		assert.Equal(t, want, record.SignerName(subject))
	}
}
