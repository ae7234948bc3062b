package kafka

import (
	"cmp"
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// wanted are the registers of what people want of a replay. Each is written by acts of one kind alone, and whole, so that
// nobody has to read one before writing it.
type wanted struct {
	wish     register[replay.Wish]
	pace     register[replay.PaceWish]
	cancel   register[replay.Signed]
	approved register[replay.Signed]
	choices  map[string]*register[replay.Choice] // by name
}

// wantedKeys are the keys of a replay's registers, in the config topic.
func wantedKeys(id string) []string {
	keys := []string{wishKey(id), paceKey(id), cancelKey(id), approvedKey(id)}
	for _, name := range replay.Choices {
		keys = append(keys, choiceKey(id, name))
	}
	return keys
}

// take applies a record that is about one of them; of a choice name says of which.
func (w *wanted) take(about, name string, record *kgo.Record) {
	switch about {
	case "wish":
		w.wish.take(record, (*replay.Wish).Validate)
	case "pace":
		w.pace.take(record, (*replay.PaceWish).Validate)
	case "cancel":
		w.cancel.take(record, nil)
	case "approved":
		w.approved.take(record, nil)
	case "choice":
		w.takeChoice(name, record)
	}
}

func (w *wanted) takeChoice(name string, record *kgo.Record) {
	c := w.choices[name]
	if c == nil {
		c = &register[replay.Choice]{}
	}
	if c.take(record, func(c *replay.Choice) error { return c.Validate(name) }); c.absent() {
		delete(w.choices, name)
		return
	}
	if w.choices == nil {
		w.choices = map[string]*register[replay.Choice]{}
	}
	w.choices[name] = c
}

func (w *wanted) absent() bool {
	return w.wish.absent() && w.pace.absent() && w.cancel.absent() && w.approved.absent() && len(w.choices) == 0
}

// unreadable is why it is not known what is wanted: *replay.WishUnreadable where wanting it anew puts it right. What is
// cancelled is cancelled, whatever else was wanted.
func (w *wanted) unreadable() error {
	if w.cancel.value != nil {
		return nil
	}
	errs := []error{w.cancel.err, w.wish.err, w.pace.err, w.approved.err}
	for _, name := range replay.Choices {
		if c := w.choices[name]; c != nil {
			errs = append(errs, c.err)
		}
	}
	err := cmp.Or(errs...)
	if errors.As(err, new(*errUnreadable)) {
		return &replay.WishUnreadable{Err: err}
	}
	return err
}

// since is what was wanted behind an offset of the config topic: what stands before the spec was wanted of another replay, which
// is forgotten.
func (w *wanted) since(spec int64) replay.Wishes {
	return replay.Wishes{State: behind(&w.wish, spec), Pace: behind(&w.pace, spec), Cancel: behind(&w.cancel, spec), Approval: behind(&w.approved, spec)}
}

// chosen are the choices that were made since an offset, by name.
func (w *wanted) chosen(spec int64) map[string]replay.Choice {
	all := map[string]replay.Choice{}
	for name, r := range w.choices {
		if c := behind(r, spec); c != nil {
			choice := *c
			choice.Allow = slices.Clone(c.Allow)
			all[name] = choice
		}
	}
	return all
}

// behind is the value of a register that was written behind an offset.
func behind[T any](r *register[T], offset int64) *T {
	if r.newest < offset {
		return nil
	}
	return r.value
}
