package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"replayd/archive"
	"replayd/replay"
	"replayd/replay/api"
)

// clientFlags say how the daemon is reached.
type clientFlags struct {
	server, tokenFile, ca string
	cert, key             string
	set                   *pflag.FlagSet
}

// reachedBy are their names.
var reachedBy = []string{"server", "token-file", "ca", "client-cert", "client-key"}

const defaultServer = "http://127.0.0.1:8484"

func (f *clientFlags) add(set *pflag.FlagSet) {
	set.StringVar(&f.server, "server", "", "address of the daemon (default: $REPLAYD_SERVER, else "+defaultServer+")")
	f.addLogin(set)
}

// addLogin adds the flags of the daemon beside its address.
func (f *clientFlags) addLogin(set *pflag.FlagSet) {
	f.set = set
	set.StringVar(&f.tokenFile, "token-file", "", "file with the token to show (default: what $REPLAYD_TOKEN holds, else the file of $REPLAYD_TOKEN_FILE)")
	set.StringVar(&f.ca, "ca", "", "file with the authorities of the daemon's certificate (default: the system's)")
	set.StringVar(&f.cert, "client-cert", "", "file with the certificate to show, where the daemon asks for one")
	set.StringVar(&f.key, "client-key", "", "file with its key")
}

// flagsOfDaemon are those of a command, as they were typed; nil: it has none.
func flagsOfDaemon(set *pflag.FlagSet) *clientFlags {
	if set.Lookup("server") == nil {
		return nil
	}
	value := func(name string) string { return set.Lookup(name).Value.String() }
	return &clientFlags{
		server: value("server"), tokenFile: value("token-file"), ca: value("ca"), cert: value("client-cert"), key: value("client-key"), set: set,
	}
}

// unseen is how long a command that nobody sees waits for a daemon that answered and does so no more: longer than it takes to start
// one again.
const unseen = 5 * time.Minute

// daemon is the one that the flags name, else the environment.
func (a *app) daemon(f *clientFlags) (api.Service, error) {
	a.reached = f
	if a.dial != nil {
		return a.dial(f)
	}
	if (f.cert == "") != (f.key == "") {
		return nil, usage("--client-cert and --client-key go together")
	}
	o := a.reaching(f)
	if o.Token == "" && o.TokenFile != "" {
		if err := tokenFile(o.TokenFile); err != nil {
			return nil, usage("the file of the token: %w", err)
		}
	}
	c, err := api.NewClient(o)
	if err != nil {
		return nil, usage("%w", err)
	}
	return c, nil
}

// tokenFile says why there can be no token in a file: it is read again at each request.
func tokenFile(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file (%s): name one, or set $REPLAYD_TOKEN to the token itself", path, info.Mode())
	}
	return err
}

// reaching is how the daemon is reached.
func (a *app) reaching(f *clientFlags) api.ClientOptions {
	o := api.ClientOptions{
		URL: cmp.Or(f.server, a.env("REPLAYD_SERVER"), defaultServer), TokenFile: cmp.Or(f.tokenFile, a.env("REPLAYD_TOKEN_FILE")), CAFile: f.ca,
		CertFile: f.cert, KeyFile: f.key,
		Again: func(why error, since time.Time, after time.Duration) {
			says := "the daemon cannot tell now"
			if !since.IsZero() {
				says = "the daemon does not answer since " + instant(since)
			}
			a.log.Info().Str("err", why.Error()).Msgf("%s: asking again in %s", says, after.Round(time.Second))
		},
	}
	o.Slow = func(after time.Duration) {
		a.log.Info().Msgf("no answer for %s: waiting for the daemon at %s", after, o.URL)
	}
	if _, seen := a.err.(*screen); !seen {
		o.Patience = unseen
	}
	if f.tokenFile == "" {
		o.Token = a.env("REPLAYD_TOKEN")
	}
	return o
}

// daemonCommand is a command that needs no configuration: the daemon has it. What that says of fields is told in words that were typed.
func daemonCommand(c *cobra.Command, f *clientFlags) *cobra.Command {
	run := c.RunE
	c.RunE = func(cmd *cobra.Command, args []string) error { return inFlagsOf(cmd, run(cmd, args)) }
	c.Annotations = map[string]string{withoutConfig: "the daemon has it"}
	f.add(c.Flags())
	return c
}

// noted is --reason.
func noted(c *cobra.Command, reason *string) *cobra.Command {
	c.Flags().StringVar(reason, "reason", "", "why, for the audit")
	c.PreRunE = func(*cobra.Command, []string) error { return saysWhy(*reason) }
	return c
}

func (a *app) listCommand() *cobra.Command {
	f, q := &clientFlags{}, &api.Query{}
	c := daemonCommand(&cobra.Command{
		Use: "list", Short: "Replays that the daemon knows, the newest first",
		Example: `  replayd list
  replayd list --state running -o json
  replayd list --wanted paused`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.list(cmd.Context(), f, *q) },
	}, f)
	c.Flags().StringVar(&q.State, "state", "", "only those in a state: planned, running, paused, failed, completed, completed_with_quarantine, cancelled")
	c.Flags().StringVar(&q.Wanted, "wanted", "", "only those that have not ended and are wished running, paused (also before they began) or cancelled")
	c.Flags().StringVar(&q.Archive, "archive", "", "only those of an archive")
	c.Flags().StringVar(&q.Topic, "topic", "", "only those into a topic")
	return c
}

