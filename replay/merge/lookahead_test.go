package merge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"replayd/archive"
	"replayd/archive/archivetest"
)

const latency = 50 * time.Millisecond

// far makes the store of cfg one that takes 50 ms to each first byte.
func far(cfg *Config, store *archivetest.Faulty) *archivetest.Far {
	s := &archivetest.Far{Store: store, Latency: latency}
	cfg.Source.Store, cfg.Fetcher.Store = s, s
	return s
}

// ahead lets a merge open so many objects before workers have time for them.
func ahead(objects int) func(*Config) {
	return func(c *Config) { c.Ahead = Room{objects, 1 << 20} }
}

// inTurn is a script of n objects of which each begins where the one before ends; with a gap of 0 all lie over one another.
func inTurn(n, gap int) string {
	var lines []string
	for i := range n {
		lines = append(lines, fmt.Sprintf("o%04d %d:%d", i, i*gap, i*gap))
	}
	return strings.Join(lines, "\n")
}

// oneHour makes one hour of all the objects of cfg.
func oneHour(cfg *Config) {
	f := cfg.Feed.(*feed)
	var all []*Object
	for _, hour := range f.hours {
		all = append(all, hour...)
	}
	f.hours = [][]*Object{all}
}

func TestLatencyOfTheStoreIsHidden(t *testing.T) {
	const objects, most, rounds = 1000, 32, 6 // it takes six rounds from 2 to more than 32
	for name, gap := range map[string]int{"objects in turn": 100, "objects over one another": 0} {
		t.Run(name, func(t *testing.T) {
			took := map[int]time.Duration{}
			for _, n := range []int{0, most} {
				synctest.Test(t, func(t *testing.T) {
					cfg, store := setup(t, inTurn(objects, gap), Rules{To: seconds("1000000")}, ahead(n))
					oneHour(&cfg)
					s := far(&cfg, store)
					began := time.Now()
					if _, err := merged(t, cfg, 512); err != nil {
						t.Fatal(err)
					}
					took[n] = time.Since(began)
					use := s.Use()
					if use.Gets != objects || use.Open != 0 || use.Most > most+mostWanted(cfg.Workers) {
						t.Errorf("%d ahead: %+v", n, use)
					}
				})
			}
			t.Logf("took %s, and %s without looking ahead", took[most], took[0])
			if limit := (1 + rounds + objects/most) * latency; took[most] > limit {
				t.Errorf("took %s, at most %s is due", took[most], limit)
			}
			if took[0] < objects/4*latency {
				t.Errorf("the store is not far: without looking ahead it took %s", took[0])
			}
		})
	}
}

// hasty is a store that refuses the first request at once, however far it is.
type hasty struct {
	archive.Store
	asked atomic.Bool
}

func (s *hasty) Open(ctx context.Context, o archive.Object, offset int64) (io.ReadCloser, error) {
	if s.asked.CompareAndSwap(false, true) {
		return nil, archivetest.ErrUnavailable
	}
	return s.Store.Open(ctx, o, offset)
}

func TestOnlyAStoreThatIsFarIsReadAhead(t *testing.T) {
	for _, c := range []struct {
		name    string
		latency time.Duration
		hasty   bool
		ahead   bool
	}{
		{"near", nearby / 2, false, false},
		{"far", nearby, false, true},
		{"far, and quick to refuse", nearby, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg, store := setup(t, inTurn(300, 100), Rules{To: seconds("1000000")}, ahead(32))
				oneHour(&cfg)
				s := far(&cfg, store)
				s.Latency = c.latency
				if c.hasty {
					cfg.Fetcher.Store = &hasty{Store: s}
				}
				if _, err := merged(t, cfg, 512); err != nil {
					t.Fatal(err)
				}
				if got := s.Use().Most > mostWanted(cfg.Workers); got != c.ahead {
					t.Errorf("up to %d objects were open at a time", s.Use().Most)
				}
			})
		})
	}
}

