package kafka

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/replay"
)

// hanging is a broker that takes connections and never answers, as one that is stopped does; it counts them.
func hanging(t *testing.T) (address string, connections *atomic.Int64) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connections = &atomic.Int64{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			defer conn.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String(), connections
}

// TestABrokerThatHangsKeepsNoReplayFromStarting names one beside a cluster that works, at every place, twice and five
// times: asked one after another they would use up the time of the first contact.
func TestABrokerThatHangsKeepsNoReplayFromStarting(t *testing.T) {
	t.Parallel()
	silent, connections := hanging(t)
	f := fake(t)
	up := f.ListenAddrs()[0]
	for i, brokers := range [][]string{{silent, up}, {up, silent}, {silent, silent, silent, up, silent, silent}} {
		c, err := Connect(t.Context(), Options{Brokers: brokers, Log: zerolog.Nop()})
		if err != nil {
			t.Fatalf("%v: %v", brokers, err)
		}
		t.Cleanup(c.Close)
		asked := connections.Load()
		spec := testSpec("r" + string(rune('0'+i)))
		findings, err := c.Preflight(t.Context(), spec, Settings{})
		if err != nil {
			t.Fatalf("%v: %v: %v", brokers, findings, err)
		}
		s := c.Sink(Settings{Allow: replay.Allowed{ItemOverlap}})
		t.Cleanup(s.Close)
		if _, err := s.Open(t.Context(), spec); err != nil {
			t.Fatalf("%v: %v", brokers, err)
		}
		if n := connections.Load(); n != asked {
			t.Errorf("%v: the one that hangs was asked %d times more after the first contact", brokers, n-asked)
		}
	}
}

// TestABrokerThatHangsIsPassedOverAmongThoseOfTheCluster stops one of three that are all named.
func TestABrokerThatHangsIsPassedOverAmongThoseOfTheCluster(t *testing.T) {
	t.Parallel()
	silent, _ := hanging(t)
	for stopped := range 3 {
		addresses := fake(t, kfake.NumBrokers(3)).ListenAddrs()
		routes := map[string]string{}
		for i, a := range addresses {
			if routes[a] = a; i == stopped {
				routes[a] = silent
			}
		}
		if err := dialing(t, addresses, routes); err != nil {
			t.Errorf("broker %d hangs: %v", stopped, err)
		}
	}
}

func TestARefusalSaysMoreThanABrokerThatHangs(t *testing.T) {
	t.Parallel()
	silent, _ := hanging(t)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("PLAIN", "user", "password"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	_, err = Connect(t.Context(), Options{Brokers: []string{silent, cluster.ListenAddrs()[0]}, Log: zerolog.Nop()})
	if err == nil || !strings.Contains(err.Error(), "wants a login") {
		t.Errorf("got %v", err)
	}
	for _, e := range []error{
		&net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")},
	} {
		if !down(e) {
			t.Errorf("%v says more than that the broker is not there", e)
		}
	}
}

// TestABrokerThatDidNotAnswerIsAskedAgainWhenASessionIsLost lets the one that answered go away, and the other come up.
func TestABrokerThatDidNotAnswerIsAskedAgainWhenASessionIsLost(t *testing.T) {
	t.Parallel()
	f := fake(t)
	var away atomic.Bool
	away.Store(true)
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == "second:1" && away.Load() {
			return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("away")}
		}
		return (&net.Dialer{}).DialContext(ctx, network, f.ListenAddrs()[0])
	}
	brokers := []string{"first:1", "second:1"}
	c, err := Connect(t.Context(), Options{Brokers: brokers, Client: []kgo.Opt{kgo.Dialer(dial)}, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if got := c.seeds(); !slices.Equal(got, brokers[:1]) {
		t.Errorf("it begins with %v, though one does not answer", got)
	}
	away.Store(false)
	s := prepared(t, c, "r")
	failed := false
	f.ControlKey(int16(kmsg.InitProducerID), func(r kmsg.Request) (kmsg.Response, error, bool) {
		if r.(*kmsg.InitProducerIDRequest).TransactionalID == nil {
			return nil, nil, false
		}
		failed = true
		refusal := r.ResponseKind().(*kmsg.InitProducerIDResponse)
		refusal.ErrorCode = kerr.UnknownServerError.Code
		return refusal, nil, true
	})
	if _, err := s.takeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.seeds(); !failed || !slices.Equal(got, brokers) {
		t.Errorf("after a session was lost (%v) it begins with %v", failed, got)
	}
}
