package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"syscall"

	"github.com/spf13/cobra"

	"replayd/replay"
	"replayd/replay/pace"
)

func (a *app) catCommand() *cobra.Command {
	f := &replayFlags{}
	cmd := &cobra.Command{
		Use:   "cat",
		Short: "Print the ordered, deduplicated window, one event a line; needs no Kafka",
		Long: `cat reads a window as run does and prints each event that run would produce, in the same order, to stdout: one a line,
bytes unchanged (an event that spans lines is put on one). What run would quarantine is counted and reported at the end, on stderr.`,
		Example: `  replayd cat --archive ./folder --event-id /id --event-time /time --from 2026-11-01T12 --for 1h | jq .type
  replayd cat --archive payments --from -3h --to -2h | wc -l`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.cat(cmd.Context(), f) },
	}
	f.addRead(cmd.Flags())
	return cmd
}

func (a *app) cat(ctx context.Context, f *replayFlags) error {
	if err := errors.Join(f.checkWords(), f.checkUnits()); err != nil {
		return err
	}
	f.id = "cat"
	ctx, stop, release := signals(ctx, func() {}, func() { a.leave(func() string { return "interrupted: not all is printed" }) })
	defer release()
	starting, started := before(ctx, stop)
	defer started()
	spec, src, said, err := a.fresh(starting, f)
	if err != nil {
		return interruptedBy(starting, f, err)
	}
	if said != "" {
		a.log.Info().Msg("recognised: " + said)
	}
	spec.RecordLimit = int(a.config.Limits.EventSize)
	options, err := f.options(a.config, pace.Unlimited().String())
	if err != nil {
		return err
	}
	options.Stop = stop
	options.Notice = func(text string) { a.log.Warn().Msg(text) }
	a.limitMemory(options.Memory)
	a.warnOfLargeEvents(options, int64(spec.RecordLimit))
	seen := &witness{Sink: &lines{out: bufio.NewWriterSize(a.out, 1<<20)}}
	runner := replay.Runner{Source: src, Sink: seen, Options: options}
	receipt, err := runner.Run(ctx, spec)
	if errors.Is(err, syscall.EPIPE) {
		return nil // whoever read has had enough
	}
	if err != nil {
		return err
	}
	a.log.Info().Int64("events", receipt.Produced).Int64("duplicates", receipt.Duplicates).Int64("outside", receipt.Outside).
		Int64("quarantined", receipt.Quarantined).Msg("done")
	if receipt.State == replay.CompletedWithQuarantine {
		fmt.Fprintf(a.err, "replayd: %s not printed, run would quarantine them: %s\n%s", plural(receipt.Quarantined, "entry"), reasons(receipt.QuarantinedBy), seen.told(receipt.Quarantined))
		return exitCode(exitQuarantined)
	}
	return nil
}

// lines is a sink that prints values. It remembers nothing.
type lines struct {
	out *bufio.Writer
	buf bytes.Buffer
}

var _ replay.Sink = (*lines)(nil)

// Open begins at the beginning.
func (l *lines) Open(context.Context, *replay.Spec) (replay.Durable, error) {
	return replay.Durable{Checkpoint: replay.Checkpoint{State: replay.Running}}, nil
}

// Commit prints the chunk.
func (l *lines) Commit(_ context.Context, c *replay.Chunk) error {
	for i := range c.Records {
		if err := l.print(c.Records[i].Value); err != nil {
			return err
		}
	}
	return l.out.Flush()
}

func (l *lines) print(value []byte) error {
	if bytes.IndexByte(value, '\n') >= 0 {
		l.buf.Reset()
		if json.Compact(&l.buf, value) == nil {
			value = l.buf.Bytes()
		}
	}
	if _, err := l.out.Write(value); err != nil {
		return err
	}
	return l.out.WriteByte('\n')
}
