package kafka

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"replayd/archive"
	"replayd/replay"
)

// judge looks at what the settings of a topic mean to a replay.
func (p *preflight) judge(settings map[string]string) {
	p.compacted(settings)
	p.recordSize(settings)
	p.retention(settings)
	p.timestamps(settings)
}

// does is what the topic does, or would do once it is there.
func (p *preflight) does(now, once string) string {
	if p.absent {
		return "would " + once
	}
	return now
}

// compacted refuses a topic that forgets by key. One who knows better needs a key for each record: without, the brokers
// refuse it, and what has none is quarantined when it is read (archive.Fields.NeedsKey).
func (p *preflight) compacted(settings map[string]string) {
	what := "topic %s " + p.does("is", "be") + " compacted: of the events of one key only the last would stay"
	switch {
	case !compact(settings):
	case p.spec.Key == "":
		p.refuse(ItemCompacted, "Choose another --topic, or name with --key where an event's record key stands, and --allow compacted.",
			what+", and it "+p.does("takes", "take")+" no records without a key", p.spec.Topic)
		p.always()
	default:
		p.refuse(ItemCompacted, "Choose another --topic, or --allow compacted. Events without the key are quarantined then.", what, p.spec.Topic)
	}
}

func compact(settings map[string]string) bool {
	return strings.Contains(settings["cleanup.policy"], "compact")
}

// recordSize refuses a topic that would not take the largest records.
func (p *preflight) recordSize(settings map[string]string) {
	n, err := strconv.Atoi(settings["max.message.bytes"])
	if err == nil && p.spec.RecordLimit > n-archive.HeaderReserve {
		p.refuse(ItemRecordSize, "Start a new replay with a smaller limits.event_size, or let the topic take them"+
			p.withSetting(fmt.Sprintf("max.message.bytes=%d", p.spec.RecordLimit+archive.HeaderReserve)),
			"topic %s %s records of %d bytes, but this replay holds records of up to %d", p.spec.Topic, p.does("takes", "take"), n, p.spec.RecordLimit)
	}
}

// retentionMargin is kept between the age of a window and the retention of the topic that takes it with original times.
const retentionMargin = 24 * time.Hour

// margin is what is kept of it for a topic that keeps records for so long.
func margin(keeps time.Duration) time.Duration { return min(retentionMargin, keeps/2) }

// retention refuses to produce what the broker would delete at its next sweep: a segment goes when its newest record is
// older than the retention.
func (p *preflight) retention(settings map[string]string) {
	keeps, finite := milliseconds(settings["retention.ms"])
	if settings["message.timestamp.type"] == "LogAppendTime" {
		return
	}
	if p.spec.RecordTime != replay.RecordTimeOriginal {
		if lasts := p.settings.Lasts; finite && lasts > keeps-margin(keeps) {
			p.refuse(ItemRetention, "Choose a faster --pace, or --allow retention, or let the topic keep records for longer"+p.withSetting(longEnough(lasts)),
				"topic %s %s records for %s, but at %s the replay lasts %s: its beginning would be deleted before its end is there",
				p.spec.Topic, p.does("keeps", "keep"), days(keeps), p.settings.Pace, days(lasts.Round(time.Minute)))
		} else if finite {
			p.notice(ItemRetention, "topic %s %s records for %s from now on", p.spec.Topic, p.does("keeps", "keep"), days(keeps))
		}
		return
	}
	w := p.spec.Window
	if !w.Bounded() {
		return
	}
	if finite && w.On == replay.OnArrival {
		p.refuse(ItemRetention, "Use --record-time now (the default), or --allow retention, or let the topic keep records for ever"+p.withSetting("retention.ms=-1"),
			"topic %s %s records for %s, and of a window that goes by arrival nobody knows how old its events are; with --record-time original Kafka would delete those that are older",
			p.spec.Topic, p.does("keeps", "keep"), days(keeps))
		return
	}
	if edge := time.Now().Add(retentionMargin - keeps); finite && w.From.Before(edge) {
		share := min(1, float64(edge.Sub(w.From))/float64(w.To.Sub(w.From)))
		p.refuse(ItemRetention, "Use --record-time now (the default), or --allow retention, or let the topic keep records for ever"+p.withSetting("retention.ms=-1"),
			"topic %s %s records for %s, but %.0f %% of the window is older or will be within %s; with --record-time original Kafka would delete it",
			p.spec.Topic, p.does("keeps", "keep"), days(keeps), 100*share, days(retentionMargin))
	}
}

