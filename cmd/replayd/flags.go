package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"replayd/archive"
	"replayd/config"
	"replayd/replay"
	"replayd/replay/pace"
)

// replayFlags are the flags of the commands that read a window.
type replayFlags struct {
	place  placeFlags
	window windowFlags
	policy policyFlags
	set    *pflag.FlagSet

	eventID, eventTime, key  string
	eventTimeZone            string
	windowOn                 string
	slack, lateness, horizon string
	dedupe                   string
	maxBad                   string
	allow                    []string
	memory, spillDir, giveUp string

	// of run and plan
	topic, likeTopic   string
	createTopic        bool
	partitions         int32
	pace, maxGap, ramp string
	recordTime         string
	headers, targets   []string
	id, reason         string
	quarantineOK       bool
	waitBroker         string
	compression        string

	pprof string // of run
}

// addRead adds the flags that say what is read and how.
func (f *replayFlags) addRead(set *pflag.FlagSet) {
	f.set = set
	f.place.add(set)
	set.StringVar(&f.eventID, "event-id", "", "JSON pointer to the event id, a comma list (joined), body or none")
	set.StringVar(&f.eventTime, "event-time", "", "JSON pointer to the event time, or none (order by object and offset)")
	set.StringVar(&f.eventTimeZone, "event-time-zone", "", "zone of event times that are written without one: America/Sao_Paulo (default UTC)")
	set.StringVar(&f.key, "key", "", "JSON pointer to the record key")
	f.addWindow(set)
	f.policy.add(set)
	set.StringVar(&f.windowOn, "window-on", "", "event or arrival: which time must lie in the window (default: the preset's, else event)")
	set.StringVar(&f.slack, "slack", "", "how far outside the window's hours objects are still read: 1h,1h")
	set.StringVar(&f.lateness, "lateness", "", "disorder that is put right (default 5m)")
	set.StringVar(&f.horizon, "horizon", "", "how far back duplicates are looked for (default lateness + slack after)")
	set.StringVar(&f.dedupe, "dedupe", "on", "on or off")
	set.StringVar(&f.maxBad, "max-bad", "", "share of bad entries that stops the replay, from 1,000 entries on (default 1%)")
	set.StringSliceVar(&f.allow, "allow", nil, "go on in spite of refusals, by the names that they are told with: open-hours, retention, ...")
	set.StringVar(&f.memory, "memory", "", "memory budget (default 512MiB)")
	set.StringVar(&f.spillDir, "spill-dir", "", "folder for what does not fit into memory")
	set.StringVar(&f.giveUp, "give-up", "", "how long one commit or store request is retried (default 1h)")
}

func (f *replayFlags) addWindow(set *pflag.FlagSet) {
	set.StringVar(&f.window.from, "from", "", "beginning of the window: 2026-11-01T12:00:00Z, 2026-11-01T12, 2026-11-01, -3h")
	set.StringVar(&f.window.to, "to", "", "end of the window, exclusive; also now")
	set.StringVar(&f.window.zone, "zone", "", "zone of --from and --to that are typed without one: Europe/Berlin (default UTC)")
	set.StringVar(&f.window.length, "for", "", "length of the window instead of --to: 4h")
	set.StringVar(&f.window.from, "since", "", "alias of --from")
	set.StringVar(&f.window.to, "until", "", "alias of --to")
	_ = set.MarkHidden("since")
	_ = set.MarkHidden("until")
}

// addWrite adds the flags that say where it goes.
func (f *replayFlags) addWrite(set *pflag.FlagSet) {
	set.StringVar(&f.topic, "topic", "", "the replay topic")
	set.BoolVar(&f.createTopic, "create-topic", false, "create the topic if it is missing")
	set.Int32Var(&f.partitions, "partitions", 0, "partitions of a created topic (default: the cluster's)")
	set.StringVar(&f.likeTopic, "like-topic", "", "create the topic with the partitions and settings of this one")
	set.StringVar(&f.pace, "pace", "", "5000/s, 50k/s, 20MB/s, x1, x4, unlimited; several with commas: the slowest holds (default 20MB/s)")
	set.StringVar(&f.maxGap, "max-gap", "", "longest wait for an idle gap with xN (default 10s)")
	set.StringVar(&f.ramp, "ramp", "", "time of the slow start")
	set.StringVar(&f.recordTime, "record-time", "", "timestamp of the records: now (default) or original")
	set.StringSliceVar(&f.headers, "headers", nil, "extra tags: reason, source, targets")
	set.StringSliceVar(&f.targets, "targets", nil, "consumer groups that should act, for --headers targets")
	set.StringVar(&f.id, "id", "", "name of the replay (default: a new one, printed first); run --id X alone continues X")
	set.StringVar(&f.reason, "reason", "", "why, for the audit and --headers reason")
	set.BoolVar(&f.quarantineOK, "quarantine-ok", false, "exit 0 in spite of quarantined events")
	set.StringVar(&f.waitBroker, "wait-broker", "", "wait so long for the broker to come up: 60s")
	set.StringVar(&f.compression, "compression", "", "snappy (default), none, lz4, zstd, gzip")
}

