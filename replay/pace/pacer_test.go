package pace

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// batchSize is about what the merge emits.
const batchSize = 512

func TestRatesAreExactFromOneToHalfAMillion(t *testing.T) {
	for _, rate := range []int64{1, 3, 7, 60, 999, 1000, 1001, 5000, 20_000, 123_457, 333_333, 500_000} {
		s := Setting{events: EventsPerSecond(rate)}
		t.Run(s.String(), func(t *testing.T) {
			items := make([]Item, max(20, 2*rate))
			checkExact(t, s, items, func(i int) float64 { return float64(i) / float64(rate) })
		})
	}
}

func TestByteRatesAreExact(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, rate := range []int64{10_000, 1 << 20, 20_000_000, 500_000_000} {
		s := Setting{bytes: BytesPerSecond(rate)}
		t.Run(s.String(), func(t *testing.T) {
			items, before := make([]Item, 20_000), make([]int64, 20_000)
			var sum int64
			for i := range items {
				items[i].Bytes, before[i] = rng.Int64N(4000), sum
				sum += items[i].Bytes
			}
			checkExact(t, s, items, func(i int) float64 { return float64(before[i]) / float64(rate) })
		})
	}
}

func TestSpeedsAreExactAcrossAThreeHourGap(t *testing.T) {
	const spacing = 10 * time.Millisecond
	for _, speed := range []Speed{0.5, 1, 3, 4, 60, 1000} {
		s := Setting{speed: speed}
		t.Run(s.String(), func(t *testing.T) {
			items := make([]Item, 10_000)
			for i := range items {
				items[i].Time = int64(i) * int64(spacing)
				if i >= len(items)/2 {
					items[i].Time += int64(3*time.Hour - spacing)
				}
			}
			gap := min((3*time.Hour).Seconds()/float64(speed), DefaultMaxGap.Seconds())
			checkExact(t, s, items, func(i int) float64 {
				step := spacing.Seconds() / float64(speed)
				if i < len(items)/2 {
					return float64(i) * step
				}
				return float64(i-1)*step + gap
			})
		})
	}
}

// checkExact lets the items through and holds every grant against due, the seconds after which item i is due: none may
// go before, none later than the pacer's step, and at each moment the number gone is right to 1 event or 1 %.
func checkExact(t *testing.T, s Setting, items []Item, due func(i int) float64) {
	synctest.Test(t, func(t *testing.T) {
		const rounding = 2e-9
		p, start := New(s, Options{}), time.Now()
		expected := 0 // how many are due by now
		for done := 0; done < len(items); {
			n, err := p.Grant(t.Context(), items[done:min(done+batchSize, len(items))], time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			now := time.Since(start).Seconds()
			for i := done; i < done+n; i++ {
				if late := now - due(i); late < -rounding || late > Step.Seconds()+rounding {
					t.Fatalf("event %d is due after %.9fs and was granted after %.9fs", i, due(i), now)
				}
			}
			for expected < len(items) && due(expected) <= now+rounding {
				expected++
			}
			done += n
			if n == batchSize {
				continue // more may be due at this very moment
			}
			if off := math.Abs(float64(done - expected)); off > max(1, float64(expected)/100) {
				t.Fatalf("after %.9fs %d events are granted, %d are due", now, done, expected)
			}
		}
	})
}

// TestNothingEverBursts drives a pacer with random events, stalls, pauses and changes of pace, and looks at every
// span of time in which one pace held.
func TestNothingEverBursts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Int64Range(1, 50_000).Draw(t, "events a second")
		bytes := rapid.Int64Range(1, 1_000_000).Draw(t, "bytes a second")
		setting := Setting{events: EventsPerSecond(rate), bytes: BytesPerSecond(bytes)}
		p := New(setting, Options{Ramp: Ramp(rapid.SampledFrom([]time.Duration{0, time.Second}).Draw(t, "ramp"))})
		size := rapid.Int64Range(1, 3*bytes/rate+1)

		var now time.Duration
		var at []time.Duration // when each event went
		var before []int64     // bytes that had gone before it
		var sum int64
		for range rapid.IntRange(1, 60).Draw(t, "rounds") {
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				now += time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "stall"))
			case 1:
				p.Set(Setting{events: 1})
				p.Set(setting)
			}
			batch := make([]Item, rapid.IntRange(1, 300).Draw(t, "batch"))
			for i := range batch {
				batch[i].Bytes = size.Draw(t, "size")
			}
			n, wait := p.take(time.Unix(0, 0).Add(now), batch)
			for _, e := range batch[:n] {
				at, before = append(at, now), append(before, sum)
				sum += e.Bytes
			}
			now += wait
		}
		for i := range at {
			for j := i + 1; j < len(at); j++ {
				span := (at[j] - at[i] + MaxLag + Step).Seconds()
				if events := float64(j - i); events > span*float64(rate)+1 {
					t.Fatalf("%v events in %v at %d a second", events, at[j]-at[i], rate)
				}
				if b := float64(before[j] - before[i]); b > span*float64(bytes)+float64(3*bytes/rate+1) {
					t.Fatalf("%v bytes in %v at %d a second", b, at[j]-at[i], bytes)
				}
			}
		}
	})
}

func TestCancelEndsAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Setting{events: 1}, Options{})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(300*time.Millisecond, cancel)
		start := time.Now()
		for _, want := range []int{1, 0} {
			if n, err := p.Grant(ctx, make([]Item, 2), time.Time{}); n != want || (n == 0) != errors.Is(err, context.Canceled) {
				t.Fatalf("Grant = %d, %v; want %d", n, err, want)
			}
		}
		if d := time.Since(start); d != 300*time.Millisecond {
			t.Errorf("cancelled after 300ms, returned after %v", d)
		}
	})
}

func TestADeadlineEndsAWaitWithoutAGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, start, batch := New(Setting{events: 1}, Options{}), time.Now(), make([]Item, 1)
		for _, test := range []struct {
			until, want time.Duration
			n           int
		}{
			{until: 0, want: 0, n: 1}, // what is due goes even when the deadline has come
			{until: 0, want: 0, n: 0},
			{until: 400 * time.Millisecond, want: 400 * time.Millisecond, n: 0},
			{until: time.Second, want: time.Second, n: 1},
			{until: 5 * time.Second, want: 2 * time.Second, n: 1},
		} {
			n, err := p.Grant(t.Context(), batch, start.Add(test.until))
			if err != nil || n != test.n || time.Since(start) != test.want {
				t.Errorf("until %v: Grant = %d, %v after %v; want %d after %v", test.until, n, err, time.Since(start), test.n, test.want)
			}
		}
		p.Pause()
		if n, err := p.Grant(t.Context(), batch, start.Add(time.Minute)); n != 0 || err != nil || time.Since(start) != time.Minute {
			t.Errorf("paused: Grant = %d, %v after %v; want 0 after 1m", n, err, time.Since(start))
		}
	})
}

func TestAnEmptyBatchIsGrantedAtOnce(t *testing.T) {
	if n, err := New(Setting{}, Options{}).Grant(t.Context(), nil, time.Time{}); n != 0 || err != nil {
		t.Errorf("Grant = %d, %v", n, err)
	}
}

func TestStateSaysWhatHoldsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, batch := New(Setting{events: 1}, Options{}), make([]Item, 1)
		grant := func() {
			t.Helper()
			if n, err := p.Grant(t.Context(), batch, time.Time{}); n != 1 || err != nil {
				t.Errorf("Grant = %d, %v", n, err)
			}
		}
		check := func(want State) {
			t.Helper()
			want.Setting = Setting{events: 1}
			if got := p.State(); got != want {
				t.Errorf("state %+v, want %+v", got, want)
			}
		}
		grant()
		check(State{})
		grant()
		check(State{Waited: time.Second})

		time.Sleep(time.Second + 40*time.Millisecond) // the caller is late, but within MaxLag
		grant()
		check(State{Waited: time.Second, Lag: 40 * time.Millisecond})

		time.Sleep(time.Second + 160*time.Millisecond) // and now it is not: the 40 ms were still open
		grant()
		check(State{Waited: time.Second, Lag: 200 * time.Millisecond, Lost: 200 * time.Millisecond})

		go grant()
		time.Sleep(600 * time.Millisecond)
		check(State{Waited: 1600 * time.Millisecond, Lost: 200 * time.Millisecond})
		p.Pause()
		time.Sleep(time.Minute) // pauses are not waits for the pace
		check(State{Waited: 1600 * time.Millisecond, Lost: 200 * time.Millisecond, Paused: true})
		p.Resume()
		time.Sleep(400 * time.Millisecond)
		synctest.Wait()
		check(State{Waited: 2 * time.Second, Lost: 200 * time.Millisecond})
	})
}

func TestASettingMayChangeWhileGrantRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Setting{events: 1000}, Options{})
		go func() {
			for i := range 200 {
				p.Set(Setting{events: EventsPerSecond(500 + i)})
				p.Pause()
				p.Resume()
				_ = p.State()
				time.Sleep(time.Millisecond)
			}
		}()
		start := time.Now()
		for range 200 {
			if n, err := p.Grant(t.Context(), make([]Item, 1), time.Time{}); n != 1 || err != nil {
				t.Fatalf("Grant = %d, %v", n, err)
			}
		}
		if d := time.Since(start); d < 199*time.Second/700 || d > 200*time.Second/500 {
			t.Errorf("200 events at 500 to 700 a second took %v", d)
		}
	})
}

func BenchmarkGrant(b *testing.B) {
	for _, text := range []string{"unlimited", "1M/s", "1M/s,1TB/s", "x1000"} {
		b.Run(text, func(b *testing.B) {
			s, err := Parse(text)
			if err != nil {
				b.Fatal(err)
			}
			p, batch := New(s, Options{}), make([]Item, batchSize)
			var now time.Time
			events := 0
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(batchSize * time.Microsecond)
				n, _ := p.take(now, batch)
				events += n
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
		})
	}
	b.Run("unlimited through Grant", func(b *testing.B) {
		p, batch := New(Unlimited(), Options{}), make([]Item, batchSize)
		b.ReportAllocs()
		for b.Loop() {
			if n, err := p.Grant(context.Background(), batch, time.Time{}); n != batchSize || err != nil {
				b.Fatal(n, err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batchSize), "ns/event")
	})
}
