package pages

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Limits of watching.
const (
	watchFor   = 50 * time.Second       // then the browser asks again
	watchEvery = 250 * time.Millisecond // the height is looked at
	mostWatch  = 64                     // at once
)

// activity tells the browser about each new block as it comes (server-sent events), so that the page can show what is
// new. It ends after a while, for the browser to ask again: so sessions end in time, and so does the gateway.
func (p *Pages) activity(v *visit) error {
	if !strings.Contains(v.Header.Get("Accept"), "text/event-stream") {
		return v.lead(http.StatusSeeOther, "/")
	}
	select {
	case p.watching <- struct{}{}:
		defer func() { <-p.watching }()
	default:
		v.w.Header().Set("Retry-After", "15")
		return &Trouble{
			http.StatusServiceUnavailable,
			"Too many are watching",
			"This gateway tells so many pages at once about new blocks and no more.",
			"The page still shows what is new when it is loaded again.",
		}
	}
	flusher, ok := v.w.(http.Flusher)
	if !ok {
		return fmt.Errorf("%T can't send what it has at once", v.w)
	}
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.WriteHeader(http.StatusOK)
	if _, err := fmt.Fprint(v.w, "retry: 2000\n\n"); err != nil {
		return nil // who has gone needs no news
	}
	flusher.Flush()
	end := time.NewTimer(watchFor)
	defer end.Stop()
	ticks := time.NewTicker(watchEvery)
	defer ticks.Stop()
	told := v.URL.Query().Get("height")
	for {
		if height := fmt.Sprint(p.Index.Height()); height != told {
			told = height
			if _, err := fmt.Fprintf(v.w, "event: block\ndata: %s\n\n", height); err != nil {
				return nil
			}
			flusher.Flush()
		}
		select {
		case <-ticks.C:
		case <-end.C:
			return nil
		case <-p.stop:
			return nil
		case <-v.Context().Done():
			return nil
		}
	}
}
