package api

import (
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// TestNoTakesAndLeavesGetAboveThePlaces holds them against a list of who has one.
func TestNoTakesAndLeavesGetAboveThePlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 8).Draw(t, "most")
		ofOne := rapid.IntRange(1, most).Draw(t, "of one")
		p := newPlaces("requests", most, ofOne)
		type holder struct {
			caller string
			leave  func()
		}
		var has []holder
		of := map[string]int{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if len(has) > 0 && rapid.Bool().Draw(t, "leaves") {
				i := rapid.IntRange(0, len(has)-1).Draw(t, "which")
				has[i].leave()
				of[has[i].caller]--
				has = append(has[:i], has[i+1:]...)
			} else {
				caller := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "caller")
				want := 0
				switch {
				case len(has) == most:
					want = http.StatusServiceUnavailable
				case of[caller] == ofOne:
					want = http.StatusTooManyRequests
				}
				leave, none := p.take(caller)
				switch {
				case none == nil && want != 0, none != nil && none.Status != want:
					t.Fatalf("%d of %d are taken, %d of %d by %s: %v", len(has), most, of[caller], ofOne, caller, none)
				case none == nil:
					has = append(has, holder{caller, leave})
					of[caller]++
				}
			}
			callers := 0
			for _, n := range of {
				if n > 0 {
					callers++
				}
			}
			if p.now() != len(has) || len(p.of) != callers {
				t.Fatalf("%d places, %v: %d are taken by %d callers", p.now(), p.of, len(has), callers)
			}
		}
	})
}

func TestPlacesAreCountedByManyAtOnce(t *testing.T) {
	p := newPlaces("requests", 6, 4)
	var now, most atomic.Int64
	var of [3]atomic.Int64
	var all sync.WaitGroup
	for i := range 24 {
		caller := i % len(of)
		all.Go(func() {
			for range 200 {
				leave, none := p.take(string(rune('a' + caller)))
				if none != nil {
					continue
				}
				if n, own := now.Add(1), of[caller].Add(1); n > 6 || own > 4 {
					most.Store(n)
				}
				of[caller].Add(-1)
				now.Add(-1)
				leave()
			}
		})
	}
	all.Wait()
	if most.Load() > 0 || p.now() != 0 || len(p.of) != 0 {
		t.Errorf("once there were %d; at the end %d of %v", most.Load(), p.now(), p.of)
	}
}

// TestOneCallerMayTakeAllWhereNobodyIsAsked who they are: all are one.
func TestOneCallerMayTakeAllWhereNobodyIsAsked(t *testing.T) {
	for _, c := range []struct {
		auth                      *Authenticator
		bodies, requests, streams int
	}{{nil, 256, 256, 2000}, {&Authenticator{}, 32, 128, 1000}} {
		s, err := NewServer(nil, ServerOptions{Listen: "127.0.0.1:0", Auth: c.auth})
		if err != nil {
			t.Fatal(err)
		}
		if s.bodies.ofOne != c.bodies || s.requests.ofOne != c.requests || s.streams.ofOne != c.streams {
			t.Errorf("asked %v: %d bodies, %d requests, %d streams of one", c.auth != nil, s.bodies.ofOne, s.requests.ofOne, s.streams.ofOne)
		}
	}
}

// TestTheDocumentTellsOfPlacesThatOneCallerHas where somebody is known.
func TestTheDocumentTellsOfPlacesThatOneCallerHas(t *testing.T) {
	var d struct {
		Paths map[string]map[string]struct {
			OperationID string
			Responses   map[string]struct{ Headers map[string]any }
		}
	}
	if err := json.Unmarshal(Document(), &d); err != nil {
		t.Fatal(err)
	}
	anybody := map[string]bool{routeHealth.id: true, routeReady.id: true}
	for _, methods := range d.Paths {
		for _, op := range methods {
			answer, told := op.Responses["429"]
			if told == anybody[op.OperationID] || told && answer.Headers["Retry-After"] == nil {
				t.Errorf("%s: %v, %v", op.OperationID, told, answer)
			}
		}
	}
}
