package api

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"replayd/replay"
)

// Limits of what denials may write: a storm of bad tokens is one record a minute.
const (
	denialEvery = time.Minute
	maxDenied   = 256 // names and addresses that are counted each for itself; more are counted together
	denialWrite = 10 * time.Second
)

// Denied is an act that was denied.
type Denied struct {
	Who string // a name, or an address where none is known
	Act string
	ID  string // of the replay; empty: there is none, or not one alone
	Why string
}

// Denials counts what is denied and writes it to the audit, for each name or address at once and then at most once a minute
// with their number. It is safe for concurrent use; a nil one counts nothing.
type Denials struct {
	audit func(context.Context, replay.Audited) error
	log   zerolog.Logger
	some  chan struct{} // holds one while there may be something to write at once

	mu    sync.Mutex
	byWho map[string]*repeated
	count int64 // of all
}

// repeated counts what was denied to one name or address.
type repeated struct {
	last    Denied
	n       int // that are not written
	written time.Time
}

// NewDenials writes by audit, which fills in where this daemon is. Run does the writing.
func NewDenials(audit func(context.Context, replay.Audited) error, log zerolog.Logger) *Denials {
	return &Denials{audit: audit, log: log, some: make(chan struct{}, 1), byWho: map[string]*repeated{}}
}

// Note counts one. It waits for nothing.
func (d *Denials) Note(x Denied) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count++
	r := d.byWho[x.Who]
	if r == nil && len(d.byWho) >= maxDenied {
		x.Who = "others"
		r = d.byWho[x.Who]
	}
	if r == nil {
		r = &repeated{}
		d.byWho[x.Who] = r
	}
	r.last = x
	r.n++
	select {
	case d.some <- struct{}{}:
	default:
	}
}

// Run writes until ctx ends, and then what is left.
func (d *Denials) Run(ctx context.Context) {
	tick := time.NewTicker(denialEvery)
	defer tick.Stop()
	for {
		select {
		case <-d.some:
			d.write(ctx, d.due(false))
		case <-tick.C:
			d.write(ctx, d.due(false))
		case <-ctx.Done():
			d.write(context.WithoutCancel(ctx), d.due(true))
			return
		}
	}
}

// due takes what may be written now, or all, and forgets whom nothing was denied for a while.
func (d *Denials) due(all bool) (list []repeated) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for who, r := range d.byWho {
		switch rested := now.Sub(r.written) >= denialEvery; {
		case r.n > 0 && (rested || all):
			list = append(list, *r)
			r.n, r.written = 0, now
		case r.n == 0 && rested:
			delete(d.byWho, who)
		}
	}
	return list
}

func (d *Denials) write(ctx context.Context, list []repeated) {
	ctx, cancel := context.WithTimeout(ctx, denialWrite)
	defer cancel()
	for _, r := range list {
		d.log.Warn().Str("who", r.last.Who).Str("act", r.last.Act).Str("id", r.last.ID).Int("times", r.n).Msg("denied: " + r.last.Why)
		err := d.audit(ctx, replay.Audited{
			Version: 1, ID: r.last.ID, Act: "denied", Phase: "outcome", Items: []string{r.last.Act}, User: r.last.Who, At: time.Now().UTC(),
			Result: fmt.Sprintf("%s; %d times", r.last.Why, r.n),
		})
		if err != nil {
			d.log.Error().Err(err).Msg("the audit does not hold what was denied")
			d.back(r)
		}
	}
}

// back counts again what could not be written.
func (d *Denials) back(r repeated) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := d.byWho[r.last.Who]; now != nil {
		now.n += r.n
	}
}

// Count is how often something was denied.
func (d *Denials) Count() int64 {
	if d == nil {
		return 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}
