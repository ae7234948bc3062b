package merge

import "sync"

// pages are the memory of one run: decompressed bytes as the scanner left them, and copies of what stands elsewhere.
type pages [][]byte

// ref is where bytes stand in the pages of a run.
type ref struct {
	page, at uint32
	n        int32
}

func (p pages) of(r ref) []byte {
	if r.n == 0 {
		return []byte{}
	}
	end := r.at + uint32(r.n)
	return p[r.page][r.at:end:end]
}

// pool keeps pages of one size for the next run: memory that was written to once is cheaper than new memory.
type pool struct {
	size int // bytes of a page
	most int // pages kept

	mu   sync.Mutex
	free [][]byte
}

// pooled bounds what a pool keeps.
const pooled = 16 << 20

func newPool(size int) *pool { return &pool{size: size, most: max(1, pooled/size)} }

// get is a page that was used before, nil when there is none.
func (p *pool) get() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.free) - 1
	if last < 0 {
		return nil
	}
	page := p.free[last]
	p.free[last] = nil
	p.free = p.free[:last]
	return page
}

// put takes those of list that are of its size, and that nobody reads any more.
func (p *pool) put(list pages) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, page := range list {
		if cap(page) == p.size && len(p.free) < p.most {
			p.free = append(p.free, page[:p.size])
		}
	}
}
