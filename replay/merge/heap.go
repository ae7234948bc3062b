package merge

// heap is a binary min-heap of open runs by the position of their heads. The usual step is to move the smallest run on
// and to sift it down in place.
type heap []cursor

func (h heap) less(i, j int) bool { return h[i].head().Compare(h[j].head().Position) < 0 }

func (h *heap) push(c cursor) {
	*h = append(*h, c)
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
	top := s[0]
	if err := top.next(); err != nil {
		return err
	}
	if top.head() == nil {
		last := len(s) - 1
		s[0], s[last] = s[last], nil
		*h = s[:last]
		h.sift()
		return top.close()
	}
	h.sift()
	return nil
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
