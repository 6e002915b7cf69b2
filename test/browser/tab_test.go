package browser

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
)

// patience is the longest time that a test waits for a page.
const patience = 30 * time.Second

// Keys that tests press.
const (
	enter  = kb.Enter
	tabKey = kb.Tab
	escape = kb.Escape
)

// tab is a window of the browser, with cookies of its own. Its methods fail the test when something can't be done.
type tab struct {
	t    *testing.T
	base string // of the gateway
	ctx  context.Context

	mu       sync.Mutex
	troubles []string // what pages did that they shouldn't
	expected []string // parts of troubles that the test means to cause
}

// visitor opens a window at an organisation's gateway, with nobody signed in.
func visitor(t *testing.T, org string) *tab {
	t.Helper()
	if absent != nil {
		t.Skip(absent)
	}
	b := &tab{t: t, base: gateway(t, org)}
	var close context.CancelFunc
	b.ctx, close = chromedp.NewContext(chromium, chromedp.WithNewBrowserContext(), chromedp.WithListener(b.hear))
	t.Cleanup(close)
	require.NoError(t, chromedp.Do(b.ctx), "makes the window, which lives as long as this context")
	b.width(1440)
	t.Cleanup(b.quiet)
	return b
}

// member opens a window at an organisation's gateway, signed in with its token of a role.
func member(t *testing.T, org, role string) *tab {
	t.Helper()
	b := visitor(t, org)
	cookie := signIn(t, b.base, org, role)
	b.do(send(network.SetCookie, network.SetCookieParams{Name: cookie.Name, Value: cookie.Value, URL: b.base, SameSite: network.CookieSameSiteLax}))
	return b
}

// gateway returns the address of an organisation's gateway.
func gateway(t *testing.T, org string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, org, "gateway.json"))
	require.NoError(t, err)
	var config struct{ Listen string }
	require.NoError(t, json.Unmarshal(text, &config))
	return "http://" + config.Listen
}

// api returns a client of an organisation's gateway, with which a test records what it needs.
func api(t *testing.T, org, role string) *client.Client {
	t.Helper()
	c, err := client.Local(dir, org, role)
	require.NoError(t, err)
	return c
}

// token is an organisation's token of a role.
func token(t *testing.T, org, role string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, org, role+".token"))
	require.NoError(t, err)
	return strings.TrimSpace(string(text))
}

// signIn signs in like the form and returns the session's cookie. All tests share the sessions, because the number of
// attempts is limited.
func signIn(t *testing.T, base, org, role string) *http.Cookie {
	t.Helper()
	sessions.Lock()
	defer sessions.Unlock()
	key := org + "/" + role
	if c := sessions.by[key]; c != nil {
		return c
	}
	direct := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := direct.PostForm(base+"/sign-in", url.Values{"token": {token(t, org, role)}})
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	require.Equal(t, http.StatusSeeOther, r.StatusCode)
	require.Len(t, r.Cookies(), 1)
	sessions.by[key] = r.Cookies()[0]
	return r.Cookies()[0]
}

var sessions = struct {
	sync.Mutex
	by map[string]*http.Cookie
}{by: map[string]*http.Cookie{}}

// hear notes errors and violations of pages.
func (b *tab) hear(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		why := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			why += " " + e.ExceptionDetails.Exception.Description
		}
		b.note("a script failed: " + why)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			var words []string
			for _, a := range e.Args {
				words = append(words, string(a.Value)+a.Description)
			}
			b.note("a script complains: " + strings.Join(words, " "))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning || e.Entry.Source == log.EntrySourceSecurity || e.Entry.Source == log.EntrySourceViolation {
			b.note("the browser complains: " + e.Entry.Text + " " + e.Entry.URL)
		}
	case *page.EventJavascriptDialogOpening:
		b.note("a dialog opened: " + e.Message)
	}
}

func (b *tab) note(trouble string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.troubles = append(b.troubles, trouble)
}

// expect says that the test means to cause a complaint with these words, such as one about a page that doesn't exist.
func (b *tab) expect(words string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expected = append(b.expected, words)
}

// quiet fails the test if anything was noted that wasn't expected.
func (b *tab) quiet() {
	b.mu.Lock()
	defer b.mu.Unlock()
next:
	for _, trouble := range b.troubles {
		for _, words := range b.expected {
			if strings.Contains(trouble, words) {
				continue next
			}
		}
		b.t.Error(trouble)
	}
	b.troubles = nil
}

