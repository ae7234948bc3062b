package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"replayd/replay"
	"replayd/replay/api"
)

// steered reports whether daemons still do with r what is wished.
func steered(r *api.Replay) bool { return !r.State.Terminal() && r.Owner != replay.OwnerRun }

// forgettable reports whether r may be forgotten; of a foreground process that is not heard the daemon says since when it must be so.
func forgettable(r *api.Replay) bool { return r.State.Terminal() || isQuiet(r) }

// anyOf is of any replay.
func anyOf(*api.Replay) bool { return true }

// approve returns inVain with the replay where it waited for nobody: what was so already is no error for the daemon.
func approve(ctx context.Context, d api.Service, id string, a api.Act) (api.Replay, error) {
	before, unseen := d.Replay(ctx, id)
	r, err := d.Approve(ctx, id, a)
	if err == nil && unseen == nil && !before.Waits {
		err = inVain("replay " + id + " waited for no approval")
	}
	return r, err
}

// inVain says that there was no need for an act.
type inVain string

func (e inVain) Error() string { return string(e) }

// act is a command that changes what is wished of a replay.
type act struct {
	use, short, long, example string

	do   func(ctx context.Context, d api.Service, id string, a api.Act) (api.Replay, error)
	done func(r *api.Replay) bool // it is so; nil: nothing to wait for
	of   func(r *api.Replay) bool // it changes something about r

	quarantineOK bool // it may end with quarantined events while it is waited for
}

var acts = []act{
	{
		use: "pause", short: "Pause a replay; resume goes on where it stood",
		long: `pause stops a replay behind what it has committed. Nothing is lost and nothing comes twice when it is resumed, by whichever
daemon. With --wait the command ends when it stands.`,
		example: "  replayd pause payments-0300 --reason INC-1234\n  replayd pause payments-0300 --wait",
		do: func(ctx context.Context, d api.Service, id string, a api.Act) (api.Replay, error) {
			return d.Pause(ctx, id, a)
		},
		done: func(r *api.Replay) bool { return r.State == replay.Paused || heldBack(r) },
		of:   func(r *api.Replay) bool { return steered(r) && r.Wanted == replay.Running },
	},
	{
		use: "cancel", short: "End a replay before its end; it cannot be continued",
		long: `cancel ends a replay between two transactions. What is in the topic stays there; the receipt says how much that is. It
cannot be continued: pause can.`,
		example: "  replayd cancel payments-0300 --reason INC-1234 --wait",
		do: func(ctx context.Context, d api.Service, id string, a api.Act) (api.Replay, error) {
			return d.Cancel(ctx, id, a)
		},
		done: func(r *api.Replay) bool { return r.State.Terminal() },
		of:   steered,
	},
	{
		use: "approve", short: "Approve a replay that somebody else has started and that is so large that it takes two",
		example: "  replayd approve payments-0300",
		do:      approve,
		of:      func(r *api.Replay) bool { return steered(r) && r.Waits },
	},
}

func (a *app) actCommands() []*cobra.Command {
	list := []*cobra.Command{a.resumeCommand()}
	for _, do := range acts {
		list = append(list, a.actCommand(&do))
	}
	return append(list, a.paceCommand())
}

func (a *app) resumeCommand() *cobra.Command {
	what := api.Resume{}
	resume := &act{
		use: "resume", short: "Let a replay go on that was paused or has failed",
		long: `resume lets a replay go on where it stopped. One that stopped at what cannot be read, or at too much of it, or that was refused, would
stop there again: --on-bad and its like, --max-bad and --allow choose otherwise, for it alone. --allow holds until it is resumed again.`,
		example: "  replayd resume payments-0300\n  replayd resume payments-0300 --max-bad 5% --reason INC-1234\n  replayd resume payments-0300 --on-bad quarantine --wait",
		do: func(ctx context.Context, d api.Service, id string, why api.Act) (api.Replay, error) {
			what.Act = why
			return d.Resume(ctx, id, what)
		},
		done: func(r *api.Replay) bool { return r.State == replay.Running && r.Queued == "" },
		of: func(r *api.Replay) bool {
			return steered(r) && (r.Wanted == replay.Paused || r.State == replay.Paused || r.State == replay.Failed || wasRefused(r))
		},
	}
	c := a.actCommand(resume)
	addChoices(c.Flags(), &what)
	c.Flags().BoolVar(&resume.quarantineOK, "quarantine-ok", false, "with --wait, should it end meanwhile: exit 0 in spite of quarantined events")
	return c
}

