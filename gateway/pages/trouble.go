package pages

import (
	"errors"
	"net/http"

	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/web"
)

// Trouble is why a page can't be shown, in words for people. It is an error, so that pages return it.
type Trouble struct {
	Status              int
	Title, Detail, Help string
}

func (t *Trouble) Error() string { return t.Title + ": " + t.Detail }

// missing is the trouble that there is no such thing.
func missing(detail string) *Trouble {
	return &Trouble{http.StatusNotFound, "There is no such thing", detail,
		"It may be spelled differently, or not be recorded yet. The search takes any identifier."}
}

// Refuse shows the page that says what went wrong with a request that no page serves.
func (p *Pages) Refuse(w http.ResponseWriter, r *http.Request, status int, title, detail string) {
	p.Trouble(w, r, &Trouble{Status: status, Title: title, Detail: detail})
}

// Trouble answers with the page that says what went wrong. Errors that nobody has put into words are logged, and shown
// without their details.
func (p *Pages) Trouble(w http.ResponseWriter, r *http.Request, err error) {
	var told *Trouble
	var future *index.FutureError
	switch {
	case errors.As(err, &told):
	case errors.Is(err, index.ErrNotFound):
		told = missing("Nothing with this name is on the ledger.")
	case errors.As(err, &future):
		told = &Trouble{http.StatusNotFound, "That block is yet to come", future.Error(), ""}
	case errors.Is(err, index.ErrUnavailable):
		told = &Trouble{
			http.StatusServiceUnavailable,
			"The index can't be used",
			"The database of this gateway's index is down or took too long.",
			"What is captured is taken all the same. Try again in a moment.",
		}
		w.Header().Set("Retry-After", "5")
	default:
		p.Logger.Error("a page failed", "path", r.URL.Path, "error", err)
		told = &Trouble{
			http.StatusInternalServerError,
			"The gateway failed",
			"That is a fault of the gateway, and its log has the details.",
			"Nothing that was acknowledged is lost.",
		}
	}
	page := &web.Trouble{Frame: p.Frame(r), Status: told.Status, Title: told.Title, Detail: told.Detail, Help: told.Help}
	body, err := p.templates.Render("trouble", page)
	if err != nil {
		p.Logger.Error("the page of troubles failed", "error", err)
		body = []byte("The gateway failed.\n")
	}
	send(w, told.Status, "text/html; charset=utf-8", body)
}
