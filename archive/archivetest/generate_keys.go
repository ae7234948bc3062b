package archivetest

import (
	"fmt"
	"time"
)

const organisation = "tn-7f3a"

// place gives o its key. Folder is an hour; opens is what the name says where names say it.
func (g *generator) place(o *Object, opens, folder time.Time) {
	name, tells := g.name(o, opens)
	o.Key = g.folder(folder) + name
	if g.plan.hourly() {
		o.Hour = folder
	}
	if tells {
		o.Named = opens
	}
}

// folder is the prefix of an hour, the empty one in a flat folder.
func (g *generator) folder(hour time.Time) string {
	switch g.plan.Layout {
	case LayoutPismo:
		return hour.Format("main_stream/2006/01/02/15/")
	case LayoutFirehose:
		return hour.Format("2006/01/02/15/")
	case LayoutHive:
		return hour.Format("dt=2006-01-02/hr=15/")
	}
	return ""
}

// name is the last part of a key, and whether it tells the time.
func (g *generator) name(o *Object, opens time.Time) (string, bool) {
	id := g.uuid()
	if g.plan.named() && g.happens(g.plan.Odds.Misfiled) {
		return "compacted-" + id, false
	}
	switch g.plan.Layout {
	case LayoutPismo:
		return fmt.Sprintf("dataplatform-%s-%d-%s-%s", organisation, 1+g.rng.IntN(3), opens.Format("2006-01-02-15-04-05"), id), true
	case LayoutFirehose:
		return fmt.Sprintf("payments-events-%d-%s-%s%s", 1+g.rng.IntN(3), opens.Format("2006-01-02-15-04-05"), id, g.extension(o)), true
	case LayoutHive:
		return fmt.Sprintf("part-%05d-%s.json%s", g.rng.IntN(100), id, g.extension(o)), false
	}
	first := []string{"events", "events 1:é+%20", "Events"}[g.rng.IntN(3)]
	return fmt.Sprintf("%s-%s.jsonl%s", first, id, g.extension(o)), false
}

// extension is the codec's own, or with mixed codecs any.
func (g *generator) extension(o *Object) string {
	if g.plan.Codec == CodecMixed {
		return []string{"", ".gz", ".zst", ".txt"}[g.rng.IntN(4)]
	}
	switch o.style.codec {
	case CodecGzip:
		return ".gz"
	case CodecZstd:
		return ".zst"
	}
	return ""
}

func (g *generator) uuid() string { return string(appendUUID(nil, g.rng.Uint64(), g.rng.Uint64())) }
