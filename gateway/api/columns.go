package api

import (
	"bytes"
	"errors"
	"net/http"

	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// columns walks from one column of an artifact version.
func (s *Server) columns(c *call, q lineage.Query) error {
	media := "application/json"
	switch format := c.value("format"); {
	case format == "csv" || format == "" && c.accept == "text/csv":
		media = "text/csv; charset=utf-8"
	case format != "" && format != "json":
		return problem.WrongParameter("format", "lineage of columns is told as json or csv; leave column= out for %s",
			format)
	}
	direction := c.value("direction")
	var answers []*lineage.ColumnAnswer
	for _, q.Direction = range []lineage.Direction{lineage.Ancestors, lineage.Descendants} {
		if direction != "both" && direction != string(q.Direction) {
			continue
		}
		a, err := lineage.TraceColumns(c.Request.Context(), s.Index, q, c.value("column"))
		if err != nil {
			return unknownColumn(err)
		}
		answers = append(answers, a)
		q.At = a.Block
	}
	a := answers[0]
	if len(answers) > 1 {
		a = lineage.JoinColumns(answers[0], answers[1])
	}
	if media == "application/json" {
		return c.answer(http.StatusOK, a)
	}
	var b bytes.Buffer
	if err := a.WriteCSV(&b); err != nil {
		return err
	}
	c.send(http.StatusOK, media, b.Bytes())
	return nil
}

func unknownColumn(err error) error {
	var unknown *lineage.UnknownColumnError
	if errors.As(err, &unknown) {
		return problem.New(problem.NotFound, "%s", problem.Clean(unknown.Error())).Because(
			problem.Reason{Code: "unknown_column", Detail: problem.Clean(unknown.Error()), Parameter: "column"})
	}
	return unknownNode(err)
}
