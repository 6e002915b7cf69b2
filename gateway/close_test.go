package gateway

import (
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPartsAreClosedInTheReverseOrderOfTheirOpening(t *testing.T) {
	var log strings.Builder
	g := &Gateway{log: slog.New(slog.NewTextHandler(&log, nil))}
	var closed []string
	for _, name := range []string{"lock", "index", "queue", "peers", "runs", "listener"} {
		g.opened(name, func() error {
			closed = append(closed, name)
			switch name {
			case "queue":
				return errors.New("the disk is gone")
			case "listener":
				return net.ErrClosed // by the server, before
			}
			return nil
		})
	}
	g.close()
	g.close() // again closes nothing again
	assert.Equal(t, []string{"listener", "runs", "peers", "queue", "index", "lock"}, closed)
	assert.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
	assert.Contains(t, log.String(), "couldn't close the queue")
}
