package harness

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// provider runs clusters in one way.
type provider interface {
	name() string

	// unavailable says why this machine, or a cluster of these options, cannot be served; empty when it can.
	unavailable(KafkaOptions) string

	// start returns without waiting until the brokers are ready.
	start(testing.TB, KafkaOptions) (*Kafka, error)
}

func providers() []provider { return []provider{envProvider{}, processProvider{}, dockerProvider{}} }

// chooseProvider returns the first provider that can serve, or nil with what is to be called left out, and why.
func chooseProvider(o KafkaOptions) (p provider, name, reason string) {
	wanted := o.Provider
	if wanted == "" {
		wanted = os.Getenv("REPLAYD_TEST_KAFKA_PROVIDER")
	}
	return firstAvailable(providers(), wanted, o)
}

func firstAvailable(all []provider, wanted string, o KafkaOptions) (p provider, name, reason string) {
	var reasons []string
	for _, p := range all {
		if wanted != "" && p.name() != wanted {
			continue
		}
		why := p.unavailable(o)
		if why == "" {
			return p, "", ""
		}
		reasons = append(reasons, p.name()+": "+why)
	}
	switch len(reasons) {
	case 0:
		return nil, "kafka", fmt.Sprintf("no provider is called %q", wanted)
	case 1:
		return nil, wanted, reasons[0][len(wanted)+2:]
	}
	return nil, "kafka", strings.Join(reasons, "; ")
}

// notSecure is why only brokers of our own making serve a test of security.
const notSecure = "only brokers as child processes are set up with certificates and users"

// envProvider serves the brokers that somebody else runs.
type envProvider struct{}

func (envProvider) name() string { return "env" }

func (envProvider) unavailable(o KafkaOptions) string {
	addrs := envAddrs()
	switch {
	case len(addrs) == 0:
		return "REPLAYD_TEST_KAFKA is not set"
	case o.Secure:
		return notSecure
	case o.Control || len(o.Features) > 0 || len(o.Settings) > 0:
		return "the brokers of REPLAYD_TEST_KAFKA are not the test's to kill or change"
	case len(addrs) < o.Brokers:
		return fmt.Sprintf("REPLAYD_TEST_KAFKA names %d of %d brokers", len(addrs), o.Brokers)
	}
	return ""
}

func (p envProvider) start(tb testing.TB, _ KafkaOptions) (*Kafka, error) {
	return newKafka(tb, p.name(), envAddrs(), nil), nil
}

func envAddrs() []string {
	return strings.FieldsFunc(os.Getenv("REPLAYD_TEST_KAFKA"), func(r rune) bool { return r == ',' || r == ' ' })
}
