package metrics

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"
)

// client counts what all clients of Kafka do, as one. A daemon has several, and a new one for each session and after each error,
// so that by client nothing could be told over time; kprom itself takes each new one for the first.
type client struct {
	*kprom.Metrics

	once sync.Once
}

func newClient(r prometheus.Registerer) *client {
	return &client{Metrics: kprom.NewMetrics(namespace,
		kprom.Subsystem("kafka"), kprom.Registerer(withoutBuffers{r}),
		kprom.BrokerLabels(kprom.BrokerNodeID), // as many as there are brokers
		kprom.FetchAndProduceDetail(kprom.Records, kprom.UncompressedBytes, kprom.CompressedBytes, kprom.ConsistentNaming),
		kprom.Histograms(kprom.RequestDurationE2E, kprom.RequestThrottled), kprom.NativeBucketFactor(0),
	)}
}

// Client is an option of every client of Kafka whose doings are to be counted.
func (m *Metrics) Client() kgo.Opt { return kgo.WithHooks(m.client) }

// OnNewClient implements kgo.HookNewClient: the first client registers for all.
func (c *client) OnNewClient(k *kgo.Client) { c.once.Do(func() { c.Metrics.OnNewClient(k) }) }

// OnClientClosed implements kgo.HookClientClosed: others go on.
func (c *client) OnClientClosed(*kgo.Client) {}

// withoutBuffers leaves out what kprom asks of a client: it would be of the first one alone.
type withoutBuffers struct{ prometheus.Registerer }

func (r withoutBuffers) MustRegister(list ...prometheus.Collector) {
	for _, c := range list {
		if _, asks := c.(prometheus.GaugeFunc); !asks {
			r.Registerer.MustRegister(c)
		}
	}
}
