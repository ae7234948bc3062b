package kafka

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// dialing makes the first contact with brokers of which only those in routes can be dialed, and where those are.
func dialing(t *testing.T, brokers []string, routes map[string]string) error {
	t.Helper()
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if to := routes[address]; to != "" {
			return (&net.Dialer{}).DialContext(ctx, network, to)
		}
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("no route to " + address)}
	}
	c, err := Connect(t.Context(), Options{Brokers: brokers, Client: []kgo.Opt{kgo.Dialer(dial)}, Log: zerolog.Nop()})
	if err == nil {
		c.Close()
	}
	return err
}

func TestAddressesThatTheClusterGivesForItselfAreTried(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	address := cluster.ListenAddrs()[0]
	routes := map[string]string{"bootstrap:9092": address}
	if err := dialing(t, []string{"bootstrap:9092"}, routes); err == nil || !strings.Contains(err.Error(), "advertised.listeners") || !strings.Contains(err.Error(), "no route to "+address) {
		t.Errorf("without a way to the broker's own address: %v", err)
	}
	routes[address] = address
	if err := dialing(t, []string{"bootstrap:9092"}, routes); err != nil {
		t.Errorf("with it: %v", err)
	}
}

func TestABrokerThatRefusesSaysMoreThanOneThatIsDown(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("PLAIN", "user", "password"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	routes := map[string]string{"up:1": cluster.ListenAddrs()[0]}
	for _, brokers := range [][]string{{"down:1", "up:1", "down:2"}, {"up:1", "down:1"}, {"down:1", "up:1"}} {
		if err := dialing(t, brokers, routes); err == nil || !strings.Contains(err.Error(), "wants a login") {
			t.Errorf("%v: %v", brokers, err)
		}
	}
	if err := dialing(t, []string{"down:1", "down:2"}, routes); err == nil || !strings.Contains(err.Error(), "Check --brokers") {
		t.Errorf("all are down: %v", err)
	}
}
