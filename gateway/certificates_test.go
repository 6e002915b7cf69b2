package gateway

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
)

// A gateway that has run for most of a year warns, and not only when it starts.
func TestTheLogWarnsEachDayBeforeACertificateExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		var log bytes.Buffer
		all := []certificate.Certificate{{Owner: "HarborMSP", Use: "gateway, TLS", NotAfter: time.Now().Add(40 * day)}}
		ctx, cancel := context.WithTimeout(t.Context(), 11*day+time.Hour)
		defer cancel()
		warnEveryDay(ctx, slog.New(slog.NewTextHandler(&log, nil)), func() string {
			return certificate.Warning(all, time.Now())
		})
		assert.Equal(t, 1, strings.Count(log.String(), "will expire within 30 days: HarborMSP gateway, TLS"), log.String())
	})
}
