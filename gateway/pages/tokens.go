package pages

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/token"
	"github.com/pedigree-ledger/pedigree/web"
)

// tokensAtOnce is how many tokens are on a page of the list.
const tokensAtOnce = 100

// usualLife is when a new token expires if the form isn't changed.
const usualLife = 365 * 24 * time.Hour

var operators = []access.Role{access.Operator}

// tokenRoutes are the pages about tokens. A secret is in the answer to the form that made it, and nowhere else: in no
// address, and in no page that can be asked for again.
func (p *Pages) tokenRoutes() []route {
	return []route{
		{"GET /tokens", operators, p.tokens},
		{"POST /tokens", operators, p.makeToken},
		{"GET /tokens/{token}", operators, p.token},
		{"POST /tokens/{token}/rotate", operators, p.rotateToken},
		{"POST /tokens/{token}/revoke", operators, p.revokeToken},
	}
}

// tokenAnswer is a token as the API tells it.
type tokenAnswer struct {
	Name, Kind, Role                        string
	Method                                  access.Method
	State                                   token.State
	CreatedAt, Expires, RotatedAt, OldUntil time.Time
	RevokedAt, LastUsed                     time.Time
	CreatedBy, RotatedBy, RevokedBy, Secret string
}

func (t *tokenAnswer) row(v *visit) web.TokenRow {
	return web.TokenRow{
		Name: t.Name, Kind: t.Kind, Role: t.Role, State: string(t.State), InFile: t.Method == access.ByFile,
		You:     v.session.Caller.Method == t.Method && v.session.Caller.ID == t.Name,
		Created: t.CreatedAt, CreatedBy: t.CreatedBy, Expires: t.Expires, Used: t.LastUsed,
	}
}

// tokens lists the tokens, and has the form for a new one.
func (p *Pages) tokens(v *visit) error {
	return p.showTokens(v, http.StatusOK, web.TokenOrder{Expires: fieldOf(time.Now().Add(usualLife))}, "")
}

// showTokens shows the list and the form, and why the token that was ordered wasn't made.
func (p *Pages) showTokens(v *visit, status int, order web.TokenOrder, fault string) error {
	state := v.URL.Query().Get("state")
	page := &web.Tokens{Frame: v.frame("tokens"), Order: order, Problem: fault, Issuer: p.Vouching, Certificates: p.Certificates}
	for _, s := range []token.State{token.Valid, token.Expired, token.Revoked} {
		page.States = append(page.States, string(s))
	}
	switch {
	case state == "":
		page.State = string(token.Valid)
	case state != "all" && !slices.Contains(page.States, state):
		return missing("Tokens are valid, expired or revoked.")
	case state != "all":
		page.State = state
	}
	from := v.URL.Query().Get("page")
	list, next, err := v.listTokens(page.State, from, tokensAtOnce)
	if err != nil {
		return err
	}
	path := "/tokens?state=" + cmp.Or(page.State, "all")
	if from != "" {
		page.First = path
	}
	if next != "" {
		page.Next = path + "&page=" + url.QueryEscape(next)
	}
	for _, t := range list {
		page.Rows = append(page.Rows, t.row(v))
	}
	return v.show(status, "tokens", page)
}

// listTokens lists one page of the tokens of a state, or of all, and says what the next page is called.
func (v *visit) listTokens(state, page string, size int) (list []tokenAnswer, next string, err error) {
	query := url.Values{"pageSize": {strconv.Itoa(size)}}
	for name, value := range map[string]string{"state": state, "pageToken": page} {
		if value != "" {
			query.Set(name, value)
		}
	}
	a, err := v.call(http.MethodGet, "/v1/tokens?"+query.Encode(), "", nil)
	if err != nil {
		return nil, "", err
	}
	var answer struct {
		Items         []tokenAnswer
		NextPageToken string
	}
	if err := json.Unmarshal(a.body.Bytes(), &answer); err != nil {
		return nil, "", fmt.Errorf("couldn't read the list of tokens: %w", err)
	}
	return answer.Items, answer.NextPageToken, nil
}

// findToken finds the token that the page is about.
func (v *visit) findToken() (*tokenAnswer, error) {
	for page := ""; ; {
		list, next, err := v.listTokens("", page, index.MaxPage)
		if err != nil {
			return nil, err
		}
		for _, t := range list {
			if t.Name == v.PathValue("token") {
				return &t, nil
			}
		}
		if page = next; page == "" {
			return nil, missing("This gateway has no token with this name.")
		}
	}
}

