package network

import (
	"context"
	"time"
)

// keepInterval is how often a running node looks for what it has to follow on the channel.
const keepInterval = 3 * time.Second

// keep tries again and again, as long as the node runs, to follow what the others do on the channel. It returns at
// once. What fails for half a minute is said.
func (node *Node) keep(follow func(context.Context) error) {
	if node.running == nil {
		node.running, node.end = context.WithCancel(context.Background())
	}
	node.keeping.Go(func() {
		tick := time.NewTicker(keepInterval)
		defer tick.Stop()
		failures := 0
		for {
			select {
			case <-node.running.Done():
				return
			case <-tick.C:
			}
			ctx, cancel := context.WithTimeout(node.running, renewPatience)
			err := follow(ctx)
			cancel()
			if failures++; err == nil {
				failures = 0
			}
			if failures == 10 && node.running.Err() == nil {
				node.network.say.line("couldn't follow what the others do on the channel: %v", err)
			}
		}
	})
}

// Stop ends every process of the node and returns when none is left.
func (node *Node) Stop() error { return node.stopWithin(nil) }

// stopWithin is Stop, except that it kills the remaining processes once hurry is closed.
func (node *Node) stopWithin(hurry <-chan struct{}) error {
	if node.end != nil {
		node.end()
		node.keeping.Wait()
	}
	defer node.health.close()
	return node.network.stopWithin(hurry)
}
