package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kfake"

	"replayd/archive/archivetest"
	"replayd/config"
	"replayd/replay"
	"replayd/replay/kafka"
)

func (a *app) demoCommand() *cobra.Command {
	keep, write := false, ""
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "A generated archive, an embedded broker, a replay: nothing to install",
		Long: `demo generates an archive of several hours with duplicates, disorder, a gap and some bad events, starts a broker inside
this process, replays the archive into it and prints the receipt. It exits 0 when the receipt's counts equal those that
an independent judge of the same archive arrived at.`,
		Example: `  replayd demo
  replayd demo --keep            leave broker and archive up, and print commands to try
  replayd demo --write ./demo    only write the archive and what a replay of it must produce`,
		Args:        noArguments,
		Annotations: map[string]string{withoutConfig: "it brings everything"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if write != "" {
				return a.writeDemo(write)
			}
			if a.output == "" { // it is for people, wherever its words go
				a.output = "text"
			}
			return a.demo(cmd.Context(), keep)
		},
	}
	cmd.Flags().BoolVar(&keep, "keep", false, "leave broker and archive up until Ctrl-C, and print commands to try")
	cmd.Flags().StringVar(&write, "write", "", "only write the archive and its oracle into this folder")
	return cmd
}

const (
	demoTopic = "replay.demo"
	demoKey   = "/data/account_id"
	demoID    = "demo"
	demoPace  = "20k/s" // slow enough to be seen
)

// demoPlan is a morning in the life of an archive.
func demoPlan() archivetest.Plan {
	odds := archivetest.Everyday()
	odds.Late, odds.Broken, odds.BadTime, odds.Gaps = 0.002, 0.0002, 0.0002, 1
	return archivetest.Plan{
		Seed: 1, Hours: 7, Events: 100_000, MeanSize: 700, Codec: archivetest.CodecGzip,
		Start: time.Date(2026, 11, 1, 6, 0, 0, 0, time.UTC), Odds: odds,
	}
}

func (a *app) writeDemo(folder string) error {
	generated := archivetest.Generate(demoPlan())
	if err := generated.Write(filepath.Join(folder, "archive")); err != nil {
		return err
	}
	if err := generated.Oracle().Write(folder); err != nil {
		return err
	}
	p := generated.Plan
	fmt.Fprintf(a.out, "archive of %s objects in %s\noracle in %s and %s\nTry:\n  replayd cat --archive %s --preset pismo --window-on event --key "+demoKey+" --from %s --to %s | head\n",
		count(int64(len(generated.Objects))), filepath.Join(folder, "archive"), filepath.Join(folder, "oracle.jsonl"), filepath.Join(folder, "oracle.json"),
		withSlash(filepath.Join(folder, "archive")), p.From.Format(time.RFC3339), p.To.Format(time.RFC3339))
	return nil
}

// withSlash makes a folder recognisable as a place.
func withSlash(path string) string {
	if strings.Contains(path, "/") {
		return path
	}
	return "./" + path
}

func (a *app) demo(ctx context.Context, keep bool) error {
	folder, err := os.MkdirTemp("", "replayd-demo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	ctx, stop, release := signals(ctx, func() {}, func() {
		a.leave(func() string {
			_ = os.RemoveAll(folder)
			return demoGone
		})
	})
	defer release()
	generated := archivetest.Generate(demoPlan())
	if err := generated.Write(folder); err != nil {
		return err
	}
	p := generated.Plan
	a.say("archive: %s hours of gzipped events in %s, with duplicates, disorder, a gap and some bad bytes\n", count(int64(p.Hours)), folder)
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(6, demoTopic))
	if err != nil {
		return fmt.Errorf("start the embedded broker: %w", err)
	}
	defer broker.Close()
	address := broker.ListenAddrs()[0]
	a.say("broker:  embedded, at %s\n\n", address)
	receipt, err := a.replayDemo(ctx, stop, generated, folder, address)
	if err != nil {
		select {
		case <-stop: // nothing is left that could be continued
			return &interrupted{demoGone}
		default:
			return err
		}
	}
	if err := judge(generated, &receipt); err != nil {
		return err
	}
	a.say("\nAn independent judge of the same archive arrived at the same counts and digest.\n")
	a.say("%s", nextSteps(called(), p, folder, address, keep))
	if keep {
		select {
		case <-stop:
		case <-ctx.Done():
		}
	}
	return nil
}

