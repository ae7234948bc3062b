// Command replayd replays archived events into Kafka: in event order, each once, tagged, at a chosen pace.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"replayd/config"
	"replayd/replay/api"
)

func main() {
	a := &app{out: os.Stdout, err: newScreen(os.Stderr), environ: os.Environ(), now: time.Now}
	os.Exit(a.run(context.Background(), os.Args[1:]))
}

// app is one invocation: its streams, its clock, and what every command shares.
type app struct {
	out, err io.Writer
	environ  []string
	now      func() time.Time

	configPath string
	brokers    []string
	output     string // text, json, or empty: as stdout is
	quiet      bool
	verbose    int
	logFormat  string

	config *config.Config
	log    zerolog.Logger

	dial    func(*clientFlags) (api.Service, error) // to the daemon; nil: over HTTP
	reached *clientFlags                            // how; nil: no daemon was asked for
}

// run executes the command line and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	if err != nil && strings.HasPrefix(err.Error(), "unknown command") {
		err = usage("%s", strings.TrimSpace(err.Error())) // cobra gives it no type, and blank lines
	}
	return a.exit(err)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "replayd",
		Short: "Replay archived events into Kafka: in order, each once, tagged, at a chosen pace",
		Long: `replayd reads the archived hours of a time window from S3 or a folder, restores event order, drops duplicates by
event id, and re-produces the rest to a replay topic. Each record is tagged as a replay. Killed at any instant and
continued, it produces every event exactly once.`,
		Example: `  replayd demo                                     see it work: nothing to install
  replayd ls --archive s3://bucket/events --from -24h --to now
  replayd cat --archive ./folder --preset jsonl --event-id /id --event-time /time --from 2026-11-01 --for 24h | head
  replayd run --archive payments --from 2026-11-01T12 --for 4h --topic replay.payments --id payments-1200`,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return a.setUp(cmd)
		},
	}
	flags := root.PersistentFlags()
	flags.StringVarP(&a.configPath, "config", "c", "", "configuration file (default: $REPLAYD_CONFIG, ./replayd.yaml, /etc/replayd/replayd.yaml; none is needed)")
	flags.StringSliceVarP(&a.brokers, "brokers", "b", nil, "Kafka brokers, host:port (default localhost:9092)")
	flags.StringVarP(&a.output, "output", "o", "", "text or json (default: run prints text on a terminal, else JSON lines)")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print results and errors only")
	flags.CountVarP(&a.verbose, "verbose", "v", "log more; twice for the Kafka client's own words")
	flags.StringVar(&a.logFormat, "log-format", "", "console or json (default: console on a terminal)")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%w\nSee %s --help", flagError(err), cmd.CommandPath())
	})
	root.AddCommand(a.runCommand(), a.planCommand(), a.catCommand(), a.lsCommand(), a.quarantineCommand(), a.topicsCommand(), a.demoCommand(),
		a.configCommand(), a.versionCommand(), a.serveCommand(), a.tokenCommand(), a.startCommand(), a.listCommand(), a.showCommand(), a.watchCommand(), a.forgetCommand())
	root.AddCommand(a.actCommands()...)
	a.complete(root)
	return root
}

// setUp reads what every command needs: log and configuration.
func (a *app) setUp(cmd *cobra.Command) error {
	if a.output != "" && a.output != "text" && a.output != "json" {
		return usage("--output %q: text or json", a.output)
	}
	if a.logFormat != "" && a.logFormat != "console" && a.logFormat != "json" {
		return usage("--log-format %q: console or json", a.logFormat)
	}
	a.log = a.logger()
	if cmd.Annotations[withoutConfig] != "" || completes(cmd) || a.named(cmd.Flags()) != "" {
		return nil
	}
	c, err := config.Load(a.configPath, a.environ)
	if err != nil {
		return &badConfig{err}
	}
	a.config = c
	if cmd.Flags().Changed("brokers") {
		c.Kafka.Brokers = a.brokers
		return checkBrokers(a.brokers)
	}
	return nil
}

// checkBrokers looks at --brokers by itself: a problem of the configuration would be shown at a line of the file. Given and
// empty, as an unset variable leaves it, it is no wish for the default.
func checkBrokers(brokers []string) error {
	if len(brokers) == 0 {
		return usage("--brokers: want at least one, as in localhost:9092")
	}
	var errs []error
	for _, broker := range brokers {
		if err := config.CheckBroker(broker); err != nil {
			errs = append(errs, usage("--brokers: %w", err))
		}
	}
	return errors.Join(errs...)
}

// withoutConfig marks the commands that do not read the configuration.
const withoutConfig = "without-config"

func (a *app) logger() zerolog.Logger {
	level := zerolog.InfoLevel
	switch {
	case a.quiet:
		level = zerolog.ErrorLevel
	case a.verbose == 1:
		level = zerolog.DebugLevel
	case a.verbose > 1:
		level = zerolog.TraceLevel
	}
	to := a.err
	if a.logFormat == "console" || a.logFormat == "" && isTerminal(a.err) {
		to = zerolog.ConsoleWriter{Out: a.err, TimeFormat: time.TimeOnly, NoColor: !a.colors() || !isTerminal(a.err)}
	}
	return zerolog.New(to).Level(level).With().Timestamp().Logger()
}

func (a *app) env(name string) string {
	for _, pair := range a.environ {
		if len(pair) > len(name) && pair[len(name)] == '=' && pair[:len(name)] == name {
			return pair[len(name)+1:]
		}
	}
	return ""
}

// json reports whether a replay tells its progress and result as JSON lines.
func (a *app) json() bool { return a.output == "json" || a.output == "" && !isTerminal(a.out) }

func (a *app) colors() bool { return a.env("NO_COLOR") == "" && a.env("TERM") != "dumb" }

func isTerminal(w io.Writer) bool {
	if _, ok := w.(*screen); ok {
		return true
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
