package replay

import (
	"time"

	"replayd/archive"
	"replayd/replay/merge"
)

// Limits of one transaction.
const (
	commitInterval = time.Second // consumers see bursts of this length
	chunkRecords   = 50_000

	// quiet is the longest time between two transactions of a session that works, whatever it waits for: where nothing else is to be
	// committed, the checkpoint is, as it was. By its commits others tell that the session is alive, and that it is this one which has the
	// replay; and brokers forget a transactional id that nobody uses (after 7 days). It is well below the 10 minutes after which a
	// foreground replay is taken for gone, so one that fails may be tried again.
	quiet = 3 * time.Minute
)

// chunker fills one chunk after another and keeps the account of what is in them.
type chunker struct {
	spec       *Spec
	tagger     *tagger
	hours      *hours
	most       int   // records of a chunk
	mostBytes  int64 // of a chunk, unless a single event has more
	chunk      *Chunk
	spent      chan *Chunk // durable and empty: their memory serves again
	bytes      int64       // in the chunk
	placed     bool        // something is in the chunk or accounted for with it
	closes     time.Time   // when the chunk must be committed, with whatever it holds
	valueBytes int64       // of this session

	account Checkpoint // as of the last entry placed
	limited bool       // it was the last that Policies.Limit lets through
}

func newChunker(s *Spec, h *hours, from Checkpoint, most int, mostBytes int64) *chunker {
	b := &chunker{
		spec: s, tagger: newTagger(s), hours: h, most: most, mostBytes: mostBytes, account: from,
		chunk: &Chunk{}, spent: make(chan *Chunk, 2),
	}
	if !h.resumed { // else others are to hear at once that it is this session which goes on
		b.closes = time.Now().Add(quiet)
	}
	return b
}

// full reports whether an event of size more bytes belongs into the next chunk.
func (b *chunker) full(size int) bool {
	n := len(b.chunk.Records) + len(b.chunk.Quarantined)
	return n > 0 && (n >= b.most || b.bytes+int64(size) > b.mostBytes)
}

// empty reports whether nothing was placed since the last chunk was taken.
func (b *chunker) empty() bool { return !b.placed }

// due reports whether the chunk must be committed now.
func (b *chunker) due() bool { return !time.Now().Before(b.closes) }

// place accounts for item it, whose verdict was v, and puts what comes of it into the chunk.
func (b *chunker) place(it *merge.Item, v verdict) {
	if !b.placed {
		b.placed, b.closes = true, time.Now().Add(commitInterval)
	}
	b.account.Position, b.account.Begun = it.Position, true
	c := &b.account.Counters
	switch v.outcome {
	case ended:
		c.end(it)
		b.hours.ended(it)
		b.chunk.ended = append(b.chunk.ended, it.Object)
	case quarantined:
		if it.Kind == merge.Event {
			c.inWindow(it)
		}
		c.quarantine(it, v)
		b.quarantine(it, v)
	case filtered:
		c.inWindow(it)
		c.filter(v.reason)
	case duplicate:
		c.inWindow(it)
		c.Read++
		c.Duplicates++
	case produced:
		c.inWindow(it)
		b.produce(it, v.flags)
	}
}

func (b *chunker) produce(it *merge.Item, flags merge.Flags) {
	b.account.Seq++
	b.account.Counters.produce(it, flags)
	b.chunk.Records = append(b.chunk.Records, Record{
		Key: it.Key, Value: it.Value, Route: route(it.Key, it.ID, it.Value), Headers: b.tag(it, flags),
		MergeTime: it.Time, EventTime: it.EventTime, HasTime: flags&merge.TimeMissing == 0,
	})
	b.valueBytes += int64(len(it.Value))
	b.bytes += int64(len(it.Value) + len(it.Key) + len(it.ID) + archive.HeaderReserve/4)
}

// tag returns the headers of the event that is produced.
func (b *chunker) tag(it *merge.Item, flags merge.Flags) []Header {
	c := b.chunk
	if cap(c.tags)-len(c.tags) < b.tagger.most() { // the records before point into what was
		c.tags = make([]Header, 0, max(tagsRoom+b.tagger.most(), 2*cap(c.tags)))
	}
	first := len(c.tags)
	c.tags = b.tagger.tag(c.tags, &c.texts, it, flags, b.account.Seq)
	return c.tags[first:len(c.tags):len(c.tags)]
}

// tagsRoom is for how many headers a chunk takes memory first.
const tagsRoom = 4096

// route is what chooses the partition: the same event goes to the same partition in every session.
func route(key, id, value []byte) []byte {
	switch {
	case key != nil:
		return key
	case id != nil:
		return id
	}
	return value
}

func (b *chunker) quarantine(it *merge.Item, v verdict) {
	b.chunk.Quarantined = append(b.chunk.Quarantined, Quarantined{
		Position: it.Position, Object: it.Object.Key, ETag: it.Object.ETag, Size: it.Object.Size, Modified: it.Object.Modified.UTC(),
		Range: [2]int64{it.Offset, it.Offset + it.Length}, Reason: v.reason, Detail: v.detail,
	})
}

// take returns the chunk with its checkpoint and begins the next one.
func (b *chunker) take(state State, reason string, elapsed time.Duration) *Chunk {
	all := state.Terminal() && state != Cancelled && !b.limited
	b.account.State, b.account.Reason, b.account.Watermark = state, reason, b.account.Position.Time
	if all && b.spec.Window.Bounded() {
		b.account.Watermark = b.spec.Window.To.UnixNano()
	}
	b.account.ElapsedMS = elapsed.Milliseconds()
	chunk := b.chunk
	chunk.Hours = b.hours.changes(&b.account, all)
	chunk.Checkpoint = b.account
	chunk.Checkpoint.Counters = b.account.Counters.clone()
	b.chunk = b.next(len(chunk.Records))
	b.bytes, b.placed, b.closes = 0, false, time.Now().Add(quiet)
	return chunk
}

// next is an empty chunk, with room for n records or that of one that is spent.
func (b *chunker) next(n int) *Chunk {
	select {
	case c := <-b.spent:
		return c
	default:
		return &Chunk{Records: make([]Record, 0, n)}
	}
}
