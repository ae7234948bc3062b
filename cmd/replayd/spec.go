package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"replayd/archive"
	"replayd/archive/layout"
	"replayd/config"
	"replayd/replay"
)

// fresh builds the spec of a new replay from flags and configuration, and opens its archive. said tells what was
// recognised rather than given.
func (a *app) fresh(ctx context.Context, f *replayFlags) (s replay.Spec, src archive.Source, said string, err error) {
	s, p, err := a.asked(ctx, f)
	if err != nil {
		return s, src, "", err
	}
	if src, said, err = p.source(ctx); err != nil {
		return s, src, "", err
	}
	s.Layout, s.Format = src.Layout.Name(), src.Format.Name()
	if hours := src.Layout.Hours(time.Unix(0, 0), time.Unix(1, 0)); !s.Window.Bounded() && hours[0].Bounded() {
		return s, src, "", usage("--from and --to are missing: events have no times, but layout %s has hours, and these say which to read", s.Layout)
	}
	if err := s.Window.Fits(src.Layout); err != nil {
		return s, src, "", usage("%w", err)
	}
	return s, src, said, nil
}

// asked is what the flags and the configuration say, without a look into the archive, unless they leave out what a preset
// of the archive's layout would say.
func (a *app) asked(ctx context.Context, f *replayFlags) (s replay.Spec, p *place, err error) {
	if f.place.archive == "" {
		return s, nil, errors.Join(usage("--archive is missing: a name from the configuration, ./folder or s3://bucket/prefix"), f.checkWithoutArchive(a.now()))
	}
	if p, err = a.place(f.place); err != nil {
		return s, p, errors.Join(err, f.checkWithoutArchive(a.now()))
	}
	if err := errors.Join(p.checkNames(), f.overlay(&p.config)); err != nil {
		_, more := f.spec(p, a.now())
		return s, p, errors.Join(err, more)
	}
	s, err = f.spec(p, a.now())
	if s.Fields.ID == "" || s.Fields.Time == "" {
		if names := p.presetsOfLayout(ctx); len(names) > 0 {
			err = errors.Join(err, usage("the archive has layout %s: --preset %s says where both stand", p.config.Layout, strings.Join(names, " or ")))
		}
	}
	return s, p, err
}

// checkWithoutArchive looks at what would be wrong whatever the archive is, where it is not known.
func (f *replayFlags) checkWithoutArchive(now time.Time) error {
	_, _, window := f.window.window(now)
	return errors.Join(window, f.overlay(&config.Archive{}))
}

// glance is how long the layout may take to be recognised when that only helps to word a mistake.
const glance = 5 * time.Second

// presetsOfLayout recognises the layout and names the presets that say what the flags did not. An archive that cannot be
// looked at now is another matter: the flags are missing all the same.
func (p *place) presetsOfLayout(ctx context.Context) []string {
	if p.config.Preset != "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, glance)
	defer cancel()
	store, err := p.store(ctx)
	if err == nil {
		var l archive.Layout
		if l, err = layout.Resolve(ctx, store, p.config.Layout); err == nil {
			p.config.Layout = l.Name()
			return archive.PresetsOf(l.Name())
		}
	}
	return nil
}

// reopen opens the archive of a spec that is frozen. Credentials and endpoints are today's.
func (a *app) reopen(ctx context.Context, f *replayFlags, s *replay.Spec) (archive.Source, error) {
	p := &place{name: s.Archive, config: config.DefaultArchive()}
	if known, ok := a.config.Archives[s.Archive]; ok {
		p.config = known
	}
	p.config.URL, p.config.Layout, p.config.Format = []string{s.URL}, s.Layout, s.Format
	override(&p.config.S3.Endpoint, f.place.endpoint)
	override(&p.config.S3.Region, f.place.region)
	override(&p.config.S3.Profile, f.place.profile)
	p.config.S3.PathStyle = p.config.S3.PathStyle || f.place.pathStyle
	src, _, err := p.source(ctx)
	return src, err
}

// overlay lets flags change the archive's configuration.
func (f *replayFlags) overlay(c *config.Archive) error {
	override(&c.EventID, f.eventID)
	override(&c.EventTime, f.eventTime)
	override(&c.Key, f.key)
	override(&c.EventTimeZone, f.eventTimeZone)
	errs := []error{text(&c.Slack, "slack", f.slack), text(&c.Lateness, "lateness", f.lateness)}
	horizon := text(&c.Horizon, "horizon", f.horizon)
	if horizon == nil && f.horizon != "" && c.Horizon == 0 {
		horizon = usage("--horizon %s: must be above 0; --dedupe off looks for no duplicates", f.horizon)
	}
	return errors.Join(append(errs, horizon)...)
}

// spec is the spec of archive p as the flags ask for it.
func (f *replayFlags) spec(p *place, now time.Time) (replay.Spec, error) {
	c := &p.config
	s := replay.Spec{
		Owner: replay.OwnerRun, ID: f.id, Archive: p.name, URL: c.URL[0],
		Before: replay.Duration(c.Slack.Before), After: replay.Duration(c.Slack.After), Settle: replay.Duration(c.Settle),
		Lateness: replay.Duration(c.Lateness), Horizon: replay.Duration(c.Horizon), AsOf: now.UTC(),
		Fields:     archive.Fields{ID: c.EventID, Time: c.EventTime, Zone: c.EventTimeZone, Arrival: c.Arrival, Key: c.Key, Volatile: c.Volatile},
		Topic:      f.topic,
		RecordTime: f.recordTime, Headers: f.headers, Reason: f.reason, Targets: f.targets,
	}
	f.policy.freeze(&s)
	errs := []error{f.judged(&s, p, now)}
	if s.Fields.ID == "" {
		errs = append(errs, usage("--event-id is missing: where an event's id stands, such as /event_id; body takes the whole event for it, none turns duplicates off"))
	}
	if s.Fields.Time == "" {
		errs = append(errs, usage("--event-time is missing: where an event's time stands, such as /timestamp; none orders by object and offset"))
	} else if err := s.Fields.Validate(); err != nil && f.checkPointers() == nil { // else that has been told, by flag
		errs = append(errs, usage("%w", err))
	}
	return s, errors.Join(errs...)
}

// judged fills in what decides about events: window and dedupe.
func (f *replayFlags) judged(s *replay.Spec, p *place, now time.Time) error {
	s.Dedupe = f.dedupes(s.Fields)
	s.Window.On = replay.OnEvent
	if p.preset.ByArrival {
		s.Window.On = replay.OnArrival
	}
	override(&s.Window.On, f.windowOn)
	if s.Fields.Time == archive.None && !f.window.given() {
		return nil
	}
	var err error
	s.Window.From, s.Window.To, err = f.window.window(now)
	return err
}

// dedupes reports whether duplicates are looked for as --dedupe stands: events without ids have none.
func (f *replayFlags) dedupes(fields archive.Fields) bool {
	return f.dedupe == "on" && fields.ID != archive.None
}
