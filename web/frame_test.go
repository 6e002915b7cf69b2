package web

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestANameThatAnOrganisationChoseStandsBesideItsID(t *testing.T) {
	for _, c := range []struct{ mspID, name, shown string }{
		{"HarborMSP", "Harbor", "Harbor"},
		{"HarborMSP", "HARBOR", "HARBOR"},
		{"Org1", "Org1", "Org1"},
		{"MarketMSP", "Harbor", "Harbor (MarketMSP)"},
		{"MarketMSP", "FDA", "FDA (MarketMSP)"},
		{"MarketMSP", "Мarket", "Мarket (MarketMSP)"}, // with a Cyrillic letter
	} {
		assert.Equal(t, c.shown, NewOrganisation(0, c.mspID, c.name).Name)
	}
}
