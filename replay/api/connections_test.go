package api

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// watched is a connection that tells whether it was closed.
type watched struct {
	net.Conn

	closed bool
}

func (w *watched) Close() error {
	w.closed = true
	return nil
}

// TestTheOldestConnectionThatMattersLeastIsClosedForANewOne: the letters are connections, in the order of their coming; a capital
// is that somebody logs in, + that they ask, - that it is idle, and . that it is closed by who opened it.
func TestTheOldestConnectionThatMattersLeastIsClosedForANewOne(t *testing.T) {
	for _, c := range []struct{ name, does, closed string }{
		{"there is room", "a b c", ""},
		{"the oldest stranger, whatever it does", "a+ b c d", "a"},
		{"one that is closed makes room", "a b c a. d", ""},
		{"once", "a b c a. a. d e", "b"},
		{"strangers before those that are known", "A- b C- d", "b"},
		{"the longest idle", "A- B- C- A+ A- d", "b"},
		{"one that has come between stays a stranger", "A- B- c d", "c"},
		{"not who asks", "A+ B- C+ d", "b"},
		{"nor who has logged in and asks yet", "A B C- d", "c"},
		{"the new one when all others ask", "A+ B+ C+ d", "d"},
		{"what is closed for another does not come back", "a b c d A a- e", "ab"},
		{"one after another", "a b c d e f", "abc"},
	} {
		conns := newConnections(newPlaces("connections", 3, 3), zerolog.Nop())
		all := map[string]*watched{}
		contexts := map[string]context.Context{}
		for _, does := range strings.Fields(c.does) {
			name := strings.ToLower(does[:1])
			if all[name] == nil {
				all[name] = &watched{}
				contexts[name] = conns.admit(t.Context(), all[name])
				conns.changed(all[name], http.StateNew)
			}
			if does[:1] != name {
				conns.changed(all[name], http.StateActive)
				acquaint(contexts[name], name)
			}
			switch does[1:] {
			case "+":
				conns.changed(all[name], http.StateActive)
			case "-":
				conns.changed(all[name], http.StateIdle)
			case ".":
				conns.changed(all[name], http.StateClosed)
			}
		}
		closed := ""
		for name, w := range all {
			if w.closed {
				closed += name
			}
		}
		if got := []byte(closed); !slices.Equal(slices.Sorted(slices.Values(got)), []byte(c.closed)) {
			t.Errorf("%s: %s: %q are closed", c.name, c.does, closed)
		}
		if n := len(conns.all); n > 3 || conns.strangers.Len()+conns.idle.Len() > n {
			t.Errorf("%s: %d, %d and %d", c.name, n, conns.strangers.Len(), conns.idle.Len())
		}
	}
}

// TestConnectionsOfOneCallerAboveTheirPlacesAreClosedForOthers, and a place is free when another of theirs has ended.
func TestConnectionsOfOneCallerAboveTheirPlacesAreClosedForOthers(t *testing.T) {
	conns := newConnections(newPlaces("connections", 4, 2), zerolog.Nop())
	var all []*watched
	begin := func(caller string) context.Context {
		w := &watched{}
		all = append(all, w)
		ctx := conns.admit(t.Context(), w)
		conns.changed(w, http.StateActive)
		acquaint(ctx, caller)
		acquaint(ctx, caller) // asks once more
		return ctx
	}
	begin("a")
	begin("a")
	third := begin("a")
	begin("b")
	if !strange(third) || all[2].closed {
		t.Errorf("the third of one is known: %v; closed: %v", !strange(third), all[2].closed)
	}
	if fifth := begin("b"); strange(fifth) || !all[2].closed {
		t.Errorf("another's is known: %v; the third is closed: %v", !strange(fifth), all[2].closed)
	}
	conns.changed(all[0], http.StateClosed)
	if again := begin("a"); strange(again) {
		t.Error("no place is free")
	}
	for _, w := range all {
		conns.changed(w, http.StateClosed)
	}
	if n := conns.known.now() + len(conns.known.of) + len(conns.all) + conns.strangers.Len() + conns.idle.Len(); n != 0 {
		t.Errorf("%d are left: %+v", n, conns)
	}
}
