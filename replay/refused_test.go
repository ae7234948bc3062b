package replay

import "testing"

func TestARefusalIsOvertakenByAnotherSessionThatHasGoneOn(t *testing.T) {
	for name, c := range map[string]struct {
		session string // that was refused
		knew    int64
		newest  *Checkpoint
		want    bool
	}{
		"nothing has begun":                       {"a", -1, nil, false},
		"another has begun it":                    {"a", -1, &Checkpoint{Session: "b"}, true},
		"it has begun it itself":                  {"a", -1, &Checkpoint{Session: "a"}, false},
		"nothing was committed since":             {"a", 7, &Checkpoint{Session: "a", Commit: 7}, false},
		"it was refused before it had the replay": {"b", 7, &Checkpoint{Session: "a", Commit: 7}, false},
		"another has committed":                   {"a", 7, &Checkpoint{Session: "b", Commit: 8}, true},
		"it has, and did not hear of it":          {"a", 7, &Checkpoint{Session: "a", Commit: 8}, false},
		"less has been read than it knew":         {"a", 7, &Checkpoint{Session: "z", Commit: 6}, false},
		"nobody noted it":                         {"", 0, &Checkpoint{Session: "b", Commit: 8}, false},
	} {
		r := Refused{Session: c.session, Commit: c.knew}
		if got := r.Overtaken(c.newest); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
