package merge

import "replayd/archive"

// placing gives the entries of one object, taken in the order of their addresses, their places in the merge. It is begun anew
// whenever the object is read again, and then says the same.
type placing struct {
	rules  Rules
	object *Object
	keep   func(*archive.Entry) (bool, error) // the filter

	bound   bound
	outside int64
	last    int64 // largest merge time of an entry in the window
	ordered bool  // no entry had a merge time below that of one before it
	size    int64 // of a run that holds all entries in the window
	widest  int64 // length of the longest entry, as far as it is held while it is read
}

func newPlacing(r Rules, o *Object, keep func(*archive.Entry) (bool, error)) placing {
	return placing{rules: r, object: o, keep: keep, bound: newBound(o.Bound, r.Lateness), last: o.Bound, ordered: true}
}

// data is what an entry holds. Nothing of it is copied yet.
type data struct {
	value  []byte
	inSlab int       // where the value stands in the scanner's slab; below 0 when it stands elsewhere
	text   [2][]byte // key and id, or detail
}

// copied is how many bytes have to be copied to keep it.
func (d *data) copied() int {
	n := len(d.text[0]) + len(d.text[1])
	if d.inSlab < 0 {
		n += len(d.value)
	}
	return n
}

// place says where the next entry of the object stands; nowhere when it lies outside the window.
func (p *placing) place(e *archive.Entry) (out entry, inside bool) {
	in := p.rules.inWindow(e)
	if e.Bad != "" {
		in = p.object.BadInWindow
	} else {
		p.widest = max(p.widest, e.Length)
	}
	if !in {
		p.outside++
		return entry{}, false
	}
	out = entry{
		eventTime: e.Time, offset: e.Offset, index: e.Index, length: e.Length,
		idHash: e.IDHash, body: e.Body, sum: e.Sum, key: -1, id: -1,
	}
	p.size += entrySize + e.Length
	out.time, out.flags = p.rules.place(e, &p.bound)
	p.ordered = p.ordered && out.time >= p.last
	p.last = max(p.last, out.time)
	return out, true
}

// fill completes out, which stands for e, and returns what it holds.
func (p *placing) fill(out *entry, e *archive.Entry) data {
	if e.Bad != "" {
		out.kind = Bad
		return data{value: []byte(e.Bad), inSlab: -1, text: [2][]byte{[]byte(e.Detail)}}
	}
	if e.ID == nil {
		out.flags |= NoID
	}
	if e.Arrival != 0 && !p.rules.NoTime {
		out.delay = e.Arrival - e.Time
	}
	out.slackShort = p.object.slackShort(e.Time, p.rules)
	switch keep, err := p.keep(e); {
	case err != nil:
		out.filter = Unjudged
		return data{value: []byte(err.Error()), inSlab: -1}
	case !keep:
		out.filter = Dropped
		return data{inSlab: -1}
	}
	return event(out, e)
}

// event is what an event that is kept holds.
func event(out *entry, e *archive.Entry) data {
	d := data{value: e.Value, inSlab: -1, text: [2][]byte{e.Key, e.ID}}
	if e.InSlab {
		d.inSlab = e.At
	}
	if e.Key != nil {
		out.key = int32(len(e.Key))
	}
	if e.ID != nil {
		out.id = int32(len(e.ID))
	}
	return d
}

// end is the object's last entry: behind all others, in time and address.
func (p *placing) end(length int64) entry {
	return entry{
		kind: End, time: p.last, offset: length, index: archive.EndIndex, outside: p.outside,
		key: -1, id: -1,
	}
}

// slackShort reports whether an in-window event at time t hints that more such events lie outside what was listed: it is
// so far from its object that others may be in objects beyond the outermost hour.
func (o *Object) slackShort(t int64, r Rules) bool {
	return o.Outermost && !r.NoTime && max(o.Around[0]-t, t-o.Around[1]) > o.Reach
}
