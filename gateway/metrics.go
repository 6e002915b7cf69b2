package gateway

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are the gateway's figures for Prometheus.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(g *Gateway) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pedigree_requests_total", Help: "Requests served, by operation and status."}, []string{"operation", "status"}),
		seconds:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "pedigree_request_seconds", Help: "How long requests took, by operation.", Buckets: []float64{.001, .005, .02, .1, .5, 2, 10, 60}}, []string{"operation"}),
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	m.registry.MustRegister(
		m.requests, m.seconds, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		gauge("pedigree_index_blocks", "Blocks in the index.", func() float64 { return float64(g.index.Height()) }),
		gauge("pedigree_ledger_blocks", "Blocks that a peer is known to have.", func() float64 { return float64(g.follower.tipHeight()) }),
		gauge("pedigree_ready", "1 if the gateway follows the ledger and its index has caught up.", func() float64 {
			if ok, _ := g.follower.ready(); ok {
				return 1
			}
			return 0
		}),
		gauge("pedigree_queue_jobs", "Unfinished capture jobs.", func() float64 { return float64(g.queue.Stats().Jobs) }),
		gauge("pedigree_queue_records", "Records in the queue.", func() float64 { return float64(g.queue.Stats().Records) }),
		gauge("pedigree_queue_bytes", "Bytes of records in the queue.", func() float64 { return float64(g.queue.Stats().Bytes) }),
		gauge("pedigree_queue_transactions", "Transactions under way.", func() float64 { return float64(g.queue.Stats().InFlight) }),
		gauge("pedigree_peers_usable", "Peers that can be called.", func() float64 {
			n := 0
			for _, p := range g.client.Health().Peers {
				if p.Usable {
					n++
				}
			}
			return float64(n)
		}),
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
