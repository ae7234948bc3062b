package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/replay/kafka/security"
)

// firstContact is the time in which it is told that the cluster cannot be reached, or does not let us in.
const firstContact = 10 * time.Second

const (
	askAtOnce   = 16                     // brokers; each takes a connection
	othersMay   = 500 * time.Millisecond // take longer than the first that answers
	othersStill = 2 * time.Second        // may let us in, though the first that is up refuses us
)

// contact asks whether the cluster is there, at the addresses that were given and then at those that it gives for itself:
// these differ, and everything but the first question goes to the latter. Of each one that answers is enough.
func (c *Cluster) contact(ctx context.Context) error {
	seeds := c.client.SeedBrokers()
	answered, err := anyOf(ctx, seeds)
	if err == nil {
		err = c.prefer(seeds, answered)
	}
	if err != nil {
		return c.unreachable(ctx, err)
	}
	if err := c.client.Ping(ctx); err != nil { // which makes the client know the others
		return c.unreachable(ctx, err)
	}
	if _, err := anyOf(ctx, c.client.DiscoveredBrokers()); err != nil {
		return fmt.Errorf("the cluster answers, but none of the addresses that it gives for its brokers (advertised.listeners) does: %w", c.unreachable(ctx, err))
	}
	return nil
}

// prefer leaves the addresses that did not answer out of those that clients begin with, until askAll: every log that is read
// has a client of its own, which begins with any of them, and one that hangs costs it seconds each time.
func (c *Cluster) prefer(seeds, answered []*kgo.Broker) error {
	if len(answered) == len(seeds) {
		return nil
	}
	var addresses []string
	for i, b := range seeds {
		if slices.Contains(answered, b) {
			addresses = append(addresses, c.options.Brokers[i])
		}
	}
	c.answering.Store(&addresses)
	c.options.Log.Info().Strs("brokers", addresses).Msg("not all of the brokers that were named answer: beginning with those that do")
	return c.client.UpdateSeedBrokers(addresses...)
}

// askAll lets clients begin with every address that was given: others may be up by now than at the first contact.
func (c *Cluster) askAll() {
	if c.answering.Swap(nil) == nil {
		return
	}
	if err := c.client.UpdateSeedBrokers(c.options.Brokers...); err != nil {
		c.options.Log.Debug().Err(err).Msg("brokers")
	}
}

// seeds are the addresses that a client begins with.
func (c *Cluster) seeds() []string {
	if some := c.answering.Load(); some != nil {
		return *some
	}
	return c.options.Brokers
}

// anyOf asks the brokers until one answers, and returns it and those that answered soon after. Of the errors of all that
// one comes back which tells most.
func anyOf(ctx context.Context, brokers []*kgo.Broker) (answered []*kgo.Broker, worst error) {
	for some := range slices.Chunk(brokers, askAtOnce) {
		answered, err := ask(ctx, some)
		if len(answered) > 0 {
			return answered, nil
		}
		if tellsMore(err, worst) {
			worst = err
		}
	}
	return nil, worst
}

// tellsMore compares what brokers say: of one that refuses the password more is to be learnt than of one that is down.
func tellsMore(err, than error) bool { return than == nil || down(than) && !down(err) }

// ask asks all of the brokers at once: one that hangs must not use up the time of the others.
func ask(ctx context.Context, brokers []*kgo.Broker) (answered []*kgo.Broker, worst error) {
	ctx, cancel := context.WithCancel(ctx)
	type answer struct {
		of  *kgo.Broker
		err error
	}
	answers := make(chan answer, len(brokers))
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel()
	for _, b := range brokers {
		asking.Go(func() {
			answers <- answer{b, there(ctx, b)}
		})
	}
	enough := make(<-chan time.Time)
	for range brokers {
		select {
		case a := <-answers:
			switch {
			case a.err == nil:
				if answered = append(answered, a.of); len(answered) == 1 {
					enough = time.After(othersMay)
				}
			case tellsMore(a.err, worst):
				if worst = a.err; !down(worst) && len(answered) == 0 {
					enough = time.After(othersStill)
				}
			}
		case <-enough:
			return answered, worst
		}
	}
	return answered, worst
}

// there asks one broker what is not answered without the login, as versions would be.
func there(ctx context.Context, b *kgo.Broker) error {
	question := kmsg.NewPtrMetadataRequest()
	question.Topics = []kmsg.MetadataRequestTopic{}
	_, err := b.Request(ctx, question)
	return err
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

// down reports whether err only says that a broker is not there: it is not to be dialed, or it hangs.
func down(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "dial" || op.Timeout()) && exhausted(err) == nil || errors.Is(err, context.DeadlineExceeded)
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
