package metrics

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"replayd/replay/api"
)

func newRequests() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Name: "http_request_duration_seconds",
		Help:    "Time until requests of the API were answered, by operation and class of status. Event streams are none.",
		Buckets: []float64{.005, .025, .1, .5, 2.5, 10, 60}, // an act waits for Kafka, a plan for the archive
	}, []string{"operation", "status"})
}

// Request takes note of an answer of the API.
func (m *Metrics) Request(o api.Observed) {
	m.requests.WithLabelValues(o.Operation, class(o.Status)).Observe(o.Took.Seconds())
}

// class of a status: 2xx.
func class(status int) string {
	if status < 100 || status > 599 {
		return "none" // nothing was answered
	}
	return fmt.Sprintf("%dxx", status/100)
}
