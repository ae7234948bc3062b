package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"replayd/config"
	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/kafka"
)

// newDesk is the desk of a daemon with the archive a, three events of it, and the target x.
func newDesk(t *testing.T, more string) (*desk, *bench) {
	t.Helper()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)+event("b", 2)+event("c", 3)))
	b.configured = b.config("archives:\n  a: {url: '" + b.folder + "', layout: jsonl, format: json, event_id: /id, event_time: /t}\n" + more)
	c, err := config.Load(b.configured, []string{"REPLAYD_KAFKA_BROKERS=" + b.address()})
	if err != nil {
		t.Fatal(err)
	}
	a := &app{config: c, now: func() time.Time { return b.now }, log: zerolog.Nop()}
	cluster, err := a.connect(t.Context(), &replayFlags{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return &desk{a, cluster}, b
}

const targetX = "targets: {x: {pace: 500/s}}\n"

// asking is a start that is right.
func asking() api.Start {
	return api.Start{Archive: "a", From: "2026-11-01", For: "24h", Topic: "x", CreateTopic: true, Partitions: 2}
}

func TestAStartIsAskedForInTheWordsOfTheFlags(t *testing.T) {
	t.Parallel()
	d, b := newDesk(t, targetX)
	s := asking()
	s.ID, s.Filter, s.Limit, s.OnLate, s.OnBad, s.Headers, s.Reason = "r", `event.id != "b"`, 2, "quarantine", "stop", []string{"reason", "source"}, "why, and for whom"
	s.MaxBad, s.Allow, s.Compression, s.Slack, s.Ramp = "5%", []string{"overlap", "durability"}, "zstd", "2h,30m", "10s"
	spec, start, err := d.Spec(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	if spec.ID != "r" || spec.Owner != replay.OwnerDaemon || spec.URL != b.folder || spec.Topic != "x" || spec.Filter != s.Filter || spec.Limit != 2 ||
		spec.OnLate != replay.Quarantine || !slices.Equal(spec.Headers, s.Headers) || spec.Reason != s.Reason || spec.Before.Std() != 2*time.Hour ||
		!spec.Window.From.Equal(from) || !spec.Window.To.Equal(from.Add(24*time.Hour)) {
		t.Errorf("spec %+v", spec)
	}
	if start.Pace != "500/s" || start.Compression != "zstd" || start.MaxBad != 0.05 || !slices.Equal(start.StopOn, []string{replay.StopOnBad}) ||
		!slices.Equal(start.Allow, s.Allow) || !start.Create || start.Partitions != 2 || start.Ramp.Std() != 10*time.Second {
		t.Errorf("start %+v", start)
	}
	if settings := d.settings(&replay.Known{Spec: spec, Start: start}); !slices.Equal(settings.Allow, s.Allow) || !settings.Audited || !settings.Strict {
		t.Errorf("settings %+v: what the start allows was audited with it, and targets hold all the same", settings)
	}
	o, err := d.Options(&replay.Known{Spec: spec, Start: start})
	if err != nil || o.Pace.String() != "500/s" || o.MaxBad != 0.05 || o.Ramp != 10*time.Second || !o.Allow.Has("overlap") || o.Memory != 512<<20 {
		t.Errorf("options %+v, %v", o, err)
	}
	if src, err := d.Source(t.Context(), &spec); err != nil || src.Layout.Name() != spec.Layout {
		t.Errorf("source %+v, %v", src, err)
	}
}

func TestWhatIsWrongWithAStartIsToldFieldByField(t *testing.T) {
	t.Parallel()
	d, _ := newDesk(t, targetX)
	answers := answersOfStart(t)
	for name, c := range map[string]struct {
		change func(*api.Start)
		status int
		fields []string
		item   string
	}{
		"archive of nobody": {func(s *api.Start) { s.Archive = "b" }, 422, []string{"body.archive"}, ""},
		"a folder":          {func(s *api.Start) { s.Archive = "/etc/" }, 422, []string{"body.archive"}, ""},
		"no archive":        {func(s *api.Start) { s.Archive = "" }, 422, []string{"body.archive"}, ""},
		"no topic":          {func(s *api.Start) { s.Topic = "" }, 422, []string{"body.topic"}, ""},
		"several":           {func(s *api.Start) { s.Pace, s.Dedupe, s.From, s.MaxBad = "fast", "perhaps", "", "x" }, 422, []string{"body.pace", "body.dedupe", "body.from", "body.max_bad"}, ""},
		"all": {func(s *api.Start) {
			s.Archive, s.ID, s.AsOf, s.Topic, s.LikeTopic, s.EventID, s.EventTime, s.Key, s.Value, s.Slack = "b", "a b", "noon", "?", "?", "id", "t", "k", "v", "x"
			s.OnBad, s.Pace, s.From, s.EventTimeZone, s.Filter, s.Headers = "maybe", "fast", "yesterday", "Mars", "event.(", []string{"h"}
		}, 422, []string{
			"body.archive", "body.id", "body.as_of", "body.topic", "body.like_topic", "body.event_id", "body.event_time", "body.key", "body.value", "body.slack",
			"body.on_bad", "body.pace", "body.from", "body.event_time_zone", "body.filter", "body.headers",
		}, ""},
		"bad slack and times": {func(s *api.Start) { s.Slack, s.From = "x", "yesterday" }, 422, []string{"body.slack", "body.from"}, ""},
		"bad time":            {func(s *api.Start) { s.From = "yesterday" }, 422, []string{"body.from"}, ""},
		"in the future":       {func(s *api.Start) { s.From = "2031-01-01" }, 422, []string{"body.from"}, ""},
		"twice an end":        {func(s *api.Start) { s.To = "2026-11-03" }, 422, []string{"body.to"}, ""},
		"bad id":              {func(s *api.Start) { s.ID = "a b" }, 422, []string{"body.id"}, ""},
		"bad filter":          {func(s *api.Start) { s.Filter = "event.(" }, 422, []string{"body.filter"}, ""},
		"reason of two lines": {func(s *api.Start) { s.Reason = "INC-1\nand more" }, 422, []string{"body.reason"}, ""},
		"negative limit":      {func(s *api.Start) { s.Limit = -1 }, 422, []string{"body.limit"}, ""},
		"no time of arrival":  {func(s *api.Start) { s.WindowOn = "arrival" }, 422, []string{"body"}, ""},
		"topic of no targets": {func(s *api.Start) { s.Topic = "y" }, 403, nil, kafka.ItemNotAllowed},
		"and it is allowed":   {func(s *api.Start) { s.Topic, s.Allow = "y", []string{kafka.ItemNotAllowed} }, 403, nil, kafka.ItemNotAllowed},
		"topic missing":       {func(s *api.Start) { s.CreateTopic, s.Partitions = false, 0 }, 422, nil, kafka.ItemTopicMissing},
		"not the plan":        {func(s *api.Start) { s.Plan = strings.Repeat("0", 32) }, 422, nil, replay.ItemArchiveChange},
	} {
		s := asking()
		c.change(&s)
		_, _, err := d.Spec(t.Context(), s)
		var p *api.Problem
		if !errors.As(err, &p) || p.Status != c.status || p.Item != c.item {
			t.Errorf("%s: %#v, want status %d and item %q", name, err, c.status, c.item)
			continue
		}
		why := c.item // as the document tells of it
		switch {
		case len(c.fields) > 0:
			why = "fields are wrong"
		case c.status == http.StatusUnprocessableEntity:
			why = "it has an item, and allow overrides it"
		}
		if told := answers[p.Status]; !strings.Contains(told, why) {
			t.Errorf("%s: %d is declared to mean %q, not %q", name, p.Status, told, why)
		}
		var fields []string
		for _, e := range p.Errors {
			fields = append(fields, e.Location)
		}
		slices.Sort(fields)
		slices.Sort(c.fields)
		if !slices.Equal(fields, c.fields) {
			t.Errorf("%s: fields %q, want %q: %v", name, fields, c.fields, err)
		}
		if p.Next = ""; strings.Contains(p.Error(), "--") {
			t.Errorf("%s speaks of flags: %v", name, err)
		}
	}
}

// answersOfStart is what each status of a start means, as its operation declares.
func answersOfStart(t *testing.T) map[int]string {
	t.Helper()
	var d struct {
		Paths map[string]map[string]struct {
			Description string
			Responses   map[int]any
		}
	}
	if err := json.Unmarshal(api.Document(), &d); err != nil {
		t.Fatal(err)
	}
	start := d.Paths["/v1/replays"]["post"]
	answers := map[int]string{}
	for _, m := range regexp.MustCompile(`(\d{3}): ([^.]+)\.`).FindAllStringSubmatch(start.Description, -1) {
		status, _ := strconv.Atoi(m[1])
		if answers[status] = m[2]; start.Responses[status] == nil {
			t.Errorf("%d is told of, and not among the responses", status)
		}
	}
	if len(answers) < 5 {
		t.Fatalf("it declares %v", answers)
	}
	return answers
}

func TestWithoutTargetsNothingIsStarted(t *testing.T) {
	t.Parallel()
	d, _ := newDesk(t, "")
	_, _, err := d.Spec(t.Context(), asking())
	var p *api.Problem
	if !errors.As(err, &p) || p.Status != http.StatusForbidden || p.Item != kafka.ItemNotAllowed {
		t.Errorf("got %v", err)
	}
}

func TestAPlanIsStartedAsLongAsItHolds(t *testing.T) {
	t.Parallel()
	d, b := newDesk(t, targetX+"server: {second_person_above: 1, auth: {tokens_file: tokens.yaml}}\n")
	p, err := d.Plan(t.Context(), asking())
	if err != nil || !p.Accepted || len(p.Hash) != 32 || len(p.Lines) < 5 || p.Plan["hash"] != p.Hash {
		t.Fatalf("plan %+v, %v", p, err)
	}
	s := asking()
	s.Plan, s.AsOf = p.Hash, p.AsOf
	if _, start, err := d.Spec(t.Context(), s); err != nil || start.Size < 60 || start.Plan != p.Hash {
		t.Fatalf("the plan as it is: %+v, %v", start, err)
	}
	s.Limit = 1
	if _, _, err := d.Spec(t.Context(), s); err == nil {
		t.Error("another spec has the same plan")
	}
	b.put("o2", []byte(event("d", 4)))
	s.Limit = 0
	var problem *api.Problem
	if _, _, err := d.Spec(t.Context(), s); !errors.As(err, &problem) || problem.Item != replay.ItemArchiveChange {
		t.Errorf("behind a change of the archive: %v", err)
	}
	s.Allow = []string{replay.ItemArchiveChange}
	if _, _, err := d.Spec(t.Context(), s); err != nil {
		t.Errorf("a change that is allowed: %v", err)
	}
}

// TestWhatASecondPersonApprovesOfIsPlanned, also when the start names no plan: the size that is approved must still be so then.
func TestWhatASecondPersonApprovesOfIsPlanned(t *testing.T) {
	t.Parallel()
	for more, keeps := range map[string]bool{
		"": false, "server: {second_person_above: 1, auth: {tokens_file: tokens.yaml}}\n": true,
		"server: {second_person_above: 1GiB, auth: {tokens_file: tokens.yaml}}\n": false,
	} {
		d, _ := newDesk(t, targetX+more)
		p, err := d.Plan(t.Context(), asking())
		if err != nil {
			t.Fatal(err)
		}
		if _, start, err := d.Spec(t.Context(), asking()); err != nil || (start.Plan == p.Hash) != keeps || !keeps && start.Plan != "" {
			t.Errorf("%q: planned %s, kept %+v, %v", more, p.Hash, start, err)
		}
	}
}

// TestAPlanOfRelativeTimesIsStartedAsItWasMade although those times are others by then.
func TestAPlanOfRelativeTimesIsStartedAsItWasMade(t *testing.T) {
	t.Parallel()
	d, b := newDesk(t, targetX)
	s := asking()
	s.From, s.To, s.For = "-48h", "now", ""
	p, err := d.Plan(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	planned := b.now
	b.now = b.now.Add(time.Minute)
	s.Plan, s.AsOf = p.Hash, p.AsOf
	if spec, _, err := d.Spec(t.Context(), s); err != nil || !spec.Window.To.Equal(planned) {
		t.Errorf("the plan of a minute ago: to %s, %v", spec.Window.To, err)
	}
	for name, at := range map[string]string{
		"now": "", "the future": b.now.Add(time.Second).Format(time.RFC3339Nano), "long ago": b.now.Add(-oldestPlan - 1).Format(time.RFC3339Nano), "no time": "noon",
	} {
		s.AsOf = at
		var problem *api.Problem
		if _, _, err := d.Spec(t.Context(), s); !errors.As(err, &problem) || at != "" && problem.Errors[0].Location != "body.as_of" {
			t.Errorf("as of %s: %v", name, err)
		}
	}
}

func TestHoursOfAnArchive(t *testing.T) {
	t.Parallel()
	d, b := newDesk(t, "  days: {url: '/', layout: '%Y/%m/%d/%H/', format: json, event_id: /id, event_time: /t}\n")
	days := d.app.config.Archives["days"]
	days.URL = []string{b.folder}
	d.app.config.Archives["days"] = days
	b.put("2026/11/01/03/o", []byte(event("a", 1)))
	from := time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC)
	page, err := d.Hours(t.Context(), "days", api.Span{From: from, To: from.Add(2 * time.Hour)})
	if err != nil || len(page.Items) != 2 || !page.Items[0].Gap || page.Items[1].Objects != 1 || page.Items[1].Bytes == 0 {
		t.Errorf("hours %+v, %v", page, err)
	}
	for name, w := range map[string]api.Span{
		"none":     {From: from, To: from},
		"too many": {From: from, To: from.Add(longestSpan + 1)},
	} {
		if _, err := d.Hours(t.Context(), "days", w); err == nil {
			t.Errorf("a span of %s is taken", name)
		}
	}
	if _, err := d.Hours(t.Context(), "other", api.Span{From: from, To: from.Add(time.Hour)}); err == nil {
		t.Error("hours of an archive that is not there")
	}
	if list, err := d.Archives(t.Context()); err != nil || len(list.Items) != 2 || list.Items[0].Name != "a" {
		t.Errorf("archives %+v, %v", list, err)
	}
}
