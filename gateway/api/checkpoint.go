package api

import (
	"net/http"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
	"github.com/pedigree-ledger/pedigree/gateway/verify/checkpoint"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
)

// checkpoint says how far the ledger is. The parameter cosign has others sign it, as it does everywhere.
func (s *Server) checkpoint(c *call) error {
	ledger, err := s.ledger(c)
	if err != nil {
		return err
	}
	tree, err := s.Index.Tree(c.Request.Context(), c.at())
	if err != nil {
		return err
	}
	told := checkpoint.Checkpoint{
		Ledger: ledger, Height: cosigned.Height{Block: tree.Block, Hash: [32]byte(tree.Hash)}, Size: tree.Size, Root: tree.Root,
	}
	return c.answer(http.StatusOK, told.Body())
}

// consistency proves that a later tree extends an earlier one.
func (s *Server) consistency(c *call) error {
	ledger, err := s.ledger(c)
	if err != nil {
		return err
	}
	from, to := uint64(c.number("from")), uint64(c.number("to"))
	if from > to {
		return problem.WrongParameter("from", "the earlier tree has at most as many recordings as the later one, %d", to)
	}
	size, path, err := s.Index.Consistency(c.Request.Context(), from, to)
	if err != nil {
		return err
	}
	if to > size {
		return problem.WrongParameter("to", "the ledger has only %d recordings yet", size)
	}
	return c.answer(http.StatusOK, &checkpoint.Consistency{Origin: ledger.Origin(), From: from, To: to, Path: path})
}

// ledger names the ledger that the index is of.
func (s *Server) ledger(c *call) (cosigned.Ledger, error) {
	genesis, err := s.Index.BlockHash(c.Request.Context(), 0)
	if err == nil && genesis == nil {
		err = &index.FutureError{}
	}
	if err != nil {
		return cosigned.Ledger{}, err
	}
	return cosigned.Ledger{Channel: s.Channel, Genesis: [32]byte(genesis)}, nil
}
