package harness_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/integration/harness"
	"replayd/integration/ledger"
)

const patience = 30 * time.Second

func TestRecordOutlivesKillOfItsBroker(t *testing.T) {
	t.Parallel()
	eachProvider(t, func(t *testing.T, provider string) {
		begin := time.Now()
		k := harness.StartKafka(t, harness.KafkaOptions{Provider: provider, Control: true})
		t.Logf("ready after %s", time.Since(begin).Round(time.Millisecond))
		addr := k.Addr()
		createTopic(t, k, "events")
		produce(t, k.Client(t), "events", "before the kill")

		k.Kill(0)
		if err := ping(t, k, time.Second); err == nil {
			t.Error("a killed broker answers")
		}
		restart := time.Now()
		k.Restart(0)
		t.Logf("ready again after %s", time.Since(restart).Round(time.Millisecond))

		if k.Addr() != addr {
			t.Errorf("address changed from %s to %s", addr, k.Addr())
		}
		if got := consumeOne(t, k, "events"); got != "before the kill" {
			t.Errorf("consumed %q", got)
		}
	})
}

func TestFrozenBrokerIsSilentUntilThawed(t *testing.T) {
	t.Parallel()
	eachProvider(t, func(t *testing.T, provider string) {
		k := harness.StartKafka(t, harness.KafkaOptions{Provider: provider, Control: true})
		k.Freeze(0)
		if err := ping(t, k, time.Second); !isTimeout(err) {
			t.Errorf("a frozen broker should neither answer nor refuse, got %v", err)
		}
		k.Thaw(0)
		if err := ping(t, k, patience); err != nil {
			t.Errorf("after thaw: %v", err)
		}
		k.Freeze(0)
		k.Restart(0) // ends the frozen life first
		if err := ping(t, k, patience); err != nil {
			t.Errorf("after restart: %v", err)
		}
	})
}

func TestTransactionVersionCanBeLowered(t *testing.T) {
	t.Parallel()
	eachProvider(t, func(t *testing.T, provider string) {
		newest := harness.KafkaOptions{Provider: provider}
		if level := transactionVersion(t, harness.StartKafka(t, newest)); level < 2 {
			t.Errorf("a new cluster has level %d", level)
		}
		old := harness.KafkaOptions{Provider: provider, Features: map[string]int16{"transaction.version": 0}}
		if level := transactionVersion(t, harness.StartKafka(t, old)); level != 0 {
			t.Errorf("level is %d, want 0", level)
		}
	})
}

func TestClusterOfThreeGoesOnWithoutOne(t *testing.T) {
	t.Parallel()
	eachProvider(t, func(t *testing.T, provider string) {
		begin := time.Now()
		k := harness.StartKafka(t, harness.KafkaOptions{Provider: provider, Brokers: 3, Control: true})
		t.Logf("ready after %s", time.Since(begin).Round(time.Millisecond))
		createTopic(t, k, "events")
		producer := k.Client(t, kgo.MetadataMinAge(250*time.Millisecond))
		produce(t, producer, "events", "with three")

		k.Kill(1)
		stalled := time.Now()
		produce(t, producer, "events", "with two")
		t.Logf("produced %s after the kill", time.Since(stalled).Round(time.Millisecond))
		k.Restart(1)
		if got := consumeOne(t, k, "events"); got != "with three" {
			t.Errorf("consumed %q", got)
		}
	})
}

func TestBrokersOfTheEnvironmentServe(t *testing.T) {
	own := harness.StartKafka(t, harness.KafkaOptions{Provider: "process"})
	t.Setenv(ledger.FileVariable, "") // nobody's brokers were tested
	t.Setenv("REPLAYD_TEST_KAFKA", own.Addr())
	k := harness.StartKafka(t, harness.KafkaOptions{})
	if k.Provider() != "env" || k.Addr() != own.Addr() {
		t.Errorf("got %s from provider %s", k.Addr(), k.Provider())
	}
	controlled := harness.StartKafka(t, harness.KafkaOptions{Control: true})
	if controlled.Provider() == "env" {
		t.Error("a test that kills brokers was given somebody else's")
	}
}

func TestKcatReadsWhatWeProduce(t *testing.T) {
	t.Parallel()
	k := harness.StartKafka(t, harness.KafkaOptions{})
	kcat := harness.Kcat(t)
	createTopic(t, k, "kcat-events")
	produce(t, k.Client(t), "kcat-events", "from franz-go")
	out := run(t, kcat, "-b", k.Addr(), "-t", "kcat-events", "-C", "-e", "-q", "-o", "beginning")
	if out != "from franz-go\n" {
		t.Errorf("kcat printed %q", out)
	}
}

// eachProvider runs the test on every provider that starts brokers of its own.
func eachProvider(t *testing.T, test func(t *testing.T, provider string)) {
	for _, provider := range []string{"process", "docker"} {
		t.Run(provider, func(t *testing.T) { test(t, provider) })
	}
}

func createTopic(t *testing.T, k *harness.Kafka, topic string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := kadm.NewClient(k.Client(t)).CreateTopic(ctx, 1, -1, nil, topic); err != nil {
		t.Fatal(err)
	}
}

func produce(t *testing.T, client *kgo.Client, topic, value string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	record := &kgo.Record{Topic: topic, Value: []byte(value)}
	if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
		t.Fatalf("produce: %v", err)
	}
}

// consumeOne reads the first record of the topic with a client of its own.
func consumeOne(t *testing.T, k *harness.Kafka, topic string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client := k.Client(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	fetches := client.PollRecords(ctx, 1)
	if err := fetches.Err(); err != nil {
		t.Fatalf("consume: %v", err)
	}
	return string(fetches.Records()[0].Value)
}

func ping(t *testing.T, k *harness.Kafka, limit time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return k.Client(t, kgo.RequestTimeoutOverhead(limit)).Ping(ctx)
}

// isTimeout covers the context's end and that of the connection's own deadline, whichever came first.
func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

func transactionVersion(t *testing.T, k *harness.Kafka) int16 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	versions, err := kadm.NewClient(k.Client(t)).ApiVersions(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range versions {
		for _, f := range v.Raw().FinalizedFeatures {
			if f.Name == "transaction.version" {
				return f.MaxVersionLevel
			}
		}
	}
	return 0
}
