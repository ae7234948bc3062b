package merge

// store holds entries, and the bytes that they point to.
type store struct {
	entries table
	pages   pages
	slab    int // page that the scanner reads into; -1 before it does
	inSlab  int // entries whose values stand in it
	text    int // page that is copied to; -1: none
}

func newStore() store { return store{slab: -1, text: -1} }

// firstText is the first page for keys and ids; small objects are many.
const (
	firstText   = 512
	largestText = 16 << 10
)

// pageFor is how large a new page for n bytes to be copied must be; 0 when they fit into the one that is there.
func (s *store) pageFor(n int) int {
	switch {
	case n == 0:
		return 0
	case s.text < 0:
		return max(n, firstText)
	}
	page := s.pages[s.text]
	if n <= cap(page)-len(page) {
		return 0
	}
	return max(n, min(2*cap(page), largestText))
}

// openPage makes a page of what pageFor says, which may be 0: none.
func (s *store) openPage(size int) {
	if size > 0 {
		s.text = len(s.pages)
		s.pages = append(s.pages, make([]byte, 0, size))
	}
}

// hold keeps an entry with what it holds, for which there is room.
func (s *store) hold(e *entry, d *data) {
	if d.inSlab >= 0 {
		e.value = ref{page: uint32(s.slab), at: uint32(d.inSlab), n: int32(len(d.value))}
		s.inSlab++
	} else {
		e.value = s.copy(d.value, nil)
	}
	e.text = s.copy(d.text[0], d.text[1])
	s.entries.add(e)
}

// copy puts a and b behind one another into the page that is copied to.
func (s *store) copy(a, b []byte) ref {
	if s.text < 0 {
		return ref{}
	}
	page := s.pages[s.text]
	from := len(page)
	page = append(append(page, a...), b...)
	s.pages[s.text] = page
	return ref{page: uint32(s.text), at: uint32(from), n: int32(len(page) - from)}
}

// dataSize is how many bytes the entries have in pages.
func (s *store) dataSize() int64 {
	n := int64(0)
	for i := range s.entries.size {
		n += s.entries.at(i).dataSize()
	}
	return n
}

// tighten moves the bytes of all entries into pages of a size, the last one of just what it holds, and returns how much these
// take. Each of the other pages is let go when the last entry that needs it has been moved, so that what is moved from and what
// is moved to are not all there at the same time.
func (s *store) tighten(size int) int64 {
	var to pages
	left, taken, last := s.dataSize(), int64(0), s.lastOf()
	for i := range s.entries.size {
		e := s.entries.at(i)
		for _, r := range []*ref{&e.value, &e.text} {
			if r.n == 0 {
				*r = ref{}
				continue
			}
			if now := len(to) - 1; now < 0 || cap(to[now])-len(to[now]) < int(r.n) {
				to = append(to, make([]byte, 0, max(int64(r.n), min(int64(size), left))))
				taken += int64(cap(to[len(to)-1]))
			}
			now := len(to) - 1
			at := ref{page: uint32(now), at: uint32(len(to[now])), n: r.n}
			to[now] = append(to[now], s.pages.of(*r)...)
			left -= int64(r.n)
			if last[r.page] == r {
				s.pages[r.page] = nil
			}
			*r = at
		}
	}
	s.pages = to
	return taken
}

// lastOf is of each page the last that refers to it, nil where nothing does.
func (s *store) lastOf() []*ref {
	last := make([]*ref, len(s.pages))
	for i := range s.entries.size {
		e := s.entries.at(i)
		for _, r := range []*ref{&e.value, &e.text} {
			if r.n > 0 {
				last[r.page] = r
			}
		}
	}
	return last
}
