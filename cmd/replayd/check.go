package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"replayd/archive"
	"replayd/archive/format"
	"replayd/archive/layout"
	"replayd/archive/s3"
	"replayd/config"
	"replayd/replay"
	"replayd/replay/filter"
	"replayd/replay/kafka"
	"replayd/replay/pace"
)

// What a flag can be beside empty.
var (
	windowsOn    = []string{replay.OnEvent, replay.OnArrival}
	recordTimes  = []string{replay.RecordTimeNow, replay.RecordTimeOriginal}
	extraHeaders = []string{replay.HeaderReason, replay.HeaderSource, replay.HeaderTargets}
	compressions = []string{"snappy", "none", "lz4", "zstd", "gzip"}
	allowable    = []string{
		kafka.ItemTopicMissing, kafka.ItemCompacted, kafka.ItemRetention, kafka.ItemRecordSize, kafka.ItemLiveTopic,
		kafka.ItemOverlap, kafka.ItemNotAllowed, kafka.ItemTimestamps, kafka.ItemDurability, replay.ItemOpenHours, replay.ItemArchiveChange,
	}
)

// check reports all that is wrong with what was typed, before a cluster or an archive is asked: a typing error should not
// wait for a broker, nor be hidden by one that is away.
func (a *app) check(ctx context.Context, f *replayFlags) error {
	if f.id == "" && !f.saysWhat() {
		return usage("nothing says what to replay: give --archive, --from, --to (or --for) and --topic; " +
			"--id X alone continues the replay X")
	}
	errs := []error{f.checkTyped(), checkID(f.id)}
	if f.id == "" { // it cannot be a replay that is known, so everything must be there
		errs = append(errs, a.checkNew(ctx, f))
	} else { // else what is not given may be frozen, and what is given is held against that
		errs = append(errs, f.window.forms(a.now()), f.overlay(&config.Archive{}))
	}
	return errors.Join(errs...)
}

// checkTyped looks at what each flag says by itself.
func (f *replayFlags) checkTyped() error {
	errs := []error{f.checkWords(), f.checkUnits(), f.checkPointers(), saysWhy(f.reason)}
	for _, c := range []struct{ flag, name string }{{"topic", f.topic}, {"like-topic", f.likeTopic}} {
		if err := kafka.ValidTopic(c.name); c.name != "" && err != nil {
			errs = append(errs, usage("--%s: %w", c.flag, err))
		}
	}
	return errors.Join(errs...)
}

func checkID(id string) error {
	if err := replay.ValidID(id); id != "" && err != nil {
		return usage("--id: %w", err)
	}
	return nil
}

// checkPointers looks at flags that say where something stands in an event.
func (f *replayFlags) checkPointers() error {
	var c config.Archive
	override(&c.EventID, f.eventID)
	override(&c.EventTime, f.eventTime)
	override(&c.Key, f.key)
	var errs []error
	for _, field := range []struct {
		flag string
		is   archive.Fields
	}{
		{"event-id", archive.Fields{ID: c.EventID, Time: archive.None}},
		{"event-time", archive.Fields{Time: cmp.Or(c.EventTime, archive.None)}},
		{"event-time-zone", archive.Fields{Time: archive.None, Zone: f.eventTimeZone}},
		{"key", archive.Fields{Time: archive.None, Key: c.Key}},
		{"value", archive.Fields{Time: archive.None, Value: archive.Pointer(f.policy.value)}},
	} {
		if err := field.is.Validate(); err != nil {
			errs = append(errs, usage("--%s: %w", field.flag, err))
		}
	}
	return errors.Join(errs...)
}

// checkNew looks at the flags of a replay that begins.
func (a *app) checkNew(ctx context.Context, f *replayFlags) error {
	var errs []error
	if f.topic == "" {
		errs = append(errs, noTopic(f))
	}
	_, _, err := a.asked(ctx, f)
	return errors.Join(append(errs, err)...)
}

func noTopic(f *replayFlags) error {
	example := "replay.events"
	if f.place.archive != "" && !isPlace(f.place.archive) {
		example = "replay." + f.place.archive
	}
	return usage("--topic is missing: the replay topic, such as %s", example)
}

