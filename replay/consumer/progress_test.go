package consumer

import (
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// receiptOf has one partition for each last offset; -1 is one without records.
func receiptOf(last ...int64) []Partition {
	var list []Partition
	for i, offset := range last {
		p := Partition{Topic: "t", Partition: int32(i)}
		if offset >= 0 {
			p.LastOffset = &offset
		}
		list = append(list, p)
	}
	return list
}

func TestDone(t *testing.T) {
	tests := []struct {
		name      string
		of        []Partition
		processed map[int32]int64 // offset of the last record
		committed map[int32]int64 // offset that comes next
		done      bool
	}{
		{"nothing was consumed", receiptOf(5), nil, nil, false},
		{"one record is missing", receiptOf(5), map[int32]int64{0: 4}, nil, false},
		{"the last record", receiptOf(5), map[int32]int64{0: 5}, nil, true},
		{"the first record of all is the last", receiptOf(0), map[int32]int64{0: 0}, nil, true},
		{"none of one record", receiptOf(0), nil, nil, false},
		{"committed before the last", receiptOf(5), nil, map[int32]int64{0: 5}, false},
		{"committed at the marker", receiptOf(5), nil, map[int32]int64{0: 6}, true},
		{"committed behind the marker", receiptOf(5), nil, map[int32]int64{0: 7}, true},
		{"a partition without records", receiptOf(-1), nil, nil, true},
		{"beside one without records", receiptOf(5, -1), map[int32]int64{0: 5}, nil, true},
		{"one of two partitions", receiptOf(5, 3), map[int32]int64{0: 9}, nil, false},
		{"both, each in its way", receiptOf(5, 3), map[int32]int64{0: 5}, map[int32]int64{1: 4}, true},
		{"no receipt yet", nil, map[int32]int64{0: 5}, nil, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var p Progress
			for partition, offset := range test.processed {
				p.Processed(&kgo.Record{Topic: "t", Partition: partition, Offset: offset})
			}
			for partition, next := range test.committed {
				p.Committed("t", partition, next)
			}
			if got := p.Done(test.of); got != test.done {
				t.Errorf("done is %v, open are %+v", got, p.Open(test.of))
			}
		})
	}
}

func TestProgressOfAnotherTopicIsNone(t *testing.T) {
	var p Progress
	p.Processed(&kgo.Record{Topic: "live", Partition: 0, Offset: 100})
	if p.Done(receiptOf(5)) {
		t.Error("done by records of another topic")
	}
}

func TestProgressIsNotTakenBack(t *testing.T) {
	var p Progress
	p.Processed(&kgo.Record{Topic: "t", Offset: 5})
	p.Committed("t", 0, 2)  // the group commits less often than records are handled
	p.Committed("t", 0, -1) // and has committed nothing before, as Kafka says it
	if !p.Done(receiptOf(5)) {
		t.Error("an older offset took progress back")
	}
}

func TestOpenNamesWhatIsMissing(t *testing.T) {
	var p Progress
	p.Committed("t", 0, 6)
	if open := p.Open(receiptOf(5, 3, -1)); len(open) != 1 || open[0].Partition != 1 {
		t.Errorf("open are %+v", open)
	}
}

func TestProgressIsSafeForConcurrentUse(t *testing.T) {
	var p Progress
	var wg sync.WaitGroup
	for partition := range int32(4) {
		wg.Go(func() {
			for offset := range int64(100) {
				p.Processed(&kgo.Record{Topic: "t", Partition: partition, Offset: offset})
				p.Done(receiptOf(99, 99, 99, 99))
			}
		})
	}
	wg.Wait()
	if !p.Done(receiptOf(99, 99, 99, 99)) {
		t.Error("not done")
	}
}
