package audit

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

func TestASignerIsOfItsOrganisation(t *testing.T) {
	lab := newAuthority(t)
	e := newEpoch(&proof.Config{Organisations: map[string]*proof.Organisation{"LabMSP": lab.organisation("LabMSP")}})
	id := e.identity(lab.member("LabMSP", "client", time.Time{}).creator)
	require.NoError(t, id.err)
	assert.Equal(t, "CN=somebody,OU=client", id.subject)
	assert.Error(t, e.identity(newAuthority(t).member("LabMSP", "client", time.Time{}).creator).err,
		"another authority issued the certificate")
	assert.ErrorContains(t, e.identity(lab.member("XMSP", "client", time.Time{}).creator).err, "XMSP isn't of the channel")
}

func TestWhatAnEpochRemembersHasALimit(t *testing.T) {
	e := newEpoch(&proof.Config{})
	for i := range maxIdentities {
		e.identity([]byte(fmt.Sprint(i)))
		_ = e.meets(fmt.Sprint(i), nil, func([]*proof.Identity) error { return nil })
	}
	assert.Len(t, e.identities, maxIdentities)
	assert.Len(t, e.met, maxIdentities)
	e.identity([]byte("one more"))
	_ = e.meets("one more", nil, func([]*proof.Identity) error { return nil })
	assert.Len(t, e.identities, 1)
	assert.Len(t, e.met, 1)
}
