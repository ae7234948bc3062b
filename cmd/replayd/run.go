package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/spf13/cobra"

	"replayd/archive"
	"replayd/config"
	"replayd/replay"
	"replayd/replay/kafka"
)

func (a *app) runCommand() *cobra.Command {
	f := &replayFlags{}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Replay a window now, in the foreground, and exit",
		Long: `run reads the window from the archive, in event order and without duplicates, and produces it to the replay topic.
Ctrl-C stops at the next commit. Whatever ends it, "replayd run --id X" alone continues where it stood, and every event
is produced exactly once.`,
		Example: `  replayd run --archive payments --from 2026-11-01T12 --for 4h --topic replay.payments --create-topic --id payments-1200
  replayd run --id payments-1200
  replayd run --archive s3://bucket/events --preset firehose --event-id /id --event-time /time --from -5h --to -1h --topic replay.events --pace x4`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.replay(cmd.Context(), f) },
	}
	f.addRead(cmd.Flags())
	f.addWrite(cmd.Flags())
	return cmd
}

// job is a replay ready to run.
type job struct {
	spec     replay.Spec
	source   archive.Source
	settings kafka.Settings
	options  replay.Options
	said     string // what was recognised
	resumes  bool
	again    func(leave ...string) string // the command that continues it, without some flags
	finished *replay.Receipt              // of a replay that has ended
}

// replay is the run command.
func (a *app) replay(ctx context.Context, f *replayFlags) error {
	if err := a.check(f); err != nil {
		return err
	}
	ctx, stop, release := signals(ctx, func() {
		a.say("stopping at the next commit; a second signal leaves at once\n")
	}, func() { a.leave(f) })
	defer release()
	starting, started := before(ctx, stop)
	defer started()
	cluster, err := a.connect(starting, f)
	if err != nil {
		return interruptedBy(starting, err)
	}
	defer cluster.Close()
	j, err := a.job(starting, cluster, f)
	if err != nil {
		return interruptedBy(starting, err)
	}
	if j.finished != nil {
		a.printReceipt(j.finished)
		return a.ended(j.finished, &witness{}, f.quarantineOK)
	}
	if err := j.growing(); err != nil {
		return err
	}
	j.options.Stop = stop
	return a.perform(ctx, j, cluster, f.quarantineOK)
}

// perform runs j to its end and turns its state into an exit code.
func (a *app) perform(ctx context.Context, j *job, cluster *kafka.Cluster, quarantineOK bool) error {
	to := cluster.Sink(j.settings)
	defer to.Close()
	seen := &witness{Sink: to}
	receipt, err := a.watch(ctx, j, seen)
	if err != nil {
		return err
	}
	return a.ended(&receipt, seen, quarantineOK)
}

// ended reports what is not in the topic and turns the state of a replay that has ended into an exit code.
func (a *app) ended(r *replay.Receipt, seen *witness, quarantineOK bool) error {
	a.reportBad(r, seen, quarantineOK)
	if code := codeOfState(r.State, quarantineOK); code != exitOK {
		return exitCode(code)
	}
	return nil
}

// watch runs j to its end, shows its progress and prints its receipt.
func (a *app) watch(ctx context.Context, j *job, to replay.Sink) (replay.Receipt, error) {
	a.announce(j)
	view := a.progressView()
	j.options.Observe = view.show
	j.options.Notice = func(text string) { a.log.Warn().Msg(text) }
	runner := replay.Runner{Source: j.source, Sink: to, Options: j.options}
	receipt, err := runner.Run(ctx, j.spec)
	view.end()
	if err != nil {
		return receipt, a.explain(j, err)
	}
	a.printReceipt(&receipt)
	return receipt, nil
}

// explain adds the command that goes on to an error after which a replay can be continued.
func (a *app) explain(j *job, err error) error {
	var stopped *replay.Stopped
	if !errors.As(err, &stopped) {
		return err
	}
	if errors.Is(err, context.Canceled) {
		err = &interrupted{leftAtOnce}
	}
	var bad *replay.TooBad
	if errors.As(err, &bad) { // it would stop at the same entry
		return fmt.Errorf("%w\nContinue with: %s --max-bad=%d%%", err, j.again("max-bad"), bad.Percent())
	}
	return fmt.Errorf("%w\nContinue with: %s", err, j.again())
}

