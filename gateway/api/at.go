package api

import (
	"errors"
	"strconv"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// atBlock puts the number of a block in place of the time that parameter "at" may have.
func (s *Server) atBlock(c *call) error {
	value := c.value("at")
	if _, err := strconv.ParseUint(value, 10, 64); value == "" || err == nil {
		return nil
	}
	moment, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		return problem.WrongParameter(
			"at",
			"%q is neither the number of a block nor a date and time with an offset, such as 2026-03-01T08:00:00Z",
			problem.Clean(value),
		)
	}
	block, err := s.Index.BlockAt(c.Request.Context(), moment)
	if errors.Is(err, index.ErrNotFound) {
		return problem.WrongParameter("at", "no transaction on the ledger says that it was made by %s", value)
	}
	if err != nil {
		return err
	}
	c.params["at"] = []string{strconv.FormatUint(block, 10)}
	return nil
}
