package kafka

import "github.com/twmb/franz-go/pkg/kgo"

// murmur2 chooses partitions as the Java client does. With a key it keeps no state, so all goroutines share it; making
// one seeds a random source for records without keys, which costs more than sending a record.
var murmur2 = kgo.StickyKeyPartitioner(nil).ForTopic("")

// partitionOf is the partition of key among n. Never sticky: a re-run maps the same event to the same partition.
func partitionOf(key []byte, n int32) int32 { return partitionFor(&kgo.Record{Key: key}, n) }

// partitionFor is the partition of r by its key among n.
func partitionFor(r *kgo.Record, n int32) int32 {
	if r.Key == nil {
		r.Key = []byte{}
	}
	return int32(murmur2.Partition(r, int(n)))
}
