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

// incarnation is one replay of those that have an id, one after another.
type incarnation struct {
	part  string // the last of the key of its spec, which no other replay has
	first int64  // offset of its spec
}

// unreadable is why it is not known what is wanted of the replay: *replay.WishUnreadable where wanting it anew puts it right. What
// is cancelled is cancelled, whatever else was wanted.
func (w *wanted) unreadable(id string, at incarnation) error {
	if meant(&w.cancel, at) != nil {
		return nil
	}
	errs := []error{
		unreadable(w.cancel.err, id, replay.PartCancel), unreadable(w.wish.err, id, replay.PartState),
		unreadable(w.pace.err, id, replay.PartPace), unreadable(w.approved.err, id, replay.PartApproval),
	}
	for _, name := range replay.Choices {
		if c := w.choices[name]; c != nil {
			errs = append(errs, unreadable(c.err, id, name))
		}
	}
	return cmp.Or(errs...)
}

// unreadable is why a part of what is wanted of a replay is not known.
func unreadable(err error, id, part string) error {
	if errors.As(err, new(*errUnreadable)) {
		return &replay.WishUnreadable{Err: err, ID: id, Part: part}
	}
	return err
}

// of is what was wanted of one replay.
func (w *wanted) of(at incarnation) replay.Wishes {
	return replay.Wishes{State: meant(&w.wish, at), Pace: meant(&w.pace, at), Cancel: meant(&w.cancel, at), Approval: meant(&w.approved, at)}
}

// chosen are the choices that were made of one replay, by name.
func (w *wanted) chosen(at incarnation) map[string]replay.Choice {
	all := map[string]replay.Choice{}
	for name, r := range w.choices {
		if c := meant(r, at); c != nil {
			choice := *c
			choice.Allow = slices.Clone(c.Allow)
			all[name] = choice
		}
	}
	return all
}

// meant is the value of a register if it was written of one replay, nil if of another that had the id before: that may be written
// late, and what was written of this one stands before its spec where somebody had to put that right. A value that does not say
// of which is of the replay behind whose spec it stands.
func meant[T interface{ Of() string }](r *register[T], at incarnation) *T {
	if r.value == nil {
		return nil
	}
	switch of := (*r.value).Of(); {
	case of == "" && r.newest < at.first, of != "" && of != at.part:
		return nil
	}
	return r.value
}
