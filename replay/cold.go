package replay

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"replayd/archive"
)

// ItemGlacier is refused for objects in cold storage. Nobody can allow it: they could not be read.
const ItemGlacier = "glacier"

// Cold gathers what of a replay's archive lies in cold storage, so that it is told before anything is produced and not
// when the merge comes to it, hours later. The zero value, with its Store, has gathered nothing. Add may be called from
// many goroutines.
type Cold struct {
	Store archive.Store

	mu        sync.Mutex
	looked    int // objects that the store was asked about in vain
	objects   int
	waiting   map[string]coldClass // what cannot be read, by storage class
	restoring int                  // of waiting
	first     archive.Object       // of those that nobody restores yet
	until     time.Time            // the earliest end of a restored copy
}

type coldClass struct {
	objects int
	bytes   int64
}

// coldLooks is how many objects a store is asked about that its listing calls cold and that prove to be so. The others
// are then believed to be cold, too: a window of 100,000 would cost as many requests to say so.
const coldLooks = 16

// Add takes note of an object that the replay would read.
func (c *Cold) Add(ctx context.Context, o archive.Object) error {
	o, err := c.look(ctx, o)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.objects++
	if until, ok := o.Expires(); ok && (c.until.IsZero() || until.Before(c.until)) {
		c.until = until
	}
	if o.Storage == archive.Ready {
		return nil
	}
	if c.waiting == nil {
		c.waiting = map[string]coldClass{}
	}
	class := c.waiting[o.StorageClass]
	class.objects, class.bytes = class.objects+1, class.bytes+o.Size
	c.waiting[o.StorageClass] = class
	switch {
	case o.Storage == archive.Restoring:
		c.restoring++
	case c.first.Key == "" || o.Key < c.first.Key:
		c.first = o
	}
	return nil
}

// look asks the store about an object whose listing calls it cold.
func (c *Cold) look(ctx context.Context, o archive.Object) (archive.Object, error) {
	store, ok := c.Store.(archive.ColdStore)
	c.mu.Lock()
	enough := c.looked >= coldLooks
	c.mu.Unlock()
	if !ok || enough || o.Storage != archive.Cold {
		return o, nil
	}
	o, err := store.Look(ctx, o)
	if err == nil && o.Storage == archive.Cold {
		c.mu.Lock()
		c.looked++
		c.mu.Unlock()
	}
	return o, err
}

// Refusal is nil when all can be read.
func (c *Cold) Refusal() *Refusal {
	c.mu.Lock()
	defer c.mu.Unlock()
	waiting := 0
	var classes []string
	for _, class := range slices.Sorted(maps.Keys(c.waiting)) {
		of := c.waiting[class]
		waiting += of.objects
		classes = append(classes, fmt.Sprintf("%d in %s (%s)", of.objects, class, volume(of.bytes)))
	}
	if waiting == 0 {
		return nil
	}
	r := &Refusal{
		Item: ItemGlacier,
		What: fmt.Sprintf("%d of the %d objects that this replay reads are in cold storage and cannot be read: %s",
			waiting, c.objects, strings.Join(classes, ", ")),
		Next: "All of them are being restored: run it again when that is done.",
	}
	if c.restoring > 0 {
		r.What += fmt.Sprintf("; %d of them are being restored", c.restoring)
	}
	if store, ok := c.Store.(archive.ColdStore); ok && c.first.Key != "" {
		r.Next = store.Restore(c.first) + "\nThat is one object; docs/archives.md, Cold storage, shows how to restore all of an hour. Then run it again."
	}
	return r
}

// Until is when the first of the restored copies goes, zero when none does.
func (c *Cold) Until() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.until
}

// FindCold lists what s would read and looks for cold storage. It keeps no object. A store without any is not asked.
func FindCold(ctx context.Context, s *Spec, src archive.Source, f *archive.Fetcher) (*Cold, error) {
	c := &Cold{Store: src.Store}
	if _, ok := src.Store.(archive.ColdStore); !ok {
		return c, nil
	}
	return c, eachObject(ctx, s, src, f, c.Add)
}

// volume writes bytes as people who pay for restoring them count.
func volume(n int64) string {
	if n >= 1e9 {
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	}
	return fmt.Sprintf("%d MB", max(1, n/1e6))
}
