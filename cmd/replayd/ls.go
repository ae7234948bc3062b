package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"replayd/archive"
	"replayd/replay"
	"replayd/replay/api"
)

func (a *app) lsCommand() *cobra.Command {
	f, to := &replayFlags{}, &clientFlags{}
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "Hours of an archive: objects, bytes, gaps",
		Long: `ls lists the hours of an archive that overlap the window: how many objects each holds and how many stored bytes. An
archive hour is the time of arrival, not of the events in it. Hours without objects are gaps.`,
		Example: `  replayd ls --archive s3://bucket/events --from 2026-11-01 --to 2026-11-02
  replayd ls --archive payments --from -24h --to now -o json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.hereOrThere(to,
				func() error { return a.ls(cmd.Context(), f) },
				func(d api.Service) error { return a.lsThere(cmd.Context(), d, f) })
		},
	}
	f.set = cmd.Flags()
	f.place.add(cmd.Flags())
	f.addWindow(cmd.Flags())
	to.addElsewhere(cmd.Flags())
	return cmd
}

// hourLine is one hour as ls tells it.
type hourLine struct {
	Type    string `json:"type"` // hour
	Hour    string `json:"hour"`
	Objects int    `json:"objects"`
	Bytes   int64  `json:"bytes"`
	Gap     bool   `json:"gap"`
}

// period is what an archive is divided into, by the name of one: hours, days, or the one folder of a flat archive.
func period(name string) string {
	switch {
	case name == flat:
		return "folder"
	case strings.Contains(name, "T"):
		return "hour"
	}
	return "day"
}

// flat is the name of all that a flat folder holds, layout.Flat's one hour.
const flat = "all"

func (a *app) ls(ctx context.Context, f *replayFlags) error {
	if f.place.archive == "" {
		return usage("--archive is missing: a name from the configuration, ./folder or s3://bucket/prefix")
	}
	p, err := a.place(f.place)
	if err != nil {
		return err
	}
	var from, to time.Time
	if f.window.given() {
		if from, to, err = f.window.window(a.now()); err != nil {
			return err
		}
	}
	fill(&p.config.Format, "json") // ls opens no object
	src, _, err := p.source(ctx)
	if err != nil {
		return err
	}
	if some := src.Layout.Hours(a.now(), a.now().Add(1)); !f.window.given() && some[0].Bounded() {
		return usage("--from and --to are missing: which hours to list, such as --from -24h --to now")
	}
	if err := (replay.Window{From: from, To: to}).Fits(src.Layout); err != nil {
		return usage("%w", err)
	}
	lines, err := a.hours(ctx, src, from, to, showNobody)
	if err != nil {
		return err
	}
	return a.printHours(fmt.Sprintf("%s, layout %s", src.Store, src.Layout.Name()), lines)
}

// lister lists for somebody who waits for it.
func lister(store archive.Store) *archive.Fetcher {
	return &archive.Fetcher{Store: store, Stall: 30 * time.Second, GiveUp: time.Minute}
}

// show takes an object of an hour.
type show func(context.Context, archive.Hour, archive.Object) error

func showNobody(context.Context, archive.Hour, archive.Object) error { return nil }

// hours lists what the layout holds of a time, and shows each object to see.
func (a *app) hours(ctx context.Context, src archive.Source, from, to time.Time, see show) ([]hourLine, error) {
	fetcher := lister(src.Store)
	var lines []hourLine
	for _, h := range src.Layout.Hours(from, to) {
		line := hourLine{Type: "hour", Hour: h.Name}
		for o, err := range fetcher.List(ctx, h.Prefix) {
			if err != nil {
				return nil, unreadable(fmt.Errorf("list hour %s: %w", h.Name, err))
			}
			if archive.Ignored(o.Key) {
				continue
			}
			line.Objects++
			line.Bytes += o.Size
			if err := see(ctx, h, o); err != nil {
				return nil, unreadable(err)
			}
		}
		line.Gap = line.Objects == 0
		lines = append(lines, line)
	}
	return lines, nil
}

func (a *app) printHours(title string, lines []hourLine) error {
	if a.output == "json" {
		out := jsonTo(a.out)
		for _, l := range lines {
			if err := out.Encode(l); err != nil {
				return err
			}
		}
		return nil
	}
	fmt.Fprintln(a.out, title)
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	word := period(lines[0].Hour)
	fmt.Fprintln(w, word+"\tobjects\tbytes\t")
	objects, bytes, gaps := 0, int64(0), 0
	for _, l := range lines {
		note := ""
		if l.Gap {
			note = "  gap"
			gaps++
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", l.Hour, l.Objects, size(l.Bytes), note)
		objects, bytes = objects+l.Objects, bytes+l.Bytes
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "%s, %s, %s, %s\n", plural(int64(len(lines)), word), plural(int64(objects), "object"), size(bytes), plural(int64(gaps), "gap"))
	return err
}