// send is an action that sends a command of the browser's protocol.
func send[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, c, params)
		return err
	})
}

// do runs actions in the window.
func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ask(b, chromedp.Steps(actions...))
}

// ask runs an action in the window and returns its result.
func ask[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	found, err := chromedp.Run(ctx, action)
	if err != nil {
		last, cancel := context.WithTimeout(b.ctx, patience)
		defer cancel()
		text, _ := chromedp.Run(last, where)
		require.NoError(b.t, err, "at %s", text)
	}
	return found
}

// open goes to a path of the gateway.
func (b *tab) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.base + path))
}

// click clicks the first element that a CSS selector finds, once it is visible.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// follow clicks the first link or button with this text.
func (b *tab) follow(text string) {
	b.t.Helper()
	path := fmt.Sprintf(`//*[self::a or self::button or self::summary][contains(normalize-space(.), %q)]`, text)
	b.do(chromedp.Click(chromedp.Search(path), chromedp.NodeVisible))
}

// write replaces the text in a field.
func (b *tab) write(selector, text string) {
	b.t.Helper()
	field := chromedp.CSS(selector)
	was := ask(b, chromedp.Value(field, chromedp.NodeVisible))
	b.do(chromedp.SendKeys(field, kb.End+strings.Repeat(kb.Backspace, len([]rune(was)))+text))
}

// press presses keys, wherever the focus is.
func (b *tab) press(keys string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys))
}

// text returns the visible text of the first element that a selector finds.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return ask(b, chromedp.Text(chromedp.CSS(selector), chromedp.NodeVisible))
}

// path returns the path, query and fragment of the window's address.
func (b *tab) path() string {
	b.t.Helper()
	return strings.TrimPrefix(ask(b, chromedp.Location()), b.base)
}

// eval evaluates an expression in the page. If the result is a promise, eval waits for its value.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	return ask(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// evaluate is an action that evaluates an expression for its effect.
func evaluate(expression string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := chromedp.Evaluate[any](expression)(ctx, target)
		return err
	})
}

// unique makes a word that no other test uses, because networks may be reused.
func unique() string { return strconv.FormatInt(time.Now().UnixNano(), 36) }

// digest is the SHA-256 of a text, in hexadecimal.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// until waits until an expression is true in the page, even if the window goes to another page meanwhile.
func (b *tab) until(expression string) {
	b.t.Helper()
	b.await(expression, chromedp.Evaluate[bool](`Boolean(`+expression+`)`))
}

// await asks again and again until the answer is yes. An error counts as no, because a page that is being left answers
// with one.
func (b *tab) await(what string, question chromedp.Action[bool]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	ticks := time.NewTicker(50 * time.Millisecond)
	defer ticks.Stop()
	for {
		if yes, err := chromedp.Run(ctx, question); err == nil && yes {
			return
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			b.t.Fatalf("waited in vain for %s\n%s", what, ask(b, where))
		}
	}
}

// where says where the window is and what it shows.
var where = chromedp.Evaluate[string](`location.href + "\n" + (document.body ? document.body.innerText.slice(0, 1500) : "")`)

// sees waits until the page shows a text.
func (b *tab) sees(text string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.body && document.body.innerText.replace(/\s+/g, " ").includes(%q)`, text))
}

// arrives waits until the window's path begins with path and the page is loaded.
func (b *tab) arrives(path string) {
	b.t.Helper()
	b.await("arriving at "+path, func(ctx context.Context, target *chromedp.Target) (bool, error) {
		at, err := chromedp.Location()(ctx, target)
		if err != nil || !strings.HasPrefix(at, b.base+path) {
			return false, err
		}
		_, err = chromedp.WaitReady(chromedp.CSS("footer"))(ctx, target)
		return true, err
	})
}

// width makes the window so many pixels wide.
func (b *tab) width(pixels int64) {
	b.t.Helper()
	height := int64(900)
	if pixels < 500 {
		height = 800
	}
	b.do(send(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: pixels, Height: height, DeviceScaleFactor: 1}))
}

// scheme makes the window prefer the light or the dark scheme.
func (b *tab) scheme(name string) {
	b.t.Helper()
	b.do(send(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}))
}

// withoutScripts turns scripts off in the window.
func (b *tab) withoutScripts() {
	b.t.Helper()
	b.do(send(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
}
