package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"replayd/replay/api"
)

// startFlags are those of start alone.
type startFlags struct {
	plan       string
	watch, yes bool
}

func (a *app) startCommand() *cobra.Command {
	to, f, s := &clientFlags{}, &replayFlags{}, &startFlags{}
	c := &cobra.Command{
		Use: "start", Short: "Let the daemon replay a window",
		Long: `start takes the flags of run and lets the daemon do it: the archive is a name of the daemon's configuration, and relative
times are the daemon's. On a terminal it shows the plan first and asks. The replay goes on whatever becomes of this
command; the daemon carries it on when it is restarted. The same start with the same --id is the same replay: it is shown,
and nothing is started.`,
		Example: `  replayd start --archive payments --from 2026-11-01T12 --for 4h --topic replay.payments --reason INC-1234 --watch
  replayd start --archive payments --from 2026-11-01T12 --for 4h --topic replay.payments --id payments-1200 --yes
  replayd start --archive payments --from 2026-11-01T12 --for 4h --topic replay.payments --plan 0a1b…`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.startReplay(cmd.Context(), to, f, s) },
	}
	daemonCommand(c, to)
	f.addRead(c.Flags())
	f.addWrite(c.Flags())
	for _, name := range notAsked {
		_ = c.Flags().MarkHidden(name)
	}
	c.Flags().StringVar(&s.plan, "plan", "", "hash of a plan: it is started only while it holds")
	c.Flags().BoolVar(&s.watch, "watch", false, "watch it until it ends")
	c.Flags().BoolVar(&s.yes, "yes", false, "do not ask")
	return c
}

// notAsked are flags of run that are the daemon's to say: what its machine gives, and how it reaches archives.
var notAsked = []string{
	"memory", "spill-dir", "give-up", "wait-broker", "preset", "layout", "format", "s3-endpoint", "s3-region", "s3-path-style", "aws-profile",
}

func (a *app) startReplay(ctx context.Context, to *clientFlags, f *replayFlags, s *startFlags) error {
	asked, err := f.asked()
	if err != nil {
		return err
	}
	asked.Plan, asked.IdempotencyKey = s.plan, keyOf(asked.ID)
	d, err := a.daemon(to)
	if err != nil {
		return err
	}
	if asked.Archive == "" || asked.Topic == "" {
		return usage("start takes --archive, a name that the daemon knows, and --topic, the replay topic")
	}
	if !s.yes && a.asks() && !there(ctx, d, asked.ID) {
		if asked.Reason == "" && reasonRequired(ctx, d) {
			return usage("--reason is required here: say why, for the audit")
		}
		agreed, err := a.agreed(ctx, d, &asked)
		if err != nil || !agreed {
			return f.inFlags(err, a.now())
		}
	}
	r, _, err := d.Start(ctx, asked)
	if err != nil {
		return f.inFlags(err, a.now())
	}
	if !s.watch {
		return a.printReplay(&r)
	}
	w := &watch{app: a, daemon: d, id: r.ID, at: r, quarantineOK: f.quarantineOK}
	return w.run(ctx)
}

// there reports whether a replay of the id that is asked for is known: then there is nothing to plan, and the daemon says whether
// it is the same one.
func there(ctx context.Context, d api.Service, id string) bool {
	if id == "" {
		return false
	}
	_, err := d.Replay(ctx, id)
	return err == nil
}

// reasonRequired reports whether a daemon says that it starts nothing without a reason. One that cannot tell refuses the start itself.
func reasonRequired(ctx context.Context, d api.Service) bool {
	v, err := d.Version(ctx)
	return err == nil && v.ReasonRequired
}

// keyOf is the key of a start. Who names the replay asks for the same one when they ask again, as a job does that is tried again,
// and is refused when they ask for it otherwise.
func keyOf(id string) string {
	if id == "" {
		return rand.Text()
	}
	return "id " + id
}

// asked is the request that says what the flags do.
func (f *replayFlags) asked() (api.Start, error) {
	s := api.Start{}
	fields := reflect.ValueOf(&s).Elem()
	places := map[string]reflect.Value{}
	for i := range fields.NumField() {
		name, _, _ := strings.Cut(fields.Type().Field(i).Tag.Get("json"), ",")
		places[strings.ReplaceAll(name, "_", "-")] = fields.Field(i)
	}
	places["since"], places["until"] = places["from"], places["to"]
	f.set.Visit(func(flag *pflag.Flag) {
		if place, known := places[flag.Name]; known {
			place.Set(reflect.ValueOf(typed(f.set, flag)))
		}
	})
	return s, errors.Join(f.notHere(), saysWhy(f.reason))
}

// notHere refuses the flags that are the daemon's to say.
func (f *replayFlags) notHere() error {
	var errs []error
	f.set.Visit(func(flag *pflag.Flag) {
		if slices.Contains(notAsked, flag.Name) {
			errs = append(errs, usage("--%s is the daemon's to say: its configuration does", flag.Name))
		}
	})
	return errors.Join(errs...)
}

// typed is the value of a flag in its own type.
func typed(set *pflag.FlagSet, flag *pflag.Flag) any {
	var v any
	switch flag.Value.Type() {
	case "bool":
		v, _ = set.GetBool(flag.Name)
	case "int32":
		v, _ = set.GetInt32(flag.Name)
	case "int64":
		v, _ = set.GetInt64(flag.Name)
	case "stringSlice":
		v, _ = set.GetStringSlice(flag.Name)
	default:
		v = flag.Value.String()
	}
	return v
}

// asks reports whether there is somebody to ask.
func (a *app) asks() bool {
	_, ok := a.err.(*screen)
	return ok && term.IsTerminal(int(os.Stdin.Fd())) && !a.json()
}

// agreed shows the plan and asks. What is then started is that plan.
func (a *app) agreed(ctx context.Context, d api.Service, s *api.Start) (bool, error) {
	p, err := d.Plan(ctx, *s)
	if err != nil {
		return false, err
	}
	fmt.Fprintln(a.err, strings.Join(foldedPlan(&p, width(a.out)), "\n"))
	if !p.Accepted {
		return false, exitCode(exitRefused)
	}
	fmt.Fprintf(a.err, "start it? [y/N] ")
	answer, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil && err != io.EOF {
		return false, fmt.Errorf("read the answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		s.Plan, s.AsOf = p.Hash, p.AsOf // times that are relative to now would be others by now
		return true, nil
	}
	fmt.Fprintln(a.err, "nothing was started")
	return false, nil
}
