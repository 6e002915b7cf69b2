package api

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/formats"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
	"github.com/pedigree-ledger/pedigree/gateway/requestlog"
)

// export answers with lineage in a format that isn't the gateway's own. What the answer says of itself beside the
// format stands in headers: the height that it is of, and whether a limit cut the walk short.
func (s *Server) export(c *call, f formats.Format, g *formats.Graph) error {
	if err := f.Fits(g.Answer.Node, g.Start().Kind); err != nil {
		return unfit(err)
	}
	g.Source, g.Channel, g.Organisation, g.MSPID = s.Index, s.Channel, s.Name, s.MSPID
	g.URL, g.Program, g.Now = c.address(), "pedigree/"+s.Version, time.Now()
	if c.caller != nil && c.caller.Identity != nil {
		g.Signer = c.caller.Identity
	}
	media := f.MediaType
	if strings.HasPrefix(media, "text/") {
		media += "; charset=utf-8"
	}
	if f.Policy != "" {
		c.Header("Content-Security-Policy", f.Policy)
	}
	c.Header(
		"Content-Disposition",
		mime.FormatMediaType("inline", map[string]string{"filename": fileName(g.Answer.Node) + f.Extension}),
	)
	c.Header("Pedigree-Block", strconv.FormatUint(g.Answer.Block, 10))
	if t := g.Answer.Truncated; t != nil && f.Depth == 0 { // a format that needs so many steps has all that it needs
		c.Header("Pedigree-Truncated", strings.Join(t.Reasons, ", "))
	}
	return unfit(c.stream(media, func(out io.Writer) error {
		err := f.Write(c.Request.Context(), out, g)
		if err != nil { // which may come too late for an answer
			s.Logger.Warn("an export was not written whole", "id", requestlog.In(c.Request.Context()).ID, "format",
				f.Name, "error", err)
		}
		return err
	}))
}

// fileName makes a name for a file about a node, of letters and digits: what comes last in its URI is what tells it
// apart.
func fileName(node string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._@", r) {
			return r
		}
		return '-'
	}, node)
	const most = 80
	return strings.TrimLeft(name[max(0, len(name)-most):], "-.")
}

// unfit makes a format's refusal a problem.
func unfit(err error) error {
	var refusal *formats.Refusal
	if errors.As(err, &refusal) {
		return problem.New(
			problem.NotAcceptable,
			"%s",
			refusal.Detail,
		).Because(problem.Reason{Code: "unfit_format", Detail: refusal.Detail, Parameter: "format"})
	}
	return err
}

// address is that of this gateway, as the caller wrote it.
func (c *call) address() string {
	scheme := "http://"
	if c.Request.TLS != nil {
		scheme = "https://"
	}
	return scheme + c.Request.Host
}

// held is how much of an answer is kept back before the first byte of it is sent, so that an error up to there can be
// told.
const held = 1 << 20

// stream answers with what is written, and keeps no more than a part of it in memory.
func (c *call) stream(media string, write func(io.Writer) error) error {
	out := &heldBack{c: c, media: media}
	err := write(out)
	if !out.sent {
		if err != nil {
			return err
		}
		c.send(http.StatusOK, media, out.kept.Bytes())
		return nil
	}
	if err != nil {
		panic(http.ErrAbortHandler) // the one way to tell, once the status is sent: a whole answer ends otherwise
	}
	return nil
}

// heldBack is a writer that begins to send when it has more than it holds.
type heldBack struct {
	c     *call
	media string
	kept  bytes.Buffer
	sent  bool
}

func (w *heldBack) Write(p []byte) (int, error) {
	if w.sent {
		return w.pass(p)
	}
	if w.kept.Len()+len(p) <= held {
		return w.kept.Write(p)
	}
	w.sent = true
	w.c.Header("Content-Type", w.media)
	w.c.Status(http.StatusOK)
	if _, err := w.pass(w.kept.Bytes()); err != nil {
		return 0, err
	}
	w.kept = bytes.Buffer{}
	return w.pass(p)
}

func (w *heldBack) pass(p []byte) (int, error) {
	if w.c.Request.Method == http.MethodHead {
		return len(p), nil
	}
	return w.c.Writer.Write(p)
}
