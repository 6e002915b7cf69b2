package api

import (
	"errors"
	"net/http"
	"slices"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats"
	"github.com/pedigree-ledger/pedigree/gateway/formats/catalogue"
	"github.com/pedigree-ledger/pedigree/gateway/lineage"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// lineageView is the answer of a walk, or of one in each direction.
type lineageView struct {
	Node      string              `json:"node"`
	Direction string              `json:"direction"`
	Block     uint64              `json:"block"`
	Nodes     []nodeView          `json:"nodes"`
	Edges     []lineage.Edge      `json:"edges"`
	Truncated *lineage.Truncation `json:"truncated,omitempty"`
}

// nodeView is a node, and how it was reached.
type nodeView struct {
	lineage.Node
	Tx          string            `json:"tx"`
	Transaction string            `json:"transaction,omitempty"` // stands in front of the node's own member of that name, and is empty
	Direction   lineage.Direction `json:"direction,omitempty"`   // if both were asked for
}

// lineage walks the graph, and answers in one of many formats.
func (s *Server) lineage(c *call) error {
	format := c.format()
	q, err := c.lineageQuery()
	if err != nil {
		return err
	}
	if c.params["column"] != nil {
		return s.columns(c, q)
	}
	directions, err := c.directions(format)
	if err != nil {
		return err
	}
	if format.Depth > 0 {
		q.Depth = format.Depth
	}
	var answers []*lineage.Answer
	for _, q.Direction = range directions {
		a, err := lineage.Trace(c.Request.Context(), s.Index, q)
		if err != nil {
			return unknownNode(err)
		}
		answers = append(answers, a)
		q.At = a.Block // both halves of an answer show one ledger
	}
	joined := lineage.Join(answers...)
	if format.Write == nil {
		return c.answer(http.StatusOK, viewLineage(c.value("direction"), answers, joined))
	}
	return s.export(c, format, &formats.Graph{Answer: joined, Directions: directions})
}

// format is what to answer in: what the parameter says, or else what is accepted. Browsers name HTML first and take
// anything; they get the gateway's JSON, for the one format in HTML isn't for every node.
func (c *call) format() formats.Format {
	if name := c.value("format"); name != "" {
		f, _ := catalogue.ByName(name)
		return f
	}
	media := c.accept
	if media == "text/html" {
		if other := c.preferred(slices.DeleteFunc(slices.Clone(c.op.Produces),
			func(t string) bool { return t == "text/html" })); other != "" {
			media = other
		}
	}
	f, _ := catalogue.ByMediaType(media)
	return f
}

// directions are the ways to walk: those that were asked for, unless the format makes sense one way only.
func (c *call) directions(f formats.Format) ([]lineage.Direction, error) {
	asked := c.value("direction")
	if f.Direction != "" {
		if c.params["direction"] != nil && asked != string(f.Direction) {
			return nil, problem.WrongParameter(
				"direction",
				"the format %s is made of %s, not of %s; leave the direction out",
				f.Name,
				f.Direction,
				asked,
			)
		}
		return []lineage.Direction{f.Direction}, nil
	}
	if asked == "both" {
		return []lineage.Direction{lineage.Ancestors, lineage.Descendants}, nil
	}
	return []lineage.Direction{lineage.Direction(asked)}, nil
}

func (c *call) lineageQuery() (lineage.Query, error) {
	node, err := c.node("node")
	return lineage.Query{Node: node, At: c.at(), Depth: c.number("depth"), Nodes: c.number("limit")}, err
}

func unknownNode(err error) error {
	var unknown *lineage.UnknownNodeError
	if errors.As(err, &unknown) {
		return problem.New(problem.NotFound, "no record up to block %d names %q", unknown.Block,
			record.Brief(unknown.Node)).Because(
			problem.Reason{Code: "unknown_node", Detail: "the ledger doesn't know this node", Parameter: "node"})
	}
	return err
}

func viewLineage(direction string, answers []*lineage.Answer, joined *lineage.Answer) lineageView {
	v := lineageView{
		Node: joined.Node, Direction: direction, Block: joined.Block, Edges: joined.Edges, Truncated: joined.Truncated,
		Nodes: make([]nodeView, len(joined.Nodes)),
	}
	if v.Edges == nil {
		v.Edges = []lineage.Edge{}
	}
	above := len(answers[0].Nodes)
	for i, n := range joined.Nodes {
		v.Nodes[i] = nodeView{Node: n, Tx: n.Transaction}
		if len(answers) > 1 && i > 0 {
			v.Nodes[i].Direction = lineage.Ancestors
			if i >= above {
				v.Nodes[i].Direction = lineage.Descendants
			}
		}
	}
	return v
}
