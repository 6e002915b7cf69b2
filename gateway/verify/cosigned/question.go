package cosigned

import (
	"fmt"
	"net/url"
	"strings"
)

// Question is a request for something that a gateway reads from the ledger, in the one spelling that organisations
// sign: the path and the query of the address, such as "/v1/statements?about=dataset%2Flab%2Fx%401&kind=recall".
type Question string

// aside are the parameters that are no part of a question: how many organisations sign, and as of which block they
// answer, which they sign beside the question.
var aside = []string{"cosign", "at"}

// NewQuestion makes a question of the path and the query of an address. Each part is decoded and encoded again, the
// parameters are in the order of their names, and those that are no part of the question are left out. Other parameters
// stay, also if they say what a gateway assumes without them.
func NewQuestion(address string) (Question, error) {
	if len(address) > MaxQuestion {
		return "", fmt.Errorf("the question has more than %d bytes", MaxQuestion)
	}
	path, query, _ := strings.Cut(address, "?")
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.Contains(address, "#") {
		return "", fmt.Errorf("a question begins with the path of a route, such as /v1/lineage")
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		decoded, err := url.PathUnescape(part)
		if err != nil || decoded == "." || decoded == ".." {
			return "", fmt.Errorf("the path of the question can't be read")
		}
		parts[i] = url.PathEscape(decoded)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return "", fmt.Errorf("the query of the question can't be read: %w", err)
	}
	for _, name := range aside {
		values.Del(name)
	}
	q := strings.Join(parts, "/")
	if len(values) > 0 {
		q += "?" + values.Encode()
	}
	if len(q) > MaxQuestion {
		return "", fmt.Errorf("the question has more than %d bytes", MaxQuestion)
	}
	return Question(q), nil
}

// At returns the address that asks the question as of a block.
func (q Question) At(block uint64) string {
	separator := "?"
	if strings.Contains(string(q), "?") {
		separator = "&"
	}
	return fmt.Sprintf("%s%sat=%d", q, separator, block)
}

// canonical reports whether the question is spelt as NewQuestion spells it.
func (q Question) canonical() bool {
	again, err := NewQuestion(string(q))
	return err == nil && again == q
}

// Parameter returns the first value of a parameter, or "".
func (q Question) Parameter(name string) string {
	_, query, _ := strings.Cut(string(q), "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return ""
	}
	return values.Get(name)
}

// laterPage reports whether the question asks for another page of a list than the first.
func (q Question) laterPage() bool {
	return q.Parameter("pageToken") != "" || q.Parameter("nextPageToken") != ""
}
