package main

import (
	"testing"
	"time"
	"unicode/utf8"

	"replayd/replay"
)

func TestLinesAreFoldedAtSpacesForATerminal(t *testing.T) {
	for _, c := range []struct {
		name, line    string
		columns, hang int
		want          string
	}{
		{"fits", "  read   1  from 2", 18, 4, "  read   1  from 2"},
		{"no terminal", "one two three", 0, 4, "one two three"},
		{"under its column", "reads     one two three four", 20, 10, "reads     one two\n          three four"},
		{"several times", "a: one two three", 8, 3, "a: one\n   two\n   three"},
		{"a word that is too long", "key 0123456789 b", 8, 4, "key 0123456789\n    b"},
		{"letters, not bytes", "p · d · f · q", 9, 2, "p · d · f\n  · q"},
		{"lines", "one two\nthree four", 6, 2, "one\n  two\nthree\n  four"},
		{"too narrow for what hangs", "reads     one two", 12, 10, "reads     one two"},
	} {
		if got := fold(c.line, c.columns, c.hang); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestWhereAReplayIsFitsIntoEightyColumns(t *testing.T) {
	p := replay.Progress{Percent: 100, Event: time.Unix(0, 0).UTC(), ETA: 99*time.Hour + 59*time.Minute + 59*time.Second}
	r := p.Report()
	if line := bar(r.Percent) + " " + whereLine(&r); utf8.RuneCountInString(line) > 79 {
		t.Errorf("the time left is cut off: %q", line)
	}
}
