package gateway

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheFiguresOfTheDisk(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(diskCollector{t.TempDir()})
	families, err := registry.Gather()
	require.NoError(t, err)
	figures := map[string]float64{}
	for _, f := range families {
		figures[f.GetName()] = f.GetMetric()[0].GetGauge().GetValue()
	}
	free, size := figures["pedigree_disk_free_bytes"], figures["pedigree_disk_size_bytes"]
	assert.Greater(t, free, 1e6, "less than a megabyte is free, or it is counted in other units")
	assert.LessOrEqual(t, free, size)

	registry = prometheus.NewRegistry()
	registry.MustRegister(diskCollector{"/no/such/folder"})
	families, err = registry.Gather()
	require.NoError(t, err)
	assert.Empty(t, families)
}
