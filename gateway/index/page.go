package index

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/pedigree-ledger/pedigree/gateway/index/projection"
)

// Page asks for one page of a list. The first page has no token. The token of each page asks for the next.
type Page struct {
	Size  int    // 0 means DefaultPage; more than MaxPage means MaxPage
	Token string // from the previous page; empty for the first
}

// Sizes of a page, in items.
const (
	DefaultPage = 30
	MaxPage     = 1000
)

func (p Page) size() int {
	switch {
	case p.Size <= 0:
		return DefaultPage
	case p.Size > MaxPage:
		return MaxPage
	}
	return p.Size
}

// TokenError says that a page token is not one of this list.
type TokenError struct{ Reason string }

func (e *TokenError) Error() string {
	return "the page token " + e.Reason + "; ask for the first page again"
}

// cursor is what a token holds. All pages of a list belong to one query and are answered as of one block. Ids follow
// from the ledger, so a token means the same in every index of it.
type cursor struct {
	Query string `json:"q"` // digest of the query and its kind
	Last  int64  `json:"l"` // id of the last item of the previous page
	Block uint64 `json:"b"` // as of this block
}

// pageStart is where in a list a page starts, and as of which block.
type pageStart struct {
	after int64
	snap  Snapshot
	query string
	size  int
}

// begin reads a request for a page. Tokens are bound to the name of the list, and to the filter that chooses its
// items.
func (ix *Index) begin(ctx context.Context, list string, filter any, at uint64, page Page) (pageStart, error) {
	text, err := json.Marshal(filter)
	if err != nil {
		return pageStart{}, fmt.Errorf("couldn't encode a query: %w", err)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s", projection.Version, list, text))
	p := pageStart{query: base64.RawURLEncoding.EncodeToString(sum[:12]), size: page.size()}
	if page.Token != "" {
		c, err := readToken(page.Token)
		switch {
		case err != nil:
			return pageStart{}, err
		case c.Query != p.query:
			return pageStart{}, &TokenError{"belongs to another query"}
		case at != Latest && at != c.Block:
			return pageStart{}, &TokenError{"belongs to the same query at another block"}
		}
		p.after, at = c.Last, c.Block
	}
	p.snap, err = ix.Snapshot(ctx, at)
	return p, err
}

func readToken(token string) (c cursor, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) > 512 {
		return c, &TokenError{"is damaged"}
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if d.Decode(&c) != nil || c.Last < 0 || c.Block == Latest {
		return c, &TokenError{"is damaged"}
	}
	return c, nil
}

// next is the token of the next page if this one ends with the item last. It is empty if nothing follows.
func (p pageStart) next(last int64, more bool) (string, error) {
	if !more {
		return "", nil
	}
	raw, err := json.Marshal(cursor{p.query, last, p.snap.Block})
	if err != nil {
		return "", fmt.Errorf("couldn't encode a page token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), nil
}

// List is one page of items.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"nextPageToken,omitempty"` // empty on the last page
	Block uint64 `json:"block"`                   // the ledger as it was after this block
}