func (a *app) actCommand(do *act) *cobra.Command {
	f, what, wait := &clientFlags{}, api.Act{}, false
	c := noted(daemonCommand(&cobra.Command{
		Use: do.use + " ID", Short: do.short, Long: do.long, Example: do.example, Args: oneID, ValidArgsFunction: a.ids(f, do.of),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := a.daemon(f)
			if err != nil {
				return err
			}
			r, err := do.do(cmd.Context(), d, args[0], what)
			if vain := inVain(""); errors.As(err, &vain) {
				a.say("%s\n", vain)
				err = nil
			}
			var stands error // otherwise than was wished
			if err == nil && wait {
				r, err = a.waitFor(cmd.Context(), d, r, do)
				if errors.As(err, new(exitCode)) {
					stands, err = err, nil
				}
			}
			if err == nil {
				err = a.printReplay(&r)
			}
			if err == nil {
				err = stands
			}
			return err
		},
	}, f), &what.Reason)
	if do.done != nil {
		c.Flags().BoolVar(&wait, "wait", false, "end when it is so")
	}
	return c
}

func (a *app) paceCommand() *cobra.Command {
	f, p := &clientFlags{}, api.Pace{}
	c := noted(daemonCommand(&cobra.Command{
		Use: "pace ID PACE", Short: "Change the pace of a replay while it runs",
		Long: `pace changes how fast a replay goes, within a second, and for good: it is kept when the daemon is restarted. Nothing
bursts. A pace is 5000/s, 50k/s, 20MB/s, x1, x4, unlimited, or several with commas, of which the slowest holds.`,
		Example: "  replayd pace payments-0300 500/s\n  replayd pace payments-0300 x4,20MB/s --max-gap 1m",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("pace takes the id of a replay and a pace, such as 500/s")
			}
			return nil
		},
		ValidArgsFunction: a.ids(f, steered),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := a.daemon(f)
			if err != nil {
				return err
			}
			p.Pace = args[1]
			r, err := d.SetPace(cmd.Context(), args[0], p)
			if err != nil {
				return err
			}
			return a.printReplay(&r)
		},
	}, f), &p.Reason)
	c.Flags().StringVar(&p.MaxGap, "max-gap", "", "longest wait for an idle gap with xN")
	return c
}

// What completing costs at most: somebody waits in the middle of a line.
const (
	completing    = 2 * time.Second
	mostCompleted = 100
)

// idsThere is ids where a daemon is named: otherwise the command does without one.
func (a *app) idsThere(f *clientFlags) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if a.named(f.set) == "" {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.ids(f, anyOf)(cmd, args, typed)
	}
}

// ids completes the ids of those of the newest replays that a command is for. A daemon that is away, or slow, completes none, and nothing is said.
func (a *app) ids(f *clientFlags, of func(*api.Replay) bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		d, err := a.daemon(f)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completing)
		defer cancel()
		page, err := d.Replays(ctx, api.Query{PageQuery: api.PageQuery{Limit: mostCompleted}})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var list []string
		for i := range page.Items {
			if r := &page.Items[i]; of(r) {
				list = append(list, cobra.CompletionWithDesc(r.ID, stateInWords(r)+" into "+r.Topic))
			}
		}
		return list, cobra.ShellCompDirectiveNoFileComp
	}
}
