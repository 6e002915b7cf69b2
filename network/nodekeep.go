package network

import (
	"context"
	"time"
)

// keepInterval is how often a running node looks for what it has to follow on the channel.
const keepInterval = 3 * time.Second

// keep tries again and again, as long as the node runs, to follow what the others do on the channel. It returns at
// once. What fails is said, unless it failed in the same way the last time.
func (node *Node) keep(follow func(context.Context) error) {
	if node.running == nil {
		node.running, node.end = context.WithCancel(context.Background())
	}
	node.keeping.Go(func() {
		tick := time.NewTicker(keepInterval)
		defer tick.Stop()
		said := ""
		for {
			select {
			case <-node.running.Done():
				return
			case <-tick.C:
			}
			ctx, cancel := context.WithTimeout(node.running, renewPatience)
			err := follow(ctx)
			cancel()
			switch {
			case err == nil:
				said = ""
			case node.running.Err() == nil && err.Error() != said:
				said = err.Error()
				node.network.say.line("following the channel: %v", err)
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
	return node.network.stopWithin(hurry)
}
