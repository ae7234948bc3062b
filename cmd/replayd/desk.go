package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/oklog/ulid/v2"

	"replayd/archive"
	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/kafka"
	"replayd/replay/manager"
)

// desk answers the daemon's callers where configuration, archives or cluster are asked and no replay that runs.
type desk struct {
	app     *app
	cluster *kafka.Cluster
}

var (
	_ manager.Desk     = (*desk)(nil)
	_ manager.Sessions = (*desk)(nil)
)

// Spec implements manager.Desk.
func (d *desk) Spec(ctx context.Context, s api.Start) (replay.Spec, replay.Start, error) {
	j, f, err := d.job(ctx, s)
	if err != nil {
		return replay.Spec{}, replay.Start{}, problemOf(err)
	}
	if err := errors.Join(j.growing(), lists(ctx, j.source, j.spec.Window)); err != nil {
		return replay.Spec{}, replay.Start{}, problemOf(err)
	}
	findings, err := d.cluster.Preflight(ctx, &j.spec, j.settings)
	if err == nil {
		err = kafka.Refusals(findings, j.settings.Allow)
	}
	if err != nil {
		return replay.Spec{}, replay.Start{}, problemOf(err)
	}
	start := startOf(j, f)
	if start.Size, start.Plan, err = d.planned(ctx, j, s.Plan); err != nil {
		return replay.Spec{}, replay.Start{}, problemOf(err)
	}
	return j.spec, start, nil
}

// job is what is asked for, ready to be run by a daemon.
func (d *desk) job(ctx context.Context, s api.Start) (*job, *replayFlags, error) {
	if err := d.starts(); err != nil {
		return nil, nil, err
	}
	f, untyped := flagsAsked(s)
	at, untimely := asOf(s.AsOf, d.app.now())
	app := *d.app
	app.now = func() time.Time { return at }
	if err := wrongFields(untyped, untimely, checkID(s.ID), d.checked(ctx, &app, f)); err != nil {
		return nil, nil, err
	}
	f.id = cmp.Or(s.ID, ulid.Make().String())
	j := &job{settings: d.app.settings(f)}
	j.settings.Strict = true
	var err error
	if j.options, err = f.options(d.app.config, ""); err != nil {
		return nil, nil, err
	}
	j.settings.Pace = j.options.Pace.String()
	err = app.start(ctx, d.cluster, f, j)
	j.spec.Owner = replay.OwnerDaemon
	return j, f, err
}

// oldestPlan is how long a plan may be looked at before it is started.
const oldestPlan = 24 * time.Hour

// asOf is what relative times count from: when the plan was made that is to be started, else now, also where that is no time.
func asOf(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return now, nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || at.After(now) || now.Sub(at) > oldestPlan {
		return now, api.Invalid(api.FieldError{Location: "body.as_of", Value: text, Message: "is no time of the last 24 hours, as a plan tells it: plan again"})
	}
	return at, nil
}

// starts refuses every start where the configuration names nothing that may be written: that is the operator's to say, not the
// caller's.
func (d *desk) starts() error {
	if len(d.app.config.Targets) > 0 {
		return nil
	}
	return refused(&replay.Refusal{
		Item: kafka.ItemNotAllowed, What: "the daemon's configuration names no targets, so it starts no replay",
		Next: "Name the topics that replays may write under targets in the configuration.",
	})
}

// checked looks at all that the flags say. The archive is one that the configuration names, for what may be read is the operator's
// to say, too: at another nothing looks.
func (d *desk) checked(ctx context.Context, app *app, f *replayFlags) error {
	name := f.place.archive
	if _, known := app.config.Archives[name]; known || name == "" {
		f.id = "" // so that all that a new replay needs is checked
		return app.check(ctx, f)
	}
	errs := []error{
		api.Invalid(api.FieldError{
			Location: "body.archive", Value: name, Message: fmt.Sprintf("archive %q is not in the daemon's configuration%s", name, app.archiveNames()),
		}),
		f.checkTyped(), f.checkWithoutArchive(app.now()),
	}
	if f.topic == "" {
		errs = append(errs, noTopic(f))
	}
	return errors.Join(errs...)
}

// startOf is what is kept beside the spec, for whichever daemon begins the replay.
func startOf(j *job, f *replayFlags) replay.Start {
	return replay.Start{
		Pace: j.settings.Pace, Compression: j.settings.Compression, MaxGap: replay.Duration(j.options.MaxGap), Ramp: replay.Duration(j.options.Ramp),
		MaxBad: j.options.MaxBad, StopOn: j.options.StopOn, Allow: j.settings.Allow, Create: j.settings.Create,
		Partitions: j.settings.Partitions, Like: j.settings.Like,
	}
}

// planned is how many stored bytes the replay reads, and the hash of the plan that it must still be when it begins: the one that
// is to be started, or, where a second person is to approve of the size, that of what there is now. Where nobody asks it looks
// at nothing.
func (d *desk) planned(ctx context.Context, j *job, plan string) (size int64, hash string, err error) {
	limit := int64(d.app.config.Server.SecondPerson)
	if limit == 0 && plan == "" {
		return 0, "", nil
	}
	listed, err := replay.List(ctx, &j.spec, j.source, lister(j.source.Store))
	if err != nil {
		return 0, "", unreadable(err)
	}
	now := listed.Hash(&j.spec)
	if plan != "" && plan != now && !j.options.Allow.Has(replay.ItemArchiveChange) {
		return 0, "", refused(&replay.Refusal{
			Item: replay.ItemArchiveChange,
			What: fmt.Sprintf("the plan %s is no longer what would be replayed, which is %s: the archive has changed, or something else is asked for", plan, now),
			Next: "Plan again, with times that are not relative to now, and start what that tells; or --allow archive-change to start it all the same.",
		})
	}
	if plan != "" || listed.Bytes > limit {
		hash = now
	}
	return listed.Bytes, hash, nil
}

