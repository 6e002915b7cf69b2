package pages

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/pace"
	"github.com/pedigree-ledger/pedigree/gateway/session"
	"github.com/pedigree-ledger/pedigree/web"
)

// maxForm is the largest form without files that is read, in bytes.
const maxForm = 64 << 10

// visit is one request of a page on its way.
type visit struct {
	*http.Request
	w        http.ResponseWriter
	pages    *Pages
	session  *session.Session // nil if nobody is signed in
	files    *multipart.Reader
	answered bool
}

// admit decides whether the visit may go on. If the page demands it, the person must be signed in, have the role, and
// send the session's form token. The visit doesn't go on if admit has answered it already, with a redirect to the
// sign-in.
func (v *visit) admit(to route) error {
	if len(to.roles) > 0 && v.session == nil {
		if v.Method != http.MethodGet && v.Method != http.MethodHead {
			return &Trouble{
				http.StatusUnauthorized,
				"You are signed out",
				"Nothing was sent: your session has ended.",
				"Sign in and send it again.",
			}
		}
		v.answered = true
		return v.lead(http.StatusSeeOther, "/sign-in?next="+url.QueryEscape(v.URL.RequestURI()))
	}
	if len(to.roles) > 0 && !slices.Contains(to.roles, v.session.Caller.Role) {
		return &Trouble{
			http.StatusForbidden,
			"Not with this token",
			"You are signed in as " + v.session.Caller.Name + ", with the role " + string(v.session.Caller.Role) + ".",
			"Sign out, and in again with a token of the right role.",
		}
	}
	if v.Method == http.MethodGet || v.Method == http.MethodHead || len(to.roles) == 0 {
		return nil // without a session there is nothing to misuse; the sign-in checks origins itself
	}
	token, err := v.formToken()
	if err != nil {
		return err
	}
	if v.pages.Sessions.Check(v.Request, v.session, token) != nil {
		return &Trouble{
			http.StatusForbidden,
			"That didn't come from this page",
			"Nothing was done: the form is not of your session.",
			"Go back, load the page again and send the form anew.",
		}
	}
	return nil
}

// formToken reads the session's form token: from the header or, without scripts, from the form. In a form with files it
// is the first field, and v.files has the others.
func (v *visit) formToken() (string, error) {
	if token := v.Header.Get(session.FormHeader); token != "" {
		return token, nil
	}
	media, _, _ := mime.ParseMediaType(v.Header.Get("Content-Type"))
	if media != "multipart/form-data" {
		if err := v.parseForm(); err != nil {
			return "", err
		}
		return v.PostForm.Get(session.FormField), nil
	}
	files, err := v.MultipartReader()
	if err != nil {
		return "", unreadable(err)
	}
	v.files = files
	part, err := files.NextPart()
	if err != nil || part.FormName() != session.FormField {
		return "", nil // none
	}
	token, err := io.ReadAll(io.LimitReader(part, 128))
	if err != nil {
		return "", unreadable(err)
	}
	return string(token), nil
}

// paceOf is how slowly the body of a request may come.
func paceOf(r *http.Request) pace.Pace {
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media == "multipart/form-data" {
		return pace.Upload
	}
	return pace.Form
}

// parseForm reads a form without files.
func (v *visit) parseForm() error {
	v.Body = http.MaxBytesReader(v.w, v.Body, maxForm)
	if err := v.ParseForm(); err != nil {
		return unreadable(err)
	}
	return nil
}

// unreadable is why a form can't be read.
func unreadable(err error) *Trouble {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &Trouble{
			http.StatusRequestTimeout,
			"The form came too slowly",
			"Nothing was done: the form didn't arrive in time.",
			"Send it again. If that fails, the connection may be too slow.",
		}
	}
	return &Trouble{http.StatusBadRequest, "The form can't be read", err.Error(), ""}
}

// frame is what is around the page. The section is the entry of the navigation that it belongs to.
func (v *visit) frame(section string) web.Frame {
	f := v.pages.frame(v.Request, v.session)
	f.Section = section
	return f
}

// show answers with a whole page.
func (v *visit) show(status int, page string, data web.Framed) error {
	body, err := v.pages.templates.Render(page, data)
	if err != nil {
		return err
	}
	send(v.w, status, "text/html; charset=utf-8", body)
	return nil
}

// part answers with one part of a page. A script replaces the older part with it.
func (v *visit) part(page, name string, data web.Framed) error {
	body, err := v.pages.templates.RenderPart(page, name, data)
	if err != nil {
		return err
	}
	send(v.w, http.StatusOK, "text/html; charset=utf-8", body)
	return nil
}

// lead answers with a redirect.
func (v *visit) lead(status int, to string) error {
	v.w.Header().Set("Location", to)
	send(v.w, status, "text/plain; charset=utf-8", []byte(to+"\n"))
	return nil
}

func send(w http.ResponseWriter, status int, media string, body []byte) {
	w.Header().Set("Content-Type", media)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // who has gone needs no answer
}

// localPath returns a path that was given, if it is one of this gateway. Otherwise it returns "/".
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(next, "/") ||
		strings.HasPrefix(next, "//") ||
		strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}
