package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	transactionTimeout = 60 * time.Second // the broker aborts what a dead session left after this at the latest
	transactionWatch   = 2 * time.Minute  // without an end a client is thrown away
	firstProducerID    = 30 * time.Second // the first of a cluster creates __transaction_state
	linger             = 5 * time.Millisecond
	produceTimeout     = 5 * time.Second
)

// producer is one transactional client. After any error it is closed and never used again.
type producer struct{ client *kgo.Client }

// newProducer makes a client that has fenced every other of its transactional id. Batches to topic are at most maxBytes,
// which is what it takes; control topics have Kafka's default.
func (c *Cluster) newProducer(ctx context.Context, id string, codec kgo.CompressionCodec, topic string, maxBytes int32) (*producer, error) {
	client, err := kgo.NewClient(append(c.common(),
		kgo.TransactionalID(id),
		kgo.TransactionTimeout(transactionTimeout),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(codec),
		kgo.ProducerBatchMaxBytesFn(func(t string) int32 {
			if t == topic {
				return maxBytes
			}
			return defaultMaxMessage
		}),
		kgo.ProducerLinger(linger),
		kgo.MaxBufferedRecords(2*maxInFlight),
		kgo.ProduceRequestTimeout(produceTimeout),
	)...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, firstProducerID)
	defer cancel()
	if _, _, err := client.ProducerID(ctx); err != nil {
		client.Close()
		return nil, fmt.Errorf("fence %s: %w", id, err)
	}
	return &producer{client: client}, nil
}

// maxInFlight is the number of records of the largest chunk.
const maxInFlight = 50_000

// close throws the client away, with whatever it had begun.
func (p *producer) close() {
	if p != nil {
		p.client.Close()
	}
}

// transaction runs fill between begin and commit. Everything that fill sends is acknowledged before the commit is asked
// for: a commit in spite of a refused record would leave that record out. When an error comes back, the outcome is unknown.
func (p *producer) transaction(ctx context.Context, fill func(*sending) error) error {
	// Cancelled in the middle, the end would neither have happened nor not.
	return p.transact(ctx, context.WithoutCancel, fill)
}

// opening is a transaction of a session that has produced nothing yet: ctx breaks off its end, too. Whether it was committed
// is for the next session to find, as after a kill.
func (p *producer) opening(ctx context.Context, fill func(*sending) error) error {
	return p.transact(ctx, func(ctx context.Context) context.Context { return ctx }, fill)
}

// transact ends what it begins under the context that ending makes of its own.
func (p *producer) transact(ctx context.Context, ending func(context.Context) context.Context, fill func(*sending) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, transactionWatch, errWatch)
	defer cancel()
	if err := p.client.BeginTransaction(); err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	s := &sending{ctx: ctx, client: p.client}
	if err := fill(s); err != nil {
		return err
	}
	if err := s.flush(); err != nil {
		return err
	}
	if err := p.client.EndTransaction(ending(ctx), kgo.TryCommit); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

var errWatch = errors.New("no end of the transaction in 2 minutes")

// sending is a transaction being filled.
type sending struct {
	ctx    context.Context
	client *kgo.Client

	mu  sync.Mutex
	err error // the first refusal
}

// send produces r; done, if not nil, is told of the acknowledged record, one call at a time.
func (s *sending) send(r *kgo.Record, done func(*kgo.Record)) {
	s.client.Produce(s.ctx, r, func(r *kgo.Record, err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil {
			s.refuse(r, err)
			return
		}
		if done != nil {
			done(r)
		}
	})
}

// sendAll produces records, which the caller keeps until flush has returned.
func (s *sending) sendAll(records []kgo.Record) {
	promise := s.acknowledged // one for all: each s.acknowledged would be made anew
	for i := range records {
		s.client.Produce(s.ctx, &records[i], promise)
	}
}

// acknowledged is the promise of records that nobody is told of one by one.
func (s *sending) acknowledged(r *kgo.Record, err error) {
	if err == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse(r, err)
}

func (s *sending) refuse(r *kgo.Record, err error) {
	if s.err == nil {
		s.err = fmt.Errorf("produce to %s/%d: %w", r.Topic, r.Partition, err)
	}
}

// flush waits for every acknowledgement and reports the first refusal.
func (s *sending) flush() error {
	err := s.client.Flush(s.ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	if err != nil {
		return fmt.Errorf("flush: %w", errors.Join(err, context.Cause(s.ctx)))
	}
	return nil
}
