package metrics

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"
)

// namespace begins each name.
const namespace = "replayd"

// maxScrapes is how many scrapes are answered at a time: a Prometheus asks one by one, and some run as a pair.
const maxScrapes = 4

// Metrics are those of one daemon. They are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	handler  http.Handler
	client   *client
	requests *prometheus.HistogramVec
	commits
}

// New returns the metrics of a daemon of this version. Watch tells them of the daemon.
func New(version string, to zerolog.Logger) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), requests: newRequests(), commits: newCommits()}
	m.client = newClient(m.registry)
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "1, with the version of the program and of Go.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.registry.MustRegister(build, m.requests, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.register(m.registry)
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorLog: scrapes{to}, MaxRequestsInFlight: maxScrapes})
	return m
}

// ServeHTTP answers a scrape.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.handler.ServeHTTP(w, r) }

// scrapes passes on what goes wrong with one.
type scrapes struct{ log zerolog.Logger }

// Println implements promhttp.Logger.
func (s scrapes) Println(wrong ...any) {
	s.log.Warn().Str("about", "metrics").Msg(strings.TrimSpace(fmt.Sprintln(wrong...)))
}
