package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"replayd/archive"
	"replayd/replay"
	"replayd/replay/api"
)

func (a *app) watchCommand() *cobra.Command {
	f, w := &clientFlags{}, &watch{}
	c := daemonCommand(&cobra.Command{
		Use: "watch ID", Short: "Watch a replay until it ends; leaving does not stop it",
		Long: `watch shows how far a replay is. On a terminal it takes keys: p pauses, r resumes, + and - double and halve the pace, q
leaves. Leaving does not stop the replay. With --group it shows how far that consumer group has read of it and when it will
be done, and ends when the group is. The exit code is that of replayd run.`,
		Example: `  replayd watch payments-0300
  replayd watch payments-0300 --group payments-svc
  replayd watch payments-0300 -o json | jq .progress.percent`,
		Args: oneID, ValidArgsFunction: a.ids(f, anyOf),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := a.daemon(f)
			if err != nil {
				return err
			}
			w.app, w.daemon, w.id = a, d, args[0]
			return w.run(cmd.Context())
		},
	}, f)
	c.Flags().StringVar(&w.group, "group", "", "consumer group of which to show how far it has read")
	c.Flags().BoolVar(&w.quarantineOK, "quarantine-ok", false, "exit 0 in spite of quarantined events")
	return c
}

// watch is one look at a replay of a daemon.
type watch struct {
	app          *app
	daemon       api.Service
	id, group    string
	quarantineOK bool
	restore      func() // the terminal

	at       api.Replay
	patience patience
	read     *api.Group
	rate     groupRate
	said     said
	waiting  // for answers of the daemon
	block    *screen
	last     time.Time // when it was told how it stands,
	told     string    // and as what
}

// groupEvery is between two looks at a consumer group.
const groupEvery = 2 * time.Second

func (w *watch) run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	w.block = w.app.progressView().block
	keys, restore := w.app.keys(ctx)
	defer restore()
	w.restore = restore
	w.answers = make(chan func())
	events := make(chan api.Event)
	go w.follow(ctx, events, stop)
	tick := time.NewTicker(groupEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errStuck) {
				return w.ended(ctx)
			}
			return w.left(context.Cause(ctx))
		case e := <-events:
			if e.Gone {
				w.clear()
				return usage("replay %s was forgotten", w.id)
			}
			if w.acts.before(&e.Replay, &w.at) {
				continue
			}
			w.at = e.Replay
			w.patience.see(&w.at, func() { stop(errStuck) })
			if w.read == nil {
				w.look(ctx)
			}
		case take := <-w.answers:
			take()
			w.press(ctx)
		case key := <-keys:
			if key == 'q' || key == 3 { // Ctrl-C, as a terminal sends it that waits for keys
				return w.left(context.Canceled)
			}
			if len(w.keys) < mostKeys {
				w.keys = append(w.keys, key)
			}
			w.press(ctx)
		case <-tick.C:
			w.look(ctx)
		}
		if w.over() {
			return w.ended(ctx)
		}
		w.show()
	}
}

// follow hands on what the daemon tells.
func (w *watch) follow(ctx context.Context, to chan<- api.Event, stop context.CancelCauseFunc) {
	for e, err := range w.daemon.Events(ctx, w.id, "") {
		if err != nil {
			stop(err)
			return
		}
		select {
		case to <- e:
		case <-ctx.Done():
			return
		}
	}
	stop(errors.New("the daemon tells no more of it"))
}

// over reports whether there is no more to be seen.
func (w *watch) over() bool {
	return w.at.State.Terminal() && (w.group == "" || w.read != nil && w.read.Done)
}

// show tells how it stands now.
func (w *watch) show() {
	switch {
	case w.app.quiet:
	case w.block != nil:
		w.block.draw(w.lines())
	default:
		w.tell()
	}
}

// sameEvery is how often somebody who keeps what is told, as a log does, is told the same.
const sameEvery = time.Minute

// tell tells how it stands where nothing can be drawn again.
func (w *watch) tell() {
	to, every := w.app.err, textEvery
	if w.app.json() {
		to, every = w.app.out, time.Second
	}
	since := time.Since(w.last)
	if since < every {
		return
	}
	line := strings.Join(w.lines(), " · ") + "\n"
	if w.app.json() {
		line = replayJSON(&w.at, w.read)
	}
	if line == w.told && since < sameEvery {
		return
	}
	w.last, w.told = time.Now(), line
	_, _ = io.WriteString(to, line) // whoever reads it may have left
}

