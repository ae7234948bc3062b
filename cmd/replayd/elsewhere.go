package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"replayd/archive"
	"replayd/replay"
	"replayd/replay/api"
)

// What commands do that work where they are typed, when they are to be done by a daemon: a laptop often reaches neither the
// archive nor the brokers. What they print is the same.

// addElsewhere adds the flags of a daemon to a command that works without one.
func (f *clientFlags) addElsewhere(set *pflag.FlagSet) {
	set.StringVar(&f.server, "server", "", "let the daemon at this address do it (default: $REPLAYD_SERVER; without, or when empty, it is done here)")
	f.addLogin(set)
}

// named is the address of the daemon that is to do what the command would do here; empty: it is done here.
func (a *app) named(set *pflag.FlagSet) string {
	flag := set.Lookup("server")
	switch {
	case flag == nil:
		return ""
	case flag.Changed:
		return flag.Value.String()
	}
	return a.env("REPLAYD_SERVER")
}

// hereOrThere does what a command does here, or lets the daemon do it that is named. The first line says where it is done, on
// stderr: stdout is the same for both.
func (a *app) hereOrThere(f *clientFlags, here func() error, there func(api.Service) error) error {
	address := a.named(f.set)
	if address == "" {
		return here()
	}
	d, err := a.daemon(f)
	if err == nil && !a.quiet {
		_, err = fmt.Fprintf(a.err, "by the daemon at %s:\n", address)
	}
	if err != nil {
		return err
	}
	return there(d)
}

// there adds to a command what reaches the daemon of this one: the flags for that, where they were given.
func (a *app) there(command string) string {
	if a.reached == nil {
		return command
	}
	a.reached.set.Visit(func(flag *pflag.Flag) {
		if slices.Contains(reachedBy, flag.Name) {
			command += " --" + flag.Name + "=" + archive.ShellWord(flag.Value.String())
		}
	})
	return command
}

// planThere is plan by a daemon.
func (a *app) planThere(ctx context.Context, d api.Service, f *replayFlags) error {
	if !f.saysWhat() {
		return usage("a daemon plans what is new: say what to replay with --archive, --from, --to and --topic; how one of its replays stands: replayd show ID")
	}
	asked, err := f.asked()
	if err != nil {
		return err
	}
	p, err := d.Plan(ctx, asked)
	if err != nil {
		return f.inFlags(err, a.now())
	}
	if a.output == "json" {
		err = jsonTo(a.out).Encode(p.Plan)
	} else {
		for _, line := range foldedPlan(&p, width(a.out)) {
			fmt.Fprintln(a.out, line)
		}
	}
	if err == nil && !p.Accepted {
		return exitCode(exitRefused)
	}
	return err
}

// foldedPlan are the lines of a plan that a daemon has made.
func foldedPlan(p *api.Plan, columns int) []string {
	return foldPlan(p.Lines, columns, p.Plan["sample_error"] != nil)
}

// span is how much of an archive is asked for at a time: whole days, so that what is a day in a layout is told once.
const span = 7 * day

const day = 24 * time.Hour

// longestList is the longest window of ls, as of a replay.
const longestList = 20 * 365 * day

// lsThere is ls by a daemon.
func (a *app) lsThere(ctx context.Context, d api.Service, f *replayFlags) error {
	if err := f.notHere(); err != nil {
		return err
	}
	if isPlace(f.place.archive) || f.place.archive == "" {
		return usage("--archive %q: want a name of the daemon's configuration", f.place.archive)
	}
	from, to, err := f.window.window(a.now())
	if err != nil {
		return err
	}
	if to.Sub(from) > longestList {
		return usage("the window is longer than %d years: name the part that is to be listed", longestList/(365*day))
	}
	title, err := titleOf(ctx, d, f.place.archive)
	if err != nil {
		return err
	}
	var lines []hourLine
	for begin := from; begin.Before(to); {
		end := begin.Add(span).Truncate(day)
		if end.After(to) {
			end = to
		}
		page, err := d.Hours(ctx, f.place.archive, api.Span{From: begin, To: end})
		if err != nil {
			return err
		}
		lines = withHours(lines, page.Items)
		begin = end
	}
	return a.printHours(title, lines)
}

// withHours are lines and further hours. A flat folder has but one, which is told of every part of the time.
func withHours(lines []hourLine, more []api.Hour) []hourLine {
	for _, h := range more {
		if n := len(lines); n == 0 || lines[n-1].Hour != h.Hour {
			lines = append(lines, hourLine{"hour", h.Hour, h.Objects, h.Bytes, h.Gap})
		}
	}
	return lines
}

// titleOf is the first line of a list of hours.
func titleOf(ctx context.Context, d api.Service, name string) (string, error) {
	page, err := d.Archives(ctx)
	if err != nil {
		return "", err
	}
	var names []string
	for _, known := range page.Items {
		switch {
		case known.Name != name:
			names = append(names, known.Name)
		case len(known.URL) == 1:
			return known.URL[0], nil
		default:
			return name, nil
		}
	}
	if len(names) == 0 {
		names = []string{"none"}
	}
	return "", usage("--archive %q: the daemon has %s", name, strings.Join(names, ", "))
}

// quarantineThere is asked of a daemon.
type quarantineThere struct{ daemon api.Service }

func (q *quarantineThere) spec(ctx context.Context, id string) (*replay.Spec, error) {
	r, err := q.daemon.Replay(ctx, id)
	return &replay.Spec{ID: r.ID, URL: r.URL}, err
}

// entriesAsked is how many entries are asked for at a time, the most that a daemon gives.
const entriesAsked = 1000

func (q *quarantineThere) each(ctx context.Context, id string, see func(quarantinedLine) (bool, error)) error {
	for part := (api.PageQuery{Limit: entriesAsked}); ; {
		page, err := q.daemon.Quarantine(ctx, id, part)
		if err != nil {
			return err
		}
		for _, entry := range page.Items {
			if more, err := see(quarantinedLine{"quarantined", entry.N, entry.Quarantined}); err != nil || !more {
				return err
			}
		}
		if part.After = page.Next; part.After == "" {
			return nil
		}
	}
}

func (q *quarantineThere) close() {}

var (
	_ quarantine = (*quarantineHere)(nil)
	_ quarantine = (*quarantineThere)(nil)
)
