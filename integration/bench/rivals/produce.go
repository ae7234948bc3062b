package main

import (
	"context"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// producer is the usual idempotent producer of franz-go, with replayd's batches and compression.
func (w *work) producer() (*kgo.Client, error) {
	return kgo.NewClient(
		kgo.SeedBrokers(strings.Split(w.brokers, ",")...),
		kgo.DefaultProduceTopic(w.topic),
		kgo.ProducerBatchCompression(kgo.SnappyCompression()),
		kgo.ProducerLinger(5*time.Millisecond),
		kgo.MaxBufferedRecords(50_000),
	)
}

// production counts what a producer was given and remembers its first error.
type production struct {
	client *kgo.Client
	did    done
	failed chan error // has room for one
}

func (w *work) produce(each func(do func([]byte) error) error) (done, error) {
	client, err := w.producer()
	if err != nil {
		return done{}, err
	}
	defer client.Close()
	p := &production{client: client, failed: make(chan error, 1)}
	if err := each(p.send); err != nil {
		return done{}, err
	}
	if err := client.Flush(context.Background()); err != nil {
		return done{}, err
	}
	select {
	case err := <-p.failed:
		return done{}, err
	default:
		return p.did, nil
	}
}

func (p *production) send(event []byte) error {
	p.did.Events++
	p.did.Bytes += int64(len(event))
	p.client.Produce(context.Background(), &kgo.Record{Value: event}, p.acknowledged)
	return nil
}

func (p *production) acknowledged(_ *kgo.Record, err error) {
	if err != nil {
		select {
		case p.failed <- err:
		default:
		}
	}
}

func floor(w *work, _ *meter) (done, error) { return w.produce(w.each) }

// bare reads first, which costs nothing.
func bare(w *work, m *meter) (done, error) {
	var events [][]byte
	if err := w.each(func(event []byte) error {
		events = append(events, event)
		return nil
	}); err != nil {
		return done{}, err
	}
	m.begin()
	return w.produce(func(do func([]byte) error) error {
		for _, e := range events {
			if err := do(e); err != nil {
				return err
			}
		}
		return nil
	})
}
