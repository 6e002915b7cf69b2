package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/problem"
)

// call is one request on its way through a handler, checked against the operation's description.
type call struct {
	*gin.Context
	op     *operation
	caller *access.Caller // nil if none is needed and none was shown
	accept string         // the media type to answer in, one of op.produces
	params map[string][]string
}

// handler serves a call. What it returns is answered as a problem.
type handler func(*call) error

// check reads the parameters by the operation's description.
func (c *call) check() error {
	c.params = map[string][]string{}
	query, err := url.ParseQuery(c.Request.URL.RawQuery)
	if err != nil {
		return problem.WrongParameter("", "the query is not well formed: %v", err)
	}
	for _, name := range sortedKeys(query) {
		p := c.op.query(name)
		if p == nil {
			return problem.WrongParameter(problem.Clean(name), "%q is not a parameter of this route%s", problem.Clean(name), c.op.suggest())
		}
		if len(query[name]) > 1 {
			return problem.WrongParameter(
				problem.Clean(name),
				"%s stands twice; several values are separated by | where the route allows them",
				problem.Clean(name),
			)
		}
		if c.params[name], err = p.read(query.Get(name)); err != nil {
			return problem.WrongParameter(name, "%s %v", name, err)
		}
	}
	for _, p := range c.op.parameters {
		value, given := "", false
		switch p.in {
		case "query":
			if p.required && c.params[p.name] == nil {
				return problem.WrongParameter(p.name, "%s is required", p.name)
			}
			continue
		case "path":
			value, given = c.Param(p.name), p.name != "key"
			if c.Request.URL.RawPath != "" {
				if value, err = url.PathUnescape(value); err != nil {
					return problem.WrongParameter(p.name, "%s is not percent-encoded as it should be", p.name)
				}
			}
		case "header":
			value, given = c.GetHeader(p.name), c.GetHeader(p.name) != ""
		}
		if !given {
			continue
		}
		if c.params[p.name], err = p.read(value); err != nil {
			bad := problem.WrongParameter(p.name, "%s %v", p.name, err)
			if p.in == "header" && c.op.method == http.MethodGet {
				bad.Kind = problem.NotAcceptable
			}
			return bad
		}
	}
	return nil
}

func sortedKeys(v url.Values) []string {
	names := make([]string, 0, len(v))
	for name := range v {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// query finds the declared parameter of a name.
func (o *operation) query(name string) *parameter {
	for _, p := range o.parameters {
		if p.in == "query" && (p.name == name || p.nameMatch != nil && p.nameMatch.MatchString(name)) {
			return p
		}
	}
	return nil
}

func (o *operation) suggest() string {
	var names []string
	for _, p := range o.parameters {
		if p.in == "query" {
			names = append(names, p.name)
		}
	}
	if len(names) == 0 {
		return "; it has none"
	}
	return "; it has " + strings.Join(names, ", ")
}

// read checks a value and splits it, if it may have several.
func (p *parameter) read(value string) ([]string, error) {
	if i := strings.IndexFunc(value, func(r rune) bool { return unicode.IsControl(r) }); i >= 0 ||
		!utf8.ValidString(value) {
		return nil, errors.New("has control characters or invalid UTF-8")
	}
	values := []string{value}
	if p.list {
		values = strings.Split(value, "|")
		if len(values) > p.maxItems {
			return nil, fmt.Errorf("has %d values, more than the %d allowed", len(values), p.maxItems)
		}
	}
	for _, v := range values {
		if err := p.readOne(v); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func (p *parameter) readOne(v string) error {
	switch {
	case v == "":
		return errors.New("is empty")
	case len(v) > p.maxLength:
		return fmt.Errorf("has %d bytes, more than the %d allowed", len(v), p.maxLength)
	case len(v) < p.minLength:
		return fmt.Errorf("has %d bytes, fewer than %d", len(v), p.minLength)
	case p.enum != nil && !slices.Contains(p.enum, v):
		return fmt.Errorf("%q is none of %s", record.Brief(v), strings.Join(p.enum, ", "))
	case p.pattern != nil && !p.pattern.MatchString(v):
		return fmt.Errorf("%q is not of the form %s", record.Brief(v), p.pattern)
	case p.time:
		if _, err := time.Parse(time.RFC3339Nano, v); err != nil {
			return fmt.Errorf("%q is not a date and time with an offset, such as 2026-03-01T08:00:00Z", record.Brief(v))
		}
	case p.integer:
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < p.minimum || n > p.maximum {
			return fmt.Errorf("%q is not a whole number from %d to %d", record.Brief(v), p.minimum, p.maximum)
		}
	}
	return nil
}

// value is a parameter's only value, or its default.
func (c *call) value(name string) string {
	if values := c.params[name]; len(values) > 0 {
		return values[0]
	}
	for _, p := range c.op.parameters {
		if p.name == name {
			return p.byDefault
		}
	}
	return ""
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

// negotiate chooses the media type to answer in.
func (c *call) negotiate() error {
	c.accept = c.preferred(c.op.produces)
	if c.accept == "" && len(c.op.produces) > 0 {
		return problem.New(problem.NotAcceptable, "this route answers with %s", strings.Join(c.op.produces, ", "))
	}
	return nil
}

// preferred is the one of some media types that the caller prefers, or "".
func (c *call) preferred(types []string) string {
	return negotiate(strings.Join(c.Request.Header.Values("Accept"), ","), types)
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