func (f *placeFlags) add(set *pflag.FlagSet) {
	set.StringVar(&f.archive, "archive", "", "a name from the configuration, or a place: s3://bucket/prefix, ./folder")
	set.StringVar(&f.preset, "preset", "", "what wrote the archive: "+strings.Join(archive.PresetNames(), ", "))
	set.StringVar(&f.layout, "layout", "", "pismo, firehose, hive, jsonl, or a template such as %Y/%m/%d/%H/")
	set.StringVar(&f.format, "format", "", "json (concatenated), jsonl, json-array")
	f.addStore(set)
}

// addStore adds the flags that say how a store is reached.
func (f *placeFlags) addStore(set *pflag.FlagSet) {
	set.StringVar(&f.endpoint, "s3-endpoint", "", "address of a store that speaks S3")
	set.StringVar(&f.region, "s3-region", "", "region of the bucket")
	set.BoolVar(&f.pathStyle, "s3-path-style", false, "bucket in the path, not in the host name")
	set.StringVar(&f.profile, "aws-profile", "", "profile of the AWS configuration")
}

// aboutSpec are the flags that say what a replay is; with none of them --id continues one.
var aboutSpec = []string{
	"archive", "preset", "layout", "format", "event-id", "event-time", "key", "from", "to", "for", "since", "until", "window-on",
	"slack", "lateness", "horizon", "dedupe", "event-time-zone", "zone", "filter", "limit", "value", "on-late", "on-conflict",
	"on-missing-id", "topic", "record-time", "headers", "targets", "reason",
}

func (f *replayFlags) saysWhat() bool {
	for _, name := range aboutSpec {
		if f.set.Changed(name) {
			return true
		}
	}
	return false
}

// bounds are what a session may take, and for how long it tries.
type bounds struct {
	memory   config.Size
	spillDir string
	giveUp   config.Duration
}

// limits are those of the configuration, as the flags change them.
func (f *replayFlags) limits(l config.Limits) (bounds, error) {
	b := bounds{memory: l.Memory, spillDir: l.SpillDir, giveUp: l.GiveUp}
	if err := text(&b.memory, "memory", f.memory); err != nil {
		return b, err
	}
	if b.memory < config.MinMemory {
		return b, usage("--memory: %v is below %v, the least that a replay can be done in", b.memory, config.Size(config.MinMemory))
	}
	override(&b.spillDir, f.spillDir)
	return b, text(&b.giveUp, "give-up", f.giveUp)
}

// text sets to from the value of a flag, if it was given.
func text(to interface{ UnmarshalText([]byte) error }, flag, value string) error {
	if value == "" {
		return nil
	}
	if err := to.UnmarshalText([]byte(value)); err != nil {
		return usage("--%s: %w", flag, err)
	}
	return nil
}

// options are how a replay runs, whatever it is.
func (f *replayFlags) options(c *config.Config, frozenPace string) (replay.Options, error) {
	l, err := f.limits(c.Limits)
	if err != nil {
		return replay.Options{}, err
	}
	o := replay.Options{
		Memory: int64(l.memory), Spill: l.spillDir, Disk: int64(c.Limits.SpillSize), Open: openable(c.Limits.OpenObjects), GiveUp: time.Duration(l.giveUp), Allow: f.allow, StopOn: f.policy.stopOn(),
	}
	if o.MaxBad, err = share(f.maxBad); err != nil {
		return o, err
	}
	var gap, ramp config.Duration
	if err := text(&gap, "max-gap", f.maxGap); err != nil {
		return o, err
	}
	if err := text(&ramp, "ramp", f.ramp); err != nil {
		return o, err
	}
	o.MaxGap, o.Ramp = time.Duration(gap), time.Duration(ramp)
	o.Pace, err = f.paceSetting(c, frozenPace)
	return o, err
}

// paceSetting is the flag, else what an earlier session had, else the target's, else the default.
func (f *replayFlags) paceSetting(c *config.Config, earlier string) (pace.Setting, error) {
	switch {
	case f.pace != "":
		s, err := pace.Parse(f.pace)
		if err != nil {
			return s, usage("--pace: %w", err)
		}
		return s, nil
	case earlier != "":
		return pace.Parse(earlier)
	}
	if t, ok := c.Targets[f.topic]; ok && !t.Pace.IsZero() {
		return t.Pace, nil
	}
	return pace.Default(), nil
}

// share reads 1% or 0.01. A share of none is the smallest there is: the first bad entry is too many.
func share(text string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	number, percent := strings.CutSuffix(text, "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		v /= 100
	}
	if within := v >= 0 && v <= 1; err != nil || !within { // NaN is not, and nothing would be above it
		return 0, usage("--max-bad %q: a share such as 1%% or 0.01", text)
	}
	return max(v, leastShare), nil
}

const leastShare = 1e-15
