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

	mu      sync.Mutex
	tallies map[string]*tally
	count   int64 // of all
}

// tally counts the denials of one.
type tally struct {
	last    Denied
	n       int // that are not written
	written time.Time
}

// NewDenials writes by audit, which fills in where this daemon is. Run does the writing.
func NewDenials(audit func(context.Context, replay.Audited) error, log zerolog.Logger) *Denials {
	return &Denials{audit: audit, log: log, some: make(chan struct{}, 1), tallies: map[string]*tally{}}
}

// Note counts one. It waits for nothing.
func (d *Denials) Note(x Denied) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count++
	t := d.tallies[x.Who]
	if t == nil && len(d.tallies) >= maxDenied {
		x.Who = "others"
		t = d.tallies[x.Who]
	}
	if t == nil {
		t = &tally{}
		d.tallies[x.Who] = t
	}
	t.last = x
	t.n++
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
func (d *Denials) due(all bool) (list []tally) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for who, t := range d.tallies {
		switch rested := now.Sub(t.written) >= denialEvery; {
		case t.n > 0 && (rested || all):
			list = append(list, *t)
			t.n, t.written = 0, now
		case t.n == 0 && rested:
			delete(d.tallies, who)
		}
	}
	return list
}

func (d *Denials) write(ctx context.Context, list []tally) {
	ctx, cancel := context.WithTimeout(ctx, denialWrite)
	defer cancel()
	for _, t := range list {
		d.log.Warn().Str("who", t.last.Who).Str("act", t.last.Act).Str("id", t.last.ID).Int("times", t.n).Msg("denied: " + t.last.Why)
		err := d.audit(ctx, replay.Audited{
			Version: 1, ID: t.last.ID, Act: "denied", Phase: "outcome", Items: []string{t.last.Act}, User: t.last.Who, At: time.Now().UTC(),
			Result: fmt.Sprintf("%s; %d times", t.last.Why, t.n),
		})
		if err != nil {
			d.log.Error().Err(err).Msg("the audit does not hold what was denied")
			d.back(t)
		}
	}
}

// back counts again what could not be written.
func (d *Denials) back(t tally) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := d.tallies[t.last.Who]; now != nil {
		now.n += t.n
	}
}
