package merge

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
)

// listing is an hour on its way to the objects that are pending.
type listing struct {
	objects  []*Object
	unlisted int64 // bound of the hours behind it
	err      error
	done     chan struct{} // closed when the above is set
}

// list waits for the next hour.
func (m *Merger) list(ctx context.Context) error {
	ahead := m.listing != nil
	m.listNext()
	if err := m.awaitListing(ctx); err != nil {
		return err
	}
	err := m.listed()
	if err != nil && ahead { // it may have failed long ago, when nobody needed it
		return m.list(ctx)
	}
	if err == nil {
		m.prefetch()
	}
	return err
}

// awaitListing waits until the listing is done.
func (m *Merger) awaitListing(ctx context.Context) error {
	d := delivery{supply: m.cfg.Supply, asking: true}
	d.awaited(true)
	defer d.awaited(false)
	select {
	case <-m.listing.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// listAhead lists the next hour of a store that is far away before its objects are needed, once there is room for them
// among what is opened ahead.
func (m *Merger) listAhead() {
	if m.unlisted != math.MaxInt64 && m.look.room() {
		m.listNext()
	}
}

// listNext begins to list the next hour, unless that is under way.
func (m *Merger) listNext() {
	if m.listing != nil {
		return
	}
	l := &listing{done: make(chan struct{})}
	m.listing = l
	m.beside(func(ctx context.Context) {
		l.objects, l.err = m.cfg.Feed.Next(ctx)
		l.unlisted = unlisted(m.cfg.Feed)
		close(l.done)
	})
}

// listedAhead takes the next hour if it has been listed already.
func (m *Merger) listedAhead() {
	if m.listing == nil {
		return
	}
	select {
	case <-m.listing.done:
		if m.listing.err == nil {
			_ = m.listed()
		}
	default:
	}
}

// listed adds the objects of the hour that has been listed to those that are pending.
func (m *Merger) listed() error {
	l := m.listing
	m.listing = nil
	if l.err != nil {
		return l.err
	}
	for _, o := range l.objects {
		m.pending = append(m.pending, newLoad(o, m.cfg.Supply))
	}
	slices.SortFunc(m.pending, func(a, b *load) int {
		if a.object.Bound != b.object.Bound {
			return cmp.Compare(a.object.Bound, b.object.Bound)
		}
		return strings.Compare(a.object.Key, b.object.Key)
	})
	m.unlisted = l.unlisted
	return nil
}

// unlisted is where the hours that are not listed begin, MaxInt64 when there are none.
func unlisted(f Feed) int64 {
	at, more := f.Bound()
	if !more {
		return math.MaxInt64
	}
	return at
}
