package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/spf13/cobra"

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
	cmd.Flags().StringVar(&f.pprof, "pprof", "", "serve profiles of this process (net/http/pprof) at an address of this machine: 127.0.0.1:6060")
	return cmd
}

// replay is the run command.
func (a *app) replay(ctx context.Context, f *replayFlags) error {
	if err := a.check(ctx, f); err != nil {
		return err
	}
	if err := enoughFiles(); err != nil {
		return err
	}
	endProfiles, err := a.profiles(f.pprof)
	if err != nil {
		return err
	}
	defer endProfiles()
	var at atomic.Pointer[witness]
	ctx, stop, release := signals(ctx, func() { a.stopping(at.Load()) }, func() { a.leave(func() string { return f.left(at.Load()) }) })
	defer release()
	starting, started := before(ctx, stop)
	defer started()
	cluster, err := a.connect(starting, f)
	if err != nil {
		return interruptedBy(starting, f, err)
	}
	defer cluster.Close()
	for first := true; ; first = false {
		j, err := a.job(starting, cluster, f)
		if err == nil {
			err = a.readable(starting, j)
		}
		if err != nil {
			return interruptedBy(starting, f, err)
		}
		j.options.Stop = stop
		err = a.perform(ctx, j, cluster, &at, f.quarantineOK)
		if !first || !j.overtaken(err) {
			return err
		}
	}
}

// overtaken reports whether another process has started a replay of this id since j was made as a start. It may be the same
// command, whose times relative to now are those of that process then; a job made now would compare and continue it.
func (j *job) overtaken(err error) bool {
	var differs *kafka.SpecDiffers
	return !j.resumes && errors.As(err, &differs)
}

// perform runs j to its end, unless it has ended before, and turns its state into an exit code. at becomes the session that
// there is to stop.
func (a *app) perform(ctx context.Context, j *job, cluster *kafka.Cluster, at *atomic.Pointer[witness], quarantineOK bool) error {
	if j.finished != nil {
		a.printReceipt(j.finished)
		return a.ended(j.finished, &witness{}, quarantineOK)
	}
	to := cluster.Sink(j.settings)
	defer to.Close()
	j.options.Watch = to.Watch
	seen := &witness{Sink: to, frozen: func() bool { return j.resumes || to.Frozen() }}
	at.Store(seen)
	receipt, err := a.toEnd(ctx, j, seen)
	if err != nil {
		return j.explain(seen, err)
	}
	return a.ended(&receipt, seen, quarantineOK)
}

// ended reports what is not in the topic and turns the state of a replay that has ended into an exit code.
func (a *app) ended(r *replay.Receipt, seen *witness, quarantineOK bool) error {
	a.reportQuarantined(r, seen, quarantineOK)
	if code := codeOfState(r.State, quarantineOK); code != exitOK {
		return exitCode(code)
	}
	return nil
}

// toEnd runs j to its end, shows its progress and prints its receipt.
func (a *app) toEnd(ctx context.Context, j *job, to replay.Sink) (replay.Receipt, error) {
	a.announce(j)
	view := a.progressView()
	j.options.Observe = view.show
	j.options.Notice = func(text string) { a.log.Warn().Msg(text) }
	a.limitMemory(j.options.Memory)
	a.warnOfLargeEvents(j.options, int64(j.spec.RecordLimit))
	runner := replay.Runner{Source: j.source, Sink: to, Options: j.options}
	receipt, err := runner.Run(ctx, j.spec)
	view.end()
	if err != nil {
		return receipt, err
	}
	a.printReceipt(&receipt)
	return receipt, nil
}

// explain adds the command that goes on to an error after which a replay can be continued.
func (j *job) explain(seen *witness, err error) error {
	if !seen.opened.Load() {
		return j.unopened(seen.frozen(), err)
	}
	var stopped *replay.Stopped
	if !errors.As(err, &stopped) {
		return err
	}
	if errors.Is(err, context.Canceled) {
		err = &interrupted{leftAtOnce}
	}
	var bad *replay.TooBad
	var on *replay.StoppedOn
	switch {
	case errors.As(err, &on): // without the flag what is frozen holds, or the default
		return fmt.Errorf("%w\n%s", err, on.Next(j.again("on-"+on.Choice)))
	case errors.As(err, &bad):
		return fmt.Errorf("%w\n%s", err, bad.Next(j.again("max-bad")))
	}
	return fmt.Errorf("%w\nContinue with: %s", err, j.again())
}

// unopened adds to the end of a session that could not take the replay over what starts the next one.
func (j *job) unopened(frozen bool, err error) error {
	switch {
	case errors.As(err, new(*replay.Stopped)), errors.As(err, new(*kafka.Unanswered)):
	case errors.Is(err, context.Canceled):
		err = &interrupted{leftBeforeAnything}
	default:
		return err
	}
	next := j.asTyped
	if frozen {
		next = j.retake
	}
	return fmt.Errorf("%w\n%s", err, goOn(next))
}

// reportQuarantined says on stderr what is not in the topic, and where to look.
func (a *app) reportQuarantined(r *replay.Receipt, seen *witness, accepted bool) {
	if r.Quarantined == 0 {
		return
	}
	fmt.Fprintf(a.err, "replayd: %s quarantined, not produced: %s\n%s", plural(r.Quarantined, "entry"), reasons(r.QuarantinedBy), seen.told(r.Quarantined))
	fmt.Fprintf(a.err, "All of them, each with its address and reason: %s\n", a.here("replayd quarantine list "+r.ID))
	if !accepted {
		fmt.Fprintln(a.err, "All other events are in the topic. With --quarantine-ok this ends with exit code 0")
	}
}