// checkWords looks at flags that take one of a few words.
func (f *replayFlags) checkWords() error {
	var errs []error
	for _, c := range []struct {
		flag  string
		given []string
		words []string
	}{
		{"dedupe", []string{f.dedupe}, []string{"on", "off"}},
		{"window-on", []string{f.windowOn}, windowsOn},
		{"record-time", []string{f.recordTime}, recordTimes},
		{"on-late", []string{f.policy.late}, onLate},
		{"on-conflict", []string{f.policy.conflict}, onConflict},
		{"on-missing-id", []string{f.policy.missingID}, onMissingID},
		{"on-bad", []string{f.policy.bad}, onBad},
		{"compression", []string{f.compression}, compressions},
		{"headers", f.headers, extraHeaders},
		{"allow", f.allow, allowable},
	} {
		for _, word := range c.given {
			if word != "" && !slices.Contains(c.words, word) {
				errs = append(errs, usage("--%s %q: %s", c.flag, word, oneOf(c.words)))
			}
		}
	}
	if f.set.Changed("limit") && f.policy.limit < 1 {
		errs = append(errs, usage("--limit %d: at least 1", f.policy.limit))
	}
	if _, err := filter.Compile(f.policy.filter); err != nil {
		errs = append(errs, usage("--%w", err))
	}
	if f.set.Changed("partitions") && f.partitions < 1 {
		errs = append(errs, usage("--partitions %d: at least 1", f.partitions))
	}
	return errors.Join(errs...)
}

// saysWhy looks at --reason.
func saysWhy(reason string) error {
	if err := replay.ValidReason(reason); err != nil {
		return usage("--%w", err)
	}
	return nil
}

// oneOf is "now or original", "snappy, none or lz4".
func oneOf(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// checkUnits looks at flags that are numbers with a unit, but for those that overlay reads.
func (f *replayFlags) checkUnits() error {
	_, bad := share(f.maxBad)
	errs := []error{bad}
	if f.pace != "" {
		if _, err := pace.Parse(f.pace); err != nil {
			errs = append(errs, usage("--pace: %w", err))
		}
	}
	for _, c := range []struct{ flag, value string }{
		{"give-up", f.giveUp},
		{"max-gap", f.maxGap},
		{"ramp", f.ramp},
		{"wait-broker", f.waitBroker},
	} {
		errs = append(errs, text(new(config.Duration), c.flag, c.value))
	}
	return errors.Join(append(errs, text(new(config.Size), "memory", f.memory))...)
}

// checkNames looks at what needs no look into the archive: its address, and the names of layout and format.
func (p *place) checkNames() error {
	var errs []error
	if address := p.config.URL[0]; strings.HasPrefix(address, "s3://") {
		if _, _, err := s3.Address(address); err != nil {
			errs = append(errs, usage("archive %w", err))
		}
	}
	if name := p.config.Layout; name != "" && name != "hive" {
		if _, err := layout.Named(name); err != nil {
			errs = append(errs, usage("%w", err))
		}
	}
	if name := p.config.Format; name != "" {
		if _, err := format.Named(name); err != nil {
			errs = append(errs, usage("%w", err))
		}
	}
	return errors.Join(errs...)
}

// noArguments refuses words that are no flags, guessing what was meant.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usage("unexpected %q: %s", args[0], meant(cmd, args[0]))
}

func meant(cmd *cobra.Command, word string) string {
	create := cmd.Flags().Lookup("create-topic")
	switch {
	case create != nil && create.Changed && strings.Trim(word, "0123456789") == "":
		return "--create-topic takes no value, did you mean --create-topic --partitions " + word + "?"
	case cmd.Flags().Lookup("id") != nil && replay.ValidID(word) == nil:
		return fmt.Sprintf("did you mean --id %s?", word)
	}
	return "values of flags are written --flag=value or --flag value"
}

// isPlace tells an address from a name in the configuration.
func isPlace(archive string) bool {
	return strings.ContainsAny(archive, "/:") || archive == "." || archive == ".."
}
