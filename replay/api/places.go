package api

import (
	"net/http"
	"sync"
)

// Limits of what is done at a time, and of what of it one caller may have. Bodies have places of their own, so that one that comes
// slowly keeps nobody from being answered; what is done with one that is there takes the place of a request.
const (
	maxRequests   = 256   // beside streams, documents and probes
	requestsOfOne = 128   // far above what one person or program asks at a time
	maxBodies     = 256   // on their way; each takes up to maxBody of memory
	bodiesOfOne   = 32    // what a program sends comes at once
	maxStreams    = 2_000 // each takes a connection and some 20 KiB
	streamsOfOne  = 1_000
	maxDocuments  = 16 // anybody may ask for them, and not read them
)

// places bound what is done at a time, and what of it is done for one caller: so nobody keeps others out alone. It is safe for
// concurrent use.
type places struct {
	what  string // that takes them, in the plural
	most  int
	ofOne int

	mu    sync.Mutex
	taken int
	of    map[string]int // of each caller that has some, so it is no larger than taken
}

func newPlaces(what string, most, ofOne int) *places {
	return &places{what: what, most: most, ofOne: ofOne, of: map[string]int{}}
}

// take gives a caller a place until leave is called, which must be once; or says why there is none.
func (p *places) take(caller string) (leave func(), none *Problem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.taken >= p.most:
		return nil, p.full()
	case p.of[caller] >= p.ofOne:
		return nil, p.enough(caller)
	}
	p.taken++
	p.of[caller]++
	return func() { p.leave(caller) }, nil
}

func (p *places) leave(caller string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	if p.of[caller]--; p.of[caller] == 0 {
		delete(p.of, caller)
	}
}

// full says that nobody gets a place now.
func (p *places) full() *Problem {
	none := NewProblem(http.StatusServiceUnavailable, "more than %d %s at a time", p.most, p.what)
	none.Next = "Come again in " + retrySeconds + " seconds, or ask another daemon."
	return none
}

// enough says that a caller gets none, while others do. It is no 503: proxies would take the daemon for one that cannot work, and
// send the others away, too.
func (p *places) enough(caller string) *Problem {
	none := NewProblem(http.StatusTooManyRequests, "%s has %d %s, and nobody may have more at a time", caller, p.ofOne, p.what)
	none.Next = "Let one of them end, and come again in " + retrySeconds + " seconds."
	return none
}

// now is how many are taken.
func (p *places) now() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken
}
