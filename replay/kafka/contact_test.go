package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/replay"
	"replayd/replay/kafka/security"
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
	t.Parallel()
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
	t.Parallel()
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

func TestBrokersThatDoNotAnswerAnyMoreAreNamedWithTheNextStep(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	timeout := &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}
	for _, silent := range []error{timeout, fmt.Errorf("fence x: %w", context.DeadlineExceeded), kgo.ErrRecordTimeout, io.EOF} {
		err := c.unanswered(fmt.Errorf("create topic x: %w", silent))
		if !errors.Is(err, silent) || !errors.As(err, new(*Unanswered)) || !strings.HasSuffix(err.Error(), "check that Kafka is up") {
			t.Errorf("%v became %v", silent, err)
		}
		if c.unanswered(err) != err {
			t.Errorf("it is said twice of %v", silent)
		}
	}
	for _, other := range []error{
		nil, context.Canceled, kerr.TopicAuthorizationFailed, &replay.Refusal{Item: "x"}, &security.Refused{What: "x", Err: io.EOF},
		&net.OpError{Op: "dial", Net: "tcp", Err: syscall.EMFILE},
	} {
		if err := c.unanswered(other); err != other {
			t.Errorf("%v became %v", other, err)
		}
	}
}

// TestAnOpeningIsBrokenOffWhereverTheBrokerHangs cancels it while the broker keeps a request, and opens the replay again.
func TestAnOpeningIsBrokenOffWhereverTheBrokerHangs(t *testing.T) {
	t.Parallel()
	for _, at := range []struct {
		key     kmsg.Key
		resumed bool
	}{
		{kmsg.Metadata, false},
		{kmsg.CreateTopics, false},
		{kmsg.InitProducerID, false},
		{kmsg.Produce, false},
		{kmsg.EndTxn, false},
		{kmsg.Produce, true},
		{kmsg.EndTxn, true},
	} {
		t.Run(fmt.Sprintf("%s, resumed %v", at.key.Name(), at.resumed), func(t *testing.T) {
			t.Parallel()
			f := fake(t)
			c := connect(t, f)
			if at.resumed {
				s, _ := open(t, c, testSpec("r"))
				s.Close()
			}
			held, let := make(chan struct{}, 100), make(chan struct{})
			f.ControlKey(at.key.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
				f.KeepControl()
				if end, ok := r.(*kmsg.EndTxnRequest); !ok || end.Commit {
					held <- struct{}{}
					f.SleepControl(func() { <-let })
				}
				return nil, nil, false
			})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			s := c.Sink(Settings{})
			go func() {
				_, err := s.Open(ctx, testSpec("r"))
				ended <- err
			}()
			<-held
			cancel()
			select {
			case err := <-ended:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("it ended with %v", err)
				}
			case <-time.After(overhead - time.Second): // the client itself would give the request up then
				t.Error("it waits for the broker")
			}
			if frozen := at.key == kmsg.EndTxn; s.Frozen() != frozen {
				t.Errorf("frozen: %v", s.Frozen())
			}
			close(let)
			s.Close()
			next, _ := open(t, c, testSpec("r"))
			commit(t, next, chunk(3, 1, replay.Completed))
			seqs(t, consumed(t, f, "replay"), 3)
		})
	}
}
