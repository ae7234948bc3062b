package replay

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"replayd/archive"
)

// slow is a store whose bodies take a second to begin, so that as many are open at a time as are wanted.
type slow struct {
	archive.Store
	open atomic.Int64

	mu   sync.Mutex
	most int64 // that were open at a time
}

func (s *slow) note(open int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most = max(s.most, open)
}

func (s *slow) Open(ctx context.Context, o archive.Object, offset int64) (io.ReadCloser, error) {
	body, err := s.Store.Open(ctx, o, offset)
	if err != nil {
		return nil, err
	}
	s.note(s.open.Add(1))
	<-time.After(time.Second)
	return &slowBody{body, s}, nil
}

type slowBody struct {
	io.ReadCloser
	store *slow
}

func (b *slowBody) Close() error {
	b.store.open.Add(-1)
	return b.ReadCloser.Close()
}

func TestNoMoreObjectsAreOpenThanMayBe(t *testing.T) {
	files := map[string]string{}
	for i := range 20 {
		files[fmt.Sprintf("2026/11/01/12/%02d", i)] = event(fmt.Sprint(i), time.Duration(i)*time.Second)
	}
	for _, c := range []struct {
		open        int
		least, most int64
	}{{1, 1, 1}, {2, 2, 2}, {0, 2, 1 << 20}} {
		synctest.Test(t, func(t *testing.T) {
			h := newHourly(files)
			store, m := &slow{Store: h}, &memory{}
			r := h.runner(t, m)
			r.Source.Store, r.Options.Open = store, c.open
			if _, err := r.Run(t.Context(), h.spec); err != nil {
				t.Fatal(err)
			}
			if n := store.most; n < c.least || n > c.most || len(m.records) != 20 {
				t.Errorf("with a limit of %d, %d objects were open at a time; %d events", c.open, n, len(m.records))
			}
		})
	}
}
