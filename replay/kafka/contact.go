package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/replay/kafka/security"
)

// firstContact is the time in which it is told that the cluster cannot be reached, or does not let us in.
const firstContact = 10 * time.Second

// contact asks whether the cluster is there, at the addresses that were given and then at one that it gives for itself:
// these differ, and everything but the first question goes to the latter.
func (c *Cluster) contact(ctx context.Context) error {
	if err := c.anyOf(ctx, c.client.SeedBrokers()); err != nil {
		return c.unreachable(ctx, err)
	}
	if err := c.client.Ping(ctx); err != nil { // which makes the client know the others
		return c.unreachable(ctx, err)
	}
	if err := c.anyOf(ctx, c.client.DiscoveredBrokers()); err != nil {
		return fmt.Errorf("the cluster answers, but none of the addresses that it gives for its brokers (advertised.listeners) does: %w", c.unreachable(ctx, err))
	}
	return nil
}

// anyOf asks the brokers until one answers. Of their errors that comes back which says most: one that is down beside one
// that refuses the password is not the news.
func (c *Cluster) anyOf(ctx context.Context, brokers []*kgo.Broker) error {
	question := kmsg.NewPtrMetadataRequest() // which is not answered without the login, as versions would be
	question.Topics = []kmsg.MetadataRequestTopic{}
	var worst error
	for _, b := range brokers {
		_, err := b.Request(ctx, question)
		if err == nil {
			return nil
		}
		if worst == nil || down(worst) {
			worst = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return worst
}

// Unanswered is the end of a call to brokers that were there when the connection was made.
type Unanswered struct {
	Brokers []string
	Err     error
}

func (u *Unanswered) Error() string {
	return fmt.Sprintf("%v\nThe brokers %v do not answer, or not in time: check that Kafka is up", u.Err, u.Brokers)
}

func (u *Unanswered) Unwrap() error { return u.Err }

// unanswered makes an *Unanswered of an error that is one.
func (c *Cluster) unanswered(err error) error {
	var op *net.OpError
	silent := errors.As(err, &op) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, kgo.ErrRecordTimeout) || errors.Is(err, io.EOF)
	if !silent || errors.As(err, new(*Unanswered)) || errors.As(err, new(*security.Refused)) || c.refusals.certain(err) != nil || final(err) {
		return err
	}
	return &Unanswered{c.options.Brokers, err}
}

func down(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial" && exhausted(err) == nil || errors.Is(err, context.DeadlineExceeded)
}

func (c *Cluster) unreachable(ctx context.Context, err error) error {
	if spent := exhausted(err); spent != nil {
		return fmt.Errorf("brokers %v: %w", c.options.Brokers, spent)
	}
	err = c.options.Security.Explain(ctx, c.options.Brokers, err)
	var op *net.OpError
	switch {
	case errors.As(err, new(*security.Refused)), errors.As(err, new(*security.OptionError)):
		return fmt.Errorf("brokers %v: %w", c.options.Brokers, err)
	case errors.As(err, &op), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no broker of %v answers: %w\nCheck --brokers and that Kafka is up; --wait-broker 60s waits for it", c.options.Brokers, err)
	}
	return fmt.Errorf("ask %v for the cluster: %w", c.options.Brokers, err)
}