func (a *app) list(ctx context.Context, f *clientFlags, q api.Query) error {
	d, err := a.daemon(f)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for first := true; ; first = false {
		page, err := d.Replays(ctx, q)
		if err != nil {
			return err
		}
		if first && len(page.Items) == 0 && a.output != "json" {
			text := "no replay is known here"
			if q.State != "" || q.Wanted != "" || q.Archive != "" || q.Topic != "" {
				text = "no such replay is known here"
			}
			_, err := fmt.Fprintln(a.out, text)
			return err
		}
		if first && a.output != "json" {
			fmt.Fprintln(w, "ID\tSTATE\tDONE\tTOPIC\tPACE\tSTARTED\tBY")
		}
		for i := range page.Items {
			if err := a.printListed(w, &page.Items[i]); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return w.Flush()
		}
		q.After = page.Next
	}
}

func (a *app) printListed(w *tabwriter.Writer, r *api.Replay) error {
	if a.output == "json" {
		return a.tellReplay(r, nil)
	}
	done := ""
	if r.Progress != nil {
		done = fmt.Sprintf("%.0f %%", percentOf(r.Progress, 1))
	}
	cells := []string{r.ID, stateInWords(r), done, r.Topic, r.Pace, r.StartedAt.UTC().Format("2006-01-02 15:04Z"), startedBy(r)}
	_, err := fmt.Fprintln(w, strings.Join(printable(cells), "\t"))
	return err
}

// stateInWords is the state, what is wished where that is not yet so, and as of when that is where it may be old.
func stateInWords(r *api.Replay) string { return wishInWords(r) + knownAsOf(r) }

func wishInWords(r *api.Replay) string {
	switch {
	case r.State.Terminal():
	case r.State == replay.Running && isQuiet(r):
		return string(r.State) + ", last heard " + replay.Ago(time.Since(r.HeardAt)) + " ago"
	case r.Waits && heldBack(r):
		return string(r.State) + ", waits for approval, paused"
	case r.Waits:
		return string(r.State) + ", waits for approval"
	case heldBack(r):
		return string(r.State) + ", paused"
	case r.Wanted == replay.Paused && r.State != replay.Paused:
		return string(r.State) + ", to be paused"
	case r.Wanted == replay.Cancelled:
		return string(r.State) + ", to be cancelled"
	case wasRefused(r):
		return string(r.State) + ", refused"
	case r.Queued != "":
		return string(r.State) + ", queued"
	case r.State == replay.Paused && r.Wanted == replay.Running && r.Owner != replay.OwnerRun: // of which nothing is wished
		return string(r.State) + ", to be resumed"
	}
	return string(r.State)
}

func (a *app) showCommand() *cobra.Command {
	f := &clientFlags{}
	return daemonCommand(&cobra.Command{
		Use: "show ID", Short: "How a replay stands; of one that has ended, its receipt",
		Example: "  replayd show payments-0300",
		Args:    oneID, ValidArgsFunction: a.ids(f, anyOf),
		RunE: func(cmd *cobra.Command, args []string) error { return a.show(cmd.Context(), f, args[0]) },
	}, f)
}

func (a *app) show(ctx context.Context, f *clientFlags, id string) error {
	d, err := a.daemon(f)
	if err != nil {
		return err
	}
	r, err := d.Replay(ctx, id)
	if err != nil {
		return err
	}
	if hasReceipt(&r) {
		receipt, err := d.Receipt(ctx, id)
		if err != nil {
			return err
		}
		a.printReceipt(&receipt)
		return nil
	}
	return a.printReplay(&r)
}

func (a *app) printReplay(r *api.Replay) error {
	if a.json() {
		return a.tellReplay(r, nil)
	}
	lines := replayLines(r)
	if hasReceipt(r) {
		lines = append(lines, "  "+a.receiptLine(r))
	}
	_, err := fmt.Fprintln(a.out, strings.Join(printable(lines), "\n"))
	return err
}

// toldReplay is a replay in JSON, and how far a consumer group is where one is watched.
type toldReplay struct {
	Type string `json:"type"` // replay
	api.Replay

	Group *api.Group `json:"group,omitempty"`
}

func (a *app) tellReplay(r *api.Replay, g *api.Group) error {
	_, err := io.WriteString(a.out, replayJSON(r, g))
	return err
}

// replayJSON is the line that tells of a replay.
func replayJSON(r *api.Replay, g *api.Group) string {
	var line strings.Builder
	if err := jsonTo(&line).Encode(toldReplay{"replay", *r, g}); err != nil {
		panic(err) // plain data
	}
	return line.String()
}

