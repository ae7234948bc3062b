package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"replayd/archive"
	"replayd/archive/dir"
	"replayd/archive/format"
	"replayd/archive/layout"
	"replayd/replay"
)

// conceptSpec is the replay that docs/concepts.md speaks of: its window, and the defaults for all else.
func conceptSpec(t *testing.T) replay.Spec {
	t.Helper()
	m := regexp.MustCompile("`--from (\\S+) --to (\\S+)`").FindStringSubmatch(read(t, "docs/concepts.md"))
	if m == nil {
		t.Fatal("docs/concepts.md names no window")
	}
	s := replay.Defaults()
	s.ID, s.Archive, s.Topic = "concepts", "concepts", "replay.concepts"
	s.Fields = archive.Fields{ID: "/id", Time: "/at"}
	var err error
	if s.Window.From, err = time.Parse("2006-01-02T15", m[1]); err != nil {
		t.Fatal(err)
	}
	if s.Window.To, err = time.Parse("2006-01-02T15", m[2]); err != nil {
		t.Fatal(err)
	}
	if err := s.Complete(s.Window.To.Add(24 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConceptsNameTheDefaults(t *testing.T) {
	s := conceptSpec(t)
	want := map[string][]replay.Duration{"slack": {s.Before, s.After}, "lateness": {s.Lateness}, "horizon": {s.Horizon}, "settle": {s.Settle}}
	table, _, _ := strings.Cut(read(t, "docs/concepts.md"), "## ")
	for _, row := range rows(table) {
		var told []replay.Duration
		for _, word := range codeWords(row[1]) {
			d, err := time.ParseDuration(word)
			if err != nil {
				t.Fatal(err)
			}
			told = append(told, replay.Duration(d))
		}
		if !slices.Equal(told, want[row[0]]) {
			t.Errorf("%s: the default is %v, not %v", row[0], want[row[0]], told)
		}
		delete(want, row[0])
	}
	if len(want) > 0 {
		t.Errorf("not in the table: %v", want)
	}
}

// TestConceptsPictureHasTheRightTimes derives each time in the picture from the window and the defaults.
func TestConceptsPictureHasTheRightTimes(t *testing.T) {
	s := conceptSpec(t)
	hour := s.Window.From.Add(2 * time.Hour) // hour 14, in which the four events were archived
	bound := hour.Add(-s.Lateness.Std())
	want := []time.Time{
		s.Window.From.Add(-s.Before.Std()), s.Window.From, s.Window.To, s.Window.To.Add(s.After.Std()),
		s.Window.To.Add(s.Settle.Std()), s.Window.To.Add(s.After.Std() + s.Settle.Std()),
		bound.Add(-s.Horizon.Std()), bound, hour,
	}
	picture := fences(section(t, "docs/concepts.md", "## One picture"), "text")[0]
	told := regexp.MustCompile(`\d\d:\d\d`).FindAllString(picture, -1)
	for _, c := range conceptCases(t) { // the events that it shows are those of the table
		if c.hour == hour.Hour() {
			want = append(want, c.at)
		}
	}
	var have []string
	for _, at := range want {
		have = append(have, at.Format("15:04"))
	}
	sameWords(t, "times in the picture", have, told)
}

// conceptCase is a row of the table in docs/concepts.md.
type conceptCase struct {
	hour    int
	id      string
	at      time.Time
	verdict string    // not read, outside, produced, late, duplicate
	placed  time.Time // of those that are late
}

func conceptCases(t *testing.T) []conceptCase {
	t.Helper()
	var cases []conceptCase
	for _, row := range rows(section(t, "docs/concepts.md", "## The same in a table")) {
		verdict, why, _ := strings.Cut(row[3], ":")
		hour, err := strconv.Atoi(row[0])
		if err != nil {
			t.Fatal(err)
		}
		c := conceptCase{hour: hour, id: row[1], at: onThatDay(t, row[2]), verdict: verdict}
		if m := regexp.MustCompile(`placed at (\d\d:\d\d:\d\d)`).FindStringSubmatch(why); m != nil {
			c.placed = onThatDay(t, m[1])
		}
		cases = append(cases, c)
	}
	return cases
}

func onThatDay(t *testing.T, clock string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateTime, conceptSpec(t).Window.From.Format(time.DateOnly)+" "+clock)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// conceptSink notes where in the order each produced event was placed, by archive hour and id: "14/e".
type conceptSink map[string]placed

type placed struct {
	mergeTime time.Time
	flags     string
}

func (c conceptSink) Open(context.Context, *replay.Spec) (replay.Durable, error) {
	return replay.Durable{Checkpoint: replay.Checkpoint{State: replay.Running}}, nil
}

func (c conceptSink) Commit(_ context.Context, chunk *replay.Chunk) error {
	for _, r := range chunk.Records {
		tags := map[string]string{}
		for _, h := range r.Headers {
			tags[h.Key] = string(h.Value)
		}
		hour := filepath.Base(filepath.Dir(tags["replay-source"]))
		c[hour+"/"+tags["replay-event-id"]] = placed{time.Unix(0, r.MergeTime).UTC(), tags["replay-flags"]}
	}
	return nil
}

// TestConceptsTableIsWhatHappens replays the archive that the table describes.
func TestConceptsTableIsWhatHappens(t *testing.T) {
	cases, s := conceptCases(t), conceptSpec(t)
	s.Headers = []string{replay.HeaderSource}
	produced := conceptSink{}
	receipt, err := replay.Run(t.Context(), s, conceptSource(t, cases), produced)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		got, came := produced[fmt.Sprintf("%d/%s", c.hour, c.id)]
		want := placed{}
		switch c.verdict {
		case "produced":
			want.mergeTime = c.at
		case "late":
			want = placed{c.placed, "late"}
		}
		if got != want || came != (want != placed{}) {
			t.Errorf("%s of hour %d, %s: %+v", c.id, c.hour, c.verdict, got)
		}
	}
	said := fmt.Sprintf("The receipt says `read` %d, `produced` %d, `duplicates` %d, `outside` %d, `late` %d, `slack_short` %d, and that hour %s is a",
		receipt.Read, receipt.Produced, receipt.Duplicates, receipt.Outside, receipt.Late, receipt.SlackShort,
		strings.TrimPrefix(strings.Join(receipt.Gaps, ", "), s.Window.From.Format(time.DateOnly)+"T"))
	if !strings.Contains(section(t, "docs/concepts.md", "## The same in a table"), said) {
		t.Errorf("docs/concepts.md does not say: %s", said)
	}
}

// conceptSource is an archive of one object for each hour of the cases.
func conceptSource(t *testing.T, cases []conceptCase) archive.Source {
	t.Helper()
	folder := t.TempDir()
	objects := map[string]string{}
	for _, c := range cases {
		name := filepath.Join(folder, c.at.Format("2006/01/02"), strconv.Itoa(c.hour), "events.jsonl")
		objects[name] += fmt.Sprintf(`{"id":%q,"at":%q}`+"\n", c.id, c.at.Format(time.RFC3339))
	}
	for name, text := range objects {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	store, err := dir.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	hours, err := layout.NewTemplate("%Y/%m/%d/%H/")
	if err != nil {
		t.Fatal(err)
	}
	return archive.Source{Store: store, Layout: hours, Format: format.Lines{}, Decoder: func() archive.Decoder { return &format.Decoder{} }}
}
