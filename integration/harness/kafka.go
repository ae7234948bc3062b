package harness

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// KafkaOptions say what a test needs of a cluster. The zero value is one broker with the newest features, whoever
// runs it.
type KafkaOptions struct {
	Brokers  int               // 0 is 1
	Control  bool              // brokers are killed, frozen or restarted
	Features map[string]int16  // finalized level by name, as {"transaction.version": 0}
	Settings map[string]string // broker properties, over those of the harness
	Provider string            // env, process or docker: this one or none; empty leaves the choice
	Measured bool              // what it costs is compared: brokers as they run in production, which start more slowly
	Secure   bool              // brokers also listen for clients that are known to them, and grant rights: see Secure
}

// Kafka is a running cluster. Brokers are numbered from 0.
type Kafka struct {
	tb       testing.TB
	provider string
	addrs    []string
	brokers  []broker // nil when they are not ours
	up       []bool   // neither killed nor frozen by the test
	secure   *Secure  // nil unless it was asked for
}

// broker is what a provider can do to one broker of its own. Calls come from one goroutine.
type broker interface {
	start() error // a new life on the same data and address; returns before the broker is ready
	kill() error  // kill -9; returns when it is gone
	freeze() error
	thaw() error
	running() bool
	logTail() string
}

// startLimit is the longest that a cluster, or a restarted broker, may take to serve: 3 s is usual for one broker on a
// quiet machine.
const startLimit = 2 * time.Minute

// StartKafka returns a cluster of its own for the test that calls it, except from the env provider, whose brokers are
// shared: give topics and transactional ids names that nobody else uses.
func StartKafka(tb testing.TB, o KafkaOptions) *Kafka {
	tb.Helper()
	o.Brokers = max(o.Brokers, 1)
	p, name, reason := chooseProvider(o)
	if p == nil {
		leaveOut(tb, name, reason)
	}
	k, err := p.start(tb, o)
	if err != nil {
		tb.Fatalf("start kafka (%s): %v", p.name(), err)
	}
	k.awaitReady()
	k.setFeatures(o.Features)
	tested(tb, "kafka", p.name())
	return k
}

// newKafka arranges that the brokers end with the test, before any of them was started.
func newKafka(tb testing.TB, provider string, addrs []string, brokers []broker) *Kafka {
	k := &Kafka{tb: tb, provider: provider, addrs: addrs, brokers: brokers, up: make([]bool, len(addrs))}
	for i := range k.up {
		k.up[i] = true
	}
	tb.Cleanup(k.end)
	return k
}

// Provider is the name of what runs the brokers: env, process or docker.
func (k *Kafka) Provider() string { return k.provider }

// Addr is the list of bootstrap servers as configurations hold it: host:port, comma-separated.
func (k *Kafka) Addr() string { return strings.Join(k.addrs, ",") }

// Addrs holds the address of each broker. It stays the same through every restart.
func (k *Kafka) Addrs() []string { return slices.Clone(k.addrs) }

// Client connects to the cluster until the test ends. Options come on top of the seed brokers.
func (k *Kafka) Client(tb testing.TB, opts ...kgo.Opt) *kgo.Client {
	tb.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(k.addrs...)}, opts...)...)
	if err != nil {
		tb.Fatalf("kafka client: %v", err)
	}
	tb.Cleanup(client.Close)
	return client
}

// Kill is kill -9 of broker i. It returns when the broker is gone; its data stays.
func (k *Kafka) Kill(i int) {
	k.tb.Helper()
	k.act(i, "kill", broker.kill, false)
}

// Freeze stops broker i where it stands: its connections stay open and nothing answers.
func (k *Kafka) Freeze(i int) {
	k.tb.Helper()
	k.act(i, "freeze", broker.freeze, false)
}

// Thaw lets a frozen broker go on, and does not wait for it: it may have lost its place in the cluster meanwhile.
func (k *Kafka) Thaw(i int) {
	k.tb.Helper()
	k.act(i, "thaw", broker.thaw, true)
}

// Restart gives broker i a new life on its old data and address, after kill -9 if it still runs, and returns when the
// cluster is ready.
func (k *Kafka) Restart(i int) {
	k.tb.Helper()
	k.act(i, "kill", broker.kill, false)
	k.act(i, "restart", broker.start, true)
	k.awaitReady()
}

func (k *Kafka) act(i int, verb string, do func(broker) error, up bool) {
	k.tb.Helper()
	if k.brokers == nil {
		k.tb.Fatalf("%s broker %d: brokers of the %s provider are not ours: set KafkaOptions.Control", verb, i, k.provider)
	}
	if err := do(k.brokers[i]); err != nil {
		k.tb.Fatalf("%s broker %d: %v", verb, i, err)
	}
	k.up[i] = up
}

// end kills all brokers and, when the test failed, shows what is notable in their logs.
func (k *Kafka) end() {
	for i, b := range k.brokers {
		if err := b.kill(); err != nil {
			k.tb.Errorf("end broker %d: %v", i, err)
		}
		if k.tb.Failed() {
			k.tb.Logf("end of the log of broker %d (%s), without INFO:\n%s", i, k.provider, notable(b.logTail()))
		}
	}
}

// exited reports the first broker that ended although nobody killed it.
func (k *Kafka) exited() error {
	for i, b := range k.brokers {
		if k.up[i] && !b.running() {
			return fmt.Errorf("broker %d exited by itself", i)
		}
	}
	return nil
}
