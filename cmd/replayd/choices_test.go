package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"replayd/replay"
	"replayd/replay/api"
)

// TestWhatStoppedIsResumedWithAnotherChoice has a daemon's replay stop at each thing that it can be told to go on at.
func TestWhatStoppedIsResumedWithAnotherChoice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var text strings.Builder
	for i := range 1200 {
		text.WriteString(event(fmt.Sprint(i), i/20) + "\n" + []string{"rubbish\n", "", "", ""}[min(i%40, 3)])
	}
	b.put("o", []byte(text.String()))
	d := b.serve("targets: {x: {}, y: {}, z: {}}\n")
	start := func(id, topic string, more ...string) {
		t.Helper()
		args := append([]string{"start", "--id", id, "--topic", topic, "--create-topic", "--archive", "a", "--from", "2026-11-01", "--for", "24h", "--pace", "unlimited", "--yes", "--watch"}, more...)
		d.replayd(args...).want(exitFailed)
	}
	start("stops", "x", "--on-bad", "stop", "--max-bad", "5%")
	shows := func(id string, texts ...string) {
		t.Helper()
		for _, text := range texts {
			if told := d.replayd("show", id).want(exitOK).out.String(); !strings.Contains(told, text) {
				t.Errorf("show %s does not say %q:\n%s", id, text, told)
			}
		}
	}
	shows("stops", "stopped before a bad entry", "replayd resume stops --on-bad=quarantine")
	d.replayd("resume", "stops").want(exitOK)
	d.replayd("watch", "stops").want(exitFailed) // it stops there again
	d.replayd("resume", "stops", "--on-conflict", "drop").want(exitUsage, "emit is frozen")
	d.replayd("resume", "stops", "--allow", "everything").want(exitUsage, "topic-missing")
	d.replayd("resume", "stops", "--max-bad", "300%").want(exitUsage, "a share such as 1%")
	d.replayd("resume", "stops", "--on-bad", "quarantine", "--reason", "known").want(exitOK)
	d.replayd("watch", "stops").want(exitQuarantined)

	start("bad", "y")
	shows("bad", "more than the 1 % of --max-bad", "replayd resume bad --max-bad=")
	d.replayd("resume", "bad", "--max-bad", "5%").want(exitOK)
	d.replayd("watch", "bad").want(exitQuarantined)
	if n := len(b.values("y")); n != 1200 {
		t.Errorf("the topic holds %d events", n)
	}
}

// TestChoicesAreThoseThatMayDiffer reads what a request says, for a replay with other policies than the defaults.
func TestChoicesAreThoseThatMayDiffer(t *testing.T) {
	k := replay.Known{Spec: replay.Defaults()}
	k.Spec.OnLate, k.Spec.OnConflict, k.Spec.OnMissingID = replay.Quarantine, replay.Drop, replay.Emit
	k.Start = replay.Start{StopOn: []string{replay.StopOnLate}, MaxBad: 0.01, Allow: replay.Allowed{"overlap"}}
	for _, c := range []struct {
		asked  api.Resume
		stops  []string
		maxBad float64
		allow  []string
	}{
		{api.Resume{}, []string{"late"}, 0.01, []string{"overlap"}},
		{api.Resume{OnLate: "quarantine", OnConflict: "stop"}, []string{"conflict"}, 0.01, []string{"overlap"}},
		{api.Resume{OnBad: "stop", OnMissingID: "emit", MaxBad: "50%"}, []string{"bad", "late"}, 0.5, []string{"overlap"}},
		{api.Resume{OnBad: "quarantine", Allow: []string{"archive-change"}}, []string{"late"}, 0.01, []string{"overlap", "archive-change"}},
	} {
		made, err := (&desk{}).Choices(&k, c.asked)
		if err != nil {
			t.Error(err)
		}
		for name, choice := range made {
			if err := choice.Validate(name); err != nil {
				t.Errorf("%+v: %v", c.asked, err)
			}
		}
		if got := k.Start.With(made); !slices.Equal(got.StopOn, c.stops) || got.MaxBad != c.maxBad || !slices.Equal(got.Allow, c.allow) {
			t.Errorf("%+v: it goes on with %+v", c.asked, got)
		}
	}
	k.Choices = map[string]replay.Choice{replay.ChoiceAllow: {Allow: replay.Allowed{"archive-change"}}}
	made, err := (&desk{}).Choices(&k, api.Resume{})
	if k.Choices = made; err != nil || k.Chosen().Allow.Has("archive-change") {
		t.Errorf("resumed again it is still allowed: %+v, %v", made, err)
	}
	k.Choices, k.Err = nil, &replay.WishUnreadable{Part: replay.ChoiceAllow}
	if made, err = (&desk{}).Choices(&k, api.Resume{}); err != nil || len(made) != 1 {
		t.Errorf("resumed where it cannot be read what is allowed it writes %+v, %v", made, err)
	}
	_, err = (&desk{}).Choices(&k, api.Resume{OnLate: "emit", OnConflict: "quarantine", OnMissingID: "drop", OnBad: "emit", MaxBad: "x", Allow: []string{"all"}})
	var p *api.Problem
	if !errors.As(err, &p) || len(p.Errors) != 6 {
		t.Errorf("all of it is wrong: %v", err)
	}
	if err = inFlagsOf((&app{}).resumeCommand(), err); !strings.Contains(err.Error(), "\n  --allow \"all\": topic-missing, compacted") {
		t.Errorf("which item is unknown is told as %v", err)
	}
}

// TestWhatCannotBeReadIsPutRightByFlagsThatThereAre reads the command that is named for each choice.
func TestWhatCannotBeReadIsPutRightByFlagsThatThereAre(t *testing.T) {
	t.Parallel()
	set := pflag.NewFlagSet("resume", pflag.ContinueOnError)
	addChoices(set, &api.Resume{})
	for _, name := range replay.Choices {
		err := &replay.WishUnreadable{Err: errors.New("overwritten"), ID: "r", Part: name}
		_, rest, _ := strings.Cut(err.Error(), "\nOr say anew what is wanted: replayd resume r")
		_, rest, _ = strings.Cut(rest, "--")
		if flag, _, _ := strings.Cut(rest, " "); set.Lookup(flag) == nil || !strings.HasSuffix(flag, name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAChangedArchiveIsAllowedWhenAReplayIsResumed at a daemon, until it is resumed again.
func TestAChangedArchiveIsAllowedWhenAReplayIsResumed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", events(600))
	b.topic("x")
	d := b.serve(targetX)
	d.replayd("start", "--id", "r", "--topic", "x", "--archive", "a", "--from", "2026-11-01", "--for", "24h", "--pace", "100/s", "--yes").want(exitOK)
	d.until("it has produced something", func() bool { return len(b.values("x")) > 0 })
	d.replayd("pause", "r", "--wait").want(exitOK)
	b.put("later", []byte(event("later", 59)))
	d.replayd("pace", "r", "unlimited").want(exitOK)
	refused := d.replayd("resume", "r", "--max-bad", "2%", "--wait").want(exitFailed).out.String() // another session lists anew
	if !strings.Contains(refused, "archive-change") {
		t.Errorf("it is not refused: %s", refused)
	}
	d.replayd("resume", "r", "--allow", "archive-change", "--wait").want(exitOK)
	d.replayd("watch", "r").want(exitOK)
	if n := len(b.values("x")); n != 601 {
		t.Errorf("the topic holds %d events", n)
	}
	if r := d.replayd("show", "r", "-o", "json").want(exitOK).out.String(); !strings.Contains(r, `"archive_changed":true`) {
		t.Errorf("the receipt does not say that the archive has changed: %s", r)
	}
}
