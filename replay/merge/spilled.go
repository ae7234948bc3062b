package merge

import (
	"fmt"
	"slices"

	"replayd/archive"
)

// run returns the cursor over all parts, which owns the spill from here on.
func (s *spill) run(o *Object, d *desk) (cursor, error) {
	slices.SortFunc(s.parts, func(a, b part) int { return a.first.compare(&b.first) })
	r := &spilled{spill: s, desk: d, of: o}
	if err := r.refill(); err != nil {
		_ = r.close()
		return nil, err
	}
	return r, nil
}

// spilled merges the parts of a spilled run. Objects are nearly sorted, so few parts overlap: the smallest head is
// found by a walk over the open ones.
type spilled struct {
	spill  *spill
	desk   *desk
	of     *Object
	open   []*partReader
	lowest *partReader
}

func (r *spilled) head() *entry {
	if r.lowest == nil {
		return nil
	}
	return &r.lowest.entry
}

func (r *spilled) object() *Object { return r.of }

func (r *spilled) item(dst *Item) error {
	data, err := r.lowest.data()
	if err != nil {
		return r.failed(err)
	}
	r.lowest.entry.item(dst, r.of, pages{data})
	return nil
}

func (r *spilled) waits() bool { return false }

func (r *spilled) next() error {
	if err := r.lowest.next(); err != nil {
		return r.failed(err)
	}
	return r.refill()
}

func (r *spilled) failed(err error) error {
	return fmt.Errorf("read spilled object %s: %w", archive.Printable(r.of.Key), err)
}

func (r *spilled) close() error {
	for _, p := range r.open {
		p.end()
	}
	r.spill.close()
	r.open, r.lowest = nil, nil
	return nil
}

// refill finds the lowest entry, opening the parts that have come due.
func (r *spilled) refill() error {
	r.pick()
	for len(r.spill.parts) > 0 {
		p := r.spill.parts[0] // they are sorted by their first entries
		if r.lowest != nil && p.first.compare(&r.lowest.entry) > 0 {
			break
		}
		reader := &partReader{Part: p.Part, desk: r.desk, following: p.packed}
		r.open = append(r.open, reader)
		r.spill.parts = r.spill.parts[1:]
		if err := reader.next(); err != nil {
			return r.failed(err)
		}
		r.pick()
	}
	return nil
}

// pick finds the lowest entry of the open parts and gives back those that have none left.
func (r *spilled) pick() {
	r.lowest = nil
	live := r.open[:0]
	for _, p := range r.open {
		if p.done {
			p.end()
			continue
		}
		live = append(live, p)
		if r.lowest == nil || p.entry.compare(&r.lowest.entry) < 0 {
			r.lowest = p
		}
	}
	clear(r.open[len(live):])
	r.open = live
}
