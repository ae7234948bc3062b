package kafka

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// register is the value of a key of a compacted topic: what was written last counts. The zero register is that of a key
// that is not there.
type register[T any] struct {
	value  *T        // the newest that could be read; nil: none
	err    error     // why what was written last could not be read; nil: it is value
	first  int64     // offset at which the key stands, however often it was written since
	newest int64     // offset of what was written last
	at     time.Time // when value was written
}

func (r *register[T]) absent() bool { return r.value == nil && r.err == nil }

// take applies one record of the key, in the order of the log. A record without a value deletes what is there. What is not
// valid was not written by replayd: it may be nil where anything is that can be decoded.
func (r *register[T]) take(record *kgo.Record, valid func(*T) error) {
	if record.Value == nil {
		*r = register[T]{}
		return
	}
	if r.absent() {
		r.first = record.Offset
	}
	r.newest = record.Offset
	v := new(T)
	switch ours, err := decode(record.Topic, record.Key, record.Value, v); {
	case err != nil:
		r.err = err
	case !ours, valid != nil && valid(v) != nil:
		r.err = &errUnreadable{record.Topic, string(record.Key), record.Offset}
	default:
		r.value, r.err, r.at = v, nil, record.Timestamp
	}
}

// errUnreadable is what a value is met with that stands under a key of replayd's and is none that it writes.
type errUnreadable struct {
	topic, key string
	offset     int64
}

func (e *errUnreadable) Error() string {
	return fmt.Sprintf("%s in topic %s was overwritten with what is not replayd's (offset %d)\n"+
		"Find out who writes there. What stood there before, written again under that key, puts it right", e.key, e.topic, e.offset)
}