// milliseconds reads a setting; false when it is unlimited or not told.
func milliseconds(setting string) (time.Duration, bool) {
	ms, err := strconv.ParseInt(setting, 10, 64)
	if err != nil || ms < 0 || ms > math.MaxInt64/int64(time.Millisecond) {
		return 0, false
	}
	return time.Duration(ms) * time.Millisecond, true
}

func days(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d == day:
		return "1 day"
	case d%day == 0:
		return fmt.Sprintf("%d days", d/day)
	}
	return d.String()
}

// timestamps refuses original times that the topic's brokers would refuse, record by record.
func (p *preflight) timestamps(settings map[string]string) {
	w, now := p.spec.Window, time.Now()
	if p.spec.RecordTime != replay.RecordTimeOriginal || settings["message.timestamp.type"] == "LogAppendTime" || !w.Bounded() {
		return
	}
	if back, finite := milliseconds(settings[oldestTime]); finite {
		p.limited(oldestTime, "older than "+days(back), w.From.Before(now.Add(-back)), "begins before that")
	}
	if ahead, finite := milliseconds(settings[newestTime]); finite {
		p.limited(newestTime, "more than "+days(ahead)+" ahead", w.To.After(now.Add(ahead)), "ends behind that")
	}
}

// Settings of a topic that bound what times its records may have, counted from the broker's clock.
const (
	oldestTime = "message.timestamp.before.max.ms"
	newestTime = "message.timestamp.after.max.ms"
)

// limited refuses a window beyond a limit of the topic. One that goes by arrival bounds the events' own times on neither
// side: any limit may be exceeded, and who knows the events may allow it.
func (p *preflight) limited(setting, such string, beyond bool, how string) {
	use, cure := "Use --record-time now (the default), or ", "let the topic take such times"+p.withSetting(anyTime(setting))
	switch topic, takes := p.spec.Topic, p.does("takes", "take"); {
	case p.spec.Window.On == replay.OnArrival:
		p.refuse(ItemTimestamps, use+"--allow timestamp-limits, or "+cure,
			"topic %s %s no records %s, and of a window that goes by arrival nobody knows whether some of its events are", topic, takes, such)
	case beyond:
		p.refuse(ItemTimestamps, use+cure, "topic %s %s no records %s, and the window %s", topic, takes, such, how)
		p.always()
	}
}

// replicationFactor is the key under which created tells of it; Kafka has no topic setting of that name.
const replicationFactor = "replication.factor"

// durability looks at what it takes to lose what was acknowledged.
func (p *preflight) durability(ctx context.Context, replicas int, settings map[string]string) error {
	brokers, err := p.cluster.brokers(ctx)
	if err != nil {
		return err
	}
	inSync, err := strconv.Atoi(settings["min.insync.replicas"])
	if err != nil {
		inSync = 1
	}
	topic := p.spec.Topic
	switch {
	case replicas < inSync:
		p.refuse(ItemDurability, "Give the topic more replicas, or ask it for fewer"+p.withSetting(fmt.Sprintf("min.insync.replicas=%d", replicas)),
			"topic %s %s %d replicas and min.insync.replicas=%d: it %s no records at all", topic, p.does("has", "have"), replicas, inSync, p.does("takes", "take"))
		p.always()
	case len(brokers) == 1:
		p.notice(ItemDurability, "the cluster has one broker: what is lost with it is lost")
	case replicas == 1:
		p.refuse(ItemDurability, "Give the topic more replicas, or --allow durability.",
			"topic %s %s one replica: with its broker all of it is lost", topic, p.does("has", "have"))
	case inSync == 1:
		p.notice(ItemDurability, "topic %s %s min.insync.replicas=1: what one broker acknowledged alone is lost with it", topic, p.does("has", "have"))
	}
	return nil
}
