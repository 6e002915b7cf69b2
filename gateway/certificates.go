package gateway

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/config"
)

// certificates lists the certificates that the gateway uses: those that it signs with, its own for TLS, and the
// authorities that it trusts for its peers and for clients.
func (g *Gateway) certificates() []certificate.Certificate {
	var all []certificate.Certificate
	for _, caller := range g.callers.All() {
		id := caller.Identity
		all = append(all, certificate.Certificate{
			Owner: id.MSPID, Use: "identity of the token " + caller.Name, Subject: id.Subject, NotAfter: id.Expires,
		})
	}
	if g.certificate != nil {
		all = append(all, certificate.Certificate{
			Owner: g.cfg.MSPID, Use: "gateway, TLS", File: g.cfg.TLS.Certificate, Subject: g.certificate.Leaf.Subject.String(),
			NotAfter: g.certificate.Leaf.NotAfter,
		})
	}
	if g.machines != nil {
		for _, root := range g.machines.Authorities() {
			all = append(all, certificate.Certificate{
				Owner: g.cfg.MSPID, Use: "authority of client certificates " + root.Subject.String(),
				File: g.cfg.ClientCertificates.Roots, Subject: root.Subject.String(), NotAfter: root.NotAfter,
			})
		}
	}
	return append(all, g.trusted...)
}

// trusted lists the authorities that a gateway trusts for its peers. Like the connections to the peers, it reads their
// files once.
func trusted(cfg config.Config) ([]certificate.Certificate, error) {
	var all []certificate.Certificate
	for _, peer := range cfg.Peers {
		roots, err := certificate.ReadAll(peer.TLSRoots)
		if err != nil {
			return nil, err
		}
		latest := roots[0] // the one that is of use for the longest time
		for _, root := range roots[1:] {
			if root.NotAfter.After(latest.NotAfter) {
				latest = root
			}
		}
		all = append(all, certificate.Certificate{
			Owner: peer.MSPID, Use: "authority of TLS for " + peer.Address, File: peer.TLSRoots,
			Subject: latest.Subject.String(), NotAfter: latest.NotAfter,
		})
	}
	return all, nil
}

// expiring warns the operator of certificates that have expired or soon will. It is empty if none has.
func (g *Gateway) expiring() string { return certificate.Warning(g.certificates(), time.Now()) }

// warnEveryDay logs which certificates have expired or soon will, at once and then each day.
func warnEveryDay(ctx context.Context, log *slog.Logger, expiring func() string) {
	daily := time.NewTicker(24 * time.Hour)
	defer daily.Stop()
	for {
		if warning := expiring(); warning != "" {
			log.Warn("certificates", "problem", warning)
		}
		select {
		case <-ctx.Done():
			return
		case <-daily.C:
		}
	}
}

// certificatesCollector tells Prometheus when each certificate expires.
type certificatesCollector struct{ gateway *Gateway }

var certificateExpiry = prometheus.NewDesc(
	"pedigree_certificate_expiry_timestamp_seconds",
	"When a certificate that the gateway uses expires, in seconds since 1970.",
	[]string{"owner", "use"},
	nil,
)

// Describe implements prometheus.Collector.
func (c certificatesCollector) Describe(to chan<- *prometheus.Desc) { to <- certificateExpiry }

// Collect implements prometheus.Collector.
func (c certificatesCollector) Collect(to chan<- prometheus.Metric) {
	seen := map[[2]string]bool{} // Prometheus refuses all figures if one is there twice
	for _, one := range c.gateway.certificates() {
		key := [2]string{one.Owner, one.Use}
		if one.NotAfter.IsZero() || seen[key] {
			continue
		}
		seen[key] = true
		to <- prometheus.MustNewConstMetric(
			certificateExpiry, prometheus.GaugeValue, float64(one.NotAfter.Unix()), one.Owner, one.Use,
		)
	}
}
