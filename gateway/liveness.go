package gateway

import (
	"fmt"
	"strings"
	"time"
)

// stalledAfter is how long a transaction may wait, with no block coming, before the ledger counts as standing still.
// Orderers replace a leader that has died in five to ten seconds.
const stalledAfter = 30 * time.Second

// ready reports whether the gateway follows the ledger, its index has caught up, and the ledger takes transactions. If
// not, the text says why. If so, the text tells the operator of a queue that was damaged, and of certificates that soon
// expire.
func (g *Gateway) ready() (bool, string) {
	if ok, why := g.follower.ready(); !ok {
		return false, why
	}
	if since, stalled := g.stalled(time.Now()); stalled {
		return false, fmt.Sprintf("the ledger stands still: a transaction has waited for the orderers since %s, and no block "+
			"has come; it is sent again until one does", since.UTC().Format(time.RFC3339))
	}
	var told []string
	for _, one := range []string{g.queue.Damage(), g.expiring()} {
		if one != "" {
			told = append(told, one)
		}
	}
	return true, strings.Join(told, "; ")
}

// stalled reports whether a transaction has waited for too long without a block, and since when. The time is zero if
// nothing waits.
func (g *Gateway) stalled(now time.Time) (since time.Time, stalled bool) {
	sent := g.queue.Stats().Sent
	if sent.IsZero() {
		return sent, false
	}
	if last := g.follower.lastBlock(); last.After(sent) {
		sent = last
	}
	return sent, now.Sub(sent) > stalledAfter
}
