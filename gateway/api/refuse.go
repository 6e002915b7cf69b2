package api

import (
	"github.com/gin-gonic/gin"

	"github.com/pedigree-ledger/pedigree/gateway/problem"
	"github.com/pedigree-ledger/pedigree/gateway/requestlog"
)

// refuse answers with a problem.
func (s *Server) refuse(g *gin.Context, p *problem.Problem) {
	g.Abort()
	e := requestlog.In(g.Request.Context())
	if p.Cause != nil || p.Kind.Status >= 500 {
		s.Logger.Error("a request failed", "id", e.ID, "problem", p.Kind.Slug, "detail", p.Detail, "error", p.Cause)
	}
	p.Answer(g.Writer, g.Request, e.Instance())
}
