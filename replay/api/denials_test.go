package api_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"replayd/replay"
	"replayd/replay/api"
)

// audits keeps what is audited.
type audits struct {
	mu   sync.Mutex
	list []replay.Audited
	err  error
}

func (a *audits) write(_ context.Context, x replay.Audited) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return a.err
	}
	a.list = append(a.list, x)
	return nil
}

func (a *audits) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = err
}

func (a *audits) all() []replay.Audited {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]replay.Audited{}, a.list...)
}

// running runs d until stop, which waits.
func running(t *testing.T, d *api.Denials) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

func results(list []replay.Audited) (texts []string) {
	for _, a := range list {
		texts = append(texts, a.User+" "+a.Result)
	}
	return texts
}

func TestDenialsAreWrittenAtOnceAndThenOnceAMinuteWithTheirNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var book audits
		d := api.NewDenials(book.write, zerolog.Nop())
		stop := running(t, d)
		storm := func(n int) {
			for range n {
				d.Note(api.Denied{Who: "alice", Act: "cancel", ID: "a", Why: "no"})
			}
			synctest.Wait()
		}
		storm(1)
		storm(1_000)
		if got := results(book.all()); len(got) != 1 || got[0] != "alice no; 1 times" {
			t.Errorf("at once: %q", got)
		}
		time.Sleep(3 * time.Minute)
		if got := results(book.all()); len(got) != 2 || got[1] != "alice no; 1000 times" {
			t.Errorf("after a while: %q", got)
		}
		storm(5)
		if got := results(book.all()); len(got) != 3 || got[2] != "alice no; 5 times" {
			t.Errorf("after a rest: %q", got)
		}
		storm(7)
		stop()
		if got := results(book.all()); len(got) != 4 || got[3] != "alice no; 7 times" {
			t.Errorf("at the end: %q", got)
		}
	})
}

func TestDenialsThatCannotBeWrittenAreCountedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var book audits
		book.fail(errors.New("Kafka is away"))
		d := api.NewDenials(book.write, zerolog.Nop())
		stop := running(t, d)
		d.Note(api.Denied{Who: "alice", Act: "cancel", Why: "no"})
		synctest.Wait()
		d.Note(api.Denied{Who: "alice", Act: "cancel", Why: "no"})
		book.fail(nil)
		time.Sleep(3 * time.Minute)
		stop()
		if got := results(book.all()); len(got) != 1 || got[0] != "alice no; 2 times" {
			t.Errorf("%q", got)
		}
	})
}

func TestDenialsOfAThousandAddressesAreCountedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var book audits
		d := api.NewDenials(book.write, zerolog.Nop())
		for n := range 1_000 { // nobody writes yet
			d.Note(api.Denied{Who: fmt.Sprintf("address 10.0.%d.%d", n/256, n%256), Act: "list", Why: "no"})
		}
		running(t, d)()
		if n := len(book.all()); n != 257 {
			t.Errorf("%d records", n)
		}
	})
}
