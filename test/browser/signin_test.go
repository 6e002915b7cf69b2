package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
)

func TestSigningInLeadsWhereOneWantedToGoAndOutAgain(t *testing.T) {
	b := visitor(t, "harbor")
	b.open("/?from=a-bookmark")
	b.arrives("/sign-in?next=")
	b.looks("sign-in")

	b.expect("401")
	b.write("#token", "nonsense")
	b.press(enter)
	b.sees("none of this gateway's tokens")
	b.looks("sign-in-failed")

	b.write("#token", token(t, "harbor", "auditor"))
	b.press(enter)
	b.arrives("/?from=a-bookmark")
	b.sees("auditor")

	assert.Empty(t, eval[string](b, `document.cookie`), "scripts can't read the session's cookie")

	b.follow("Sign out")
	b.arrives("/sign-in")
	b.open("/")
	b.arrives("/sign-in")
}

func TestWhoFollowsALinkOnAnotherSiteStaysSignedIn(t *testing.T) {
	b := visitor(t, "harbor")
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/" {
			_, _ = fmt.Fprintf(w, `<!DOCTYPE html><title>Elsewhere</title><a href="%s/artifacts">The gateway</a>`, b.base)
		}
	}))
	defer other.Close()
	b.open("/sign-in")
	b.write("#token", token(t, "harbor", "auditor"))
	b.press(enter)
	b.sees("What happened")
	elsewhere := strings.Replace(other.URL, "127.0.0.1", "localhost", 1) // another site, for a browser
	b.do(evaluate(fmt.Sprintf("location.href = %q", elsewhere)))
	b.sees("The gateway")
	b.click("a")
	b.arrives("/artifacts")
	b.sees("auditor")
}

func TestSigningInWithoutScripts(t *testing.T) {
	b := visitor(t, "harbor")
	b.withoutScripts()
	b.open("/sign-in")
	b.write("#token", token(t, "harbor", "auditor"))
	b.click("main button")
	b.arrives("/")
	b.await("the overview", func(ctx context.Context, target *chromedp.Target) (bool, error) {
		title, err := chromedp.Text(chromedp.CSS("h1"))(ctx, target)
		return strings.HasPrefix(title, "What happened"), err
	})
}