const demoGone = "interrupted: the demo's broker and archive are gone"

func (a *app) say(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.err, format, args...)
	}
}

// judge holds a receipt against the archive's oracle.
func judge(generated *archivetest.Archive, receipt *replay.Receipt) error {
	text, err := json.Marshal(receipt)
	if err != nil {
		return err
	}
	if differences := generated.Oracle().Receipt.Differences(text); len(differences) > 0 {
		return fmt.Errorf("the receipt is not what an independent judge of the archive says:\n  %s", strings.Join(differences, "\n  "))
	}
	return nil
}

// replayDemo runs the replay as the run command would.
func (a *app) replayDemo(ctx context.Context, stop <-chan struct{}, generated *archivetest.Archive, folder, address string) (replay.Receipt, error) {
	cluster, err := kafka.Connect(ctx, kafka.Options{Brokers: []string{address}, Log: zerolog.Nop()})
	if err != nil {
		return replay.Receipt{}, err
	}
	defer cluster.Close()
	j, err := a.demoJob(ctx, generated, folder, cluster)
	if err != nil {
		return replay.Receipt{}, err
	}
	j.options.Stop = stop
	to := cluster.Sink(j.settings)
	defer to.Close()
	return a.toEnd(ctx, j, to)
}

// nextSteps are commands to try after the demo, or while its broker is kept up.
func nextSteps(program string, p archivetest.Plan, folder, address string, kept bool) string {
	if !kept {
		return fmt.Sprintf(`
Try next:
  %[1]s demo --keep            the same, with broker and archive left up to look into
  %[1]s demo --write ./demo    only the archive, and what a replay of it must produce
  %[1]s run --help             your own archive and Kafka
`, program)
	}
	window := fmt.Sprintf("--from %s --to %s", p.From.Format("2006-01-02T15"), p.To.Format("2006-01-02T15"))
	archive := "--archive " + folder + " --preset pismo --window-on event --key " + demoKey
	return fmt.Sprintf(`
Broker and archive are up until Ctrl-C. Try in another terminal:
  kcat -b %[1]s -t %[2]s -C -e -q -f '%%p %%o %%h\n' | head     # records with their tags
  kcat -b %[1]s -t replayd.status -C -e -q                     # the receipt, for programs
  %[6]s ls --archive %[5]s --preset pismo %[4]s
  %[6]s cat %[3]s %[4]s | head -3
  %[6]s plan -b %[1]s %[3]s %[4]s --topic replay.again --create-topic
  %[6]s run -b %[1]s %[3]s %[4]s --topic replay.again --create-topic --pace x1000 --id again
`, address, demoTopic, archive, window, folder, program)
}

// demoJob is the job that typed flags would make.
func (a *app) demoJob(ctx context.Context, generated *archivetest.Archive, folder string, cluster *kafka.Cluster) (*job, error) {
	p := generated.Plan
	a.config = config.Default()
	f := &replayFlags{}
	set := pflag.NewFlagSet("demo", pflag.ContinueOnError)
	f.addRead(set)
	f.addWrite(set)
	err := set.Parse([]string{
		"--archive", folder, "--preset", "pismo", "--window-on", "event", "--key", demoKey, "--max-bad", "5%",
		"--from", p.From.Format(time.RFC3339), "--to", p.To.Format(time.RFC3339),
		"--topic", demoTopic, "--pace", demoPace, "--id", demoID,
	})
	if err != nil {
		return nil, err
	}
	return a.job(ctx, cluster, f)
}
