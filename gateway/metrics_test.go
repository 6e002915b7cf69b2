package gateway

import (
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/test/markdown"
)

var described = regexp.MustCompile(`fqName: "(pedigree_\w+)".*variableLabels: \{([^}]*)\}`)

func TestTheDocumentationListsTheFiguresOfAGateway(t *testing.T) {
	listed := map[string]string{}
	for _, row := range markdown.Table(t, "../docs/operating.md", "figure", "labels", "what it is") {
		listed[strings.Trim(row[0], "`")] = strings.ReplaceAll(strings.ReplaceAll(row[1], "`", ""), ", ", ",")
	}
	served := map[string]string{}
	all := make(chan *prometheus.Desc)
	go func() {
		newMetrics(&Gateway{}).registry.Describe(all)
		close(all)
	}()
	for d := range all {
		if found := described.FindStringSubmatch(d.String()); found != nil {
			served[found[1]] = found[2]
		}
	}
	assert.Equal(t, served, listed)
}
