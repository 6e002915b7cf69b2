package gateway

import "github.com/prometheus/client_golang/prometheus"

// diskCollector tells how much room the disk with the gateway's data has. On the host of an organisation, that is
// usually the disk of its peer and orderers, too.
type diskCollector struct{ dir string }

var (
	diskFree = prometheus.NewDesc("pedigree_disk_free_bytes", "Free bytes on the disk with the gateway's data.", nil, nil)
	diskSize = prometheus.NewDesc("pedigree_disk_size_bytes", "The size of the disk with the gateway's data.", nil, nil)
)

func (diskCollector) Describe(to chan<- *prometheus.Desc) {
	to <- diskFree
	to <- diskSize
}

// Collect tells nothing if the system doesn't say.
func (c diskCollector) Collect(to chan<- prometheus.Metric) {
	free, size, ok := measureDisk(c.dir)
	if !ok {
		return
	}
	to <- prometheus.MustNewConstMetric(diskFree, prometheus.GaugeValue, float64(free))
	to <- prometheus.MustNewConstMetric(diskSize, prometheus.GaugeValue, float64(size))
}