func (w *watch) lines() []string {
	lines := []string{"replay " + w.id + ": " + stateInWords(&w.at)}
	if p := w.at.Progress; p != nil {
		lines = append([]string{bar(p.Percent) + " " + whereLine(p)}, lines...)
		lines = append(lines, restLines(p)...)
	}
	if line := endedLine(&w.at); line != "" {
		lines = append(lines, line)
	}
	if hasReceipt(&w.at) {
		lines = append(lines, w.app.receiptLine(&w.at))
	}
	if line := staleLine(&w.at); line != "" {
		lines = append(lines, line)
	}
	if line := carriedOn(&w.at); line != "" {
		lines = append(lines, line)
	}
	if w.at.Queued != "" {
		lines = append(lines, "queued: "+w.at.Queued)
	}
	if why := reasonLines(&w.at); len(why) > 0 {
		lines = append(lines, why[0])
	}
	if line := heldBackLine(&w.at); line != "" {
		lines = append(lines, line)
	}
	if g := w.read; g != nil {
		lines = append(lines, groupLine(g))
	}
	if line := w.said.line(time.Now()); line != "" {
		lines = append(lines, line)
	}
	if w.late() {
		lines = append(lines, "waiting for the daemon")
	}
	if w.block != nil {
		lines = append(lines, w.footer())
	}
	return printable(lines)
}

// footer are the keys that can do something: of a foreground replay a daemon refuses all acts.
func (w *watch) footer() string {
	keys := "p pause · r resume · + - pace · q leave"
	if w.at.Owner == replay.OwnerRun {
		keys = "q leave"
	}
	if goesOn(&w.at) {
		keys += ": the replay goes on"
	}
	return keys
}

// goesOn reports whether a replay works on, and is to: what holds it is not that it is watched no more.
func goesOn(r *api.Replay) bool { return stateInWords(r) == string(replay.Running) }

// groupLine is how far a group is.
func groupLine(g *api.Group) string {
	switch {
	case g.Done:
		return fmt.Sprintf("group %s has read all of it", g.Group)
	case g.State == groupUnknown:
		return fmt.Sprintf("there is no group %s: it has %s left once there is one", g.Group, plural(g.Lag, "offset"))
	case g.State == groupEmpty:
		return fmt.Sprintf("nobody reads in group %s: it has %s left", g.Group, plural(g.Lag, "offset"))
	case g.ETA > 0:
		return fmt.Sprintf("group %s has %s left, done in about %s", g.Group, plural(g.Lag, "offset"), inSeconds(g.ETA))
	}
	return fmt.Sprintf("group %s (%s) has %s left", g.Group, g.State, plural(g.Lag, "offset"))
}

// clear makes room for what is told at the end. As long as a terminal waits for keys, a line that ends does not begin the next.
func (w *watch) clear() {
	if w.block != nil {
		w.block.clear()
	}
	w.restore()
}

// ended prints the receipt, and turns the state into an exit code.
func (w *watch) ended(ctx context.Context) error {
	w.clear()
	if !w.at.State.Terminal() {
		return w.stuck()
	}
	if err := w.account(ctx); err != nil {
		return err
	}
	if w.read != nil {
		fmt.Fprintln(w.app.err, groupLine(w.read))
	}
	if code := codeOfState(w.at.State, w.quarantineOK); code != exitOK {
		return exitCode(code)
	}
	return nil
}

// account prints the receipt of what has ended. That of what was cancelled before it began would tell of nothing: how it stands is
// printed.
func (w *watch) account(ctx context.Context) error {
	if w.at.Sessions == 0 {
		return w.app.printReplay(&w.at)
	}
	receipt, err := w.daemon.Receipt(ctx, w.id)
	if err != nil {
		return err
	}
	if !w.app.quiet {
		fmt.Fprintf(w.app.err, "replay %s %s\n", w.id, ended(&w.at))
	}
	w.app.printReceipt(&receipt)
	return nil
}

// stuck tells how a replay stands of which nothing more becomes, and what lets it go on.
func (w *watch) stuck() error {
	if w.app.json() {
		_ = w.app.tellReplay(&w.at, w.read)
	}
	why := printable(reasonLines(&w.at))
	fmt.Fprintf(w.app.err, "replayd: replay %s is %s: %s\n", w.id, w.at.State, strings.Join(why, "\n  "))
	resume := "replayd resume " + w.id
	if !strings.Contains(w.at.Reason, "Continue with") && !strings.Contains(w.at.Reason, resume) { // as it was, it would fail again
		fmt.Fprintf(w.app.err, "To try it again: %s\n", w.app.there(resume))
	}
	return exitCode(codeOfStuck(&w.at))
}

// left says that watching has ended, and how the replay stands, which that does not change.
func (w *watch) left(cause error) error {
	w.clear()
	if !errors.Is(cause, context.Canceled) {
		return cause
	}
	text := "watching has ended"
	switch {
	case w.at.State == "": // nobody has told yet
	case goesOn(&w.at):
		text += "; replay " + w.id + " goes on"
	default:
		text += "; replay " + w.id + " is " + stateInWords(&w.at)
	}
	return &interrupted{text + ". Watch again with: " + w.again()}
}

// again is the command of this watch.
func (w *watch) again() string {
	command := w.app.there("replayd watch " + w.id)
	if w.group != "" {
		command += " --group=" + archive.ShellWord(w.group)
	}
	if w.quarantineOK {
		command += " --quarantine-ok"
	}
	return command
}
