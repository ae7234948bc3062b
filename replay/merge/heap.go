package merge

import "strings"

// heap is a binary min-heap of open runs by the position of their heads. The usual step is to move the smallest run on
// and to sift it down in place.
type heap []lane

// lane is a run in the heap. Nearly always the time alone tells which of two is first.
type lane struct {
	time int64 // of the run's head
	run  cursor
}

func (h heap) less(i, j int) bool {
	if h[i].time != h[j].time {
		return h[i].time < h[j].time
	}
	a, b := h[i].run, h[j].run
	if a.object() != b.object() {
		if c := strings.Compare(a.object().Key, b.object().Key); c != 0 {
			return c < 0
		}
	}
	return a.head().compare(b.head()) < 0
}

func (h *heap) push(c cursor) {
	*h = append(*h, lane{c.head().time, c})
	s := *h
	for i := len(s) - 1; i > 0; {
		parent := (i - 1) / 2
		if !s.less(i, parent) {
			return
		}
		s[i], s[parent] = s[parent], s[i]
		i = parent
	}
}

// advance moves the smallest run on; a run that has ended is closed and leaves.
func (h *heap) advance() error {
	s := *h
	top := &s[0]
	if err := top.run.next(); err != nil {
		return err
	}
	if head := top.run.head(); head != nil {
		top.time = head.time
		h.sift()
		return nil
	}
	ended, last := top.run, len(s)-1
	s[0], s[last] = s[last], lane{}
	*h = s[:last]
	h.sift()
	return ended.close()
}

func (h *heap) sift() {
	s := *h
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(s) {
			return
		}
		if child+1 < len(s) && s.less(child+1, child) {
			child++
		}
		if !s.less(child, i) {
			return
		}
		s[i], s[child] = s[child], s[i]
		i = child
	}
}
