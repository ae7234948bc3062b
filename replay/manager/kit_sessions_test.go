package manager

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"replayd/archive"
	"replayd/archive/archivetest"
	"replayd/archive/format"
	"replayd/archive/layout"
	"replayd/replay"
	"replayd/replay/api"
)

// sessions are the daemon's. A replay's archive holds as many events as its spec's limit says, one a second.
type sessions daemon

func (s *sessions) Source(ctx context.Context, spec *replay.Spec) (archive.Source, error) {
	s.mu.Lock()
	opening := s.opening
	s.mu.Unlock()
	select {
	case <-time.After(opening):
	case <-ctx.Done():
		return archive.Source{}, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	files := map[string][]byte{"2026/11/01/12/a": archived(spec.Limit)}
	if s.more {
		files["2026/11/01/12/b"] = []byte("{}\n")
	}
	l, err := layout.Named("%Y/%m/%d/%H/")
	return archive.Source{
		Store: archivetest.NewFaulty(files), Layout: l, Format: format.Lines{},
		Decoder: func() archive.Decoder { return &format.Decoder{} },
	}, errors.Join(err, s.noMore)
}

// archived are so many events.
func archived(events int64) []byte {
	var text bytes.Buffer
	for i := range events {
		fmt.Fprintf(&text, "{\"id\":\"%d\",\"t\":%q}\n", i, noon.Add(time.Duration(i)*time.Second).Format(time.RFC3339))
	}
	return text.Bytes()
}

// sized are the stored bytes of so many events.
func sized(events int64) int64 { return int64(len(archived(events))) }

func (s *sessions) Sink(k *replay.Known) Sink {
	return &sink{d: (*daemon)(s), id: k.Spec.ID, topic: k.Spec.Topic, ends: wished(k).State == replay.Cancelled}
}

func (s *sessions) Options(k *replay.Known) (replay.Options, error) {
	o := replay.Options{Spill: s.c.spill, Allow: k.Chosen().Allow}
	s.mu.Lock()
	s.worked = append(s.worked, k.Chosen())
	s.mu.Unlock()
	return o, o.Pace.UnmarshalText([]byte(k.Start.Pace))
}

// sink is that of one session.
type sink struct {
	d         *daemon
	id, topic string
	epoch     int
	seq       int
	commit    int64 // the newest
	ends      bool  // the session was begun to end the replay
}

// lost is what is told of a target that is not there any more. The cluster's lock is held.
func (s *sink) lost() error {
	if !s.d.c.lost || s.ends {
		return nil
	}
	return &replay.Refusal{Item: "restart", What: "the topic was deleted"}
}

// waits takes a moment; at a daemon that is frozen until it is not, and for ever at one that is dead.
func (s *sink) waits(ctx context.Context) error {
	for again := true; again; again = s.d.isFrozen() {
		select {
		case <-time.After(s.d.c.short()):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if s.d.isDead() {
		<-ctx.Done()
	}
	return ctx.Err()
}

func (s *sink) Open(ctx context.Context, _ *replay.Spec) (replay.Durable, error) {
	s.d.mu.Lock()
	s.d.opens++
	slow := s.d.slow
	s.d.mu.Unlock()
	time.Sleep(slow) // of fake time
	if err := s.waits(ctx); err != nil {
		return replay.Durable{}, err
	}
	c := s.d.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := s.lost(); err != nil {
		return replay.Durable{}, err
	}
	t := c.replays[s.id]
	resumed := t != nil
	if !resumed {
		t = &taken{durable: replay.Durable{Checkpoint: replay.Checkpoint{State: replay.Running}, Hours: map[string]replay.HourRecord{}}}
		c.replays[s.id] = t
	}
	t.epoch++
	s.epoch, s.seq, s.commit = t.epoch, int(t.durable.Checkpoint.Seq), t.durable.Checkpoint.Commit
	if !resumed {
		t.durable.Checkpoint.Session = s.session()
	}
	s.write(t.durable.Checkpoint)
	d := t.durable
	d.Resumed, d.Hours = resumed, maps.Clone(d.Hours)
	return d, nil
}

// write lets the log tell of a checkpoint. The lock is held.
func (s *sink) write(checkpoint replay.Checkpoint) {
	s.d.c.append(func(known map[string]*entry, _ int64) {
		if k := known[s.id]; k != nil {
			c := checkpoint
			k.Begun, k.Checkpoint, k.CheckpointAt = true, &c, time.Now()
		}
	})
}

func (s *sink) Commit(ctx context.Context, chunk *replay.Chunk) error {
	if err := s.waits(ctx); err != nil {
		return err
	}
	c := s.d.c
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.replays[s.id]
	if t.epoch != s.epoch {
		return &replay.TakenOver{Host: "another", PID: 1}
	}
	if err := s.lost(); err != nil {
		return err
	}
	if c.fate != nil {
		if err := c.fate(s.id); err != nil {
			return err
		}
	}
	for range chunk.Records {
		s.seq++
		c.topics[s.topic] = append(c.topics[s.topic], produced{s.id, s.seq})
	}
	n := t.durable.Checkpoint.Commit + 1
	t.durable.Checkpoint = chunk.Checkpoint
	t.durable.Checkpoint.Session, t.durable.Checkpoint.Commit, s.commit = s.session(), n, n
	t.durable.Checkpoint.Host, t.durable.Checkpoint.PID = s.d.name, 1
	for _, h := range chunk.Hours {
		t.durable.Hours[h.Hour] = h
	}
	s.write(t.durable.Checkpoint)
	return nil
}

// session is the id of the sink's.
func (s *sink) session() string { return fmt.Sprint(s.d.name, " ", s.epoch) }

func (s *sink) Stands() (session string, commit int64) {
	if s.epoch == 0 { // it has not been opened
		return s.d.name, -1
	}
	return s.session(), s.commit
}

func (s *sink) Watch(context.Context, time.Time, time.Time) string { return "" }

func (s *sink) Close() {}

// errBroken is what no caller can deal with.
var errBroken = errors.New("the desk is broken")

// desk is the daemon's: of a start it takes id, topic, limit, pace and reason.
type desk daemon

func (d *desk) Spec(_ context.Context, s api.Start) (replay.Spec, replay.Start, error) {
	if s.Topic == "forbidden" {
		p := api.NewProblem(403, "topic forbidden is no target")
		p.Item = "not-allowed"
		return replay.Spec{}, replay.Start{}, p
	}
	if s.Topic == "broken" {
		return replay.Spec{}, replay.Start{}, errBroken
	}
	return specOf(s.ID, s.Topic, s.Limit), replay.Start{Pace: s.Pace, Size: sized(s.Limit), Allow: s.Allow, Plan: s.Plan}, nil
}

func specOf(id, topic string, events int64) replay.Spec {
	spec := replay.Defaults()
	spec.ID, spec.Topic, spec.Archive, spec.Limit = id, topic, "a", events
	spec.Fields = archive.Fields{ID: "/id", Time: "/t"}
	spec.Window.From, spec.Window.To, spec.AsOf = noon, noon.Add(time.Hour), noon.Add(24*time.Hour)
	return spec
}

// Choices takes max_bad, in percent, and allow.
func (d *desk) Choices(_ *replay.Known, r api.Resume) (map[string]replay.Choice, error) {
	made := map[string]replay.Choice{}
	if number, found := strings.CutSuffix(r.MaxBad, "%"); found {
		n, err := strconv.Atoi(number)
		if err != nil {
			return nil, api.NewProblem(422, "%s", err)
		}
		made[replay.ChoiceMaxBad] = replay.Choice{MaxBad: float64(n) / 100}
	}
	if len(r.Allow) > 0 {
		made[replay.ChoiceAllow] = replay.Choice{Allow: r.Allow}
	}
	return made, nil
}

func (d *desk) Plan(context.Context, api.Start) (api.Plan, error) { return api.Plan{}, nil }

func (d *desk) Archives(context.Context) (api.Page[api.Archive], error) {
	return api.Page[api.Archive]{}, nil
}

func (d *desk) Hours(context.Context, string, api.Span) (api.Page[api.Hour], error) {
	return api.Page[api.Hour]{}, nil
}

func (d *desk) Quarantine(context.Context, string, api.PageQuery) (api.Page[api.Quarantined], error) {
	return api.Page[api.Quarantined]{}, nil
}

func (d *desk) Offsets(context.Context, *replay.Known, time.Time) (api.Offsets, error) {
	return api.Offsets{}, nil
}

func (d *desk) Group(context.Context, *replay.Known, string) (api.Group, error) {
	return api.Group{}, nil
}
