package main

import (
	"context"

	"github.com/oklog/ulid/v2"

	"replayd/archive"
	"replayd/replay"
	"replayd/replay/kafka"
)

// job is a replay ready to run.
type job struct {
	spec     replay.Spec
	source   archive.Source
	settings kafka.Settings
	options  replay.Options
	said     string                       // what was recognised
	resumes  bool                         // its spec is frozen already
	begun    bool                         // it may have produced something: what its start was allowed is not asked again
	again    func(leave ...string) string // the command that continues it, without some flags
	asTyped  string                       // the command of this session, empty without --id
	retake   string                       // the command that takes it over when this session could not, once its spec is frozen
	finished *replay.Receipt              // of a replay that has ended
}

// job decides what is to be replayed: what the flags say, or what the id's frozen spec does.
func (a *app) job(ctx context.Context, cluster *kafka.Cluster, f *replayFlags) (*job, error) {
	if f.id == "" {
		f.id = ulid.Make().String()
	}
	known, err := cluster.Stored(ctx, f.id)
	if kafka.Denied(err) && f.saysWhat() { // preflight tells all that is missing
		known, err = nil, nil
	}
	if err != nil {
		return nil, cluster.DeniedBy(ctx, err, f.topic, kafka.Settings{})
	}
	if known == nil && !f.saysWhat() {
		return nil, usage("there is no replay %s: to start it, say what to replay with --archive, --from, --to and --topic", f.id)
	}
	j := &job{again: func(leave ...string) string { return f.again(f.id, leave...) }, asTyped: f.asTyped(), retake: f.retake(f.id), settings: a.settings(f)}
	earlier := ""
	if known != nil {
		j.resumes, j.begun, earlier = true, known.Begun(), known.Settings.Pace
		fill(&j.settings.Compression, known.Settings.Compression)
		if j.finished, err = cluster.Finished(ctx, known); err != nil {
			return nil, err
		}
		if err := j.ours(&known.Spec); err != nil {
			return nil, err
		}
	}
	if j.options, err = f.options(a.config, earlier); err != nil {
		return nil, err
	}
	j.settings.Pace = j.options.Pace.String()
	if known != nil {
		return j, a.resume(ctx, f, j, known)
	}
	return j, a.start(ctx, cluster, f, j)
}

// ours refuses the replay of a daemon. Both would take it from each other in turns, and what is wished of it, such as to be
// paused, is for the daemon. One that has ended is everybody's.
func (j *job) ours(s *replay.Spec) error {
	if s.Owner != replay.OwnerDaemon || j.finished != nil {
		return nil
	}
	return usage("replay %s is owned by a daemon, which alone carries it on\n"+
		"How it stands: replayd show %s. To let it go on: replayd resume %s", s.ID, s.ID, s.ID)
}

// settings are what the flags say of how the replay is put into Kafka, but for what comes from elsewhere, too.
func (a *app) settings(f *replayFlags) kafka.Settings {
	return kafka.Settings{
		Compression: f.compression, Create: f.createTopic || f.likeTopic != "", Partitions: f.partitions, Like: f.likeTopic,
		Allow: f.allow, Reason: f.reason, Targets: a.targets(),
	}
}

// targets are the topics that the configuration lets replays write, with the archives for each.
func (a *app) targets() map[string][]string {
	targets := make(map[string][]string, len(a.config.Targets))
	for topic, t := range a.config.Targets {
		targets[topic] = t.Archives
	}
	return targets
}

// start fills in the spec of a new replay.
func (a *app) start(ctx context.Context, cluster *kafka.Cluster, f *replayFlags, j *job) error {
	err := a.checkNew(ctx, f) // with an id, check could not know that this is a new one
	if err != nil {
		return err
	}
	if j.spec, j.source, j.said, err = a.fresh(ctx, f); err != nil {
		return err
	}
	j.settings.SourceTopics = a.config.Archives[j.spec.Archive].SourceTopics
	j.settings.Lasts = j.options.Pace.Lasts(0, 0, j.spec.Window.To.Sub(j.spec.Window.From))
	demands, err := cluster.Demands(ctx, j.spec.Topic, j.settings, int(a.config.Limits.EventSize))
	if err != nil {
		return err
	}
	j.spec.RecordLimit, j.spec.NeedsKey = demands.Record, demands.Key
	if err := j.spec.Complete(a.now()); err != nil {
		return usage("%w", err)
	}
	return nil
}

// openHours is the refusal of hours that may still grow, allowed or not; nil when there are none.
func (j *job) openHours() *replay.Refusal {
	if j.begun {
		return nil
	}
	return replay.OpenHours(&j.spec, j.source.Layout)
}

// growing refuses hours that may still grow, before the sink writes anything: the window can then be asked for again,
// shorter, under the same id.
func (j *job) growing() error {
	refusal := j.openHours()
	if refusal == nil || j.options.Allow.Has(refusal.Item) {
		return nil
	}
	return refusal
}

// preflight is what the session would be refused for, or told of, by the cluster.
func (j *job) preflight(ctx context.Context, cluster *kafka.Cluster) ([]kafka.Finding, error) {
	if j.begun {
		return cluster.PreflightKnown(ctx, &j.spec, j.settings)
	}
	return cluster.Preflight(ctx, &j.spec, j.settings)
}

// resume takes the frozen spec. What the flags say of it must agree.
func (a *app) resume(ctx context.Context, f *replayFlags, j *job, known *kafka.Stored) error {
	j.spec = known.Spec
	var err error
	if f.saysWhat() {
		if err := a.agree(f, known); err != nil {
			return err
		}
	}
	if j.finished != nil {
		return nil // its archive may be gone by now
	}
	j.source, err = a.reopen(ctx, f, &j.spec)
	return err
}
