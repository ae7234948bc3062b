package main

import (
	"context"
	"slices"
	"strings"
	"testing"

	"replayd/replay"
	"replayd/replay/api"
)

// TestAReplayThatIsPausedBeforeItBeginsStands: it stays planned, so there is nothing to wait for.
func TestAReplayThatIsPausedBeforeItBeginsStands(t *testing.T) {
	pause := acts[slices.IndexFunc(acts, func(a act) bool { return a.use == "pause" })]
	for _, c := range []struct {
		state, wanted replay.State
		stands        bool
		words         string
	}{
		{replay.Planned, replay.Paused, true, "planned, paused"},
		{replay.Planned, replay.Running, false, "planned"},
		{replay.Running, replay.Paused, false, "running, to be paused"},
		{replay.Paused, replay.Paused, true, "paused"},
	} {
		r := api.Replay{State: c.state, Wanted: c.wanted}
		if pause.done(&r) != c.stands || stateInWords(&r) != c.words {
			t.Errorf("%s, wished %s: stands %v, in words %q", c.state, c.wanted, pause.done(&r), stateInWords(&r))
		}
	}
}

// TestWhatIsWishedStandsBehindTheState, and why a replay that has not begun does not begin.
func TestWhatIsWishedStandsBehindTheState(t *testing.T) {
	t.Parallel()
	const planned, running, paused, cancelled, failed = replay.Planned, replay.Running, replay.Paused, replay.Cancelled, replay.Failed
	waits := func(r *api.Replay) { r.Waits, r.Queued = true, "waits for the approval of a second person" }
	foreground := func(r *api.Replay) { r.Owner = replay.OwnerRun }
	for want, r := range map[string]api.Replay{
		"planned, queued":                     stand(planned, running, 0, queued("behind p0")),
		"planned, refused":                    stand(planned, running, 0, because("open-hours: the archive is not there")),
		"planned, waits for approval":         stand(planned, running, 0, waits),
		"planned, waits for approval, paused": stand(planned, paused, 0, waits),
		"running, to be paused":               stand(running, paused, 0),
		"running, to be cancelled":            stand(running, cancelled, 0),
		"paused, to be resumed":               stand(paused, running, 0, because("paused by omar: q")),
		"paused, queued":                      stand(paused, running, 0, queued("behind p0")),
		"paused":                              stand(paused, running, 0, foreground),
		"failed":                              stand(failed, running, 0, because("disk full")),
		"cancelled":                           stand(cancelled, cancelled, 0),
	} {
		if got := stateInWords(&r); got != want {
			t.Errorf("it is %q, want %q", got, want)
		}
	}
}

// TestWhoApprovesInVainIsToldSo: what waits for nobody, or was approved before.
func TestWhoApprovesInVainIsToldSo(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.start("--id", "p1")
	const vain = "replay p1 waited for no approval\n"
	c.replayd("approve", "p1").want(exitOK, vain)
	c.Change("p1", func(r *api.Replay) { r.State, r.Waits = replay.Planned, true })
	if told := c.replayd("approve", "p1").want(exitOK).err.String(); told != "" {
		t.Errorf("who approves is told %q", told)
	}
	c.replayd("approve", "p1").want(exitOK, vain)
	if told := c.replayd("approve", "p1", "-q").want(exitOK).err.String(); told != "" {
		t.Errorf("with -q it is told %q", told)
	}
}

// strict is a daemon that refuses acts by all fields that can be wrong with them.
type strict struct{ api.Service }

func (strict) wrong(more ...api.FieldError) error {
	return api.Invalid(append(more, api.FieldError{Location: "body.reason", Message: "is required here: say why, for the audit"})...)
}

func (s strict) Replay(context.Context, string) (api.Replay, error) { return api.Replay{}, s.wrong() }

func (s strict) Pause(context.Context, string, api.Act) (api.Replay, error) {
	return api.Replay{}, s.wrong()
}

func (s strict) Cancel(context.Context, string, api.Act) (api.Replay, error) {
	return api.Replay{}, s.wrong()
}

func (s strict) Approve(context.Context, string, api.Act) (api.Replay, error) {
	return api.Replay{}, s.wrong()
}

func (s strict) Resume(context.Context, string, api.Resume) (api.Replay, error) {
	return api.Replay{}, s.wrong(api.FieldError{Location: "body.max_bad", Message: "max_bad \"x\": a share such as 1% or 0.01"})
}

func (s strict) SetPace(context.Context, string, api.Pace) (api.Replay, error) {
	return api.Replay{}, s.wrong(api.FieldError{Location: "body.pace", Message: "is none"}, api.FieldError{Location: "body.max_gap", Message: "is no length"})
}

func (s strict) Forget(context.Context, string, api.Act) error {
	return api.Invalid(api.FieldError{Location: "query.reason", Message: "is required here: say why, for the audit"})
}

func (s strict) Replays(context.Context, api.Query) (api.Page[api.Replay], error) {
	return api.Page[api.Replay]{}, api.Invalid(api.FieldError{Location: "query.state", Message: "is none"}, api.FieldError{Location: "query.after", Message: "is none"})
}

// TestWhatIsWrongWithAnActIsToldInFlags and arguments to who typed them.
func TestWhatIsWrongWithAnActIsToldInFlags(t *testing.T) {
	t.Parallel()
	const reason = "\n  --reason: is required here: say why, for the audit\n"
	for line, want := range map[string][]string{
		"pause p1":                {reason},
		"cancel p1 --wait":        {reason},
		"approve p1":              {reason},
		"resume p1 --max-bad x":   {"\n  --max-bad \"x\": a share", reason},
		"pace p1 9/s --max-gap x": {"\n  PACE: is none", "\n  --max-gap: is no length", reason},
		"forget p1":               {reason},
		"list --state x":          {"\n  --state: is none", "\n  query.after: is none"}, // which nobody types
	} {
		r := typeFor(t, strict{}, strings.Fields(line)...).want(exitUsage)
		for _, words := range want {
			if told := r.err.String(); !strings.Contains(told, words) || strings.Contains(told, "body") {
				t.Errorf("%s: it is told\n%s, want %q", line, told, words)
			}
		}
	}
}
