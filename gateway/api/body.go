package api

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/pace"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// answerPatience is for work and answer after the last byte of a body.
const answerPatience = 5 * time.Minute

// maxWindow bounds what the decoder of zstd holds: 8 MiB, as RFC 9659 has it for HTTP.
const maxWindow = 8 << 20

// body is a request's body on its way in. Errors of reading it are problems.
type body struct {
	media   string // without parameters
	control *http.ResponseController
	raw     io.Reader // as it came, bounded
	decoded io.Reader
	close   func()
	coding  string // "" if none
	most    int64
	came    int64 // bytes, decoded
	broken  error // of the line
}

// open begins to read the request's body. The caller closes it.
func (c *call) open() (*body, error) {
	media, params, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if charset := params["charset"]; err != nil || !slices.Contains(c.op.Consumes, media) ||
		charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, problem.New(
			problem.Unsupported,
			"Content-Type is %q; this route takes %s, in UTF-8",
			record.Brief(problem.Clean(c.GetHeader("Content-Type"))),
			strings.Join(c.op.Consumes, " and "),
		)
	}
	if c.Request.ContentLength > c.op.MaxBytes {
		return nil, tooManyBytes(c.Request.ContentLength, c.op.MaxBytes)
	}
	b := &body{
		media: media, control: http.NewResponseController(c.Writer), most: c.op.MaxBytes, close: func() {},
		raw: http.MaxBytesReader(c.Writer, pace.Upload.Body(c.Writer, c.Request.Body), c.op.MaxBytes),
	}
	return b, b.decode(strings.ToLower(strings.Join(c.Request.Header.Values("Content-Encoding"), ",")))
}

// decode undoes the encoding of the way.
func (b *body) decode(coding string) error {
	b.coding = coding
	switch coding {
	case "", "identity":
		b.coding, b.decoded = "", lineOf{b}
	case "gzip", "x-gzip":
		unzip, err := gzip.NewReader(lineOf{b})
		if err != nil {
			return b.problem(err)
		}
		b.decoded = unzip
	case "zstd":
		decoder, err := zstd.NewReader(
			lineOf{b},
			zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow),
		)
		if err != nil {
			return b.problem(err)
		}
		b.decoded, b.close = decoder, decoder.Close
	default:
		p := problem.New(
			problem.Unsupported,
			"the body is encoded as %q; send it as gzip, as zstd or as it is",
			record.Brief(problem.Clean(coding)),
		)
		p.Header = http.Header{"Accept-Encoding": {"gzip, zstd"}}
		return p
	}
	return nil
}

// Close frees what the decoder holds.
func (b *body) Close() { b.close() }

// Read reads what was sent, decoded, up to the limit of the route.
func (b *body) Read(p []byte) (int, error) {
	if int64(len(p)) > b.most-b.came+1 {
		p = p[:b.most-b.came+1]
	}
	n, err := b.decoded.Read(p)
	if b.came += int64(n); b.came > b.most {
		return 0, tooManyBytes(-1, b.most)
	}
	if err != nil && err != io.EOF {
		err = b.problem(err)
	}
	return n, err
}

// problem says why a body couldn't be read.
func (b *body) problem(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(b.broken, &tooLarge):
		return tooManyBytes(-1, b.most)
	case errors.Is(b.broken, os.ErrDeadlineExceeded):
		return problem.New(problem.Malformed, "the body came too slowly; at least %d bytes a second are expected",
			pace.Upload.Rate)
	case errors.Is(b.broken, io.ErrUnexpectedEOF):
		return problem.New(problem.Malformed, "the body ended before its announced length")
	case b.broken != nil:
		return problem.New(problem.Malformed, "the body couldn't be read to its end: %v", b.broken)
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return problem.New(
			problem.TooLarge,
			"the body is compressed with a window of more than the %d bytes allowed; compress it without --long",
			maxWindow,
		)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return problem.New(problem.Malformed, "the body ends in the middle of its %s encoding", b.coding)
	}
	return problem.New(problem.Malformed, "the body is not the %s it is said to be: %v", b.coding, err)
}

// lineOf reads the bytes of a body as they come.
type lineOf struct{ b *body }

func (l lineOf) Read(p []byte) (int, error) {
	b := l.b
	n, err := b.raw.Read(p)
	if err != nil {
		_ = b.control.SetWriteDeadline(time.Now().Add(answerPatience))
		if err != io.EOF {
			b.broken = err
		}
	}
	return n, err
}

// firstBuffer is what is allocated for a body before any of it has come, in bytes.
const firstBuffer = 16 << 10

// read reads the request's body as a whole. The buffer grows with what has come, whatever length was announced, and
// never beyond the limit of the route.
func (c *call) read() ([]byte, error) {
	b, err := c.open()
	if err != nil {
		return nil, err
	}
	defer b.Close()
	all := make([]byte, 0, min(firstBuffer, c.op.MaxBytes+1))
	for {
		n, err := b.Read(all[len(all):cap(all)])
		all = all[:len(all)+n]
		if err == io.EOF { // a byte order mark means nothing (RFC 8259, section 8.1)
			return bytes.TrimPrefix(all, []byte("\ufeff")), nil
		}
		if err != nil {
			return nil, err
		}
		if len(all) == cap(all) {
			larger := make([]byte, len(all), min(2*int64(cap(all)), c.op.MaxBytes+1))
			copy(larger, all)
			all = larger
		}
	}
}

func tooManyBytes(n, most int64) *problem.Problem {
	if n < 0 {
		return problem.New(problem.TooLarge, "the body has more than the %d bytes allowed here", most)
	}
	return problem.New(problem.TooLarge, "the body has %d bytes, more than the %d allowed here", n, most)
}

// json reads the request's body as one JSON value.
func (c *call) json(limits canonical.Limits) (canonical.Value, error) {
	text, err := c.read()
	if err != nil {
		return canonical.Value{}, err
	}
	limits.Bytes = int(c.op.MaxBytes)
	v, err := canonical.Parse(text, limits)
	return v, malformed(err)
}

// malformed makes a problem of what is wrong with a text; other errors stay as they are.
func malformed(err error) error {
	var syntax *canonical.SyntaxError
	var size *canonical.SizeError
	switch {
	case errors.As(err, &syntax):
		return problem.New(problem.Malformed, "%v", err).Because(problem.Reason{
			Code: "malformed_json", Detail: syntax.Message, Pointer: syntax.Pointer, Line: syntax.Line,
			Column: syntax.Column,
		})
	case errors.As(err, &size):
		return problem.New(problem.TooLarge, "%v", err).Because(problem.Reason{Code: "too_large", Detail: size.Message,
			Pointer: size.Pointer})
	}
	return err
}
