package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/replay/kafka/security"
)

// Options of a connection to a cluster.
type Options struct {
	Brokers       []string
	ControlPrefix string             // of the control topics; default replayd
	Member        string             // name of a daemon among those of the prefix, which it keeps over restarts; empty: it has none
	GiveUp        time.Duration      // how long one commit is tried; default 1 h
	Security      *security.Security // nil: plaintext, without a login
	Client        []kgo.Opt          // further options of every client, such as a dialer
	Log           zerolog.Logger
}

// Cluster is a Kafka cluster as a replay needs it. It is safe for concurrent use; Close it at the end.
type Cluster struct {
	options   Options
	client    *kgo.Client // for everything but transactions and reading logs
	admin     *kadm.Client
	refusals  *refusals                // the log of every client
	answering atomic.Pointer[[]string] // of options.Brokers, at the first contact; nil: all are to be asked
	unsure    atomic.Int64             // transactions that did not end well
}

const (
	requestTimeout = 30 * time.Second // of requests other than EndTxn, all tries together
	metadataMinAge = 250 * time.Millisecond
	metadataMaxAge = 10 * time.Second
	overhead       = 5 * time.Second // over a request's own time: brokers that hang
	endTxn         = int16(26)       // API key
	anyRetry       = 100 * time.Millisecond
	longestPause   = 5 * time.Second
)

// Connect prepares to talk to a cluster and asks it whether it is there.
func Connect(ctx context.Context, o Options) (*Cluster, error) {
	if o.ControlPrefix == "" {
		o.ControlPrefix = "replayd"
	}
	if o.GiveUp == 0 {
		o.GiveUp = time.Hour
	}
	c := &Cluster{options: o, refusals: &refusals{logger: logger{o.Log}, security: o.Security}}
	client, err := kgo.NewClient(c.common()...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	c.client, c.admin = client, kadm.NewClient(client)
	ctx, cancel := context.WithTimeout(ctx, firstContact)
	defer cancel()
	if err := c.contact(ctx); err != nil {
		client.Close()
		return nil, err
	}
	c.refusals.listen.Store(true)
	return c, nil
}

// Unsure is how many transactions of this cluster's sinks did not end well, so that the log had to be asked what became of
// them. Nothing is lost or doubled by it: it tells how the brokers do.
func (c *Cluster) Unsure() int64 { return c.unsure.Load() }

// Close ends the connection.
func (c *Cluster) Close() { c.client.Close() }

// common are the options of every client. EndTxn is never repeated by the client itself: below transaction.version 2 a
// delayed first copy would commit half of the next transaction. The cut is an error, and the log tells its outcome.
func (c *Cluster) common() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.seeds()...),
		kgo.ClientID("replayd"),
		kgo.WithLogger(c.refusals),
		kgo.MetadataMinAge(metadataMinAge),
		kgo.MetadataMaxAge(metadataMaxAge),
		kgo.RequestTimeoutOverhead(overhead),
		kgo.RetryTimeoutFn(func(key int16) time.Duration {
			if key == endTxn {
				return time.Nanosecond
			}
			return requestTimeout
		}),
	}
	return slices.Concat(opts, c.options.Security.Client(), c.options.Client)
}

func (c *Cluster) topic(name string) string { return c.options.ControlPrefix + "." + name }

// leaders is how long topics that were just made, or whose brokers are coming up, get to have leaders.
const leaders = 30 * time.Second

// await waits until every one of the topics has leaders.
func (c *Cluster) await(ctx context.Context, topics ...string) (kadm.TopicDetails, error) {
	return awaitLed(ctx, topics, func(ctx context.Context) (kadm.TopicDetails, error) { return c.admin.ListTopics(ctx, topics...) })
}

func awaitLed(ctx context.Context, topics []string, list func(context.Context) (kadm.TopicDetails, error)) (kadm.TopicDetails, error) {
	limited, cancel := context.WithTimeout(ctx, leaders)
	defer cancel()
	var last error
	for wait := anyRetry; limited.Err() == nil; wait = longer(wait) {
		details, err := list(limited)
		if err = cmp.Or(err, details.Error()); err == nil && allLed(details) {
			return details, nil
		}
		if limited.Err() == nil { // else it only says that time is up
			last = err
		}
		sleep(limited, wait)
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("wait for leaders of topics %s: %w", strings.Join(topics, ", "), ctx.Err())
	}
	return nil, fmt.Errorf("topics %s: not all of them have leaders after %s%s: check that all brokers are up",
		strings.Join(topics, ", "), leaders, because(last))
}

func allLed(list kadm.TopicDetails) bool {
	for _, t := range list {
		for _, p := range t.Partitions {
			if p.Err != nil || p.Leader < 0 {
				return false
			}
		}
	}
	return true
}

// brokers are the nodes of the cluster, at least one. The admin client would answer from what the client has kept, and deny
// it for a topic that is hidden from this user.
func (c *Cluster) brokers(ctx context.Context) ([]int32, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	resp, err := req.RequestWith(ctx, c.client)
	if err == nil && len(resp.Brokers) == 0 {
		err = errors.New("the cluster names none")
	}
	if err != nil {
		return nil, fmt.Errorf("brokers: %w", err)
	}
	nodes := make([]int32, len(resp.Brokers))
	for i, b := range resp.Brokers {
		nodes[i] = b.NodeID
	}
	return nodes, nil
}

// transactionVersion is the cluster's finalized level of the feature: 2 since KIP-890, else 0 or 1. It is read once a
// session: a running client does not notice an upgrade.
func (c *Cluster) transactionVersion(ctx context.Context) (int, error) {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "replayd", "1"
	resp, err := req.RequestWith(ctx, c.client)
	if err != nil {
		return 0, fmt.Errorf("ask for transaction.version: %w", err)
	}
	for _, f := range resp.FinalizedFeatures {
		if f.Name == "transaction.version" {
			return int(f.MaxVersionLevel), nil
		}
	}
	return 0, nil
}

// longer doubles a pause, with jitter, up to the longest.
func longer(d time.Duration) time.Duration {
	d = 2*d + rand.N(d/2)
	return min(d, longestPause)
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func host() string {
	h, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return h
}
