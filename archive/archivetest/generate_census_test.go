package archivetest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zeebo/xxh3"

	"replayd/archive"
)

// census counts what archives show: the oddities that the presets promise must really be met.
type census map[string]int

func TestSmallArchivesShowEveryOddity(t *testing.T) {
	c := census{}
	everySmall(t, 1, func(_ *testing.T, a *Archive) {
		o := a.Oracle()
		c.objects(a)
		c.receipt(o.Receipt)
		c.verdicts(a, o)
	})
	c.need(t, 1, "bom", "fault 1", "fault 2", "fault 3", "edge of horizon", "edge of horizon + 1ns", "edge of horizon - 1ns",
		"copy in the same object", "copy in another object", "copy in another hour", "copy of a copy beyond the horizon of the original",
		"value at the limit")
	c.need(t, 24,
		"objects without bytes", "ignored", "folder marker", "_SUCCESS", "_temporary", ".crc", "hour unlisted", "name without time", "name before its hour", "objects overlap",
		"crlf", "no delimiter", "lines without last newline", "lines with last newline", "several members",
		"id 1", "id 2", "id 3", "id 4", "id 5", "id 6", "id 7", "id 8", "time 1", "time 2", "time 3", "time 4", "time 5", "time 6", "time 7", "time 8",
		"key 1", "key 2", "key 3", "key 4", "key 5", "key 6", "key 7", "no arrival", "twofold", "broken 1", "broken 2", "broken 3", "broken 4", "broken 5",
		"arrival in another hour than time", "landed in another hour than time", "far future", "far past",
		"duplicates", "duplicate by volatile field", "conflicts", "late", "no_id", "outside", "gap hours", "quarantined json", "quarantined time", "quarantined arrival",
		"quarantined codec", "quarantined oversized", "slack short",
		"flags no-id", "flags late", "flags conflict", "flags time-clamped", "flags late,conflict", "flags no-id,late",
		"duplicate within 0.8 and 1 horizon", "produced again within 1 and 1.3 horizons", "produced again beyond 1.5 horizons",
		"ids and times below the root", "escaped JSON in a string", "invalid UTF-8", "number above 2^53", "escaped name", "pretty-printed", "id behind data", "same instant")
}

func (c census) need(t *testing.T, least int, names ...string) {
	t.Helper()
	for _, name := range names {
		if c[name] < least {
			t.Errorf("%s: %d, want %d at least", name, c[name], least)
		}
	}
	if t.Failed() {
		t.Logf("met: %v", slices.Sorted(maps.Keys(c)))
	}
}

func (c census) add(name string, yes bool) {
	if yes {
		c[name]++
	}
}

func (c census) objects(a *Archive) {
	var last *Object
	window := listed(&a.Plan, a.Objects)
	for _, o := range a.Objects {
		base := o.Key[strings.LastIndexByte(o.Key, '/')+1:]
		c.add("ignored", o.Ignored)
		c.add("folder marker", base == "")
		c.add("_SUCCESS", base == "_SUCCESS")
		c.add("_temporary", strings.Contains(o.Key, "_temporary/"))
		c.add(".crc", strings.HasSuffix(base, ".crc"))
		if o.Ignored {
			continue
		}
		c.add("objects without bytes", a.Size(o) == 0)
		c.add("hour unlisted", !slices.Contains(window, o))
		c.add("name without time", a.Plan.named() && o.Named.IsZero())
		c.add("name before its hour", !o.Named.IsZero() && o.Named.Before(o.Hour))
		c.add("objects overlap", last != nil && !o.Named.IsZero() && o.Named.Before(last.Modified))
		c.style(a, o)
		for i := range o.parts {
			c.part(a, &o.parts[i])
		}
		last = o
	}
}

func (c census) style(a *Archive, o *Object) {
	if len(o.parts) == 0 {
		return
	}
	lines := a.Plan.Format == FormatLines
	newline := bytes.HasSuffix(a.Text(o), []byte("\n"))
	c.add("bom", o.style.bom)
	c.add("crlf", lines && o.style.separator == "\r\n")
	c.add("no delimiter", a.Plan.Format == FormatJSON && o.style.separator == "")
	c.add("lines without last newline", lines && !newline)
	c.add("lines with last newline", lines && newline)
	c.add("several members", o.style.codec != CodecNone && o.style.members > 1)
	c[fmt.Sprintf("fault %d", o.style.fault)]++
}

