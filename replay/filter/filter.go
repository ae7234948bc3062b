// Package filter decides by an expression which events are wanted. Expressions are those of github.com/expr-lang/expr over
// what an event tells:
//
//	event   the event: event.type, event.data["account id"], event.items[0].sku; nil where nothing stands
//	time    its time in UTC, as in time.Hour() or time < date("2026-11-01T12:00:00Z")
//	id      its id as text, empty when it has none
//	key     its record key as text, empty when it has none
//
// Places that an expression names are taken from the archived bytes when it gets to them; nothing else of the event is
// decoded. What depends on more than the event is off: now(), the zone of the machine, and the order of an object's names.
package filter

import (
	"errors"
	"fmt"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"replayd/archive"
)

// Filter is a compiled expression. It is immutable; the zero value keeps every event.
type Filter struct {
	program *vm.Program
	places  []archive.Pointer
	whole   bool // the expression uses the event as a whole
}

// longest bounds what is frozen in a spec and compiled by each session.
const longest = 4096

// Compile reads an expression; an empty one keeps every event.
func Compile(expression string) (*Filter, error) {
	if expression == "" {
		return &Filter{}, nil
	}
	if len(expression) > longest {
		return nil, fmt.Errorf("filter: %d bytes, at most %d", len(expression), longest)
	}
	if err := offLimits(expression); err != nil {
		return nil, err
	}
	p := &placer{}
	known := &constants{}
	options := append(dates(), expr.Env(&event{}), expr.AsBool(), expr.Patch(p), expr.Patch(known))
	for _, name := range []string{"now", "keys", "values", "toPairs"} {
		options = append(options, expr.DisableBuiltin(name))
	}
	options = append(options, expr.Patch(growth{}))
	program, err := expr.Compile(expression, options...)
	if err != nil {
		return nil, errors.New("filter: " + plain(err.Error()))
	}
	if known.err != nil {
		return nil, fmt.Errorf("filter: %w", known.err)
	}
	return &Filter{program: program, places: p.places, whole: p.whole()}, nil
}

// On reports whether there is an expression.
func (f *Filter) On() bool { return f.program != nil }

// Places are what archive.Fields.Also must hold for events to be judged.
func (f *Filter) Places() []archive.Pointer { return f.places }

// Judge returns a function that reports whether an event is wanted. Its error says how the expression failed on the event.
// It serves one goroutine.
func (f *Filter) Judge() func(*archive.Entry) (bool, error) {
	if !f.On() {
		return func(*archive.Entry) (bool, error) { return true, nil }
	}
	machine := vm.VM{}
	return func(e *archive.Entry) (bool, error) {
		now := &event{Time: instant{time.Unix(0, e.Time).UTC()}, ID: string(e.ID), Key: string(e.Key), entry: e}
		if f.whole {
			if err := now.decode(); err != nil {
				return false, err
			}
		}
		result, err := machine.Run(f.program, now)
		if err != nil {
			return false, short(err)
		}
		keep, ok := result.(bool)
		if !ok {
			return false, fmt.Errorf("it is %T, not true or false", result)
		}
		return keep, nil
	}
}
