package s3_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"testing"

	"replayd/archive"
	"replayd/archive/s3"
)

func TestConnectionsAreKeptForAsManyObjectsAsAreOpenAtATime(t *testing.T) {
	alone(t)
	const objects, rounds = 160, 4
	d := newDouble(t, map[string][]byte{"a": []byte("content")})
	// No request of a round is answered before all are there, so each has a connection of its own.
	var arrived sync.WaitGroup
	d.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("list-type") == "" {
			arrived.Done()
			arrived.Wait()
		}
		return true
	}
	s := d.store(t, "")
	o := first(t, s, "")
	var connections atomic.Int64
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
		if !c.Reused {
			connections.Add(1)
		}
	}})
	for range rounds {
		arrived.Add(objects)
		var all sync.WaitGroup
		for range objects {
			all.Go(func() {
				if err := readWhole(ctx, s, o); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	// A connection may come back a moment after its body has ended: some are opened anew. Of those that were thrown away,
	// as many would be in each round.
	if n := connections.Load(); n >= 2*objects {
		t.Errorf("%d connections for %d rounds of %d requests", n, rounds, objects)
	}
}

func readWhole(ctx context.Context, s *s3.Store, o archive.Object) error {
	body, err := s.Open(ctx, o, 0)
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	return body.Close()
}