func (c census) part(a *Archive, p *part) {
	if p.kind != partEvent {
		c[fmt.Sprintf("broken %d", p.kind)]++
		return
	}
	c[fmt.Sprintf("id %d", p.id)]++
	c[fmt.Sprintf("time %d", p.when)]++
	c[fmt.Sprintf("key %d", p.key)]++
	c.add("no arrival", p.badArrival)
	c.add("twofold", p.twofold)
	hour := func(ns int64) int64 { return ns / int64(time.Hour) }
	c.add("arrival in another hour than time", hour(p.arrival) != hour(p.time))
	c.add("landed in another hour than time", hour(p.landed) != hour(p.time))
	c.add("far future", p.time > a.Plan.end().AddDate(1, 0, 0).UnixNano())
	c.add("far past", p.time < a.Plan.Start.AddDate(-1, 0, 0).UnixNano())
	c.add("value at the limit", p.size == sizeFits)
}

func (c census) receipt(r Receipt) {
	c["duplicates"] += int(r.Duplicates)
	c["conflicts"] += int(r.Conflicts)
	c["late"] += int(r.Late)
	c["no_id"] += int(r.NoID)
	c["outside"] += int(r.Outside)
	c["gap hours"] += len(r.Gaps)
	c["slack short"] += int(r.SlackShort)
	for reason, n := range r.QuarantinedBy {
		c["quarantined "+reason] += int(n)
	}
}

// pair is an id with a body.
type pair struct{ id, body xxh3.Uint128 }

func (c census) verdicts(a *Archive, o *Oracle) {
	first, last := map[pair]*sighting{}, map[pair]*sighting{}
	horizon := a.Plan.Horizon
	instant := int64(0)
	pg := newPage(&a.Plan)
	for i := range o.sightings {
		s := &o.sightings[i]
		c.add("same instant", s.merge == instant)
		instant = s.merge
		if s.fate == FateProduced {
			c["flags "+s.flags.String()]++
			c.value(pg.event(s.part))
		}
		if s.bad != "" || s.noID {
			continue
		}
		key := pair{s.id, s.body}
		if before := last[key]; before != nil {
			c.copied(o, before, s, horizon)
			c.add("copy of a copy beyond the horizon of the original", s.fate == FateDuplicate && time.Duration(s.merge-first[key].merge) > horizon)
		} else {
			first[key] = s
		}
		last[key] = s
	}
}

func (c census) copied(o *Oracle, before, s *sighting, horizon time.Duration) {
	distance := time.Duration(s.merge - before.merge)
	part := float64(distance) / float64(horizon)
	a, b := o.objects[before.object], o.objects[s.object]
	c.add("copy in the same object", a == b)
	c.add("copy in another object", a != b)
	c.add("copy in another hour", !a.Hour.Equal(b.Hour))
	duplicate := s.fate == FateDuplicate
	c.add("edge of horizon", distance == horizon && duplicate)
	c.add("edge of horizon - 1ns", distance == horizon-1 && duplicate)
	c.add("edge of horizon + 1ns", distance == horizon+1 && !duplicate)
	c.add("duplicate by volatile field", duplicate && before.part.arrival != s.part.arrival)
	c.add("duplicate within 0.8 and 1 horizon", duplicate && part > 0.8)
	c.add("produced again within 1 and 1.3 horizons", !duplicate && part < 1.3)
	c.add("produced again beyond 1.5 horizons", !duplicate && part > 1.5)
}

func (c census) value(e Entry) {
	v := e.Value
	c.add("ids and times below the root", bytes.Count(v, []byte(`"event_id":`)) > 1 && bytes.Count(v, []byte(`"timestamp":`)) > 1)
	c.add("escaped JSON in a string", bytes.Contains(v, []byte(`{\"event_id\":`)))
	c.add("invalid UTF-8", !bytes.Equal(bytes.ToValidUTF8(v, nil), v))
	c.add("number above 2^53", bytes.Contains(v, []byte(`"amount":90`)))
	c.add("escaped name", bytes.Contains(v, []byte(`\u0065vent_id`)) || bytes.Contains(v, []byte(`time\u0073tamp`)))
	c.add("pretty-printed", bytes.HasPrefix(v, []byte("{\n")))
	c.add("id behind data", bytes.HasPrefix(v, []byte(`{"data":{`)))
}

// Each rule of the archive's ignored keys has its case among the marks, and nothing else is taken for one.
func TestIgnoredObjectsAreThoseThatNobodyReads(t *testing.T) {
	eachSmall(t, func(t *testing.T, a *Archive) {
		for _, o := range a.Objects {
			if o.Ignored != archive.Ignored(o.Key) {
				t.Errorf("object %q: ignored is %v", o.Key, o.Ignored)
			}
		}
	})
}

func TestBigPlanHasItsDuplicates(t *testing.T) {
	p := Big()
	if p.Events != 500_000 || p.Hours != 6 || p.Odds.Duplicates != 0.01 {
		t.Fatalf("Big() is %+v", p)
	}
	p.Events = 20_000
	r := Generate(p).Oracle().Receipt
	if share := float64(r.Duplicates) / float64(r.Produced); share < 0.005 || share > 0.015 {
		t.Errorf("%d duplicates of %d events", r.Duplicates, r.Produced)
	}
}
