package api

import (
	"net/http"

	"github.com/pedigree-ledger/pedigree/gateway/openapi"
)

func (s *Server) openapiJSON(c *call) error {
	c.send(http.StatusOK, "application/json", s.Description.JSON)
	return nil
}

func (s *Server) openapiYAML(c *call) error {
	c.send(http.StatusOK, "application/yaml", openapi.YAML)
	return nil
}
