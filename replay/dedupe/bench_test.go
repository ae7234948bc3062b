package dedupe

import (
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"replayd/archive"
	"replayd/replay/shelf"
)

var (
	horizonIDs = flag.Int("ids", 2_000_000, "events within the horizon of BenchmarkSight")
	indexBytes = flag.Int64("index", 0, "memory of the index of BenchmarkSight; default as for 100,000,000 ids in 512 MiB")
)

// BenchmarkSight runs over -benchtime Nx events, 2 % of which are copies right behind their originals and 1 % copies from
// anywhere within the horizon. An operation is an event: what the numbers are held against is
//
//	go test ./replay/dedupe -run - -bench Sight -ids 100000000 -benchtime 200000000x -timeout 1h
//
// where the horizon is full after half of them.
func BenchmarkSight(b *testing.B) {
	limit := *indexBytes
	if limit == 0 {
		limit = int64(*horizonIDs) * (512 << 20) / 100_000_000
	}
	on := shelf.New(shelf.Options{Folder: b.TempDir(), Limit: 1 << 40})
	x := New(Options{Horizon: time.Duration(*horizonIDs), Memory: limit, Shelf: on})
	defer x.Close()
	events := stream{horizon: uint64(*horizonIDs), rng: rand.New(rand.NewPCG(1, 1))}
	var disk, held int64
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += len(events.ids) {
		events.next()
		x.Warm(events.ids[:])
		for j, id := range events.ids {
			v, err := judged(x, id, 1, int64(i+j))
			if err != nil {
				b.Fatal(err)
			}
			if v != events.want[j] {
				b.Fatalf("event %d: verdict %d, want %d", i+j, v, events.want[j])
			}
		}
		if i&(1<<16-1) == 0 {
			disk, held = max(disk, on.Use().Bytes), max(held, x.memory.held())
		}
	}
	b.StopTimer()
	s, n := x.Stats(), float64(b.N)
	b.ReportMetric(float64(s.Reads)/n, "reads/op")
	b.ReportMetric(float64(s.Written)/n, "written/op")
	b.ReportMetric(float64(s.FalsePositives)/n, "falsepos/op")
	b.ReportMetric(float64(disk)/1e6, "disk-MB")
	b.ReportMetric(float64(held)/(1<<20), "held-MiB")
}

// stream makes events, 32 at a time.
type stream struct {
	horizon uint64
	rng     *rand.Rand
	fresh   uint64 // ids so far
	ids     [32]archive.Hash
	want    [32]Verdict
}

func (s *stream) next() {
	for i := range s.ids {
		r, n := s.rng.Uint64(), s.fresh
		back := uint64(0)
		switch percent := r % 100; {
		case s.fresh < 1000 || percent > 2:
		case percent < 2:
			back = 1 + r>>32%900
		default:
			back = 1 + r>>32%min(s.fresh, s.horizon*95/100) // 3 % of the events are no new ids
		}
		s.want[i] = Duplicate
		if back == 0 {
			s.fresh++
			s.want[i] = Unseen
		}
		s.ids[i] = archive.Hash{Hi: mixed(2 * (n - back)), Lo: mixed(2*(n-back) + 1)}
	}
}

// mixed is the n-th number of splitmix64: uniform, as hashes are, in no time.
func mixed(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}
