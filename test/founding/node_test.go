package founding

import (
	"bufio"
	"context"
	"os/exec"
	"strings"
	"sync"
	"syscall"

	"github.com/stretchr/testify/require"
)

// A node is a running "node start" of a founder.
type node struct {
	name   string
	cmd    *exec.Cmd
	opened chan string   // the URL of its gateway
	idle   chan struct{} // gets one when it has said that it endorses nothing
	ended  chan struct{} // closed when it has ended; failed and said are set then
	failed error
	said   string

	mu  sync.Mutex
	log strings.Builder // what it has said so far
}

// launch runs a founder's node as a process of its own.
func (f *founding) launch(name, line string) *node {
	f.t.Helper()
	shown, _ := f.command(name, strings.ReplaceAll(line, "harbor", name))
	c := exec.Command(shown.Path, shown.Args[1:]...) // outlives the test's context, so that it stops in order
	c.Dir = shown.Dir
	said, err := c.StderrPipe()
	require.NoError(f.t, err)
	require.NoError(f.t, c.Start())
	n := &node{name: name, cmd: c, opened: make(chan string, 1), idle: make(chan struct{}, 9), ended: make(chan struct{})}
	go func() {
		for lines := bufio.NewScanner(said); lines.Scan(); {
			n.mu.Lock()
			n.log.WriteString(lines.Text() + "\n")
			n.mu.Unlock()
			if strings.Contains(lines.Text(), "endorses nothing") {
				n.idle <- struct{}{}
			}
			if _, url, found := strings.Cut(lines.Text(), " is at "); found {
				n.opened <- url
			}
		}
		n.failed, n.said = c.Wait(), n.log.String()
		close(n.ended)
	}()
	f.t.Cleanup(func() { n.stop(syscall.SIGTERM) })
	return n
}

// stop sends a signal to the node, waits until it has ended, and returns how.
func (n *node) stop(sig syscall.Signal) error {
	_ = n.cmd.Process.Signal(sig) // it may have ended by itself
	<-n.ended
	return n.failed
}

// ready waits until the node's gateway is open, and returns its URL.
func (f *founding) ready(n *node) string {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), founderPatience)
	defer cancel()
	select {
	case url := <-n.opened:
		return url
	case <-n.ended:
		require.Fail(f.t, "the node of "+n.name+" has ended", n.said)
	case <-ctx.Done():
		n.mu.Lock()
		defer n.mu.Unlock()
		require.Fail(f.t, "the gateway of "+n.name+" isn't open", n.log.String())
	}
	return ""
}

// start runs the nodes of all founders until each is ready.
func (f *founding) start(line string) {
	f.t.Helper()
	for _, name := range founders {
		f.nodes[name] = f.launch(name, line)
	}
	for _, name := range founders {
		f.urls[name] = f.ready(f.nodes[name])
	}
}
