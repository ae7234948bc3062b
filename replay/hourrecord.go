package replay

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/zeebo/xxh3"

	"replayd/archive"
)

const (
	// maxListed is the largest hour whose objects are recorded one by one, so that new ones can be told from old ones
	// later. 16 bytes each: 384 KiB, with base64 half of what a record may hold.
	maxListed = 24_576

	// maxLate bounds the objects that are admitted to an hour after its first listing. They stand in its record by name.
	maxLate = 2_000

	// maxOpen is how many keys of objects still needed an hour record names.
	maxOpen = 256

	// maxHourRecord is what Encode may make of a record, in bytes: what a topic takes by default, less room for the batch
	// around it and for drained_at. Names alone could fill it: a control character of theirs takes six bytes.
	maxHourRecord = 960 << 10
)

// fits reports whether a sink can keep the record. One that it cannot keep would end every session at the same commit.
func (r *HourRecord) fits() bool { return len(Encode(r)) <= maxHourRecord }

func newHourRecord(hour string, objects []archive.Object) HourRecord {
	var all Listed
	for _, o := range objects {
		all.Add(o)
	}
	r := HourRecord{Version: 1, Hour: hour, Digest: archive.Digest(objects), Sum: all.Sum(), Objects: len(objects)}
	if len(objects) <= maxListed {
		r.Listed = listed(objects)
	}
	return r
}

// listed is the hash of the key and the Fingerprint of each object.
func listed(objects []archive.Object) []byte {
	var b []byte
	for _, o := range objects {
		b = binary.BigEndian.AppendUint64(b, xxh3.HashString(o.Key))
		b = binary.BigEndian.AppendUint64(b, o.Fingerprint())
	}
	return b
}

// compare holds what is listed now against what an earlier session recorded, and takes over what that decided.
func (h *hours) compare(l *listing, old HourRecord) error {
	if l.record.Digest == old.Digest {
		l.record = old
		l.record.DrainedAt = nil // it drains again when this session passes it
		return nil
	}
	added, lost, told := difference(old, l.objects)
	if !h.allow.Has(ItemArchiveChange) || !told || lost > 0 {
		return changeRefusal(l.hour.Name, old, l.record, added, lost, told)
	}
	l.record.LateBounds, l.record.Sum = maps.Clone(old.LateBounds), old.Sum
	for _, o := range added {
		if l.record.LateBounds == nil {
			l.record.LateBounds = map[string]int64{}
		}
		l.record.LateBounds[o.Key] = h.resume.Position.Time + 1
	}
	if l.record.tooMany() {
		return changeRefusal(l.hour.Name, old, l.record, added, lost, false)
	}
	l.written, h.changed = false, true
	return nil
}

// tooMany reports whether more objects were admitted than the record holds.
func (r *HourRecord) tooMany() bool { return len(r.LateBounds) > maxLate || !r.fits() }

// difference tells which objects were added since old was recorded, and how many of old's changed or vanished; told is
// false when old does not say what it held.
func difference(old HourRecord, now []archive.Object) (added []archive.Object, lost int, told bool) {
	if len(old.Listed) != 16*old.Objects {
		return nil, 0, false
	}
	known := make(map[uint64]uint64, old.Objects)
	for b := old.Listed; len(b) > 0; b = b[16:] {
		known[binary.BigEndian.Uint64(b)] = binary.BigEndian.Uint64(b[8:])
	}
	same := 0
	for _, o := range now {
		version, was := known[xxh3.HashString(o.Key)]
		switch {
		case !was:
			added = append(added, o)
		case version == o.Fingerprint():
			same++
		}
	}
	return added, old.Objects - same, true
}

func changeRefusal(hour string, old, now HourRecord, added []archive.Object, lost int, told bool) error {
	what := fmt.Sprintf("hour %s is not what this replay listed before: %d objects then, %d now", hour, old.Objects, now.Objects)
	if len(added) > 0 {
		keys := make([]string, len(added))
		for i, o := range added {
			keys[i] = archive.Printable(o.Key)
		}
		what += "; new: " + Few(keys)
	}
	next := "Continue with --allow archive-change to replay what is new behind what is already produced, or start a new replay under another --id."
	if lost > 0 || !told {
		next = "Events of it may already be produced. Put the archive back as it was, or start a new replay under another --id."
	}
	if lost > 0 {
		what += fmt.Sprintf("; %d changed or gone", lost)
	}
	return &Refusal{Item: ItemArchiveChange, What: what, Next: next}
}

// shrink notes in the record which objects a resume still has to read: those not drained before from, the checkpoint less
// the horizon, whose events it must put back into the index. It reports whether that is news. Where they are too many or
// their names too long, a resume reads the whole hour.
func (l *listing) shrink(from int64) bool {
	if l.record.Open != nil || l.record.Objects <= maxOpen {
		return false
	}
	var open []string
	for key, at := range l.ends {
		if at >= from {
			open = append(open, key)
		}
		if len(open) > maxOpen {
			return false
		}
	}
	slices.Sort(open)
	noted := l.record
	noted.Open = open
	if !noted.fits() {
		return false
	}
	l.record = noted
	return true
}
