package api

import (
	"bytes"
	"errors"
	"net/http"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// impact sums up what a node touched, or all that an organisation recorded.
func (s *Server) impact(c *call) error {
	q := lineage.Query{
		Organisation: c.value("organisation"),
		At:           c.at(),
		Depth:        c.number("depth"),
		Nodes:        c.number("limit"),
	}
	if (c.value("node") == "") == (q.Organisation == "") {
		return problem.WrongParameter("node", "an impact is that of a node, or that of an organisation: give one of the two parameters")
	}
	var err error
	if q.Organisation == "" {
		if q.Node, err = c.node("node"); err != nil {
			return err
		}
	}
	impact, err := lineage.Assess(c.Request.Context(), s.Index, q)
	var unknown *lineage.UnknownOrganisationError
	if errors.As(err, &unknown) {
		return problem.New(
			problem.NotFound,
			"no event, artifact or run up to block %d was recorded by %q",
			unknown.Block,
			record.Brief(problem.Clean(unknown.MSPID)),
		).Because(
			problem.Reason{
				Code:      "unknown_organisation",
				Detail:    "the ledger has nothing of this organisation; give its MSP id, such as LabMSP",
				Parameter: "organisation",
			})
	}
	if err != nil {
		return unknownNode(err)
	}
	if c.value("format") == "csv" || c.value("format") == "" && c.accept == "text/csv" {
		var b bytes.Buffer
		if err := impact.WriteCSV(&b); err != nil {
			return err
		}
		c.send(http.StatusOK, "text/csv; charset=utf-8", b.Bytes())
		return nil
	}
	return c.answer(http.StatusOK, impact)
}
