package kafka

import (
	"sync"
	"testing"
)

// TestPartitionsAreThoseOfTheJavaClient holds them against Kafka's own: Utils.toPositive(Utils.murmur2(key)) % n, with the
// hashes that its UtilsTest gives.
func TestPartitionsAreThoseOfTheJavaClient(t *testing.T) {
	t.Parallel()
	hashes := map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536, "a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	}
	var all sync.WaitGroup
	for range 4 { // at once: the partitioner is shared
		all.Go(func() {
			for key, hash := range hashes {
				for _, n := range []int32{1, 6, 50, 1000} {
					if got, want := partitionOf([]byte(key), n), (hash&0x7fffffff)%n; got != want {
						t.Errorf("%q of %d: partition %d, want %d", key, n, got, want)
					}
				}
			}
		})
	}
	all.Wait()
	if partitionOf(nil, 7) != partitionOf([]byte{}, 7) {
		t.Error("no key and an empty key differ")
	}
}
