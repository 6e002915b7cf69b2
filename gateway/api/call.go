package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/pedigree-ledger/pedigree/gateway/accept"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/openapi"
)

// call is one request on its way through a handler, checked against the operation's description.
type call struct {
	*gin.Context
	op     *openapi.Operation
	caller *access.Caller // nil if none is needed and none was shown
	accept string         // the media type to answer in, one of op.Produces
	params openapi.Values
}

// handler serves a call. What it returns is answered as a problem.
type handler func(*call) error

// pathValue is a parameter of the path. If the path has what must be percent-encoded, the engine gives it encoded.
func (c *call) pathValue(name string) string {
	value := c.Param(name)
	if c.Request.URL.RawPath == "" {
		return value
	}
	if decoded, err := url.PathUnescape(value); err == nil {
		return decoded
	}
	return value
}

// value is a parameter's only value, or its default.
func (c *call) value(name string) string {
	if values := c.params[name]; len(values) > 0 {
		return values[0]
	}
	return c.op.Default(name)
}

// number is the value of a parameter that is an integer, or its default.
func (c *call) number(name string) int {
	n, err := strconv.Atoi(c.value(name))
	if err != nil {
		return 0 // not given, and without a default
	}
	return n
}

// at is the block to answer for.
func (c *call) at() uint64 {
	if n, err := strconv.ParseUint(c.value("at"), 10, 64); err == nil {
		return n
	}
	return index.Latest
}

func (c *call) page() index.Page {
	return index.Page{Size: c.number("pageSize"), Token: c.value("pageToken")}
}

// preferred is the one of some media types that the caller prefers, or "".
func (c *call) preferred(types []string) string {
	return accept.Preferred(strings.Join(c.Request.Header.Values("Accept"), ","), types)
}

// answer writes a value as JSON, without the escapes that only HTML needs: records inside keep their bytes.
func (c *call) answer(status int, value any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return fmt.Errorf("couldn't write an answer: %w", err)
	}
	media := c.accept
	if !strings.HasSuffix(media, "json") {
		media = "application/json"
	}
	c.send(status, media, b.Bytes())
	return nil
}

// send writes a whole answer.
func (c *call) send(status int, media string, body []byte) {
	c.Header("Content-Type", media)
	c.Header("Content-Length", strconv.Itoa(len(body)))
	c.Status(status)
	if c.Request.Method != http.MethodHead {
		_, _ = c.Writer.Write(body) // a caller who has gone needs no answer
	}
}
