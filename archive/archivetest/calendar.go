package archivetest

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strconv"
	"strings"
	"sync"
	"time"

	"replayd/archive"
)

// Calendar is a Store of as many objects as one likes: keys and bytes are computed when they are asked for. Its objects
// hold lines of JSON such as {"id":"000000000012","t":1793523600000}, whose times are spread evenly over their hour. Safe
// for concurrent use.
type Calendar struct {
	Layout   archive.Layout // says in which folders the hours lie
	From, To time.Time      // full hours, or days where the layout has days
	Objects  int            // of an hour
	Events   int            // of an object

	once  sync.Once
	hours []archive.Hour
}

var _ archive.Store = (*Calendar)(nil)

// line is the length of a computed event.
const line = int64(len(`{"id":"000000000012","t":1793523600000}` + "\n"))

// stamp is the time in the name of an object.
const stamp = "2006-01-02-15-04-05"

func (c *Calendar) String() string { return "calendar" }

// List yields the objects of the hours that prefix leaves.
func (c *Calendar) List(ctx context.Context, prefix string) iter.Seq2[archive.Object, error] {
	return func(yield func(archive.Object, error) bool) {
		c.once.Do(func() { c.hours = c.Layout.Hours(c.From, c.To) })
		for _, hour := range c.hours {
			if !strings.HasPrefix(hour.Prefix, prefix) && !strings.HasPrefix(prefix, hour.Prefix) {
				continue
			}
			for i := range c.Objects {
				o := c.object(hour, i)
				if strings.HasPrefix(o.Key, prefix) && !yield(o, ctx.Err()) {
					return
				}
			}
		}
	}
}

// object is the i-th of an hour. Its name is that of a Firehose's object, and tells the time of its first event.
func (c *Calendar) object(hour archive.Hour, i int) archive.Object {
	begins := hour.From.Add(c.step(hour) * time.Duration(i*c.Events))
	key := fmt.Sprintf("%sorders-1-%s-%08x-0000-0000-0000-%012d", hour.Prefix, begins.Format(stamp), i, begins.Unix())
	return archive.Object{Key: key, Size: line * int64(c.Events), ETag: strconv.Quote(key), Modified: hour.To}
}

// step is the time between two events of an hour.
func (c *Calendar) step(hour archive.Hour) time.Duration {
	return hour.To.Sub(hour.From) / time.Duration(c.Objects*c.Events)
}

// Open computes the bytes of o.
func (c *Calendar) Open(ctx context.Context, o archive.Object, offset int64) (io.ReadCloser, error) {
	name := o.Key[strings.LastIndexByte(o.Key, '/')+1:]
	begins, err := time.Parse(stamp, name[len("orders-1-"):][:len(stamp)])
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", o.Key, fs.ErrNotExist)
	}
	var i int
	if _, err := fmt.Sscanf(name[len("orders-1-"+stamp+"-"):], "%08x", &i); err != nil {
		return nil, fmt.Errorf("open %s: %w", o.Key, fs.ErrNotExist)
	}
	hour := c.Layout.Hours(begins, begins.Add(1))[0]
	return io.NopCloser(strings.NewReader(c.lines(hour, i)[offset:])), ctx.Err()
}

func (c *Calendar) lines(hour archive.Hour, i int) string {
	var b strings.Builder
	for k := i * c.Events; k < (i+1)*c.Events; k++ {
		at := hour.From.Add(c.step(hour) * time.Duration(k)).UnixMilli()
		fmt.Fprintf(&b, "{\"id\":\"%012d\",\"t\":%013d}\n", at%1e12, at)
	}
	return b.String()
}