// Plan implements manager.Desk.
func (d *desk) Plan(ctx context.Context, s api.Start) (api.Plan, error) {
	s.AsOf = cmp.Or(s.AsOf, d.app.now().UTC().Format(time.RFC3339Nano))
	j, _, err := d.job(ctx, s)
	if err != nil {
		return api.Plan{}, problemOf(err)
	}
	p, err := d.app.planJob(ctx, d.cluster, j)
	if err != nil {
		return api.Plan{}, problemOf(err)
	}
	plan := api.Plan{Hash: p.Hash, AsOf: s.AsOf, Accepted: p.Accepted, Lines: planLines(p, j)}
	text, err := json.Marshal(p)
	if err == nil {
		err = json.Unmarshal(text, &plan.Plan)
	}
	return plan, err
}

// Archives implements manager.Desk.
func (d *desk) Archives(context.Context) (api.Page[api.Archive], error) {
	page := api.Page[api.Archive]{Items: []api.Archive{}}
	for _, name := range slices.Sorted(maps.Keys(d.app.config.Archives)) {
		page.Items = append(page.Items, api.Archive{Name: name, URL: d.app.config.Archives[name].URL})
	}
	return page, nil
}

// longestSpan bounds what one answer lists.
const longestSpan = 31 * 24 * time.Hour

// Hours implements manager.Desk.
func (d *desk) Hours(ctx context.Context, name string, w api.Span) (api.Page[api.Hour], error) {
	page := api.Page[api.Hour]{Items: []api.Hour{}}
	if _, known := d.app.config.Archives[name]; !known {
		return page, api.NewProblem(http.StatusNotFound, "there is no archive %q", name)
	}
	switch {
	case !w.From.Before(w.To):
		return page, api.Invalid(api.FieldError{Location: "query.to", Message: "is not after from; it is exclusive", Value: w.To})
	case w.To.Sub(w.From) > longestSpan:
		return page, api.Invalid(api.FieldError{Location: "query.to", Message: fmt.Sprintf("more than %d days behind from: ask for a part", longestSpan/(24*time.Hour)), Value: w.To})
	}
	p, err := d.app.place(placeFlags{archive: name})
	if err != nil {
		return page, problemOf(err)
	}
	fill(&p.config.Format, "json") // no object is opened
	src, _, err := p.source(ctx)
	if err != nil {
		return page, problemOf(err)
	}
	lines, err := d.app.hours(ctx, src, w.From, w.To, showNobody)
	for _, l := range lines {
		page.Items = append(page.Items, api.Hour{Hour: l.Hour, Objects: l.Objects, Bytes: l.Bytes, Gap: l.Gap})
	}
	return page, problemOf(err)
}

// Source implements manager.Sessions.
func (d *desk) Source(ctx context.Context, s *replay.Spec) (archive.Source, error) {
	src, err := d.app.reopen(ctx, &replayFlags{}, s)
	if errors.Is(err, fs.ErrNotExist) {
		return src, &replay.Refusal{Item: replay.ItemArchiveChange, What: "the archive is not there: " + err.Error(), Next: "Bring it back, and resume the replay."}
	}
	return src, err
}

// Sink implements manager.Sessions.
func (d *desk) Sink(k *replay.Known) manager.Sink { return d.cluster.Sink(d.settings(k)) }

// settings are those that a replay was started with, and what today's configuration adds. What the start allows was audited
// with it.
func (d *desk) settings(k *replay.Known) kafka.Settings {
	s := k.Chosen()
	return kafka.Settings{
		Pace: s.Pace, Compression: s.Compression, Create: s.Create, Partitions: s.Partitions, Like: s.Like, Allow: s.Allow, Audited: true,
		Ends:         k.Wish != nil && k.Wish.State == replay.Cancelled,
		SourceTopics: d.app.config.Archives[k.Spec.Archive].SourceTopics, Targets: d.app.targets(), Strict: true, Reason: k.Spec.Reason,
	}
}

// Options implements manager.Sessions. Memory is all there is: the manager shares it out.
func (d *desk) Options(k *replay.Known) (replay.Options, error) {
	l, s := d.app.config.Limits, k.Chosen()
	o := replay.Options{
		Memory: int64(l.Memory), Spill: l.SpillDir, Disk: int64(l.SpillSize), Open: openable(l.OpenObjects), GiveUp: time.Duration(l.GiveUp),
		Allow: s.Allow, StopOn: s.StopOn, MaxBad: s.MaxBad, MaxGap: s.MaxGap.Std(), Ramp: s.Ramp.Std(),
	}
	err := o.Pace.UnmarshalText([]byte(s.Pace))
	return o, err
}

// Quarantine implements manager.Desk.
func (d *desk) Quarantine(ctx context.Context, id string, q api.PageQuery) (api.Page[api.Quarantined], error) {
	page := api.Page[api.Quarantined]{Items: []api.Quarantined{}}
	after, err := strconv.ParseInt(cmp.Or(q.After, "0"), 10, 64)
	if err != nil || after < 0 {
		return page, api.Invalid(api.FieldError{Location: "query.after", Message: "is no number of an entry", Value: q.After})
	}
	n := int64(0)
	err = d.cluster.Quarantined(ctx, id, func(entry replay.Quarantined) (bool, error) {
		n++
		switch {
		case n <= after:
		case len(page.Items) == q.Limit:
			page.Next = strconv.FormatInt(n-1, 10)
			return false, nil
		default:
			page.Items = append(page.Items, api.Quarantined{N: n, Quarantined: entry})
		}
		return true, nil
	})
	return page, problemOf(err)
}
