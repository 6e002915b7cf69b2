package api

import (
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// checkEventValues refuses a query for what no event can have. An empty answer to it would look as if there were no such
// events.
func (c *call) checkEventValues() error {
	words := map[string]string{"EQ_bizStep": "bizStep", "EQ_disposition": "disposition"}
	uris := append([]string{"EQ_readPoint", "EQ_bizLocation"}, index.MatchParameters()...)
	var names []string
	for name := range c.params {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		transaction := strings.HasPrefix(name, "EQ_bizTransaction_")
		for _, value := range c.params[name] {
			why := ""
			switch {
			case words[name] != "":
				why = epcis.NoWord(words[name], value)
			case (transaction || slices.Contains(uris, name)) && !epcis.IsURI(value):
				why = "is not a URI, such as https://id.gs1.org/01/09521234543213/21/17 or urn:epc:id:sgtin:9521234.054321.17; " +
					"a * stands only for the last part of one"
				if transaction {
					why = "is not a URI, such as urn:epcglobal:cbv:bt:9521234000013:4711"
				}
			}
			if why != "" {
				return problem.WrongParameter(name, "%s %q %s", name, record.Brief(value), why)
			}
		}
	}
	return nil
}