// reportBad says on stderr what is not in the topic, and where to look.
func (a *app) reportBad(r *replay.Receipt, seen *witness, accepted bool) {
	if r.Quarantined == 0 {
		return
	}
	topic := a.config.Kafka.ControlPrefix + ".quarantine"
	fmt.Fprintf(a.err, "replayd: %s could not be produced\n%s", plural(r.Quarantined, "bad entry"), seen.told(r.Quarantined))
	fmt.Fprintf(a.err, "Each one's address and reason stands in topic %s under a key that begins with %s/\n", topic, r.ID)
	if !accepted {
		fmt.Fprintln(a.err, "All other events are in the topic. With --quarantine-ok this ends with exit code 0")
	}
}

// connect reaches the cluster, waiting for it if asked to.
func (a *app) connect(ctx context.Context, f *replayFlags) (*kafka.Cluster, error) {
	var wait config.Duration
	if err := text(&wait, "wait-broker", f.waitBroker); err != nil {
		return nil, err
	}
	l, err := f.limits(a.config.Limits)
	if err != nil {
		return nil, err
	}
	if k := a.config.Kafka; k.TLS.On() || k.SASL.Mechanism != "" {
		return nil, &badConfig{errors.New("kafka.tls and kafka.sasl are not supported yet: only plaintext brokers are")}
	}
	o := kafka.Options{
		Brokers: a.config.Kafka.Brokers, ControlPrefix: a.config.Kafka.ControlPrefix,
		GiveUp: time.Duration(l.giveUp), Log: a.log,
	}
	began := time.Now()
	for {
		cluster, err := kafka.Connect(ctx, o)
		if err == nil || time.Since(began) > time.Duration(wait) || ctx.Err() != nil {
			return cluster, err
		}
		a.log.Info().Str("err", strings.SplitN(err.Error(), "\n", 2)[0]).Msg("waiting for the broker")
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

// job decides what is to be replayed: what the flags say, or what the id's frozen spec does.
func (a *app) job(ctx context.Context, cluster *kafka.Cluster, f *replayFlags) (*job, error) {
	if f.id == "" {
		f.id = ulid.Make().String()
	}
	known, err := cluster.Stored(ctx, f.id)
	if err != nil {
		return nil, err
	}
	if known == nil && !f.saysWhat() {
		return nil, usage("no replay is called %s: to start it, say what to replay with --archive, --from, --to and --topic", f.id)
	}
	j := &job{again: func(leave ...string) string { return f.again(f.id, leave...) }, settings: kafka.Settings{
		Compression: f.compression, Create: f.createTopic || f.likeTopic != "", Partitions: f.partitions, Like: f.likeTopic, Allow: f.allow, Targets: a.targets(),
	}}
	if known != nil {
		if j.finished, err = cluster.Finished(ctx, known); err != nil {
			return nil, err
		}
	}
	earlier := ""
	if known != nil {
		j.resumes, earlier = true, known.Settings.Pace
		fill(&j.settings.Compression, known.Settings.Compression)
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
	if f.topic == "" {
		return noTopic(f)
	}
	var err error
	if j.spec, j.source, j.said, err = a.fresh(ctx, f); err != nil {
		return err
	}
	j.settings.SourceTopics = a.config.Archives[j.spec.Archive].SourceTopics
	limit, err := cluster.RecordLimit(ctx, j.spec.Topic, j.settings, int(a.config.Limits.EventSize))
	if err != nil {
		return err
	}
	j.spec.RecordLimit = limit
	if err := j.spec.Complete(a.now()); err != nil {
		return usage("%w", err)
	}
	return nil
}

// growing refuses hours that may still grow, before the sink writes anything: the window can then be asked for again,
// shorter, under the same id.
func (j *job) growing() error {
	if j.resumes || j.options.Allow.Has(replay.ItemOpenHours) {
		return nil
	}
	if refusal := replay.OpenHours(&j.spec, j.source.Layout); refusal != nil {
		return refusal
	}
	return nil
}

// resume takes the frozen spec. What the flags say of it must agree.
func (a *app) resume(ctx context.Context, f *replayFlags, j *job, known *kafka.Stored) error {
	j.spec = known.Spec
	var err error
	if f.saysWhat() {
		if err := a.agree(ctx, f, known); err != nil {
			return err
		}
	}
	if j.finished != nil {
		return nil // its archive may be gone by now
	}
	j.source, err = a.reopen(ctx, f, &j.spec)
	return err
}

// agree refuses flags that contradict what is frozen. What is not given comes from the frozen spec, and times relative to
// now are those of the first start.
func (a *app) agree(ctx context.Context, f *replayFlags, known *kafka.Stored) error {
	asked := known.Spec
	if f.place.archive != "" {
		asked.Archive = f.place.archive
		p, err := a.place(f.place)
		if err != nil {
			return err
		}
		asked.URL = p.config.URL[0]
	}
	if f.set.Changed("topic") {
		asked.Topic = f.topic
	}
	override(&asked.Fields.ID, f.eventID)
	override(&asked.Fields.Time, f.eventTime)
	override(&asked.Fields.Key, f.key)
	override(&asked.Window.On, f.windowOn)
	override(&asked.RecordTime, f.recordTime)
	if f.place.layout != "hive" { // which the first start resolved
		override(&asked.Layout, f.place.layout)
	}
	override(&asked.Format, f.place.format)
	override(&asked.Reason, f.reason)
	if f.headers != nil {
		asked.Headers = f.headers
	}
	if f.targets != nil {
		asked.Targets = f.targets
	}
	if f.set.Changed("dedupe") {
		asked.Dedupe = f.dedupe == "on"
	}
	if err := f.agreeTimes(&asked, a.now()); err != nil {
		return err
	}
	if d := kafka.Differences(known.Spec, asked); len(d) > 0 {
		return &kafka.SpecDiffers{ID: known.Spec.ID, Differences: d}
	}
	return ctx.Err()
}

func (f *replayFlags) agreeTimes(asked *replay.Spec, now time.Time) error {
	if err := f.agreeWindow(asked, now); err != nil {
		return err
	}
	c := config.Archive{
		Slack:    config.Slack{Before: config.Duration(asked.Before), After: config.Duration(asked.After)},
		Lateness: config.Duration(asked.Lateness), Horizon: config.Duration(asked.Horizon),
	}
	if err := f.overlay(&c); err != nil {
		return err
	}
	asked.Before, asked.After = replay.Duration(c.Slack.Before), replay.Duration(c.Slack.After)
	asked.Lateness, asked.Horizon = replay.Duration(c.Lateness), replay.Duration(c.Horizon)
	return nil
}

// agreeWindow takes the ends of the window that were typed. One that is relative to now is the first start's.
func (f *replayFlags) agreeWindow(asked *replay.Spec, now time.Time) error {
	w := f.window
	for _, end := range []struct {
		text string
		to   *time.Time
	}{{w.from, &asked.Window.From}, {w.to, &asked.Window.To}} {
		if end.text == "" {
			continue
		}
		t, relative, err := parseTime(end.text, now)
		if err != nil {
			return err
		}
		if !relative {
			*end.to = t
		}
	}
	if w.length == "" {
		return nil
	}
	var d config.Duration
	err := text(&d, "for", w.length)
	asked.Window.To = asked.Window.From.Add(time.Duration(d))
	return err
}

// before is a context for what comes before the first event: there even the first signal ends all.
func before(ctx context.Context, stop <-chan struct{}) (context.Context, context.CancelFunc) {
	starting, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-stop:
			cancel()
		case <-starting.Done():
		}
	}()
	return starting, cancel
}

// interruptedBy says it shorter when a signal is the reason.
func interruptedBy(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return &interrupted{"interrupted before anything was begun"}
}

// leaving is how long a second signal waits for the session to end by itself: a commit that is under way cannot be broken
// off, and its broker may be away.
const leaving = time.Second

// leave ends the process soon, whatever it is doing: to a replay that is as good as any other kill.
func (a *app) leave(f *replayFlags) {
	time.AfterFunc(leaving, func() {
		fmt.Fprintf(a.err, "replayd: %s\nContinue with: %s\n", leftAtOnce, f.again(f.id))
		os.Exit(exitInterrupted)
	})
}

const leftAtOnce = "left at once: what was not committed is produced when the replay continues"

// signals makes the first SIGINT or SIGTERM call first and close stop, and the second call second and cancel the context.
func signals(parent context.Context, first, second func()) (ctx context.Context, stop <-chan struct{}, release func()) {
	ctx, cancel := context.WithCancel(parent)
	got := make(chan os.Signal, 2)
	signal.Notify(got, os.Interrupt, syscall.SIGTERM)
	stopping, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		if _, ok := <-got; !ok {
			return
		}
		first()
		close(stopping)
		if _, ok := <-got; ok {
			second()
			cancel()
		}
	}()
	return ctx, stopping, func() {
		signal.Stop(got)
		close(got)
		<-done
		cancel()
	}
}
