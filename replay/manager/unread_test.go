package manager

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

// asks is all that is asked of replays.
func asks(d *daemon) map[string]func(ctx context.Context, id string) error {
	all := map[string]func(context.Context, string) error{
		"show":    func(ctx context.Context, id string) error { _, err := d.Replay(ctx, id); return err },
		"receipt": func(ctx context.Context, id string) error { _, err := d.Receipt(ctx, id); return err },
		"quarantine": func(ctx context.Context, id string) error {
			_, err := d.Quarantine(ctx, id, api.PageQuery{})
			return err
		},
		"offsets": func(ctx context.Context, id string) error { _, err := d.Offsets(ctx, id, noon); return err },
		"group":   func(ctx context.Context, id string) error { _, err := d.Group(ctx, id, "g"); return err },
		"watch": func(ctx context.Context, id string) error {
			for _, err := range d.Events(ctx, id, "") {
				return err
			}
			return nil
		},
	}
	for name, act := range acts(d) {
		all[name] = func(ctx context.Context, id string) error { return act(ctx, id, "") }
	}
	return all
}

// TestADaemonThatHasNotReadAllTellsSo and not that there is no such replay, nor how those stand that it has read of.
func TestADaemonThatHasNotReadAllTellsSo(t *testing.T) {
	simulate(t, func(t *testing.T, c *cluster) {
		d := c.daemon("d", nil)
		defer ends(d)
		d.begin("known", "x", 10, "10/s")
		say := func(unread bool, unready error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.unread, d.unready = unread, unready
		}
		tried := map[string]func(context.Context, string) error{
			"list": func(ctx context.Context, _ string) error { _, err := d.Replays(ctx, api.Query{}); return err },
			"start": func(ctx context.Context, id string) error {
				_, _, err := d.Start(ctx, api.Start{ID: id, Archive: "a", Topic: "x", Limit: 10, Pace: "10/s"})
				return err
			},
			"watch all": func(ctx context.Context, _ string) error {
				for _, err := range d.Events(ctx, "", "") {
					return err
				}
				return nil
			},
		}
		maps.Copy(tried, asks(d))
		c.audits()
		say(true, errors.New("still reading"))
		for name, ask := range tried {
			for _, id := range []string{"known", "unknown"} {
				if err := ask(as(t, "anna"), id); problem(err) != "503" {
					t.Errorf("%s of %s while nothing was read: %v", name, id, err)
				}
			}
		}
		if got := c.audits(); got != "" {
			t.Errorf("audited %s", got)
		}
		say(false, errors.New("nothing can be read"))
		for name, ask := range asks(d) {
			if err := ask(as(t, "anna"), "unknown"); problem(err) != "503" {
				t.Errorf("%s of what may be there while nothing can be read: %v", name, err)
			}
		}
		d.stands("known") // as it was read
		say(false, nil)
		d.mu.Lock()
		d.half = "half"
		d.mu.Unlock()
		for name, ask := range asks(d) {
			err := ask(as(t, "anna"), "half")
			if p := apitest.Refused(t, err, 503); !strings.Contains(p.Detail, "still being read") {
				t.Errorf("%s of one of which only its progress was read: %v", name, err)
			}
		}
		for name, ask := range asks(d) {
			if err := ask(as(t, "anna"), "unknown"); problem(err) != "404" {
				t.Errorf("%s of what there is not: %v", name, err)
			}
		}
	})
}
