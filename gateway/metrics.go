package gateway

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics holds the figures that the gateway gives to Prometheus.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(g *Gateway) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(
			prometheus.CounterOpts{Name: "pedigree_requests_total", Help: "Requests served, by operation and status."},
			[]string{"operation", "status"},
		),
		seconds: prometheus.NewHistogramVec(
			prometheus.HistogramOpts{
				Name:    "pedigree_request_seconds",
				Help:    "How long requests took, by operation.",
				Buckets: []float64{.001, .005, .02, .1, .5, 2, 10, 60},
			},
			[]string{"operation"},
		),
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	m.registry.MustRegister(
		m.requests,
		m.seconds,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		gauge("pedigree_index_blocks", "Blocks in the index.", func() float64 { return float64(g.index.Height()) }),
		gauge(
			"pedigree_ledger_blocks",
			"Blocks that a peer is known to have.",
			func() float64 { return float64(g.follower.tipHeight()) },
		),
		gauge(
			"pedigree_ready",
			"1 if the gateway follows the ledger, its index has caught up, and the ledger takes transactions.",
			func() float64 {
				if ok, _ := g.ready(); ok {
					return 1
				}
				return 0
			},
		),
		gauge(
			"pedigree_ledger_waiting_seconds",
			"For how long a transaction has waited since the last block came; 0 if none waits.",
			func() float64 {
				now := time.Now()
				since, _ := g.stalled(now)
				if since.IsZero() {
					return 0
				}
				return max(now.Sub(since).Seconds(), 0)
			},
		),
		gauge("pedigree_queue_jobs", "Unfinished capture jobs.", func() float64 { return float64(g.queue.Stats().Jobs) }),
		gauge("pedigree_queue_records", "Records in the queue.", func() float64 { return float64(g.queue.Stats().Records) }),
		gauge(
			"pedigree_queue_bytes",
			"Bytes of records in the queue.",
			func() float64 { return float64(g.queue.Stats().Bytes) },
		),
		gauge(
			"pedigree_queue_transactions",
			"Transactions under way.",
			func() float64 { return float64(g.queue.Stats().InFlight) },
		),
		runsCollector{g},
		certificatesCollector{g},
		diskCollector{g.cfg.Data},
		gauge("pedigree_peers_usable", "Peers that can be called.",
			func() float64 { return float64(g.client.Health().Usable()) }),
	)
	return m
}

func (m *metrics) observe(operation string, status int, took time.Duration) {
	m.requests.WithLabelValues(operation, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(operation).Observe(took.Seconds())
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true, DisableCompression: true})
}

// runsCollector counts the runs that OpenLineage events describe.
type runsCollector struct{ gateway *Gateway }

var (
	runsByState = prometheus.NewDesc(
		"pedigree_runs",
		"Runs that OpenLineage events told of, by state; those that are over as far as they are kept.",
		[]string{"state"},
		nil,
	)
	runsBytes = prometheus.NewDesc(
		"pedigree_runs_bytes",
		"Bytes of the events of runs that are not recorded yet.",
		nil,
		nil,
	)
	runsEvents = prometheus.NewDesc(
		"pedigree_openlineage_events_total",
		"OpenLineage events kept, by what they were to their run.",
		[]string{"as"},
		nil,
	)
	runsEnded = prometheus.NewDesc(
		"pedigree_runs_total",
		"Runs that were recorded, could not be, or expired: their end never came, and they go to the ledger without it. "+
			"An expired run is counted a second time when it is recorded or fails.",
		[]string{"outcome"},
		nil,
	)
)

// Describe implements prometheus.Collector.
func (c runsCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{runsByState, runsBytes, runsEvents, runsEnded} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c runsCollector) Collect(to chan<- prometheus.Metric) {
	s := c.gateway.runs.Stats()
	for state, n := range s.Runs {
		to <- prometheus.MustNewConstMetric(runsByState, prometheus.GaugeValue, float64(n), string(state))
	}
	to <- prometheus.MustNewConstMetric(runsBytes, prometheus.GaugeValue, float64(s.Bytes))
	for as, n := range map[string]int{"new": s.Events - s.Late, "duplicate": s.Duplicates, "late": s.Late} {
		to <- prometheus.MustNewConstMetric(runsEvents, prometheus.CounterValue, float64(n), as)
	}
	for outcome, n := range map[string]int{"recorded": s.Recorded, "failed": s.Failed, "expired": s.Expired} {
		to <- prometheus.MustNewConstMetric(runsEnded, prometheus.CounterValue, float64(n), outcome)
	}
}