// printable are lines as a terminal may show them: reasons and names were typed by somebody, and could pass for more lines.
func printable(lines []string) []string {
	for i := range lines {
		lines[i] = archive.Printable(lines[i])
	}
	return lines
}

// reasonLines are why a replay stands as it does: one that has failed may say it in several lines, a person in one.
func reasonLines(r *api.Replay) []string {
	if r.Reason == "" {
		return nil
	}
	if r.State == replay.Failed || r.State == replay.Planned {
		return strings.Split(r.Reason, "\n")
	}
	return []string{r.Reason}
}

// heldBackLine is who paused a replay before it had begun, and why; empty: nobody has. Its reason tells of refusals then.
func heldBackLine(r *api.Replay) string {
	if !heldBack(r) {
		return ""
	}
	paused := replay.Wish{Signed: replay.Signed{By: r.WishedBy, Reason: r.WishedReason}, State: r.Wanted}
	return paused.Why()
}

// endedLine is when a replay ended; empty: it has not.
func endedLine(r *api.Replay) string {
	switch {
	case !r.State.Terminal():
		return ""
	case r.Sessions == 0:
		return ended(r) + ", before it began"
	}
	return ended(r)
}

// hasReceipt reports whether there is an account of r: it has ended, and had begun.
func hasReceipt(r *api.Replay) bool { return r.State.Terminal() && r.Sessions > 0 }

// receiptLine is where that account is.
func (a *app) receiptLine(r *api.Replay) string {
	return "its receipt: " + a.there("replayd show "+r.ID)
}

// ended is that a replay has, and when: daemons of before do not tell that.
func ended(r *api.Replay) string {
	if r.EndedAt.IsZero() {
		return "ended"
	}
	return "ended " + instant(r.EndedAt)
}

// instant is a time as people read it beside others.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// chosenLines are what a replay was told otherwise than by default, when it was started or resumed.
func chosenLines(r *api.Replay) (lines []string) {
	if len(r.Allow) > 0 {
		lines = append(lines, "  allowed: "+strings.Join(r.Allow, ", "))
	}
	if len(r.StopOn) > 0 {
		lines = append(lines, "  stops before: "+strings.Join(r.StopOn, ", "))
	}
	if r.MaxBad != "" {
		lines = append(lines, "  fails above "+r.MaxBad+" of bad entries")
	}
	return lines
}

// replayLines tell how a replay stands.
func replayLines(r *api.Replay) []string {
	lines := []string{
		fmt.Sprintf("replay %s: %s", r.ID, stateInWords(r)),
		"  " + describe(replay.Window{On: r.WindowOn, From: r.From, To: r.To}, time.Local) + ", by " + r.WindowOn + " time",
		fmt.Sprintf("  from %s (%s) to topic %s at %s", r.Archive, r.URL, r.Topic, r.Pace),
	}
	lines = append(lines, chosenLines(r)...)
	for _, line := range reasonLines(r) {
		lines = append(lines, "  "+line)
	}
	if line := heldBackLine(r); line != "" {
		lines = append(lines, "  "+line)
	}
	if r.Queued != "" {
		lines = append(lines, "  queued: "+r.Queued)
	}
	if r.StartedBy != "" {
		lines = append(lines, fmt.Sprintf("  started %s by %s", instant(r.StartedAt), r.StartedBy))
	}
	if line := endedLine(r); line != "" {
		lines = append(lines, "  "+line)
	}
	if line := staleLine(r); line != "" {
		lines = append(lines, "  "+line)
	}
	if r.Daemon != "" {
		lines = append(lines, "  runs at "+r.Daemon)
	}
	lines = append(lines, foregroundLines(r)...)
	if p := r.Progress; p != nil {
		for _, line := range reportLines(p) {
			lines = append(lines, "  "+line)
		}
	}
	return lines
}

// forgotten is what forget tells in JSON.
type forgotten struct {
	Type string `json:"type"` // forgotten
	ID   string `json:"id"`
}

func (a *app) forgetCommand() *cobra.Command {
	f, act := &clientFlags{}, api.Act{}
	return noted(daemonCommand(&cobra.Command{
		Use: "forget ID", Short: "Forget a replay that has ended: its spec, its progress, its receipt",
		Long: `forget takes a replay that has ended out of the control topics. Its events stay in the replay topic, its quarantine and
audit stay, too. Its id may then be used again: the new replay is another one. It also takes one of replayd run that has not ended
and whose process was silent for 10 minutes; should that be there all the same, it produces nothing more.`,
		Example: "  replayd forget payments-0300 --reason test",
		Args:    oneID, ValidArgsFunction: a.ids(f, forgettable),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := a.daemon(f)
			if err == nil {
				err = d.Forget(cmd.Context(), args[0], act)
			}
			if err != nil {
				return err
			}
			if a.output == "json" {
				return jsonTo(a.out).Encode(forgotten{"forgotten", args[0]})
			}
			_, err = fmt.Fprintf(a.out, "replay %s is forgotten\n", args[0])
			return err
		},
	}, f), &act.Reason)
}