func TestLookingAheadChangesNothingInAnyWeather(t *testing.T) {
	rules := Rules{To: seconds("1000"), Lateness: seconds("20")}
	for seed := range uint64(8) {
		script := random(rand.New(rand.NewPCG(seed, 5)), 30)
		cfg, _ := setup(t, script, rules, nil)
		want, err := merged(t, cfg, 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, objects := range []int{1, 3, 32} {
			for _, memory := range []int64{0, 100, 1 << 20} {
				synctest.Test(t, func(t *testing.T) {
					cfg, store := setup(t, script, rules, func(c *Config) { c.Ahead = Room{objects, memory} })
					cfg.Fetcher.GiveUp = time.Hour
					store.Script(archivetest.Weather(seed, 4))
					far(&cfg, store)
					got, err := merged(t, cfg, 7)
					if err != nil || got != want {
						t.Fatalf("seed %d, %d objects and %d bytes ahead: %v\n got %s\nwant %s", seed, objects, memory, err, got, want)
					}
					if n := store.Unclosed(); n != 0 {
						t.Errorf("%d bodies are open", n)
					}
				})
			}
		}
	}
}

func TestFewObjectsAreFetchedForTheFirstEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, store := setup(t, inTurn(1000, 100), Rules{To: seconds("1000000")}, ahead(32))
		oneHour(&cfg)
		s := far(&cfg, store)
		m := New(t.Context(), cfg)
		defer m.Close()
		if _, err := m.Next(t.Context(), make([]Item, 1)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if use, limit := s.Use(), 1+cfg.Workers*(wantedPerWorker+1); use.Gets > limit {
			t.Errorf("%d objects were opened, at most %d should be", use.Gets, limit)
		}
	})
}

func TestWhatIsFetchedAheadStaysWithinItsMemory(t *testing.T) {
	const room = 1000
	synctest.Test(t, func(t *testing.T) {
		var lines []string
		for i := range 200 {
			lines = append(lines, fmt.Sprintf("o%03d %d:%s", i, i*1000, strings.Repeat(fmt.Sprint(" ", i*1000), 20)))
		}
		cfg, store := setup(t, strings.Join(lines, "\n"), Rules{To: seconds("1000000")}, ahead(32))
		cfg.Ahead.Bytes = room
		oneHour(&cfg)
		far(&cfg, store)
		m := New(t.Context(), cfg)
		defer m.Close()
		items, fetched := make([]Item, 16), 0
		for {
			_, err := m.Next(t.Context(), items)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			held := 0
			for _, l := range m.pending {
				if !l.started { // else a worker has it
					held += len(l.first)
				}
			}
			if held > room {
				t.Fatalf("%d bytes are held", held)
			}
			fetched = max(fetched, held)
		}
		if fetched < room/2 {
			t.Errorf("at most %d bytes were fetched ahead", fetched)
		}
		if left := m.look.bytes.left.Load(); left != room {
			t.Errorf("%d bytes of %d are free in the end", left, room)
		}
	})
}

func TestAMergeThatIsClosedInTheMiddleLeavesNothing(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 6))
			cfg, store := setup(t, inTurn(150, rng.IntN(2)), Rules{To: seconds("1000000")}, ahead(32))
			oneHour(&cfg)
			store.Script(archivetest.Weather(seed, 10))
			far(&cfg, store)
			m := New(t.Context(), cfg) // synctest fails when a goroutine outlives it
			items := make([]Item, 1+rng.IntN(5))
			for range rng.IntN(60) {
				if _, err := m.Next(t.Context(), items); err != nil {
					break
				}
			}
			time.Sleep(time.Duration(rng.Int64N(int64(2 * latency))))
			m.Close()
			if n := store.Unclosed(); n != 0 {
				t.Errorf("seed %d: %d bodies are open", seed, n)
			}
		})
	}
}
