package manager

import (
	"context"
	"time"

	"replayd/archive"
	"replayd/replay"
	"replayd/replay/api"
)

// Registers are the control topics, followed as they grow. Whatever writes returns when what it wrote has been read back.
type Registers interface {
	// All are the replays, in Order. They are the caller's.
	All() []replay.Known
	Find(id string) (replay.Known, bool)

	// Doubtful reports whether what has been read does not tell yet whether there is a replay of an id that Find does not find.
	Doubtful(id string) bool

	// Changed is closed at the next change of anything.
	Changed() <-chan struct{}

	// Whole reports whether all that was there at the beginning has been read. It stays so.
	Whole() bool

	// Ready is nil once they are whole, and while they can be read on.
	Ready() error

	// Stale is until when all of them was read, once that is so long ago that how others' replays stand may have changed; zero: it
	// is not.
	Stale() time.Time

	// Gone is why there is nothing to follow any more, nil while there is.
	Gone() error

	// Freeze makes a replay known: its spec, how it is started, and the first wish. Of two at once with one id, or one
	// Idempotency-Key, the one whose spec stands first wins, and the other gets *replay.Taken with the id of that.
	Freeze(ctx context.Context, s *replay.Spec, start replay.Start, w replay.Wish) error

	// What is wanted of a replay stands in a register for each of these, and whoever writes one changes none of the others.
	Wish(ctx context.Context, id string, w replay.Wish) error // to run or to be paused
	SetPace(ctx context.Context, id string, p replay.PaceWish) error
	Cancel(ctx context.Context, id string, by replay.Signed) error
	Approve(ctx context.Context, id string, by replay.Signed) error
	Choose(ctx context.Context, id, name string, c replay.Choice) error

	// Refuse lets a replay wait for a person: it is known as Refused at all daemons until anything is wished of it anew, unless r is
	// overtaken. Of an incarnation that the id does not have now it is a *replay.Conflict.
	Refuse(ctx context.Context, id string, r replay.Refused) error

	// Forget forgets a replay that has ended; where its id has another incarnation than the one named, it is a *replay.Conflict.
	Forget(ctx context.Context, id, incarnation string) error

	// ForgetSilent also takes one that runs in the foreground and has not ended. Its process, if it is there, produces nothing more.
	ForgetSilent(ctx context.Context, id, incarnation string) error

	// Tell spreads the word of a session of this daemon's. It is not durable and not read back.
	Tell(ctx context.Context, l replay.Live) error

	Audit(ctx context.Context, a replay.Audited) error

	// Audited are at most limit acts about a replay, or, with an empty id, about all, in the order in which they were written,
	// from a place on; 0 is the first. Next is where they go on; 0: there is no more.
	Audited(ctx context.Context, id string, from int64, limit int) (acts []replay.Audited, next int64, err error)
}

// Work is the part of all targets that this daemon has. Others on the same control topics have the rest.
type Work interface {
	Mine(topic string) bool
	Changed() <-chan struct{} // closed at the next change of it
	Ready() error             // nil once this daemon has been told its part, which may be none
}

// Sessions makes what a session needs, of today's configuration.
type Sessions interface {
	Source(ctx context.Context, s *replay.Spec) (archive.Source, error)
	Sink(k *replay.Known) Sink
	Options(k *replay.Known) (replay.Options, error)
}

// Sink is that of one session.
type Sink interface {
	replay.Sink

	// Stands is the session's id, and the number of the newest commit of the replay that it knows; -1: of none. It is asked when
	// nothing is under way.
	Stands() (session string, commit int64)

	Watch(ctx context.Context, now, end time.Time) string
	Close()
}

// Desk answers what needs the configuration, archives or the cluster, and no replay that runs.
type Desk interface {
	// Spec is what is asked for, complete, and how it is started. Errors are *api.Problem with the fields that are wrong.
	Spec(ctx context.Context, s api.Start) (replay.Spec, replay.Start, error)

	// Choices are those that letting k go on makes, by name. Errors are *api.Problem with the fields that are wrong.
	Choices(k *replay.Known, r api.Resume) (map[string]replay.Choice, error)

	Plan(ctx context.Context, s api.Start) (api.Plan, error)
	Archives(ctx context.Context) (api.Page[api.Archive], error)
	Hours(ctx context.Context, archive string, w api.Span) (api.Page[api.Hour], error)
	Quarantine(ctx context.Context, id string, q api.PageQuery) (api.Page[api.Quarantined], error)
	Offsets(ctx context.Context, k *replay.Known, at time.Time) (api.Offsets, error)
	Group(ctx context.Context, k *replay.Known, group string) (api.Group, error)
}