// makeToken makes a token, and tells its secret.
func (p *Pages) makeToken(v *visit) error {
	form := v.PostForm
	order := web.TokenOrder{
		Name: strings.TrimSpace(form.Get("name")), Kind: form.Get("kind"), Role: form.Get("role"),
		Expires: strings.TrimSpace(form.Get("expires")),
	}
	members := map[string]any{"name": order.Name, "kind": order.Kind, "role": order.Role}
	t, err := v.changeToken("/v1/tokens", members, order.Expires)
	if fault, ok := wrongOrder(err); ok {
		order.Expires = fieldTime(order.Expires)
		return p.showTokens(v, fault.Status, order, fault.Detail)
	}
	if err != nil {
		return err
	}
	return v.show(http.StatusCreated, "secret", &web.Secret{
		Frame: v.frame("tokens"), TokenRow: t.row(v), Secret: t.Secret, New: true,
	})
}

// rotateToken gives a token a new secret, and tells it.
func (p *Pages) rotateToken(v *visit) error {
	members := map[string]any{}
	if seconds, err := strconv.Atoi(v.PostForm.Get("overlap")); err == nil {
		members["overlapSeconds"] = seconds
	}
	t, err := v.changeToken(v.tokenAddress("/rotate"), members, strings.TrimSpace(v.PostForm.Get("expires")))
	if fault, ok := wrongOrder(err); ok {
		return p.showToken(v, fault.Status, fault.Detail)
	}
	if err != nil {
		return err
	}
	return v.show(http.StatusCreated, "secret", &web.Secret{
		Frame: v.frame("tokens"), TokenRow: t.row(v), Secret: t.Secret, OldUntil: t.OldUntil,
	})
}

// revokeToken ends a token, if the person has said to be sure.
func (p *Pages) revokeToken(v *visit) error {
	if v.PostForm.Get("sure") != "yes" {
		return p.showToken(v, http.StatusBadRequest, "Nothing was done: say that you are sure.")
	}
	_, err := v.call(http.MethodPost, v.tokenAddress("/revoke"), "", nil)
	if fault, ok := wrongOrder(err); ok {
		return p.showToken(v, fault.Status, fault.Detail)
	}
	if err != nil {
		return err
	}
	return v.lead(http.StatusSeeOther, "/tokens/"+url.PathEscape(v.PathValue("token")))
}

// token shows what is known of a token.
func (p *Pages) token(v *visit) error { return p.showToken(v, http.StatusOK, "") }

func (p *Pages) showToken(v *visit, status int, fault string) error {
	t, err := v.findToken()
	if err != nil {
		return err
	}
	page := &web.Token{
		Frame: v.frame("tokens"), TokenRow: t.row(v), Rotated: t.RotatedAt, RotatedBy: t.RotatedBy, OldUntil: t.OldUntil,
		Revoked: t.RevokedAt, RevokedBy: t.RevokedBy, Problem: fault,
	}
	if t.State == token.Expired {
		page.Field = fieldOf(time.Now().Add(usualLife)) // it needs a new one
	}
	return v.show(status, "token", page)
}

// tokenAddress is where the API changes the token that the page is about.
func (v *visit) tokenAddress(change string) string {
	return "/v1/tokens/" + url.PathEscape(v.PathValue("token")) + change
}

// changeToken asks for a token or a new secret, which the answer has. expires is as the form has it, and may be empty.
func (v *visit) changeToken(address string, members map[string]any, expires string) (*tokenAnswer, error) {
	if expires != "" {
		t, err := formTime(expires, 0)
		if err != nil {
			return nil, &Trouble{http.StatusUnprocessableEntity, "That is no time", sentence(err.Error()), ""}
		}
		members["expires"] = t.Format(time.RFC3339)
	}
	body, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	a, err := v.call(http.MethodPost, address, "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	t := new(tokenAnswer)
	if err := json.Unmarshal(a.body.Bytes(), t); err != nil {
		return nil, errors.New("couldn't read the answer about a token") // without the text, which has the secret
	}
	return t, nil
}

// wrongOrder tells whether the form was wrong, so that it is shown again.
func wrongOrder(err error) (*Trouble, bool) {
	var fault *Trouble
	ok := errors.As(err, &fault) && slices.Contains(
		[]int{http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity}, fault.Status)
	if !ok {
		return nil, false
	}
	fault.Detail = sentence(fault.Detail)
	return fault, true
}
