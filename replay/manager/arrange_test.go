package manager

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"replayd/replay"
)

// TestArrangements holds worlds against what should run. A replay is written id topic state wish, with a note: begun, session,
// waits, refused, failed (and to be tried later), taken, over, foreign, broken. One topic, other, is another daemon's.
func TestArrangements(t *testing.T) {
	for name, c := range map[string]struct {
		world  string
		begin  string
		queued map[string]string
	}{
		"the oldest of each topic":           {"a x planned running; b x planned running; c y planned running", "a c", map[string]string{"b": "behind a"}},
		"not another daemon's":               {"a other planned running; b other planned running", "", map[string]string{"b": "behind a"}},
		"not a foreground replay":            {"a x running running foreign; b x planned running", "b", nil},
		"not what is not understood":         {"a x planned running broken; b x planned running", "b", nil},
		"not what has ended":                 {"a x completed running; b x cancelled running; c x planned cancelled; d x planned running", "d", nil},
		"what failed goes on":                {"a x failed running begun", "a", nil},
		"nothing beside a session":           {"a x running running session; b x planned running", "", map[string]string{"b": "behind a"}},
		"a session keeps its place":          {"a x planned running; b x running running session", "", map[string]string{"a": "behind b"}},
		"what has begun goes first":          {"a x planned running; b x running running begun", "b", map[string]string{"a": "behind b"}},
		"paused holds its topic":             {"a x paused paused begun; b x planned running", "", map[string]string{"b": "behind a, which is paused"}},
		"planned and paused holds it, too":   {"a x planned paused; b x planned running", "", map[string]string{"b": "behind a, which is paused"}},
		"a pause is written":                 {"a x running paused begun", "a", nil},
		"a pause of what failed, too":        {"a x failed paused begun", "a", nil},
		"a cancel is written":                {"a x paused cancelled begun", "a", nil},
		"a cancel is written first":          {"a x running running begun; b x paused cancelled begun", "b", map[string]string{"a": "behind b"}},
		"a cancel beside a session":          {"a x running running session; b x failed cancelled begun", "b", nil},
		"a pause beside a session":           {"a x running running session; b x failed paused begun; c x planned running", "b", map[string]string{"c": "behind a"}},
		"not twice":                          {"a x running running session; b x failed cancelled session", "", nil},
		"not another daemon's cancel":        {"a other running cancelled begun", "", nil},
		"a second person is waited for":      {"a x planned running waits; b x planned running", "b", nil},
		"refused gives its place":            {"a x planned running refused; b x planned running", "b", nil},
		"not before its session is through":  {"a x planned running refused session; b x planned running", "", map[string]string{"b": "behind a"}},
		"failed keeps it until its time":     {"a x failed running failed; b x planned running", "", map[string]string{"a": "tried again at 2026-11-01T12:00:05Z", "b": "behind a"}},
		"taken by another daemon":            {"a x running running taken; b x planned running", "", map[string]string{"b": "behind a"}},
		"ended, and not read back":           {"a x running running over; b x planned running", "b", nil},
		"no more than may":                   {"a x planned running; b y planned running; c z planned running", "a b", map[string]string{"c": "as many replays run at d as may at a time: 2"}},
		"words are written by more than may": {"a x running running session; b y running running session; c z running paused begun", "c", nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := worldOf(t, c.world)
			a := w.arrange()
			var begin []string
			for _, k := range a.begin {
				begin = append(begin, k.Spec.ID)
			}
			if got := strings.Join(begin, " "); got != c.begin {
				t.Errorf("begin %q, want %q", got, c.begin)
			}
			if c.queued == nil {
				c.queued = map[string]string{}
			}
			if fmt.Sprint(a.queued) != fmt.Sprint(c.queued) {
				t.Errorf("queued %v, want %v", a.queued, c.queued)
			}
			held := strings.Contains(c.world, "failed;") || strings.Contains(c.world, "taken")
			if held != a.again.Equal(noon.Add(5*time.Second)) {
				t.Errorf("look again at %s", a.again)
			}
		})
	}
}

func worldOf(t *testing.T, text string) *world {
	t.Helper()
	w := &world{
		now: noon, daemon: "d", mine: func(topic string) bool { return topic != "other" }, sessions: map[string]bool{}, setbacks: map[string]setback{}, most: 2,
	}
	for i, part := range strings.Split(text, "; ") {
		words := strings.Fields(part)
		id, state, note := words[0], replay.State(words[2]), words[4:]
		k := replay.Known{
			Spec: replay.Spec{ID: id, Topic: words[1], Owner: replay.OwnerDaemon}, Order: int64(i),
			Wish: &replay.Wish{State: replay.State(words[3]), Signed: replay.Signed{Token: "t"}, Waits: slices.Contains(note, "waits")},
		}
		if state != replay.Planned {
			k.Begun, k.Checkpoint = true, &replay.Checkpoint{State: state}
		}
		for _, n := range note {
			switch n {
			case "session":
				w.sessions[id] = true
			case "foreign":
				k.Spec.Owner = replay.OwnerRun
			case "broken":
				k.Err = fmt.Errorf("of a newer replayd")
			case "refused":
				k.Refused = &replay.Refused{Wish: "t", State: replay.Planned, Error: "retention"}
			case "failed":
				w.setbacks[id] = setback{token: "t", reason: "no broker", until: noon.Add(5 * time.Second)}
			case "taken":
				w.setbacks[id] = setback{token: "t", taken: true, until: noon.Add(5 * time.Second)}
			case "over":
				w.setbacks[id] = setback{token: "t", over: true, until: noon.Add(5 * time.Second)}
			case "begun", "waits":
			default:
				t.Fatal(n)
			}
		}
		w.known = append(w.known, k)
	}
	return w
}

func TestASetbackHoldsWhileNobodyWishesAnew(t *testing.T) {
	k := &worldOf(t, "a x running running").known[0]
	for _, c := range []struct {
		name  string
		b     setback
		after time.Duration
		want  bool
	}{
		{"until a wish", setback{token: "before", until: noon.Add(time.Hour)}, 0, false},
		{"until its time", setback{token: "t", until: noon.Add(time.Second)}, 999 * time.Millisecond, true},
		{"until its time", setback{token: "t", until: noon.Add(time.Second)}, time.Second, false},
	} {
		if got := c.b.holds(k, noon.Add(c.after)); got != c.want {
			t.Errorf("%s: after %s it holds: %v", c.name, c.after, got)
		}
	}
}

// TestAReplayIsLeftToWhoHasTakenItWhileThatOneTells also where its clock is an hour behind.
func TestAReplayIsLeftToWhoHasTakenItWhileThatOneTells(t *testing.T) {
	m := &Manager{heard: map[string]heard{}}
	b := setback{taken: true, until: noon.Add(silent)}
	for i := range 100 {
		now := noon.Add(time.Duration(i) * tellEvery)
		k := replay.Known{Live: &replay.Live{At: now.Add(-time.Hour)}}
		for _, read := range []time.Time{now, now.Add(tellEvery / 2)} { // the same word
			m.hear(&k, read)
			b.hear(m.heard[""].at)
		}
		if !b.until.Equal(now.Add(silent)) {
			t.Fatalf("at %s it is left alone until %s", now, b.until)
		}
	}
	failed := setback{until: noon}
	failed.hear(noon)
	if !failed.until.Equal(noon) {
		t.Error("words put off another try of what failed")
	}
}
